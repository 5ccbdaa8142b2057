//! From the JSON reports of the parts of a run to the report of the whole.
#![allow(
    clippy::disallowed_methods,
    reason = "reports and the sources that they point into are read here"
)]

mod answer;
mod document;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use miette::Diagnostic;
use thiserror::Error;

use crate::cluster::{NodePool, Provider};
use crate::finding::{Event, Finding, Problem, Severity};
use crate::oci::Reference;
use crate::report::{Gathered, Input, Report, Statistics};
use crate::rule::find;
use crate::text::{Dialect, Span};
use crate::workload::{
    NodeSelectorTerm, Occurrence, Operator, Owner, Placement, Requirement, Role,
};
use document::Document;
use texts::Texts;

/// The largest report that is read, in bytes.
const MAX_REPORT_BYTES: u64 = 1 << 30;

/// The rule about ignores that match nothing.
const UNUSED_IGNORE: &str = "unused-ignore";

/// The label by which a place of a merged report says where its pod can land.
const POSITION: &str = "position";

/// Why reports cannot be joined.
#[derive(Debug, Error, Diagnostic)]
pub enum MergeError {
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The path as given.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file is no report of this format version.
    #[error("{path} is no report that this version can join: {reason}")]
    #[diagnostic(help(
        "write it with `oci-preflight lint --output json=FILE`, by the same version on all machines"
    ))]
    NoReport {
        /// The path as given.
        path: String,
        /// What does not fit.
        reason: String,
    },
    /// The reports are of different runs.
    #[error("the reports are not of one run: they differ in {0}")]
    #[diagnostic(help("give all parts the same sources, node pools and options"))]
    Different(&'static str),
    /// A part is not there, or there twice.
    #[error("the reports are not all parts of one run: {0}")]
    #[diagnostic(help(
        "give the report of each part once; a part that is not there would pass unseen"
    ))]
    Incomplete(String),
}

/// Joins the reports in `paths`. Findings of severity `fail_on` and worse ones fail the run; where the caller does not say
/// it, the reports do.
///
/// # Errors
///
/// When a report cannot be read, or they are not all parts of one run.
pub fn merge(paths: &[PathBuf], fail_on: Option<Option<Severity>>) -> Result<Report, MergeError> {
    let documents: Vec<Document> = paths
        .iter()
        .map(|path| read(path))
        .collect::<Result<_, _>>()?;
    check(&documents)?;
    let path_of = |index: usize| paths.get(index).map_or_else(String::new, |path| name(path));
    let no_report = |index: usize| {
        move |reason: String| MergeError::NoReport {
            path: path_of(index),
            reason,
        }
    };
    let texts = Texts::of(&documents).map_err(|path| MergeError::NoReport {
        path: path_of(0),
        reason: format!("a place in {path} lies too far behind its beginning"),
    })?;
    let mut gathered = Gathered {
        node_pools: documents
            .first()
            .map(node_pools)
            .transpose()
            .map_err(no_report(0))?
            .unwrap_or_default(),
        inputs: inputs(&documents, &texts),
        changed_since: documents
            .first()
            .and_then(|document| document.changed_since.clone()),
        allow_no_images: documents
            .iter()
            .all(|document| document.summary.allow_no_images),
        ..Gathered::default()
    };
    let mut threshold = None;
    for (index, document) in documents.iter().enumerate() {
        add(document, &texts, &mut gathered).map_err(no_report(index))?;
        let said = threshold_of(&document.summary.fail_on).map_err(no_report(index))?;
        threshold = strictest(threshold, said);
    }
    drop_ignores_used_elsewhere(&documents, &mut gathered.findings);
    gathered.sources = texts.sources;
    Ok(Report::new(gathered, fail_on.unwrap_or(threshold)))
}

/// An ignore is unused where every part of a run says so: each saw its own images only.
fn drop_ignores_used_elsewhere(documents: &[Document], findings: &mut Vec<Finding>) {
    if documents.iter().any(|document| document.part.is_none()) {
        return;
    }
    let mut said: BTreeMap<(String, Span), usize> = BTreeMap::new();
    for finding in findings
        .iter()
        .filter(|finding| finding.rule == UNUSED_IGNORE)
    {
        for place in &finding.places {
            *said.entry((finding.message.clone(), *place)).or_default() += 1;
        }
    }
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.rule == UNUSED_IGNORE)
    {
        let message = finding.message.clone();
        finding
            .places
            .retain(|place| said.get(&(message.clone(), *place)) == Some(&documents.len()));
    }
    findings.retain(|finding| !finding.places.is_empty());
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn read(path: &Path) -> Result<Document, MergeError> {
    let mut bytes = Vec::new();
    let unreadable = |reason: String| MergeError::Unreadable {
        path: name(path),
        reason,
    };
    let size = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_REPORT_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(error.to_string()))?;
    if size as u64 > MAX_REPORT_BYTES {
        return Err(unreadable(format!(
            "it is larger than {MAX_REPORT_BYTES} bytes"
        )));
    }
    let no_report = |reason: String| MergeError::NoReport {
        path: name(path),
        reason,
    };
    let document: Document =
        serde_json::from_slice(&bytes).map_err(|error| no_report(error.to_string()))?;
    match document.version {
        1 => Ok(document),
        other => Err(no_report(format!("its format version is {other}"))),
    }
}

/// All parts of one run, each once; or reports of whole runs, which are joined as they are.
fn check(documents: &[Document]) -> Result<(), MergeError> {
    let Some(first) = documents.first() else {
        return Ok(());
    };
    if documents
        .iter()
        .any(|other| other.node_pools != first.node_pools)
    {
        return Err(MergeError::Different("the node pools"));
    }
    if documents
        .iter()
        .any(|other| other.changed_since != first.changed_since)
    {
        return Err(MergeError::Different("--changed-since"));
    }
    let Some(part) = &first.part else {
        let mixed = documents.iter().any(|other| other.part.is_some());
        return if mixed {
            Err(MergeError::Different("--partition"))
        } else {
            Ok(())
        };
    };
    let mut numbers = BTreeSet::new();
    for document in documents {
        let other = document.part.as_ref();
        let Some(other) = other.filter(|other| other.parts == part.parts) else {
            return Err(MergeError::Different("--partition"));
        };
        if other.of_images != part.of_images || paths(document) != paths(first) {
            return Err(MergeError::Different("the sources"));
        }
        if !numbers.insert(other.number) {
            let number = other.number;
            return Err(MergeError::Incomplete(format!(
                "part {number} is there twice"
            )));
        }
    }
    match (1..=part.parts).find(|number| !numbers.contains(number)) {
        Some(number) => Err(MergeError::Incomplete(format!(
            "part {number} of {} is missing",
            part.parts
        ))),
        None => Ok(()),
    }
}

fn paths(document: &Document) -> Vec<&str> {
    let sources = document.sources.iter();
    sources.map(|source| source.path.as_str()).collect()
}

fn threshold_of(word: &str) -> Result<Option<Severity>, String> {
    match word {
        "never" => Ok(None),
        word => word.parse().map(Some).map_err(|_| word.to_owned()),
    }
}

fn strictest(one: Option<Severity>, other: Option<Severity>) -> Option<Severity> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A source with a problem has the problem's message as the reason, which the report works out again.
fn inputs(documents: &[Document], texts: &Texts) -> Vec<Input> {
    let mut known = BTreeMap::new();
    for document in documents {
        for source in &document.sources {
            known
                .entry(source.path.as_str())
                .or_insert((document, source));
        }
    }
    let inputs = known.into_values();
    inputs
        .map(|(document, source)| {
            let is_problem = |why: &String| {
                let mut problems = document.problems.iter();
                problems.any(|problem| problem.place.path == source.path && problem.message == *why)
            };
            Input {
                path: source.path.clone(),
                source: texts.source(&source.path).filter(|_| source.read),
                dialect: Dialect::ALL
                    .into_iter()
                    .find(|dialect| dialect.to_string() == source.dialect)
                    .unwrap_or(Dialect::Unknown),
                skipped: source.skipped.clone().filter(|why| !is_problem(why)),
            }
        })
        .collect()
}

/// A pool has the label of its position, and the places name the positions.
fn node_pools(document: &Document) -> Result<Vec<NodePool>, String> {
    let pools = document.node_pools.iter().enumerate();
    pools
        .map(|(position, entry)| {
            let mut pool = NodePool::new(&entry.name, Provider::Unknown);
            if entry.platform != "unknown" {
                let mut platform = answer::platform(&entry.platform)?;
                platform.os_version.clone_from(&entry.os_version);
                pool.set_platform(platform);
            }
            pool.platform_note.clone_from(&entry.platform_note);
            pool.machine_type.clone_from(&entry.machine_type);
            let version = entry.kubernetes_version.as_deref();
            pool.kubernetes_version = version
                .map(|text| text.parse().map_err(|_| text.to_owned()))
                .transpose()?;
            pool.described_in.clone_from(&entry.source);
            pool.labels.set(POSITION, position.to_string());
            Ok(pool)
        })
        .collect()
}

/// Adds what one report holds. Gives back what makes no sense.
fn add(document: &Document, texts: &Texts, gathered: &mut Gathered) -> Result<(), String> {
    for image in &document.images {
        let reference = image.reference.parse::<Reference>();
        for entry in &image.occurrences {
            gathered
                .occurrences
                .push(occurrence(entry, &reference, texts)?);
        }
        if let (Ok(reference), Some(lookup)) = (reference, answer::lookup(image)?) {
            gathered.lookups.insert(reference, lookup);
        }
    }
    for entry in &document.findings {
        gathered.findings.push(finding(entry, document, texts)?);
    }
    for entry in &document.problems {
        let problem = Problem {
            span: texts.span(&entry.place, None).ok_or("a place")?,
            message: entry.message.clone(),
            help: entry.help.clone(),
        };
        if !gathered.problems.contains(&problem) {
            gathered.problems.push(problem);
        }
    }
    let summary = &document.summary;
    gathered.ignored += summary.ignored;
    let statistics = &mut gathered.statistics;
    *statistics = Statistics {
        // The machines work at the same time.
        duration: statistics
            .duration
            .max(Duration::from_millis(summary.duration_ms)),
        requests: statistics.requests.saturating_add(summary.requests),
        bytes_downloaded: statistics
            .bytes_downloaded
            .saturating_add(summary.bytes_downloaded),
        cache_hits: statistics.cache_hits.saturating_add(summary.cache_hits),
        rate_limits: Vec::new(),
    };
    Ok(())
}

fn occurrence(
    entry: &document::Occurrence,
    reference: &Result<Reference, crate::oci::ReferenceError>,
    texts: &Texts,
) -> Result<Occurrence, String> {
    let role = Role::ALL
        .into_iter()
        .find(|role| role.as_str() == entry.role.as_deref());
    Ok(Occurrence {
        written: entry.written.clone(),
        reference: reference.clone(),
        value: entry.written.clone(),
        span: texts
            .span(&entry.place, Some(&entry.written))
            .ok_or("a place")?,
        owner: Owner {
            api_version: entry.api_version.clone(),
            kind: entry.kind.clone(),
            namespace: entry.namespace.clone(),
            name: entry.name.clone(),
        },
        field: entry.field.clone(),
        container: entry.container.clone(),
        role: role.ok_or_else(|| entry.role.clone().unwrap_or_default())?,
        pull_policy: None,
        pull_secrets: Vec::new(),
        service_account: None,
        placement: Arc::new(placement(entry.node_pools.as_deref())),
    })
}

/// A pod that can land on the pools at these positions, and on no other.
fn placement(positions: Option<&[usize]>) -> Placement {
    Placement {
        required_affinity: positions.map(|positions| {
            let expression = |position: &usize| Requirement {
                key: POSITION.to_owned(),
                operator: Operator::In,
                values: vec![position.to_string()],
            };
            let terms = positions.iter().map(|position| NodeSelectorTerm {
                match_expressions: vec![expression(position)],
                match_fields: Vec::new(),
            });
            terms.collect()
        }),
        ..Placement::default()
    }
}

fn finding(
    entry: &document::Finding,
    document: &Document,
    texts: &Texts,
) -> Result<Finding, String> {
    let event = entry.event.as_ref().map(|event| {
        let reason = Event::REASONS
            .into_iter()
            .find(|reason| *reason == event.reason);
        Ok::<_, String>(Event {
            reason: reason.ok_or_else(|| event.reason.clone())?,
            message: event.message.clone(),
        })
    });
    Ok(Finding {
        rule: find(&entry.rule).ok_or_else(|| entry.rule.clone())?.id,
        severity: entry.severity.parse().map_err(|_| entry.severity.clone())?,
        message: entry.message.clone(),
        reference: entry.reference.clone(),
        places: places(entry, document, texts).ok_or("a place")?,
        help: entry.help.clone(),
        event: event.transpose()?,
        node_pools: entry.node_pools.clone(),
    })
}

/// A place on the command line is that of each argument that names the image.
fn places(entry: &document::Finding, document: &Document, texts: &Texts) -> Option<Vec<Span>> {
    let named = document
        .images
        .iter()
        .filter(|image| Some(&image.reference) == entry.reference.as_ref())
        .flat_map(|image| &image.occurrences);
    let arguments: Vec<&str> = named
        .filter(|occurrence| occurrence.place.path == texts::ARGUMENT)
        .map(|occurrence| occurrence.written.as_str())
        .collect();
    let mut spans = Vec::new();
    for place in &entry.places {
        if place.path == texts::ARGUMENT {
            let width = |written: &&&str| written.chars().count() + 1 == place.end_column;
            let written = arguments.iter().filter(width);
            spans.extend(written.filter_map(|written| texts.span(place, Some(written))));
        } else {
            spans.push(texts.span(place, None)?);
        }
    }
    (!spans.is_empty() || entry.places.is_empty()).then_some(spans)
}
