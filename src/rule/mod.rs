//! The rules. Each is one file: its documentation, its id, its default severity, the depth of facts that it needs, and one
//! pure function from facts to findings.
//!
//! A new rule is one file here, one line in [`RULES`], and one folder with a passing and a failing case under
//! `fixtures/rules`. If one of the three is missing, a test names it.

mod event;

mod latest_tag;

use crate::cluster::NodePool;
use crate::facts::{Depth, Lookup};
use crate::finding::{Event, Finding, Severity};
use crate::oci::Bytes;
use crate::workload::Occurrence;

/// All rules, in the order in which they are documented. Everything that lists rules is derived from this.
pub static RULES: &[&Rule] = &[&latest_tag::RULE];

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The name that people write, such as `latest-tag`.
    pub id: &'static str,
    /// One line for tables.
    pub summary: &'static str,
    /// How bad its findings are if nothing else is configured; none where it is off then.
    pub severity: Option<Severity>,
    /// The facts that it needs.
    pub needs: Depth,
    /// The waiting reason that the cluster shows; none where the cluster shows nothing.
    pub event: Option<&'static str>,
    /// The documentation, as Markdown with the fixed headings.
    pub documentation: &'static str,
    /// Judges one occurrence. The severity of what it returns is the rule's own; settings change it later.
    pub check: fn(&Subject<'_>) -> Vec<Finding>,
}

/// The rule with that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}

/// What a rule may look at: one occurrence and all that is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The place.
    pub occurrence: &'a Occurrence,
    /// The registry's answer; none where nothing was asked.
    pub lookup: Option<&'a Lookup>,
    /// The node pools on which the pod can land; empty where there is no target.
    pub pools: &'a [&'a NodePool],
    /// The limits that sizes are held against.
    pub budgets: &'a Budgets,
}

/// The limits that sizes are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// The compressed bytes of one image for one platform.
    pub image: Bytes,
}

impl Default for Budgets {
    /// One gigabyte: at the 20 MB/s that a small node pulls and unpacks, about a minute.
    fn default() -> Self {
        Self {
            image: Bytes(1_000_000_000),
        }
    }
}

impl Rule {
    /// A finding of this rule about the subject's occurrence.
    fn finding(&self, subject: &Subject<'_>, message: String) -> Finding {
        let occurrence = subject.occurrence;
        Finding {
            rule: self.id,
            severity: self.severity.unwrap_or(Severity::Warning),
            message,
            reference: Some(match &occurrence.reference {
                Ok(reference) => reference.to_string(),
                Err(_) => occurrence.written.clone(),
            }),
            places: vec![occurrence.span],
            help: None,
            event: None,
            node_pools: Vec::new(),
        }
    }
}

impl Finding {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn event(mut self, event: Event) -> Self {
        self.event = Some(event);
        self
    }

    fn on_pools<'a>(mut self, pools: impl IntoIterator<Item = &'a &'a NodePool>) -> Self {
        self.node_pools = pools.into_iter().map(|pool| pool.name.clone()).collect();
        self
    }
}

/// Makes the `RULE` of a rule file. The documentation of the invocation is the user's documentation of the rule: it becomes
/// both the item's doc comment and [`Rule::documentation`].
macro_rules! declare_rule {
    (
        $(#[doc = $line:literal])+
        id: $id:literal,
        summary: $summary:literal,
        severity: $severity:expr,
        needs: $needs:expr,
        event: $event:expr,
    ) => {
        $(#[doc = $line])+
        pub static RULE: $crate::rule::Rule = $crate::rule::Rule {
            id: $id,
            summary: $summary,
            severity: $severity,
            needs: $needs,
            event: $event,
            documentation: concat!($($line, "\n"),+),
            check,
        };
    };
}
use declare_rule;

#[cfg(test)]
mod tests {
    use super::*;

    const HEADINGS: [&str; 4] = [
        "## What it does",
        "## Why it matters",
        "## What the cluster would show",
        "## How to fix it",
    ];

    #[test]
    fn every_rule_is_documented_under_the_fixed_headings() {
        for rule in RULES {
            let found: Vec<&str> = rule
                .documentation
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("## "))
                .collect();
            assert_eq!(found, HEADINGS, "{}", rule.id);
            for section in rule.documentation.split("## ").skip(1) {
                let text = section.split_once('\n').map_or("", |(_, text)| text).trim();
                assert!(
                    text.len() > 40,
                    "{}: a section says too little: {section}",
                    rule.id
                );
            }
        }
    }

    #[test]
    fn ids_are_unique_and_summaries_are_one_line() {
        for (index, rule) in RULES.iter().enumerate() {
            assert!(
                RULES[..index].iter().all(|other| other.id != rule.id),
                "{}",
                rule.id
            );
            assert!(
                !rule.summary.contains('\n') && !rule.summary.ends_with('.'),
                "{}",
                rule.id
            );
        }
    }
}
