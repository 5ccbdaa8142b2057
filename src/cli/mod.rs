//! The command line.
#![allow(
    clippy::disallowed_methods,
    reason = "the command line opens the files it was given"
)]

mod arguments;
mod baseline;
mod destination;
mod explain;
mod help;
mod inspect;
mod lint;
mod merge;
mod probe;
mod progress;
mod refusal;
mod rules;
mod terminal;
mod variables;
mod words;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use clap_complete::Shell;
use miette::{IntoDiagnostic as _, WrapErr as _};

use crate::oci::Bytes;
use crate::registry::Cache;
use crate::report::Json;
use crate::settings::{config_schema, user_cache_folder};
use arguments::{Arguments, CacheAction, Command, SchemaOf};

/// The exit status of a run that could not be done: a bad flag, an unreadable config.
pub const COULD_NOT_RUN: u8 = 2;

/// The exit status of a process that was interrupted, as shells give it: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// Runs the program with the process's own arguments.
///
/// The exit status is 0, 1 or 2 as the README says.
pub async fn run() -> ExitCode {
    let matches = match help::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => refusal::exit(error),
    };
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => refusal::exit(error.format(&mut help::command())),
    };
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for slip in variables::slips(&help::command(), names) {
        let _ = writeln!(std::io::stderr(), "oci-preflight: {slip}");
    }
    let given = matches
        .subcommand()
        .map_or(&matches, |(_, matches)| matches);
    let color = arguments.color;
    let done = match arguments.command {
        Command::Lint(options) => lint::run(*options, given, color).await,
        Command::Inspect(options) => inspect::run(*options, color).await,
        Command::Merge(options) => merge::run(options, color),
        Command::Rules(options) => rules::run(&options),
        Command::Probe(options) => probe::run(&options).await,
        Command::Explain(options) => explain::run(&options, given, color).await,
        Command::Schema(options) => schema(options.of),
        Command::Cache(options) => cache(options.action),
        Command::Man(options) => man(options.command.as_deref()),
        Command::Completions(options) => completions(options.shell),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            terminal::print_error(&error, color);
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

fn schema(of: SchemaOf) -> miette::Result<u8> {
    let text = match of {
        SchemaOf::Report => Json::SCHEMA.to_owned(),
        SchemaOf::Config => format!("{:#}\n", config_schema()),
    };
    terminal::print(|out| out.write_all(text.as_bytes()))?;
    Ok(0)
}

fn cache(action: CacheAction) -> miette::Result<u8> {
    let CacheAction::Clean { cache_dir } = action;
    let Some(folder) = cache_dir.or_else(user_cache_folder) else {
        return Err(miette::miette!(
            help = "name it with --cache-dir DIR",
            "this system names no cache folder"
        ));
    };
    let removed = Cache::clean(&folder)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot clean the cache in {}", folder.display()))?;
    let size = Bytes(removed);
    terminal::print(|out| writeln!(out, "{size} removed from {}", folder.display()))?;
    Ok(0)
}

fn man(command: Option<&str>) -> miette::Result<u8> {
    let mut program = Arguments::command();
    program.build();
    let page = match command {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(command) => command.clone(),
            None => return Err(miette::miette!("there is no command \"{name}\"")),
        },
    };
    terminal::print(|out| clap_mangen::Man::new(page).render(out))?;
    Ok(0)
}

fn completions(shell: Shell) -> miette::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(
        shell,
        &mut words::offered(Arguments::command()),
        "oci-preflight",
        &mut script,
    );
    if shell == Shell::Bash {
        script = with_equal_names(&script).into_bytes();
    }
    terminal::print(|out| out.write_all(&script))?;
    Ok(0)
}

/// `clap_complete` 4.6 sets the name of a command in one spelling and asks for another where the program's has a hyphen, so
/// that bash would complete no command's options.
fn with_equal_names(script: &[u8]) -> String {
    String::from_utf8_lossy(script).replace("oci__subcmd__preflight", "oci__preflight")
}
