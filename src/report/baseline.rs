//! Findings that are known, so that only new ones count.

use std::collections::BTreeSet;
use std::io;

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprints;
use super::place::Places;
use super::verdict::UNDETERMINED_IMAGE;
use super::{Report, Verdict};
use crate::finding::Finding;

/// The version of the format that this program writes and reads.
const VERSION: u32 = 1;

/// The names of known findings, which stay the same when lines move. That nothing could be told about an image is never
/// known: an outage does not pass because there was one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    fingerprints: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    fingerprints: BTreeSet<String>,
}

impl Baseline {
    /// The findings of a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let names = fingerprints(report).into_iter();
        let known = names
            .zip(&report.findings)
            .filter(|(_, finding)| can_be_known(finding));
        Self {
            fingerprints: known.map(|(name, _)| name).collect(),
        }
    }

    /// The findings of these fingerprints.
    #[must_use]
    pub const fn of_fingerprints(fingerprints: BTreeSet<String>) -> Self {
        Self { fingerprints }
    }

    /// Reads what [`Baseline::write`] wrote.
    ///
    /// # Errors
    ///
    /// When the text is no baseline of this version. A newer version of this program can read it, or it can be written
    /// anew.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let written: Written = serde_json::from_str(text)?;
        if written.version != VERSION {
            return Err(serde::de::Error::custom(format!(
                "it has version {}, and this program reads version {VERSION}",
                written.version
            )));
        }
        Ok(Self {
            fingerprints: written.fingerprints,
        })
    }

    /// Writes it down as JSON, one finding in a line, so that a difference can be read.
    ///
    /// # Errors
    ///
    /// When `out` takes no more.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let written = Written {
            version: VERSION,
            fingerprints: self.fingerprints.clone(),
        };
        serde_json::to_writer_pretty(&mut *out, &written)?;
        writeln!(out)
    }
}

impl Report {
    /// Takes away the findings that are known, and judges what is left. They count as ignored.
    pub fn ignore_known(&mut self, baseline: &Baseline) {
        self.ignore(baseline, can_be_known);
    }

    /// Does the same with the findings of one rule only.
    pub fn ignore_known_of(&mut self, rule: &str, baseline: &Baseline) {
        self.ignore(baseline, |finding| finding.rule == rule);
    }

    fn ignore(&mut self, baseline: &Baseline, can_be_known: impl Fn(&Finding) -> bool) {
        let names = fingerprints(self);
        let mut names = names.into_iter();
        let mut known_by_all = 0;
        let before = self.findings.len();
        self.findings.retain(|finding| {
            let is_known = names
                .next()
                .is_some_and(|name| baseline.fingerprints.contains(&name));
            let is_ignored = is_known && can_be_known(finding);
            known_by_all += usize::from(is_ignored && finding.reference.is_none());
            !is_ignored
        });
        self.ignored += before - self.findings.len();
        if let Some(part) = &mut self.part {
            part.ignored_by_all += known_by_all;
            if !part.unused_ignores.is_empty() {
                part.known.clone_from(&baseline.fingerprints);
            }
        }
        let determined = self.undetermined_because.is_empty();
        self.verdict = Verdict::of(&self.findings, self.fail_on, determined);
    }
}

fn can_be_known(finding: &Finding) -> bool {
    finding.rule != UNDETERMINED_IMAGE
}

/// The names of a report's findings, in their order.
fn fingerprints(report: &Report) -> Vec<String> {
    let places = Places::new(report);
    let mut fingerprints = Fingerprints::default();
    let name = |finding: &Finding| {
        let place = finding.places.first().map(|&span| places.of(span));
        fingerprints.of(finding, place.as_ref())
    };
    report.findings.iter().map(name).collect()
}
