//! What a run comes to.

use crate::finding::{Finding, Severity};

/// The rule whose findings say that nothing could be told. They never count as failures of an image.
pub(super) const UNDETERMINED_IMAGE: &str = "undetermined-image";

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
    /// Judges `findings`: those of severity `fail_on` and worse ones fail the run, none where there is no threshold.
    /// `determined` says whether everything could be told; findings win over what could not be told.
    #[must_use]
    pub fn of(findings: &[Finding], fail_on: Option<Severity>, determined: bool) -> Self {
        let counts = |finding: &Finding| {
            finding.rule != UNDETERMINED_IMAGE
                && fail_on.is_some_and(|threshold| finding.severity >= threshold)
        };
        if findings.iter().any(counts) {
            Self::Fail
        } else if determined {
            Self::Pass
        } else {
            Self::Undetermined
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &'static str, severity: Severity) -> Finding {
        Finding {
            rule,
            severity,
            message: String::new(),
            reference: None,
            places: vec![],
            help: None,
            event: None,
            node_pools: vec![],
            layers: None,
        }
    }

    #[test]
    fn the_threshold_decides_which_findings_fail() {
        let findings = [finding("latest-tag", Severity::Warning)];
        for (threshold, verdict) in [
            (Some(Severity::Error), Verdict::Pass),
            (Some(Severity::Warning), Verdict::Fail),
            (Some(Severity::Note), Verdict::Fail),
            (None, Verdict::Pass),
        ] {
            assert_eq!(Verdict::of(&findings, threshold, true), verdict);
        }
    }

    #[test]
    fn an_outage_is_no_failure_and_no_pass() {
        let outage = [finding(UNDETERMINED_IMAGE, Severity::Error)];
        let verdict = Verdict::of(&outage, Some(Severity::Error), false);
        assert_eq!((verdict, verdict.exit_code()), (Verdict::Undetermined, 2));
        assert_eq!(Verdict::of(&outage, None, false), Verdict::Undetermined);
    }

    #[test]
    fn findings_win_over_what_could_not_be_told() {
        let findings = [
            finding(UNDETERMINED_IMAGE, Severity::Error),
            finding("image-not-found", Severity::Error),
        ];
        let verdict = Verdict::of(&findings, Some(Severity::Error), false);
        assert_eq!((verdict, verdict.exit_code()), (Verdict::Fail, 1));
    }
}
