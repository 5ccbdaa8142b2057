//! What rules find.

mod layer_chart;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

pub use layer_chart::{ChartLayer, LayerChart, LayerMark};

use crate::text::Span;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Works, at a price.
    Warning,
    /// Will not pull, or will not run.
    Error,
}

impl Severity {
    /// The word of the command line and of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no severity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no severity: write error, warning or note")]
pub struct SeverityError(pub String);

impl FromStr for Severity {
    type Err = SeverityError;

    fn from_str(text: &str) -> Result<Self, SeverityError> {
        match text {
            "error" => Ok(Self::Error),
            "warning" => Ok(Self::Warning),
            "note" => Ok(Self::Note),
            other => Err(SeverityError(other.to_owned())),
        }
    }
}

/// What the cluster would have shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event {
    /// The waiting reason of the container, such as `ErrImagePull`.
    pub reason: &'static str,
    /// The message of the event, in the words of the kubelet and the container runtime.
    pub message: String,
}

impl Event {
    /// All reasons that rules predict.
    pub const REASONS: [&'static str; 7] = [
        "InvalidImageName",
        "ErrImagePull",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "FailedToRetrieveImagePullSecret",
        "CrashLoopBackOff",
        "FailedScheduling",
    ];
}

/// What a rule found about one or more places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The id of the rule.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence that names the image.
    pub message: String,
    /// The image in its full form, or as written where it is no valid name.
    pub reference: Option<String>,
    /// The places, first the one that the finding is shown at. Never empty.
    pub places: Vec<Span>,
    /// What to do.
    pub help: Option<String>,
    /// What the cluster would have shown; none where it shows nothing.
    pub event: Option<Event>,
    /// The names of the node pools that are concerned.
    pub node_pools: Vec<String>,
    /// The layers that it is about; none where a picture says no more.
    pub layers: Option<LayerChart>,
}

/// Something about a source itself, such as a document that is no YAML. It is no finding about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}
