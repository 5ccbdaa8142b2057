//! The words that options take, for shells to complete and for those who misspell one.

use clap::builder::{PossibleValuesParser, Str};
use clap::{Arg, Command};

use crate::report::FormatName;
use crate::rule::RULES;
use crate::settings::Level;

/// The platforms of most nodes.
const PLATFORMS: [&str; 6] = [
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/ppc64le",
    "linux/s390x",
    "windows/amd64",
];

/// The words of an option by its long name; none where it takes any text.
pub(super) fn of_option(long: &str) -> Vec<String> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match long {
        "output" => owned(&FormatName::ALL.map(FormatName::as_str)),
        "fail-on" => owned(&["error", "warning", "note", "never"]),
        "platform" => owned(&PLATFORMS),
        "rule" => {
            let ids = RULES.iter().map(|rule| rule.id);
            ids.flat_map(|id| Level::WORDS.map(|level| format!("{id}={level}")))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The command with the words of its options, as shells offer them. It is not what arguments are read with: a platform or
/// an output may be another text.
pub(super) fn offered(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    command.mut_subcommands(|command| {
        let positional = match command.get_name() {
            "explain" => RULES.iter().map(|rule| rule.id.to_owned()).collect(),
            "man" => names.clone(),
            _ => Vec::new(),
        };
        command.mut_args(|argument| {
            let words = match argument.get_long() {
                Some(long) => of_option(long),
                None => positional.clone(),
            };
            with(argument, words)
        })
    })
}

fn with(argument: Arg, words: Vec<String>) -> Arg {
    if words.is_empty() || !argument.get_possible_values().is_empty() {
        return argument;
    }
    let words: Vec<Str> = words.into_iter().map(Str::from).collect();
    argument.value_parser(PossibleValuesParser::new(words))
}
