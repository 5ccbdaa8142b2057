//! The report as annotations of GitHub Actions.

use std::io;

use super::details::{Further, details, with_details};
use super::place::{Place, Places};
use super::summary::counted;
use super::visible::visible;
use super::{Format, Report, Verdict};
use crate::finding::{Finding, Problem, Severity};
use crate::text::{Origin, Span};

/// How many annotations of one kind a step may show; the runner drops further ones
/// (<https://docs.github.com/en/rest/checks/runs>, `actions/runner` `ExecutionContext.cs`).
const SHOWN: usize = 10;
/// Workflow commands that GitHub Actions shows beside the lines of a pull request.
#[derive(Debug, Clone, Copy, Default)]
pub struct GitHub;

impl Format for GitHub {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let places = Places::new(report);
        let mut shown = [0; 3];
        let mut left = [0; 3];
        for annotation in annotations(report, &places) {
            let kind = annotation.severity as usize;
            // One notice is kept for the sum.
            let limit = match annotation.severity {
                Severity::Note => SHOWN - 1,
                Severity::Warning | Severity::Error => SHOWN,
            };
            if shown[kind] < limit {
                shown[kind] += 1;
                writeln!(out, "{}", annotation.command())?;
            } else {
                left[kind] += 1;
            }
        }
        if left != [0; 3] {
            writeln!(out, "{}", rest(shown, left).command())?;
        }
        Ok(())
    }
}

struct Annotation<'a> {
    severity: Severity,
    place: Option<Place<'a>>,
    title: String,
    message: String,
}

/// What could not be told, then broken sources, then findings.
fn annotations<'a>(
    report: &'a Report,
    places: &'a Places<'a>,
) -> impl Iterator<Item = Annotation<'a>> {
    let undetermined = report
        .undetermined_because
        .iter()
        .filter(|_| report.verdict == Verdict::Undetermined)
        .map(|reason| Annotation {
            severity: Severity::Error,
            place: None,
            title: "could not tell".to_owned(),
            message: visible(reason).into_owned(),
        });
    let problems = report
        .problems
        .iter()
        .map(|problem| of_problem(problem, places));
    let findings = by_rounds(&report.findings)
        .into_iter()
        .map(|(finding, span)| of_finding(finding, span, places));
    undetermined.chain(problems).chain(findings)
}

fn of_problem<'a>(problem: &Problem, places: &Places<'a>) -> Annotation<'a> {
    let help = problem.help.as_deref().map(visible);
    let details: Vec<_> = help
        .map(|help| ("help", help.into_owned()))
        .into_iter()
        .collect();
    Annotation {
        severity: Severity::Error,
        place: Some(places.of(problem.span)),
        title: "broken source".to_owned(),
        message: with_details(&problem.message, &details),
    }
}

/// Each place of each finding: the first ones of all, then the further ones, so that a finding of very many places does not
/// take the room of all others.
fn by_rounds(findings: &[Finding]) -> Vec<(&Finding, Span)> {
    let spans = |from: usize, to: usize| {
        findings.iter().flat_map(move |finding| {
            let places = finding.places.iter().take(to).skip(from);
            places.map(move |&span| (finding, span))
        })
    };
    spans(0, 1).chain(spans(1, usize::MAX)).collect()
}

fn of_finding<'a>(finding: &Finding, span: Span, places: &Places<'a>) -> Annotation<'a> {
    Annotation {
        severity: finding.severity,
        place: Some(places.of(span)),
        title: finding.rule.to_owned(),
        message: with_details(&finding.message, &details(finding, places, Further::None)),
    }
}

/// What the limits leave out, in one notice.
fn rest(shown: [usize; 3], left: [usize; 3]) -> Annotation<'static> {
    let worded = |counts: [usize; 3]| {
        let [notes, warnings, errors] = counts;
        let kinds = [(errors, "error"), (warnings, "warning"), (notes, "note")];
        let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<_> = kinds.map(|(count, word)| counted(count, word)).collect();
        kinds.join(", ")
    };
    let all = std::array::from_fn(|kind| shown[kind] + left[kind]);
    Annotation {
        severity: Severity::Note,
        place: None,
        title: "more findings".to_owned(),
        message: format!(
            "GitHub shows {SHOWN} annotations of a kind. Not shown: {}. In all: {}.",
            worded(left),
            worded(all),
        ),
    }
}

impl Annotation<'_> {
    fn command(&self) -> String {
        let name = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = self.place.map(location).unwrap_or_default();
        properties.push(format!("title={}", property(&self.title)));
        format!("::{name} {}::{}", properties.join(","), data(&self.message))
    }
}

/// Where GitHub shows it. Only files have a place there, and columns count only within one line.
fn location(place: Place<'_>) -> Vec<String> {
    if place.origin != Origin::File {
        return Vec::new();
    }
    let path = place.path.strip_prefix("./").unwrap_or(place.path);
    let (start, end) = (place.start, place.end);
    let mut properties = vec![
        format!("file={}", property(&visible(path))),
        format!("line={}", start.line),
    ];
    if start.line == end.line {
        properties.push(format!("col={}", start.column));
    }
    properties.push(format!("endLine={}", end.line));
    if start.line == end.line {
        properties.push(format!("endColumn={}", end.column));
    }
    properties
}

/// Escapes a message as the runner reads it back: `actions/toolkit`, `packages/core/src/command.ts`, `escapeData`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property likewise: `escapeProperty`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
