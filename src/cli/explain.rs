//! `oci-preflight explain`.

use std::io::{self, BufRead};

use miette::IntoDiagnostic as _;

use super::arguments::{ExplainArguments, ListFormat};
use super::terminal;
use crate::event;
use crate::rule::{self, RULES, Rule};
use crate::settings::nearest;

/// Prints the page of a rule, or what an event message means.
pub(super) fn run(arguments: &ExplainArguments) -> miette::Result<u8> {
    let words = arguments.words.join(" ");
    if let Some(rule) = rule::find(&words) {
        let page = page(rule);
        terminal::print(|out| out.write_all(page.as_bytes()))?;
        return Ok(0);
    }
    if looks_like_a_rule(&words) {
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
        return explain(io::stdin().lock(), arguments.output);
    }
    explain(words.as_bytes(), arguments.output)
}

/// One word of lower-case letters joined by dashes is meant as the id of a rule; a message has blanks.
fn looks_like_a_rule(words: &str) -> bool {
    words.len() > 1 && words.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

fn page(rule: &Rule) -> String {
    let severity = rule.severity.map_or("off", |severity| severity.as_str());
    let lines: Vec<&str> = rule
        .documentation
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    format!(
        "# {}\n\n{}.\nDefault severity: {severity}. Facts needed: {}.\n\n{}\n",
        rule.id,
        rule.summary,
        rule.needs.as_str(),
        lines.join("\n").trim_end()
    )
}

fn explain(input: impl BufRead, format: ListFormat) -> miette::Result<u8> {
    let explanation = event::explain(input).into_diagnostic()?;
    match format {
        ListFormat::Json => terminal::print(|out| explanation.write_json(out))?,
        ListFormat::Pretty => {
            let text = explanation.to_text();
            terminal::print(|out| out.write_all(text.as_bytes()))?;
        }
    }
    Ok(0)
}
