//! From the JSON reports of the parts of a run to the report of the whole.
#![allow(
    clippy::disallowed_methods,
    reason = "reports and the sources that they point into are read here"
)]

mod answer;
mod base;
mod document;
mod parts;
mod target;
mod texts;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use miette::Diagnostic;
use thiserror::Error;

use crate::finding::{ChartLayer, Event, Finding, LayerChart, LayerMark, Problem, Severity};
use crate::oci::{Bytes, Reference};
use crate::registry::RateLimit;
use crate::report::{Gathered, Input, Report, Statistics};
use crate::rule::find;
use crate::text::{Dialect, Span};
use crate::workload::{Occurrence, Owner};
use document::{Document, Head};
use texts::Texts;

/// The rule about ignores that match nothing.
const UNUSED_IGNORE: &str = "unused-ignore";

/// The largest report that is read, in bytes.
const MAX_REPORT_BYTES: u64 = 1 << 30;

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
    #[error("the reports are not of one run: {one} and {other} differ in {what}")]
    #[diagnostic(help("give all parts the same sources, node pools and options"))]
    Different {
        /// The path of the first report as given.
        one: String,
        /// The path of the report that differs from it.
        other: String,
        /// What differs.
        what: &'static str,
    },
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
    parts::check(paths, &documents)?;
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
            .map(target::node_pools)
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
        base: base::base(&documents).map_err(|(index, reason)| no_report(index)(reason))?,
        ..Gathered::default()
    };
    let mut threshold = None;
    for (index, document) in documents.iter().enumerate() {
        add(document, &texts, &mut gathered).map_err(no_report(index))?;
        let said = threshold_of(&document.summary.fail_on).map_err(no_report(index))?;
        threshold = strictest(threshold, said);
    }
    let known = parts::join(&documents, &texts, &mut gathered).map_err(no_report(0))?;
    gathered.sources = texts.sources;
    let mut report = Report::new(gathered, fail_on.unwrap_or(threshold));
    report.ignore_known_of(UNUSED_IGNORE, &known);
    Ok(report)
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
    let head: Head =
        serde_json::from_slice(&bytes).map_err(|error| no_report(error.to_string()))?;
    if head.version != 1 {
        return Err(no_report(format!("its format version is {}", head.version)));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let own = env!("CARGO_PKG_VERSION");
        no_report(match head.tool.version {
            writer if writer == own => error.to_string(),
            writer => format!("oci-preflight {writer} wrote it, and this is {own}: {error}"),
        })
    })
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
    for (reference, tags) in &document.history {
        let tags = tags.iter().map(|tag| base::reference(tag));
        let tags = tags.collect::<Result<_, _>>()?;
        gathered.history.insert(base::reference(reference)?, tags);
    }
    for reference in &document.unlisted {
        gathered.unlisted.insert(base::reference(reference)?);
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
        rate_limits: std::mem::take(&mut statistics.rate_limits),
    };
    for limit in &summary.rate_limits {
        let read = RateLimit {
            remaining: limit.remaining,
            limit: limit.limit,
            window: limit.window_seconds.map(Duration::from_secs),
        };
        // The smallest number is the latest.
        let known = statistics.rate_limits.entry(limit.host.clone());
        let known = known.or_insert(read);
        if read.remaining < known.remaining {
            *known = read;
        }
    }
    Ok(())
}

fn occurrence(
    entry: &document::Occurrence,
    reference: &Result<Reference, crate::oci::ReferenceError>,
    texts: &Texts,
) -> Result<Occurrence, String> {
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
        role: base::role(entry.role.as_deref())?,
        pull_policy: None,
        pull_secrets: Vec::new(),
        service_account: None,
        placement: Arc::new(target::placement(
            entry.node_pools.as_deref(),
            entry.on_demand_pools.as_deref(),
        )),
    })
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
        layers: entry.layers.as_deref().map(layer_chart).transpose()?,
    })
}

fn layer_chart(layers: &[document::ChartLayer]) -> Result<LayerChart, String> {
    let mark = |word: &str| {
        let mut marks = LayerMark::ALL.into_iter();
        let mark = marks.find(|mark| mark.as_str() == word);
        mark.ok_or_else(|| word.to_owned())
    };
    let layers = layers.iter().map(|layer| {
        Ok(ChartLayer {
            number: layer.number,
            bytes: Bytes(layer.bytes),
            instruction: layer.instruction.clone(),
            mark: mark(&layer.mark)?,
        })
    });
    Ok(LayerChart {
        layers: layers.collect::<Result<_, String>>()?,
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
