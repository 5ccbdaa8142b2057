//! The report for GitLab's code quality widget
//! (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>).

use std::io;

use serde::Serialize;

use super::details::{Further, details, with_details};
use super::fingerprint::Fingerprints;
use super::place::{Place, Places};
use super::{Format, Report};
use crate::finding::Severity;

/// GitLab code quality: one entry for each place of a finding, and one for each broken place of a source.
#[derive(Debug, Clone, Copy, Default)]
pub struct GitLab;

#[derive(Serialize)]
struct Entry<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

impl Format for GitLab {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let places = Places::new(report);
        let mut fingerprints = Fingerprints::default();
        let mut entries = Vec::new();
        for problem in &report.problems {
            let place = places.of(problem.span);
            entries.push(Entry {
                description: with_details(&problem.message, &[]),
                check_name: "broken-source",
                fingerprint: fingerprints.name(&["broken-source", place.path, &problem.message]),
                severity: severity(Severity::Error),
                location: location(place),
            });
        }
        for finding in &report.findings {
            let description =
                with_details(&finding.message, &details(finding, &places, Further::None));
            let names = fingerprints.of(finding, &places);
            for (place, fingerprint) in places.all_of(&finding.places).zip(names) {
                entries.push(Entry {
                    description: description.clone(),
                    check_name: finding.rule,
                    fingerprint,
                    severity: severity(finding.severity),
                    location: location(place),
                });
            }
        }
        serde_json::to_writer_pretty(&mut *out, &entries)?;
        writeln!(out)
    }
}

/// The words are info, minor, major, critical and blocker.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "minor",
        Severity::Note => "info",
    }
}

fn location(place: Place<'_>) -> Location<'_> {
    Location {
        path: place.path.strip_prefix("./").unwrap_or(place.path),
        lines: Lines {
            begin: place.start.line,
            end: place.end.line,
        },
    }
}
