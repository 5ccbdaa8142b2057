//! From what was gathered to a report.

use std::collections::{BTreeMap, BTreeSet};

use super::{Base, Image, Input, Part, Report, Statistics, Verdict};
use crate::cluster::NodePool;
use crate::facts::{FailureReason, Lookup};
use crate::finding::{Event, Finding, Problem, Severity};
use crate::oci::Reference;
use crate::text::{SourceMap, Span};
use crate::workload::Occurrence;

/// How many names a sentence lists before it counts the rest.
const NAMES_IN_A_SENTENCE: usize = 3;

/// What a run gathered, in any order.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The texts that spans point into.
    pub sources: SourceMap,
    /// What was read and what became of it.
    pub inputs: Vec<Input>,
    /// The node pools that images were held against.
    pub node_pools: Vec<NodePool>,
    /// What is deployed now, where it was compared.
    pub base: Option<Base>,
    /// The earlier tags that images were compared with, newest first.
    pub history: BTreeMap<Reference, Vec<Reference>>,
    /// Images without earlier tags because their registry did not give its whole list of tags.
    pub unlisted: BTreeSet<Reference>,
    /// All places that name an image.
    pub occurrences: Vec<Occurrence>,
    /// The answers, for each reference that was asked about.
    pub lookups: BTreeMap<Reference, Lookup>,
    /// The findings that count, one or more for each place.
    pub findings: Vec<Finding>,
    /// What is wrong with sources themselves.
    pub problems: Vec<Problem>,
    /// How many findings an ignore took away.
    pub ignored: usize,
    /// Which part of the images was looked at; none where it was all of them.
    pub part: Option<Part>,
    /// The revision since which something had to have changed to be looked at; none where it was all.
    pub changed_since: Option<String>,
    /// Whether it is no doubt that there is no image at all.
    pub allow_no_images: bool,
    /// What the run cost.
    pub statistics: Statistics,
}

impl Report {
    /// Merges equal findings, groups places to images, sorts everything, and judges. Findings of severity `fail_on` and
    /// worse ones fail the run; none does where there is no threshold.
    #[must_use]
    pub fn new(gathered: Gathered, fail_on: Option<Severity>) -> Self {
        let Gathered {
            sources,
            mut inputs,
            node_pools,
            mut base,
            history,
            unlisted,
            mut occurrences,
            lookups,
            findings,
            mut problems,
            ignored,
            part,
            changed_since,
            allow_no_images,
            statistics,
        } = gathered;
        inputs.sort_by(|a, b| a.path.cmp(&b.path));
        occurrences.sort_by(|a, b| order(&sources, a.span).cmp(&order(&sources, b.span)));
        problems.sort_by(|a, b| order(&sources, a.span).cmp(&order(&sources, b.span)));
        let findings = merged(findings, &sources);
        let part = part.map(|part| Part {
            unused_ignores: merged(part.unused_ignores, &sources),
            ..part
        });
        let (images, invalid) = grouped(occurrences, lookups);
        if let Some(base) = &mut base {
            base.settle(&images);
        }
        let mut report = Self {
            sources,
            inputs,
            node_pools,
            base,
            history,
            unlisted,
            images,
            invalid,
            findings,
            problems,
            ignored,
            fail_on,
            verdict: Verdict::Pass,
            undetermined_because: Vec::new(),
            part,
            changed_since,
            allow_no_images,
            statistics,
        };
        report.undetermined_because = report.reasons_for_doubt();
        report.verdict = Verdict::of(
            &report.findings,
            fail_on,
            report.undetermined_because.is_empty(),
        );
        report
    }

    /// Puts the findings into their order again, after some of their places went.
    pub(super) fn sort_findings(&mut self) {
        sort(&mut self.findings, &self.sources);
    }

    /// One sentence for each kind of thing that could not be told.
    fn reasons_for_doubt(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let failing = |damaged: bool| {
            self.images.iter().filter_map(move |image| {
                let reason = image.failure()?.reason;
                ((reason == FailureReason::Damaged) == damaged)
                    .then(|| format!("{} ({})", image.reference, reason.as_str()))
            })
        };
        reasons.extend(sentence("no answer about", failing(false)));
        reasons.extend(sentence("could not use the answer about", failing(true)));
        let unread = self.inputs.iter().filter_map(|input| match input.source {
            Some(_) => None,
            None => Some(match &input.skipped {
                Some(why) => format!("{} ({why})", input.path),
                None => input.path.clone(),
            }),
        });
        reasons.extend(sentence("could not read", unread));
        let broken = self.problems.iter().map(|problem| {
            let position = self.sources.start(problem.span);
            let path = &self.sources.get(problem.span.source).name;
            format!("{path}:{}:{}", position.line, position.column)
        });
        reasons.extend(sentence("could not understand", broken));
        let images = self.images.len() + self.invalid.len();
        let listed = self.part.as_ref().map_or(images, |part| part.of_images);
        if !self.allow_no_images && listed == 0 {
            reasons.push("no image was found in any path given".to_owned());
        }
        reasons
    }
}

/// `words` and the first of `names`; none where there are none.
fn sentence(words: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<String> = names.collect();
    let listed = names.iter().take(NAMES_IN_A_SENTENCE).cloned();
    let listed = listed.collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMES_IN_A_SENTENCE) {
        _ if names.is_empty() => None,
        None | Some(0) => Some(format!("{words} {listed}")),
        Some(more) => Some(format!("{words} {listed} and {more} more")),
    }
}

/// The order of the report: by path, then by place.
fn order(sources: &SourceMap, span: Span) -> (&str, usize, usize) {
    (&sources.get(span.source).name, span.start, span.end)
}

/// Everything about a finding but its places.
type Identity<'a> = (
    &'static str,
    Severity,
    Option<&'a String>,
    &'a str,
    Option<&'a String>,
    Option<&'a Event>,
    &'a [String],
);

fn identity(finding: &Finding) -> Identity<'_> {
    (
        finding.rule,
        finding.severity,
        finding.reference.as_ref(),
        &finding.message,
        finding.help.as_ref(),
        finding.event.as_ref(),
        &finding.node_pools,
    )
}

/// Makes one finding of those that differ only in their places.
fn merged(mut findings: Vec<Finding>, sources: &SourceMap) -> Vec<Finding> {
    findings.sort_by(|a, b| identity(a).cmp(&identity(b)));
    let mut merged: Vec<Finding> = Vec::new();
    for finding in findings {
        match merged.last_mut() {
            Some(last) if identity(last) == identity(&finding) => {
                last.places.extend(finding.places);
            }
            _ => merged.push(finding),
        }
    }
    for finding in &mut merged {
        finding
            .places
            .sort_by(|a, b| order(sources, *a).cmp(&order(sources, *b)));
        finding.places.dedup();
    }
    sort(&mut merged, sources);
    merged
}

/// Puts findings into the order of the report. Those of one rule at one place keep the order of their identities.
fn sort(findings: &mut [Finding], sources: &SourceMap) {
    let first = |finding: &Finding| finding.places.first().map(|span| order(sources, *span));
    findings.sort_by(|a, b| {
        (first(a), a.rule)
            .cmp(&(first(b), b.rule))
            .then_with(|| identity(a).cmp(&identity(b)))
    });
}

/// Gathers the places of each image, and keeps apart those that name none.
fn grouped(
    occurrences: Vec<Occurrence>,
    mut lookups: BTreeMap<Reference, Lookup>,
) -> (Vec<Image>, Vec<Occurrence>) {
    let mut places: BTreeMap<Reference, Vec<Occurrence>> = BTreeMap::new();
    let mut invalid = Vec::new();
    for occurrence in occurrences {
        match &occurrence.reference {
            Ok(reference) => places
                .entry(reference.clone())
                .or_default()
                .push(occurrence),
            Err(_) => invalid.push(occurrence),
        }
    }
    let images = places
        .into_iter()
        .map(|(reference, occurrences)| Image {
            lookup: lookups.remove(&reference),
            reference,
            occurrences,
        })
        .collect();
    (images, invalid)
}
