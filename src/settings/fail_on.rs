//! From which severity on findings fail a run.

use std::str::FromStr;

use thiserror::Error;

use crate::finding::Severity;

/// The threshold from which findings fail a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// Findings of this severity or worse.
    Severity(Severity),
    /// No finding.
    Never,
}

impl FailOn {
    /// The words for thresholds.
    pub const WORDS: [&'static str; 4] = ["error", "warning", "note", "never"];

    /// The severity; none for never.
    #[must_use]
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Severity(severity) => Some(severity),
            Self::Never => None,
        }
    }
}

impl FromStr for FailOn {
    type Err = FailOnError;

    fn from_str(text: &str) -> Result<Self, FailOnError> {
        if text == "never" {
            return Ok(Self::Never);
        }
        text.parse()
            .map(Self::Severity)
            .map_err(|_| FailOnError(text.to_owned()))
    }
}

/// Why a text is no threshold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no threshold: write error, warning, note or never")]
pub struct FailOnError(pub String);
