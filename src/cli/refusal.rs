//! Arguments that cannot be read.

use std::ffi::OsStr;
use std::io::Write as _;

use clap::Error;
use clap::error::{ContextKind, ContextValue};

use super::{terminal, words};
use crate::settings::nearest;

/// Says what is wrong with the arguments, or shows the help that was asked for, and ends the program.
pub(super) fn exit(error: Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let error = explained(error);
    let text = error.render().ansi().to_string();
    let text = terminal::wrapped(&text, terminal::error_width_or(usize::MAX));
    // When standard error is gone too, there is nobody left to tell.
    _ = anstream::stderr().write_all(text.as_bytes());
    std::process::exit(error.exit_code())
}

/// A wrong value is told with the nearest right one, and with the variable that it stands in.
fn explained(mut error: Error) -> Error {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    let value = context(ContextKind::InvalidValue);
    let Some(long) = argument.strip_prefix("--") else {
        return error;
    };
    let long = long.split([' ', '=', '[']).next().unwrap_or_default();
    let known = words::of_option(long);
    let suggestion = nearest(&value, known.iter().map(String::as_str));
    if let Some(word) = suggestion.filter(|_| error.get(ContextKind::SuggestedValue).is_none()) {
        let word = ContextValue::String(word.to_owned());
        error.insert(ContextKind::SuggestedValue, word);
    }
    let variable = format!("OCI_PREFLIGHT_{}", long.to_uppercase().replace('-', "_"));
    if std::env::var_os(&variable).is_some() && !is_on_the_command_line(long) {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

fn is_on_the_command_line(long: &str) -> bool {
    let option = format!("--{long}");
    let with_value = format!("--{long}=");
    let starts = |argument: &OsStr| argument.to_string_lossy().starts_with(&with_value);
    std::env::args_os().any(|argument| argument == *option || starts(&argument))
}
