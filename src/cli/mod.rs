//! The command line.
#![allow(
    clippy::disallowed_methods,
    reason = "the command line opens the files it was given"
)]

mod arguments;
mod destination;
mod explain;
mod lint;
mod rules;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// The exit status of a run that could not be done: a bad flag, an unreadable config.
pub const COULD_NOT_RUN: u8 = 2;

/// The exit status of a process that was interrupted, as shells give it: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// Runs the program with the process's own arguments.
///
/// The exit status is 0, 1 or 2 as the README says.
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let color = arguments.color;
    let done = match arguments.command {
        Command::Lint(options) => lint::run(*options, color).await,
        Command::Rules(options) => rules::run(&options),
        Command::Explain(options) => explain::run(&options),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            terminal::print_error(&error, color);
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}
