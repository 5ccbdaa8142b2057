//! Reads what the user named: files, folders and standard input.
