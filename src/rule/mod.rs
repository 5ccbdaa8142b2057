//! The rules. Each is one file: its documentation, its id, its default severity, the depth of facts that it needs, and one
//! pure function from facts to findings.
//!
//! A new rule is one file here, one line in [`RULES`], and one folder with a passing and a failing case under
//! `fixtures/rules`. If one of the three is missing, a test names it.

mod arm_nodes;
mod artifact_registry;
mod build_steps;
mod event;
mod history_order;
mod installers;
mod measured_order;
mod node_identity;
mod program_fault;
mod registry_family;
mod subject;
#[cfg(test)]
mod subject_for_tests;

mod access_denied;
mod corrupt_layer;
mod corrupt_manifest;
mod image_exceeds_disk;
mod image_growth;
mod image_not_found;
mod incomplete_image;
mod invalid_reference;
mod latest_tag;
mod layer_order;
mod leftover_files;
mod mislabelled_platform;
mod missing_platform;
mod missing_pull_scope;
mod never_pulled;
mod node_service_account;
mod not_an_image;
mod nowhere_to_run;
mod older_tag;
mod oversized_image;
mod oversized_layer;
mod probe_command;
mod pull_secret_mismatch;
mod redundant_layer;
mod retired_registry;
mod rewritten_files;
mod schema1_manifest;
mod slow_pull;
mod streaming_ineligible;
mod tag_digest_mismatch;
mod too_many_layers;
mod undetermined_image;
mod unknown_machine_type;
mod unpinned_image;
mod unrendered_template;
mod unsupported_layer;
mod unused_ignore;
mod wrong_platform;

pub use node_identity::{has_node_identity, is_public};
pub use probe_command::ProbeFlags;
pub use subject::{Budgets, Subject};
pub use unused_ignore::unused_ignore;

use crate::cluster::NodePool;
use crate::facts::Depth;
use crate::finding::{Event, Finding, LayerChart, Severity};

/// All rules, in the order in which they are documented. Everything that lists rules is derived from this.
pub static RULES: &[&Rule] = &[
    &invalid_reference::RULE,
    &unrendered_template::RULE,
    &latest_tag::RULE,
    &unpinned_image::RULE,
    &retired_registry::RULE,
    &never_pulled::RULE,
    &image_not_found::RULE,
    &access_denied::RULE,
    &undetermined_image::RULE,
    &pull_secret_mismatch::RULE,
    &incomplete_image::RULE,
    &corrupt_manifest::RULE,
    &corrupt_layer::RULE,
    &not_an_image::RULE,
    &schema1_manifest::RULE,
    &tag_digest_mismatch::RULE,
    &unsupported_layer::RULE,
    &missing_platform::RULE,
    &wrong_platform::RULE,
    &mislabelled_platform::RULE,
    &nowhere_to_run::RULE,
    &unknown_machine_type::RULE,
    &missing_pull_scope::RULE,
    &node_service_account::RULE,
    &oversized_image::RULE,
    &oversized_layer::RULE,
    &too_many_layers::RULE,
    &slow_pull::RULE,
    &image_exceeds_disk::RULE,
    &streaming_ineligible::RULE,
    &image_growth::RULE,
    &layer_order::RULE,
    &redundant_layer::RULE,
    &rewritten_files::RULE,
    &leftover_files::RULE,
    &unused_ignore::RULE,
];

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
    /// Judges one node pool by itself. Most rules have nothing to say there.
    pub check_pool: fn(&NodePool) -> Vec<Finding>,
}

/// The rule with that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}

impl Rule {
    /// The documentation as a text of its own: without the blank that stands before each line of a comment.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self.documentation.lines();
        let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    /// A finding of this rule about the subject's occurrence.
    fn finding(&self, subject: &Subject<'_>, message: impl Into<String>) -> Finding {
        let occurrence = subject.occurrence;
        Finding {
            rule: self.id,
            severity: self.severity.unwrap_or(Severity::Warning),
            message: message.into(),
            reference: Some(match &occurrence.reference {
                Ok(reference) => reference.to_string(),
                Err(_) => occurrence.written.clone(),
            }),
            places: vec![occurrence.span],
            help: None,
            event: None,
            node_pools: Vec::new(),
            layers: None,
        }
    }
}

impl Finding {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn event(mut self, event: impl Into<Option<Event>>) -> Self {
        self.event = event.into();
        self
    }

    fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    fn layers(mut self, layers: impl Into<Option<LayerChart>>) -> Self {
        self.layers = layers.into();
        self
    }

    fn on_pools(mut self, pools: &[&NodePool]) -> Self {
        self.node_pools = pools.iter().map(|pool| pool.name.clone()).collect();
        self
    }
}

/// The names of node pools, to stand in a sentence.
fn names(pools: &[&NodePool]) -> String {
    let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
    names.join(", ")
}

/// Makes the `RULE` of a rule file. The documentation of the invocation is the user's documentation of the rule: it becomes
/// both the item's doc comment and [`Rule::documentation`].
///
/// The rule's file has a function `check` for occurrences, or says which function judges node pools.
macro_rules! declare_rule {
    (
        $(#[doc = $line:literal])+
        id: $id:literal,
        summary: $summary:literal,
        severity: $severity:expr,
        needs: $needs:expr,
        event: $event:expr,
    ) => {
        $crate::rule::declare_rule! {
            $(#[doc = $line])+
            id: $id,
            summary: $summary,
            severity: $severity,
            needs: $needs,
            event: $event,
            check: check,
            check_pool: |_| Vec::new(),
        }
    };
    (
        $(#[doc = $line:literal])+
        id: $id:literal,
        summary: $summary:literal,
        severity: $severity:expr,
        needs: $needs:expr,
        event: $event:expr,
        check: $check:expr,
        check_pool: $check_pool:expr,
    ) => {
        $(#[doc = $line])+
        pub static RULE: $crate::rule::Rule = $crate::rule::Rule {
            id: $id,
            summary: $summary,
            severity: $severity,
            needs: $needs,
            event: $event,
            documentation: concat!($($line, "\n"),+),
            check: $check,
            check_pool: $check_pool,
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

    /// The sections of a rule's documentation: heading and text.
    fn sections(rule: &Rule) -> Vec<(&str, &str)> {
        rule.documentation
            .split("## ")
            .skip(1)
            .filter_map(|section| section.split_once('\n'))
            .map(|(heading, text)| (heading.trim(), text.trim()))
            .collect()
    }

    #[test]
    fn every_rule_is_documented_under_the_fixed_headings() {
        for rule in RULES {
            let found: Vec<String> = sections(rule)
                .iter()
                .map(|(heading, _)| format!("## {heading}"))
                .collect();
            assert_eq!(found, HEADINGS, "{}", rule.id);
        }
    }

    #[test]
    fn every_section_is_text_and_no_stub() {
        for rule in RULES {
            for (heading, text) in sections(rule) {
                let name = format!("{}, {heading}", rule.id);
                assert!(text.len() > 40, "{name}: says too little: {text}");
                assert!(text.ends_with(['.', '`']), "{name}: ends in mid-sentence");
                assert!(
                    text.matches("```").count() % 2 == 0 && text.matches('`').count() % 2 == 0,
                    "{name}: code without an end"
                );
                assert!(!text.contains("TODO"), "{name}: unfinished");
            }
        }
    }

    #[test]
    fn a_fix_holds_something_to_type() {
        for rule in RULES {
            let fix = sections(rule)
                .into_iter()
                .find(|(heading, _)| *heading == "How to fix it")
                .map_or("", |(_, text)| text);
            assert!(fix.contains('`'), "{}: {fix}", rule.id);
        }
    }

    #[test]
    fn the_documentation_names_the_event_that_the_rule_declares() {
        for rule in RULES {
            let shown = sections(rule)
                .into_iter()
                .find(|(heading, _)| *heading == "What the cluster would show")
                .map_or("", |(_, text)| text);
            match rule.event {
                Some(event) => assert!(shown.contains(event), "{}: {shown}", rule.id),
                None => assert!(shown.starts_with("Nothing"), "{}: {shown}", rule.id),
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
                rule.id
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')),
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
