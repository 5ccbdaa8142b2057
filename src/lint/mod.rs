//! The pipeline, from sources to a report.
