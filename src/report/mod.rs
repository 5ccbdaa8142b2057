//! Ways to write a report down: one file per format.

use std::time::Duration;

use crate::cluster::NodePool;
use crate::facts::Lookup;
use crate::finding::{Finding, Problem};
use crate::oci::Reference;
use crate::text::{Dialect, SourceId, SourceMap};
use crate::workload::Occurrence;

/// Everything that one run found out. All formats receive the whole of it.
#[derive(Debug)]
pub struct Report {
    /// The texts that spans point into.
    pub sources: SourceMap,
    /// What was read and what became of it, by path.
    pub inputs: Vec<Input>,
    /// The node pools that images were held against, in their order.
    pub node_pools: Vec<NodePool>,
    /// Each distinct image once, by reference.
    pub images: Vec<Image>,
    /// Occurrences whose text is no image name.
    pub invalid: Vec<Occurrence>,
    /// The findings that count, by path, line, column and rule.
    pub findings: Vec<Finding>,
    /// What is wrong with sources themselves.
    pub problems: Vec<Problem>,
    /// How many findings an ignore took away.
    pub ignored: usize,
    /// What the run comes to.
    pub verdict: Verdict,
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
    /// Why it, or a part of it, was not looked at.
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

/// What a run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing at or above the threshold, and everything was determined.
    Pass,
    /// Findings at or above the threshold.
    Fail,
    /// Something could not be told.
    Undetermined,
}

impl Verdict {
    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Undetermined => "undetermined",
        }
    }

    /// The exit status of the process.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Undetermined => 2,
        }
    }
}

/// What a run cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// How long it took.
    pub duration: Duration,
    /// HTTP requests that were sent.
    pub requests: u64,
    /// Bytes of bodies that were received.
    pub bytes_downloaded: u64,
    /// Questions that the cache answered.
    pub cache_hits: u64,
}
