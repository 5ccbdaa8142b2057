//! The report for code scanning, as SARIF 2.1.0
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

use serde::Serialize;

use super::details::{Further, details, with_details};
use super::fingerprint::Fingerprints;
use super::place::{Place, Places};
use super::visible::visible;
use super::{Format, Report, Verdict, rule_page};
use crate::finding::{Finding, Severity};
use crate::rule::{RULES, Rule};

/// How many results GitHub takes; it shows 5,000 of them, the worst first
/// (<https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>).
const MAX_RESULTS: usize = 25_000;
/// How many further places of the same finding a result names. Each has a result of its own.
const MAX_RELATED: usize = 5;

/// SARIF 2.1.0: one run, with all rules and their documentation, and a result for each place of a finding.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sarif;

impl Format for Sarif {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let places = Places::new(report);
        let mut fingerprints = Fingerprints::default();
        let findings = report.findings.iter();
        let mut results: Vec<_> = findings
            .flat_map(|finding| results(finding, &places, &mut fingerprints))
            .collect();
        let left_out = results.len().saturating_sub(MAX_RESULTS);
        if left_out > 0 {
            // The sort is stable: within a severity they stay in their order.
            results.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
            results.truncate(MAX_RESULTS);
        }
        let log = Log {
            schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            version: "2.1.0",
            runs: [Run {
                tool: Tool {
                    driver: Driver {
                        name: env!("CARGO_PKG_NAME"),
                        semantic_version: env!("CARGO_PKG_VERSION"),
                        information_uri: env!("CARGO_PKG_REPOSITORY"),
                        rules: RULES.iter().copied().map(descriptor).collect(),
                    },
                },
                invocations: [invocation(report, &places, left_out)],
                column_kind: "unicodeCodePoints",
                results: results.into_iter().map(|(_, result)| result).collect(),
            }],
        };
        serde_json::to_writer_pretty(&mut *out, &log)?;
        writeln!(out)
    }
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    invocations: [Invocation; 1],
    column_kind: &'static str,
    results: Vec<ResultEntry<'a>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    short_description: Message,
    full_description: Message,
    help: Help,
    help_uri: String,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    enabled: bool,
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    exit_code: u8,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
    locations: Vec<Location>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultEntry<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Message,
    locations: Vec<Location>,
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    #[serde(rename = "physicalLocation")]
    physical: PhysicalLocation,
    #[serde(rename = "logicalLocations")]
    logical: Vec<LogicalLocation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

fn descriptor(rule: &'static Rule) -> Descriptor {
    let summary = |text: &str| Message {
        text: text.to_owned(),
    };
    Descriptor {
        id: rule.id,
        short_description: summary(rule.summary),
        full_description: summary(rule.summary),
        help: Help {
            text: rule.text(),
            markdown: rule.text(),
        },
        help_uri: rule_page(rule.id),
        default_configuration: Configuration {
            enabled: rule.severity.is_some(),
            level: rule.severity.unwrap_or(Severity::Warning).as_str(),
        },
    }
}

/// What could not be told, and what is wrong with sources: SARIF's place for what is no result.
fn invocation(report: &Report, places: &Places<'_>, left_out: usize) -> Invocation {
    let notification = |text: String, locations| Notification {
        level: "error",
        message: Message { text },
        locations,
    };
    let doubts = report.undetermined_because.iter();
    let mut notifications: Vec<Notification> = doubts
        .map(|reason| notification(visible(reason).into_owned(), vec![]))
        .collect();
    notifications.extend(report.problems.iter().map(|problem| {
        let place = location(places.of(problem.span), None);
        notification(visible(&problem.message).into_owned(), vec![place])
    }));
    if left_out > 0 {
        let text = format!(
            "{left_out} further results are left out, the least bad ones: GitHub takes {MAX_RESULTS}"
        );
        notifications.push(notification(text, vec![]));
    }
    Invocation {
        execution_successful: report.verdict != Verdict::Undetermined,
        exit_code: report.verdict.exit_code(),
        tool_execution_notifications: notifications,
    }
}

/// A result for each place, which names some of the others.
fn results<'a>(
    finding: &'a Finding,
    places: &Places<'_>,
    fingerprints: &mut Fingerprints,
) -> Vec<(Severity, ResultEntry<'a>)> {
    let names = fingerprints.of(finding, places);
    let text = with_details(&finding.message, &details(finding, places, Further::None));
    let rule_index = RULES.iter().position(|rule| rule.id == finding.rule);
    let spans = finding.places.iter().zip(names);
    spans
        .map(|(span, name)| {
            let others = finding.places.iter().filter(|other| *other != span);
            let related = others.take(MAX_RELATED).enumerate();
            let entry = ResultEntry {
                rule_id: finding.rule,
                rule_index,
                level: finding.severity.as_str(),
                message: Message { text: text.clone() },
                locations: vec![location(places.of(*span), None)],
                related_locations: related
                    .map(|(index, other)| location(places.of(*other), Some(index + 1)))
                    .collect(),
                partial_fingerprints: BTreeMap::from([("ociPreflight/v1", name)]),
            };
            (finding.severity, entry)
        })
        .collect()
}

/// Standard input and arguments stand there by their names: GitHub refuses a result without a file.
fn location(place: Place<'_>, id: Option<usize>) -> Location {
    let physical = PhysicalLocation {
        artifact_location: ArtifactLocation {
            uri: uri(place.path),
        },
        region: Region {
            start_line: place.start.line,
            start_column: place.start.column,
            end_line: place.end.line,
            end_column: place.end.column,
        },
    };
    let workload = place.workload();
    Location {
        id,
        physical,
        logical: workload
            .map(|fully_qualified_name| LogicalLocation {
                fully_qualified_name,
            })
            .into_iter()
            .collect(),
    }
}

/// A relative reference for a relative path, and a `file` URI for an absolute one (RFC 3986 §4.2, RFC 8089).
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let mut uri = if path.starts_with('/') { "file://" } else { "" }.to_owned();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => _ = write!(uri, "%{byte:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        for (path, expected) in [
            ("k8s/web.yaml", "k8s/web.yaml"),
            ("./k8s/web.yaml", "k8s/web.yaml"),
            ("../a b/ü%.yaml", "../a%20b/%C3%BC%25.yaml"),
            ("a:b/c#d?e", "a%3Ab/c%23d%3Fe"),
            ("/srv/web.yaml", "file:///srv/web.yaml"),
            (r"k8s\web.yaml", "k8s/web.yaml"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
