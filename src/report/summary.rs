//! The report in numbers.

use std::collections::BTreeSet;

use super::Report;
use super::visible::visible;
use crate::finding::Severity;

/// How many node pools a sentence names before it counts the rest.
const POOLS_IN_A_SENTENCE: usize = 20;

/// How many of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Sources that were read or skipped.
    pub sources: usize,
    /// Places that name an image.
    pub occurrences: usize,
    /// Distinct images, texts that are no image name included.
    pub images: usize,
    /// Findings that are errors.
    pub errors: usize,
    /// Findings that are warnings.
    pub warnings: usize,
    /// Findings that are notes.
    pub notes: usize,
    /// Images about which something could not be told.
    pub undetermined: usize,
    /// Findings that an ignore took away.
    pub ignored: usize,
}

impl Counts {
    /// Counts what a report holds.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let severity = |severity: Severity| {
            let findings = report.findings.iter();
            findings
                .filter(|finding| finding.severity == severity)
                .count()
        };
        let invalid: BTreeSet<&str> = report
            .invalid
            .iter()
            .map(|occurrence| occurrence.written.as_str())
            .collect();
        let named = report.images.iter().map(|image| image.occurrences.len());
        Self {
            sources: report.inputs.len(),
            occurrences: named.sum::<usize>() + report.invalid.len(),
            images: report.images.len() + invalid.len(),
            errors: severity(Severity::Error),
            warnings: severity(Severity::Warning),
            notes: severity(Severity::Note),
            undetermined: report
                .images
                .iter()
                .filter(|image| image.failure().is_some())
                .count(),
            ignored: report.ignored,
        }
    }
}

/// `1 image`, `2 images`.
pub(super) fn counted(count: usize, singular: &str) -> String {
    match count {
        1 => format!("1 {singular}"),
        _ => format!("{count} {singular}s"),
    }
}

/// Which node pools the images were held against, in a sentence.
pub(super) fn judged_against(report: &Report) -> String {
    if report.node_pools.is_empty() {
        return "No node pools were given (--nodes, --platform), so platforms were not judged."
            .to_owned();
    }
    let pools: Vec<String> = report
        .node_pools
        .iter()
        .take(POOLS_IN_A_SENTENCE)
        .map(|pool| match &pool.platform {
            Some(platform) if platform.to_string() == pool.name => pool.name.clone(),
            Some(platform) => format!("{} ({platform})", visible(&pool.name)),
            None => format!("{} (platform not known)", visible(&pool.name)),
        })
        .collect();
    let more = match report.node_pools.len().checked_sub(POOLS_IN_A_SENTENCE) {
        Some(more @ 1..) => format!(" and {more} more"),
        _ => String::new(),
    };
    format!("Judged for node pools: {}{more}", pools.join(", "))
}
