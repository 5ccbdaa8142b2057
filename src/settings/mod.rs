//! Flags and the config file, merged.
