//! The two outcomes that are not "found", as an error to pass up.

use std::time::Duration;

use super::wording::one_line;
use crate::facts::{Answer, Failure, FailureReason, Refusal};

/// Why there is no content.
#[derive(Debug, Clone)]
pub(super) enum Setback {
    Refused(Box<Refusal>),
    Undetermined(Failure),
    /// Undetermined too: no connection to the host came about, so that no other question would fare better.
    Unreachable(Failure),
}

impl Setback {
    /// The answer is none that says anything about the image.
    pub fn malformed(detail: &str) -> Self {
        failure(FailureReason::Malformed, detail).into()
    }

    /// The content is there, and is not what it must be.
    pub fn damaged(detail: &str) -> Self {
        failure(FailureReason::Damaged, detail).into()
    }

    /// The failure, where it is no refusal.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Refused(_) => None,
            Self::Undetermined(failure) | Self::Unreachable(failure) => Some(failure),
        }
    }

    /// The same, said of another host than the one that was asked.
    pub fn elsewhere(self, host: &str) -> Self {
        match self.of(host) {
            Self::Unreachable(failure) => Self::Undetermined(failure),
            other => other,
        }
    }

    /// The same, where it is that host that failed, and not the registry itself.
    pub fn of(mut self, host: &str) -> Self {
        if let Self::Undetermined(failure) | Self::Unreachable(failure) = &mut self {
            failure.respondent.get_or_insert_with(|| host.to_owned());
        }
        self
    }
}

/// A failure without a word on how long to wait.
pub(super) fn failure(reason: FailureReason, detail: &str) -> Failure {
    Failure {
        reason,
        detail: one_line(detail),
        retry_after: None::<Duration>,
        respondent: None,
    }
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Self {
        Self::Undetermined(failure)
    }
}

impl From<Refusal> for Setback {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl<T> From<Result<T, Setback>> for Answer<T> {
    fn from(result: Result<T, Setback>) -> Self {
        match result {
            Ok(found) => Self::Found(found),
            Err(Setback::Refused(refusal)) => Self::Refused(*refusal),
            Err(Setback::Undetermined(failure) | Setback::Unreachable(failure)) => {
                Self::Undetermined(failure)
            }
        }
    }
}
