//! End-to-end tests, in one binary so that it links once.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests do I/O, and fail by panicking"
)]

mod architecture;
mod extraction;
mod reports;
mod reports_builder;
mod reports_hostile;
mod targets;
