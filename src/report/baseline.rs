//! Findings that are known, so that only new ones count.

use std::collections::{BTreeSet, HashSet};
use std::io;

use serde::{Deserialize, Deserializer, Serialize};

use super::fingerprint::Fingerprints;
use super::place::Places;
use super::verdict::UNDETERMINED_IMAGE;
use super::{Report, Verdict};
use crate::finding::Finding;

/// The version of the format that this program writes and reads.
const VERSION: u32 = 1;

/// The names of known findings, one for each place, which stay the same when lines move. That nothing could be told about an
/// image is never known: an outage does not pass because there was one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    fingerprints: BTreeSet<String>,
    findings: BTreeSet<KnownFinding>,
}

/// A known finding at one place, in the words for a person who reads the difference of two baselines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownFinding {
    file: String,
    rule: String,
    image: Option<String>,
    at: Option<String>,
    message: String,
    fingerprint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(deserialize_with = "this_version", rename = "version")]
    _version: u32,
    findings: BTreeSet<KnownFinding>,
}

/// Within the parser, so that the error has a line.
fn this_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        other => Err(serde::de::Error::custom(format!(
            "it has version {other}, and this program reads version {VERSION}"
        ))),
    }
}

impl Baseline {
    /// The findings of a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let names = Fingerprints::of_report(report);
        let places = Places::new(report);
        let known = report.findings.iter().zip(names);
        let known = known.filter(|(finding, _)| can_be_known(finding));
        Self::of_findings(known.flat_map(|(finding, names)| {
            let places = places.all_of(&finding.places).zip(names);
            places.map(|(place, fingerprint)| KnownFinding {
                file: place.path.to_owned(),
                rule: finding.rule.to_owned(),
                image: finding.reference.clone(),
                at: place.workload(),
                message: finding.message.clone(),
                fingerprint,
            })
        }))
    }

    fn of_findings(findings: impl IntoIterator<Item = KnownFinding>) -> Self {
        let findings: BTreeSet<KnownFinding> = findings.into_iter().collect();
        let fingerprints = findings.iter().map(|known| known.fingerprint.clone());
        Self {
            fingerprints: fingerprints.collect(),
            findings,
        }
    }

    /// The findings of these fingerprints.
    #[must_use]
    pub const fn of_fingerprints(fingerprints: BTreeSet<String>) -> Self {
        Self {
            fingerprints,
            findings: BTreeSet::new(),
        }
    }

    /// Reads what [`Baseline::write`] wrote.
    ///
    /// # Errors
    ///
    /// When the text is no baseline of this version. A newer version of this program can read it, or it can be written
    /// anew.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let written: Written = serde_json::from_str(text)?;
        Ok(Self::of_findings(written.findings))
    }

    /// Writes it down as JSON, one finding in a line and in order, so that a difference can be read.
    ///
    /// # Errors
    ///
    /// When `out` takes no more.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        write!(out, "{{\n  \"version\": {VERSION},\n  \"findings\": [")?;
        for (position, finding) in self.findings.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(out, "{comma}\n    {}", serde_json::to_string(finding)?)?;
        }
        let end = if self.findings.is_empty() { "" } else { "\n  " };
        writeln!(out, "{end}]\n}}")
    }

    /// How many of the known findings are gone. Only those count that the run could have found: of sources that it read, and
    /// of images that it asked about. A run that looks only at a part, or that could not tell, says nothing about it.
    #[must_use]
    pub fn obsolete_in(&self, report: &Report) -> usize {
        let is_whole = report.part.is_none()
            && report.changed_since.is_none()
            && report.undetermined_because.is_empty();
        if !is_whole {
            return 0;
        }
        let inputs = report.inputs.iter();
        let read: HashSet<&str> = inputs
            .filter(|input| input.source.is_some())
            .map(|input| input.path.as_str())
            .collect();
        let unasked: HashSet<String> = report
            .images
            .iter()
            .filter(|image| image.lookup.is_none())
            .map(|image| image.reference.to_string())
            .collect();
        let found: HashSet<String> = Fingerprints::of_report(report)
            .into_iter()
            .flatten()
            .collect();
        let gone = self.findings.iter().filter(|known| {
            !found.contains(&known.fingerprint)
                && read.contains(known.file.as_str())
                && !known.image.as_ref().is_some_and(|i| unasked.contains(i))
        });
        gone.count()
    }
}

impl Report {
    /// Takes away the findings that are known, place by place, and judges what is left. They count as ignored.
    pub fn ignore_known(&mut self, baseline: &Baseline) {
        self.ignore(baseline, can_be_known);
    }

    /// Does the same with the findings of one rule only.
    pub fn ignore_known_of(&mut self, rule: &str, baseline: &Baseline) {
        self.ignore(baseline, |finding| finding.rule == rule);
    }

    fn ignore(&mut self, baseline: &Baseline, can_be_known: impl Fn(&Finding) -> bool) {
        let names = Fingerprints::of_report(self);
        let mut known_by_all = 0;
        let mut names = names.into_iter();
        self.findings.retain_mut(|finding| {
            let mut names = names.next().unwrap_or_default().into_iter();
            if names.len() == 0 || !can_be_known(finding) {
                return true;
            }
            let before = finding.places.len();
            finding.places.retain(|_| {
                let name = names.next();
                !name.is_some_and(|name| baseline.fingerprints.contains(&name))
            });
            let taken = before - finding.places.len();
            self.ignored += taken;
            if finding.reference.is_none() {
                known_by_all += taken;
            }
            !finding.places.is_empty()
        });
        self.sort_findings();
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
