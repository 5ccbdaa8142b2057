//! `oci-preflight explain`.

use std::io::{self, BufRead};
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args as _};
use miette::{Context as _, IntoDiagnostic as _};
use serde_json::Value;

use super::arguments::{
    ClusterArguments, Color, ExplainArguments, ListFormat, RegistryArguments, overrides,
};
use super::terminal;
use crate::event::{self, Explanation};
use crate::lint;
use crate::report::{Detail, FormatName, Report, Style, write_explanation};
use crate::rule::{self, RULES, Rule};
use crate::settings::{ConfigFile, Overrides, Settings, find_config_file, nearest};

/// Prints the page of a rule, or what an event message means.
pub(super) async fn run(
    arguments: &ExplainArguments,
    given: &ArgMatches,
    color: Color,
) -> miette::Result<u8> {
    if !arguments.lint
        && let Some(option) = option_of_lint(given)
    {
        return Err(miette::miette!(
            help = "add --lint to check the images that the messages name",
            "--{option} has no use without --lint"
        ));
    }
    let words = arguments.words.join(" ");
    if let Some(rule) = rule::find(&words) {
        let page = terminal::page(&page(rule));
        terminal::print(|out| out.write_all(page.as_bytes()))?;
        return Ok(0);
    }
    // One word of a message, such as `unauthorized`, is a message.
    if looks_like_a_rule(&words) && event::classify(&words).is_empty() {
        let help = nearest(&words, RULES.iter().map(|rule| rule.id)).map_or_else(
            || {
                "`oci-preflight rules` lists them; a message is explained when it is quoted"
                    .to_owned()
            },
            |id| format!("did you mean `{id}`? `oci-preflight rules` lists all"),
        );
        return Err(miette::miette!(help = help, "there is no rule \"{words}\""));
    }
    if words == "-" {
        if arguments
            .cluster
            .nodes
            .iter()
            .any(|file| file == Path::new("-"))
        {
            return Err(miette::miette!(
                help = "give the node pools as a file",
                "standard input can hold the messages or the node pools, not both"
            ));
        }
        return explain(io::stdin().lock(), arguments, color).await;
    }
    explain(words.as_bytes(), arguments, color).await
}

/// An option of the check that stands on the command line. What the environment sets is meant for every command.
fn option_of_lint(given: &ArgMatches) -> Option<String> {
    let check = RegistryArguments::augment_args(ClusterArguments::augment_args(
        clap::Command::new("explain"),
    ));
    check
        .get_arguments()
        .filter(|argument| {
            given.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
        })
        .find_map(|argument| argument.get_long().map(str::to_owned))
}

/// One word of lower-case letters joined by dashes is meant as the id of a rule; a message has blanks.
fn looks_like_a_rule(words: &str) -> bool {
    words.len() > 1 && words.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

fn page(rule: &Rule) -> String {
    let severity = rule.severity.map_or("off", |severity| severity.as_str());
    format!(
        "# {}\n\n{}.\nDefault severity: {severity}. Facts needed: {}.\n\n{}\n",
        rule.id,
        rule.summary,
        rule.needs.as_str(),
        rule.text()
    )
}

async fn explain(
    input: impl BufRead,
    arguments: &ExplainArguments,
    color: Color,
) -> miette::Result<u8> {
    let explanation = event::explain(input)
        .into_diagnostic()
        .wrap_err("cannot read standard input")?;
    let report = if arguments.lint {
        check(&explanation, arguments).await?
    } else {
        None
    };
    match arguments.output {
        ListFormat::Json => {
            let checked = report.as_ref().map(report_to_json).transpose()?;
            terminal::print(|out| explanation.write_json(checked.as_ref(), out))?;
        }
        ListFormat::Pretty => {
            let style = terminal::style(color);
            terminal::print(|out| write_explanation(&explanation, style, out))?;
            if let Some(report) = &report {
                let format = FormatName::Pretty.format(style, Detail::Normal);
                terminal::print(|out| format.write(report, out))?;
            }
        }
    }
    Ok(report.map_or(0, |report| report.verdict.exit_code()))
}

/// Lints the images that the messages name; none where they name none.
async fn check(
    explanation: &Explanation,
    arguments: &ExplainArguments,
) -> miette::Result<Option<Report>> {
    let images = explanation.references();
    if images.is_empty() {
        return Ok(None);
    }
    let config = arguments
        .config
        .clone()
        .or_else(|| find_config_file(Path::new(".")));
    let config = match config {
        Some(path) => Some(ConfigFile::read(&path)?),
        None => None,
    };
    let overrides = Overrides {
        images,
        ..overrides(&arguments.cluster, &arguments.registries)
    };
    let mut settings = Settings::new(overrides, config.as_ref());
    // The config file's sources are not what the messages are about.
    settings.paths.clear();
    Ok(Some(lint::lint(&settings, &|_| {}).await?))
}

fn report_to_json(report: &Report) -> miette::Result<Value> {
    let mut written = Vec::new();
    let format = FormatName::Json.format(Style::default(), Detail::Normal);
    format.write(report, &mut written).into_diagnostic()?;
    serde_json::from_slice(&written).into_diagnostic()
}
