//! `oci-preflight explain`.

use super::arguments::ExplainArguments;
use super::terminal;
use crate::rule::{self, RULES};
use crate::settings::nearest;

/// Prints the page of a rule.
pub(super) fn run(arguments: &ExplainArguments) -> miette::Result<u8> {
    let Some(rule) = rule::find(&arguments.rule) else {
        let help = nearest(&arguments.rule, RULES.iter().map(|rule| rule.id)).map_or_else(
            || "`oci-preflight rules` lists them".to_owned(),
            |id| format!("did you mean `{id}`? `oci-preflight rules` lists all"),
        );
        return Err(miette::miette!(
            help = help,
            "there is no rule \"{}\"",
            arguments.rule
        ));
    };
    let severity = rule.severity.map_or("off", |severity| severity.as_str());
    let lines: Vec<&str> = rule
        .documentation
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let page = format!(
        "# {}\n\n{}.\nDefault severity: {severity}. Facts needed: {}.\n\n{}\n",
        rule.id,
        rule.summary,
        rule.needs.as_str(),
        lines.join("\n").trim_end()
    );
    terminal::print(|out| out.write_all(page.as_bytes()))?;
    Ok(0)
}
