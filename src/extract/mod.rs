//! From source text to occurrences of images: one file per dialect.
