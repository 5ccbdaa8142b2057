//! `oci-preflight rules`.

use std::fmt::Write as _;

use serde_json::json;

use super::arguments::{ListFormat, RulesArguments};
use super::terminal;
use crate::rule::{RULES, Rule};

/// Prints all rules.
pub(super) fn run(arguments: &RulesArguments) -> miette::Result<u8> {
    let text = match arguments.output {
        ListFormat::Pretty => table(terminal::width_or(usize::MAX)),
        ListFormat::Json => {
            let rules: Vec<_> = RULES.iter().map(|rule| as_json(rule)).collect();
            format!("{:#}\n", json!({ "version": 1, "rules": rules }))
        }
    };
    terminal::print(|out| out.write_all(text.as_bytes()))?;
    Ok(0)
}

fn severity(rule: &Rule) -> &'static str {
    rule.severity.map_or("off", |severity| severity.as_str())
}

/// A line for each rule; where the terminal is too narrow for it, the summary stands below.
fn table(columns: usize) -> String {
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in RULES {
        let head = format!(
            "{:width$}  {:7}  {:9}",
            rule.id,
            severity(rule),
            rule.needs.as_str()
        );
        // Writing to a String cannot fail.
        _ = if head.len() + 2 + rule.summary.len() <= columns {
            writeln!(text, "{head}  {}", rule.summary)
        } else {
            let options = textwrap::Options::new(columns)
                .initial_indent("  ")
                .subsequent_indent("  ");
            let summary = textwrap::fill(rule.summary, options);
            writeln!(text, "{}\n{summary}", head.trim_end())
        };
    }
    text
}

fn as_json(rule: &Rule) -> serde_json::Value {
    json!({
        "id": rule.id,
        "severity": severity(rule),
        "depth": rule.needs.as_str(),
        "event": rule.event,
        "summary": rule.summary,
        "documentation": rule.text(),
    })
}
