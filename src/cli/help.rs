//! `--help`, with the commands grouped by what people want to do.

use clap::{Command, CommandFactory as _};
use textwrap::WordSplitter;

use super::arguments::{Arguments, HELP_WIDTH};
use super::terminal;

/// What people want to do, and the commands for it.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Check images", &["lint", "inspect", "merge"]),
    ("Find out why", &["explain", "probe"]),
    ("Look things up", &["rules", "schema", "man", "help"]),
    ("Set up", &["completions", "cache"]),
];

/// The command line. Its help has the commands in groups, which clap itself does not make.
pub(super) fn command() -> Command {
    let mut command = Arguments::command();
    command.build();
    let width = terminal::width_or(HELP_WIDTH).min(HELP_WIDTH);
    let commands = grouped(&command, width);
    let heading = *command.get_styles().get_header();
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{commands}{heading}Options:{heading:#}\n{{options}}"
    ))
}

/// A paragraph for each group, with a line for each command.
fn grouped(command: &Command, width: usize) -> String {
    let heading = command.get_styles().get_header();
    let literal = command.get_styles().get_literal();
    let longest = command.get_subcommands().map(|c| c.get_name().len()).max();
    let indent = longest.unwrap_or_default() + 4;
    let line = |name: &str| {
        let about = command
            .find_subcommand(name)
            .and_then(Command::get_about)
            .map(ToString::to_string)
            .unwrap_or_default();
        let blanks = indent - 2 - name.len();
        let indented = format!("  {literal}{name}{literal:#}{:blanks$}", "");
        let below = " ".repeat(indent);
        let options = textwrap::Options::new(width)
            .initial_indent(&indented)
            .subsequent_indent(&below)
            .word_splitter(WordSplitter::NoHyphenation);
        textwrap::fill(&about, options)
    };
    let group = |(wish, names): (&str, &[&str])| {
        let lines: Vec<String> = names.iter().copied().map(line).collect();
        format!("{heading}{wish}:{heading:#}\n{}\n\n", lines.join("\n"))
    };
    GROUPS.into_iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_stands_in_one_group() {
        let mut command = Arguments::command();
        command.build();
        let mut commands: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        let mut grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        commands.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, commands);
    }
}
