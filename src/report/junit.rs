//! The report for test dashboards, as `JUnit` XML.

use std::collections::BTreeMap;
use std::io;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::details::{Further, details, with_details};
use super::place::{Place, Places, workload};
use super::verdict::UNDETERMINED_IMAGE;
use super::visible::visible;
use super::{Format, Report};
use crate::finding::{Finding, Severity};
use crate::text::{SourceId, Span};
use crate::workload::Occurrence;

/// `JUnit` XML: a suite for each source and a case for each place that names an image. A case fails where a finding at its
/// place fails the run, and is an error where something could not be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct JUnit;

impl Format for JUnit {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let mut junit = quick_junit::Report::new("oci-preflight");
        junit.set_time(report.statistics.duration);
        junit.add_test_suites(suites(report));
        junit.add_test_suite(doubts(report));
        // What the library makes of an error of `out` no longer says that a reader went away.
        let text = junit
            .to_string()
            .map_err(|error| io::Error::other(error.to_string()))?;
        out.write_all(text.as_bytes())
    }
}

/// The cases of each source, by their spans.
type Cases<'a> = BTreeMap<SourceId, BTreeMap<Span, Case<'a>>>;

/// What is known about one place.
#[derive(Default)]
struct Case<'a> {
    occurrence: Option<&'a Occurrence>,
    findings: Vec<&'a Finding>,
}

fn suites(report: &Report) -> Vec<TestSuite> {
    let places = Places::new(report);
    let mut cases = Cases::new();
    let occurrences = report.images.iter().flat_map(|image| &image.occurrences);
    for occurrence in occurrences.chain(&report.invalid) {
        let span = occurrence.span;
        let suite = cases.entry(span.source).or_default();
        suite.entry(span).or_default().occurrence = Some(occurrence);
    }
    for finding in &report.findings {
        for &span in &finding.places {
            let suite = cases.entry(span.source).or_default();
            suite.entry(span).or_default().findings.push(finding);
        }
    }
    let suites = cases.into_iter().map(|(source, cases)| {
        let path = &report.sources.get(source).name;
        let mut suite = TestSuite::new(xml(&visible(path)));
        for (span, case) in cases {
            suite.add_test_case(test_case(report, &places, places.of(span), &case));
        }
        suite
    });
    let mut suites: Vec<TestSuite> = suites.collect();
    suites.sort_by(|a, b| a.name.cmp(&b.name));
    suites
}

fn test_case(report: &Report, places: &Places<'_>, place: Place<'_>, case: &Case<'_>) -> TestCase {
    let what = case.occurrence.map_or_else(String::new, |occurrence| {
        format!(
            " {} in {}",
            visible(&occurrence.written),
            workload(occurrence)
        )
    });
    let fails = |finding: &&&Finding| {
        let threshold = report.fail_on;
        threshold.is_some_and(|threshold| finding.severity >= threshold)
    };
    let doubtful = |finding: &&&Finding| finding.rule == UNDETERMINED_IMAGE;
    let failure = case.findings.iter().find(|f| fails(f) && !doubtful(f));
    let error = case.findings.iter().find(doubtful);
    let status = match (failure, error) {
        (Some(finding), _) => failed(NonSuccessKind::Failure, finding, places),
        (None, Some(finding)) => failed(NonSuccessKind::Error, finding, places),
        (None, None) => TestCaseStatus::success(),
    };
    let name = format!("{}:{}{what}", place.start.line, place.start.column);
    let mut test = TestCase::new(xml(&name), status);
    test.set_classname(xml(&visible(place.path)));
    let shown = failure.or(error);
    let others = case
        .findings
        .iter()
        .filter(|finding| shown != Some(*finding));
    let others: Vec<String> = others.map(|finding| text(finding, places)).collect();
    if !others.is_empty() {
        test.set_system_out(xml(&others.join("\n\n")));
    }
    test
}

fn failed(kind: NonSuccessKind, finding: &Finding, places: &Places<'_>) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(finding.rule);
    status.set_message(xml(&visible(&finding.message)));
    status.set_description(xml(&text(finding, places)));
    status
}

fn text(finding: &Finding, places: &Places<'_>) -> String {
    let text = with_details(&finding.message, &details(finding, places, Further::None));
    format!("{}[{}]: {text}", finding.severity, finding.rule)
}

/// What could not be told about the run as a whole.
fn doubts(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new("everything could be told");
    let mut status = TestCaseStatus::success();
    if !report.undetermined_because.is_empty() {
        let reasons = report
            .undetermined_because
            .iter()
            .map(|reason| visible(reason));
        status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type(Severity::Error.as_str());
        status.set_message(xml(&reasons.collect::<Vec<_>>().join("; ")));
    }
    suite.add_test_case(TestCase::new("sources and images", status));
    suite
}

fn xml(text: &str) -> XmlString {
    XmlString::new(text)
}
