//! Ways to write a report down: one file per format.
//!
//! [`Report::new`] is pure: it merges, groups, sorts and judges. A [`Format`] gets the whole report and a writer.

mod ascii;
mod assemble;
mod backticks;
mod base;
mod baseline;
mod clip;
mod contents;
mod details;
mod explanation;
mod fingerprint;
mod github;
mod gitlab;
mod holdings;
mod html;
mod inspection;
mod json;
mod junit;
mod layer_chart;
mod layers;
mod markdown;
mod matrix;
mod output;
mod page;
mod partition;
mod place;
mod pretty;
mod replacement;
mod sarif;
mod source_view;
mod summary;
mod verdict;
mod visible;
mod why;

pub use ascii::in_ascii;
pub use assemble::Gathered;
pub use base::{Base, BasePlace};
pub use baseline::Baseline;
pub use explanation::write_explanation;
pub use github::GitHub;
pub use gitlab::GitLab;
pub use html::Html;
pub use inspection::{Inspection, InspectionJson};
pub use json::Json;
pub use junit::JUnit;
pub use markdown::Markdown;
pub use output::{FormatName, Output, OutputError};
pub use partition::{Part, Partition, PartitionError};
pub use pretty::{Detail, Pretty, Style};
pub use replacement::Replacement;
pub use sarif::Sarif;
pub use summary::Counts;
pub use verdict::Verdict;
pub use why::write_places;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use crate::cluster::NodePool;
use crate::facts::{Answer, Failure, FailureReason, Lookup, PlatformImage};
use crate::finding::{Finding, Problem, Severity};
use crate::oci::Reference;
use crate::registry::RateLimit;
use crate::text::{Dialect, SourceId, SourceMap};
use crate::workload::Occurrence;

/// A way to write a report down. Each format gets the whole report, so that it can sum up, sort and limit.
pub trait Format {
    /// Writes the whole of `report` to `out`. What comes from sources or registries is made harmless for whoever reads
    /// the format.
    ///
    /// # Errors
    ///
    /// When `out` takes no more.
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()>;
}

/// The address of a rule's documentation.
fn rule_page(rule: &str) -> String {
    format!(
        "{}/blob/main/docs/rules/{rule}.md",
        env!("CARGO_PKG_REPOSITORY")
    )
}

/// Everything that one run found out. All formats receive the whole of it.
#[derive(Debug)]
pub struct Report {
    /// The texts that spans point into.
    pub sources: SourceMap,
    /// What was read and what became of it, by path.
    pub inputs: Vec<Input>,
    /// The node pools that images were held against, in their order.
    pub node_pools: Vec<NodePool>,
    /// What is deployed now, where it was compared.
    pub base: Option<Base>,
    /// The earlier tags that images were compared with, newest first.
    pub history: BTreeMap<Reference, Vec<Reference>>,
    /// Images without earlier tags because their registry did not give its whole list of tags.
    pub unlisted: BTreeSet<Reference>,
    /// Each distinct image once, by reference.
    pub images: Vec<Image>,
    /// Occurrences whose text is no image name.
    pub invalid: Vec<Occurrence>,
    /// The findings that count, by path, line, column and rule. Equal findings of several places are one.
    pub findings: Vec<Finding>,
    /// What is wrong with sources themselves.
    pub problems: Vec<Problem>,
    /// How many findings an ignore took away.
    pub ignored: usize,
    /// Findings of this severity and worse ones fail the run; none does where there is no threshold.
    pub fail_on: Option<Severity>,
    /// What the run comes to.
    pub verdict: Verdict,
    /// Why not everything could be told, one sentence for each reason. May hold something even where the verdict is fail.
    pub undetermined_because: Vec<String>,
    /// Which part of the images the run looked at; none where it was all of them.
    pub part: Option<Part>,
    /// The revision since which something had to have changed to be looked at; none where it was all.
    pub changed_since: Option<String>,
    /// Whether it is no doubt that there is no image at all.
    pub allow_no_images: bool,
    /// What the run cost.
    pub statistics: Statistics,
}

/// One source and what became of it.
#[derive(Debug)]
pub struct Input {
    /// The path as the user would write it.
    pub path: String,
    /// The text; none where it could not be read.
    pub source: Option<SourceId>,
    /// What kind of source it is.
    pub dialect: Dialect,
    /// Why it, or a part of it, was not looked at. Where there is no text, why it could not be read.
    pub skipped: Option<String>,
}

/// One distinct image.
#[derive(Debug)]
pub struct Image {
    /// Its full name.
    pub reference: Reference,
    /// The registry's answer; none where nothing was asked.
    pub lookup: Option<Lookup>,
    /// All places that name it, in order.
    pub occurrences: Vec<Occurrence>,
}

impl Image {
    /// Why it is not fully known: the lookup, or that of the manifest or config of one of its platforms, came to no
    /// answer.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self.lookup.as_ref()? {
            Answer::Undetermined(failure) => Some(failure),
            Answer::Refused(_) => None,
            Answer::Found(found) => found.images.iter().find_map(PlatformImage::failure),
        }
    }

    /// The word of the report for what became of it.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match &self.lookup {
            None => "unchecked",
            Some(_) if self.failure().is_some() => "undetermined",
            Some(lookup) => lookup.status(),
        }
    }

    /// What became of it, for a person: what is damaged was answered, and is no use.
    pub(crate) fn state(&self) -> String {
        let failure = self.failure().map(|failure| failure.reason);
        match (failure, self.reason()) {
            (Some(FailureReason::Damaged), _) => FailureReason::Damaged.as_str().to_owned(),
            (_, Some(reason)) => format!("{}: {reason}", self.status()),
            (_, None) => self.status().to_owned(),
        }
    }

    /// The word of the report for why it is not known to be there.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self.failure() {
            Some(failure) => Some(failure.reason.as_str()),
            None => self.lookup.as_ref()?.reason(),
        }
    }
}

/// What a run cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// How long it took.
    pub duration: Duration,
    /// HTTP requests that were sent.
    pub requests: u64,
    /// Bytes of bodies that were received.
    pub bytes_downloaded: u64,
    /// Questions that the cache answered.
    pub cache_hits: u64,
    /// What registries last said about their limits, by host.
    pub rate_limits: BTreeMap<String, RateLimit>,
}
