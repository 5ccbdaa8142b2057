//! The command line program. All of it is in the library.

fn main() {}
