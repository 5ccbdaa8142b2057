//! The report in numbers.

use std::collections::BTreeSet;

use super::Report;
use crate::finding::Severity;

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
