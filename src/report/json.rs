//! The report for programs: format version 1, described by `report.schema.json`.

mod base;
mod node_pools;
mod part;

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use base::BaseEntry;
use node_pools::{NodePoolEntry, OnDemandEntry, landings};
use part::PartEntry;

use super::fingerprint::Fingerprints;
use super::layers::layers;
use super::place::{Place, Places};
use super::{Counts, Format, Image, Report};
use crate::cluster::NodePool;
use crate::facts::{Answer, BaseImages, Identity, Lookup, PlatformImage};
use crate::finding::{Finding, LayerChart, Problem, Severity};
use crate::oci::{Reference, marked_base_steps};
use crate::text::SourceId;
use crate::workload::Occurrence;

/// The JSON report, format version 1. A field with no value is null and never absent. Lines and columns start at 1, columns
/// count Unicode scalar values, ends are exclusive, and sizes are bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Json {
    /// The JSON Schema (draft 2020-12) of the report.
    pub const SCHEMA: &'static str = include_str!("report.schema.json");
}

impl Format for Json {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &Document::of(report))?;
        writeln!(out)
    }
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    version: u32,
    tool: Tool,
    part: Option<PartEntry<'a>>,
    changed_since: Option<&'a str>,
    summary: Summary<'a>,
    sources: Vec<SourceEntry<'a>>,
    problems: Vec<ProblemEntry<'a>>,
    node_pools: Vec<NodePoolEntry<'a>>,
    on_demand_pools: Vec<OnDemandEntry<'a>>,
    base: Option<BaseEntry<'a>>,
    history: BTreeMap<String, Vec<String>>,
    unlisted: Vec<String>,
    images: Vec<ImageEntry<'a>>,
    findings: Vec<FindingEntry<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Summary<'a> {
    sources: usize,
    occurrences: usize,
    images: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    undetermined: usize,
    ignored: usize,
    verdict: &'static str,
    exit_code: u8,
    fail_on: &'static str,
    allow_no_images: bool,
    undetermined_because: &'a [String],
    duration_ms: u64,
    requests: u64,
    bytes_downloaded: u64,
    cache_hits: u64,
    rate_limits: Vec<RateLimitEntry<'a>>,
}

#[derive(Serialize)]
struct RateLimitEntry<'a> {
    host: &'a str,
    remaining: u64,
    limit: Option<u64>,
    window_seconds: Option<u64>,
}

#[derive(Serialize)]
struct SourceEntry<'a> {
    path: &'a str,
    dialect: String,
    read: bool,
    skipped: Option<&'a str>,
}

#[derive(Serialize)]
struct ProblemEntry<'a> {
    message: &'a str,
    help: Option<&'a str>,
    #[serde(flatten)]
    place: PlaceEntry<'a>,
}

#[derive(Serialize)]
struct ImageEntry<'a> {
    reference: String,
    status: &'static str,
    reason: Option<&'static str>,
    digest: Option<&'a str>,
    media_type: Option<&'a str>,
    kind: Option<&'static str>,
    identity: Option<String>,
    platforms: Vec<PlatformEntry<'a>>,
    occurrences: Vec<OccurrenceEntry<'a>>,
}

#[derive(Serialize)]
struct PlatformEntry<'a> {
    platform: Option<String>,
    declared: Option<String>,
    reason: Option<&'static str>,
    incomplete: bool,
    digest: &'a str,
    compressed_bytes: Option<u64>,
    unpacked_bytes: Option<u64>,
    base_layers: Option<usize>,
    base_layers_by: Option<&'static str>,
    layers: Option<Vec<LayerEntry<'a>>>,
}

#[derive(Serialize)]
struct LayerEntry<'a> {
    digest: &'a str,
    media_type: &'a str,
    bytes: u64,
    created_by: Option<String>,
}

#[derive(Serialize)]
struct OccurrenceEntry<'a> {
    written: &'a str,
    #[serde(flatten)]
    place: PlaceEntry<'a>,
    api_version: Option<&'a str>,
    kind: Option<&'a str>,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    field: &'a str,
    container: Option<&'a str>,
    role: Option<&'static str>,
    node_pools: Option<Vec<usize>>,
    on_demand_pools: Option<Vec<usize>>,
}

#[derive(Serialize)]
struct FindingEntry<'a> {
    rule: &'static str,
    severity: &'static str,
    message: &'a str,
    reference: Option<&'a str>,
    #[serde(flatten)]
    place: PlaceEntry<'a>,
    places: Vec<FindingPlaceEntry<'a>>,
    help: Option<&'a str>,
    event: Option<EventEntry<'a>>,
    node_pools: &'a [String],
    layers: Option<Vec<ChartLayerEntry<'a>>>,
    fingerprint: String,
}

#[derive(Serialize)]
struct ChartLayerEntry<'a> {
    number: usize,
    bytes: u64,
    instruction: Option<&'a str>,
    mark: &'static str,
}

#[derive(Serialize)]
struct EventEntry<'a> {
    reason: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct FindingPlaceEntry<'a> {
    #[serde(flatten)]
    place: PlaceEntry<'a>,
    fingerprint: String,
}

/// All null only for a finding without a place, which no rule makes.
#[derive(Serialize, Default)]
struct PlaceEntry<'a> {
    path: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

impl<'a> From<Place<'a>> for PlaceEntry<'a> {
    fn from(place: Place<'a>) -> Self {
        Self {
            path: Some(place.path),
            line: Some(place.start.line),
            column: Some(place.start.column),
            end_line: Some(place.end.line),
            end_column: Some(place.end.column),
        }
    }
}

impl<'a> Document<'a> {
    pub fn of(report: &'a Report) -> Self {
        let places = Places::new(report);
        let mut fingerprints = Fingerprints::default();
        let mut images: Vec<ImageEntry> = report
            .images
            .iter()
            .map(|image| image_entry(image, &places, &report.node_pools))
            .collect();
        images.extend(invalid_entries(
            &report.invalid,
            &places,
            &report.node_pools,
        ));
        Self {
            version: 1,
            tool: Tool {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
            },
            part: report
                .part
                .as_ref()
                .map(|part| PartEntry::of(part, &places)),
            changed_since: report.changed_since.as_deref(),
            summary: summary(report),
            sources: sources(report),
            problems: report
                .problems
                .iter()
                .map(|problem| problem_entry(problem, &places))
                .collect(),
            node_pools: node_pools::named(&report.node_pools),
            on_demand_pools: node_pools::on_demand(&report.node_pools),
            base: BaseEntry::of(report, &places),
            history: history(report),
            unlisted: report.unlisted.iter().map(ToString::to_string).collect(),
            images,
            findings: report
                .findings
                .iter()
                .map(|finding| finding_entry(finding, &places, &mut fingerprints))
                .collect(),
        }
    }
}

fn summary(report: &Report) -> Summary<'_> {
    let counts = Counts::of(report);
    let statistics = &report.statistics;
    Summary {
        sources: counts.sources,
        occurrences: counts.occurrences,
        images: counts.images,
        errors: counts.errors,
        warnings: counts.warnings,
        notes: counts.notes,
        undetermined: counts.undetermined,
        ignored: counts.ignored,
        verdict: report.verdict.as_str(),
        exit_code: report.verdict.exit_code(),
        fail_on: report.fail_on.map_or("never", Severity::as_str),
        allow_no_images: report.allow_no_images,
        undetermined_because: &report.undetermined_because,
        duration_ms: u64::try_from(statistics.duration.as_millis()).unwrap_or(u64::MAX),
        requests: statistics.requests,
        bytes_downloaded: statistics.bytes_downloaded,
        cache_hits: statistics.cache_hits,
        rate_limits: statistics
            .rate_limits
            .iter()
            .map(|(host, limit)| RateLimitEntry {
                host,
                remaining: limit.remaining,
                limit: limit.limit,
                window_seconds: limit.window.map(|window| window.as_secs()),
            })
            .collect(),
    }
}

/// Of a broken source, the first problem says why a part of it was not looked at.
fn sources(report: &Report) -> Vec<SourceEntry<'_>> {
    let mut first_problems: BTreeMap<SourceId, &Problem> = BTreeMap::new();
    for problem in &report.problems {
        first_problems.entry(problem.span.source).or_insert(problem);
    }
    let inputs = report.inputs.iter();
    inputs
        .map(|input| {
            let problem = input.source.and_then(|source| first_problems.get(&source));
            let problem = problem.map(|problem| problem.message.as_str());
            SourceEntry {
                path: &input.path,
                dialect: input.dialect.to_string(),
                read: input.source.is_some(),
                skipped: input.skipped.as_deref().or(problem),
            }
        })
        .collect()
}

fn problem_entry<'a>(problem: &'a Problem, places: &Places<'a>) -> ProblemEntry<'a> {
    ProblemEntry {
        message: &problem.message,
        help: problem.help.as_deref(),
        place: places.of(problem.span).into(),
    }
}

/// Who asked: `anonymous`, `credential:` with where it came from, or `pull-secret:` with its name.
fn identity(lookup: &Lookup) -> Option<String> {
    let identity = match lookup {
        Answer::Found(found) => &found.identity,
        Answer::Refused(refusal) => &refusal.identity,
        Answer::Undetermined(_) => return None,
    };
    match identity {
        Identity::Anonymous => Some("anonymous".to_owned()),
        Identity::Credential { origin } => Some(format!("credential:{origin}")),
        Identity::PullSecret { secret } => Some(format!("pull-secret:{secret}")),
        Identity::Layout => None,
    }
}

fn image_entry<'a>(
    image: &'a Image,
    places: &Places<'a>,
    node_pools: &[NodePool],
) -> ImageEntry<'a> {
    let found = image.lookup.as_ref().and_then(|lookup| lookup.found());
    ImageEntry {
        reference: image.reference.to_string(),
        status: image.status(),
        reason: image.reason(),
        digest: found.map(|found| found.digest.as_str()),
        media_type: found.map(|found| found.manifest.media_type()),
        kind: found.map(|found| found.manifest.kind()),
        identity: image.lookup.as_ref().and_then(identity),
        platforms: found
            .map(|found| found.images.iter().map(platform_entry).collect())
            .unwrap_or_default(),
        occurrences: occurrence_entries(image.occurrences.iter(), places, node_pools),
    }
}

/// Texts that are no image name, each once, under the text itself.
fn invalid_entries<'a>(
    invalid: &'a [Occurrence],
    places: &Places<'a>,
    node_pools: &[NodePool],
) -> Vec<ImageEntry<'a>> {
    let mut by_text: BTreeMap<&str, Vec<&Occurrence>> = BTreeMap::new();
    for occurrence in invalid {
        by_text
            .entry(&occurrence.written)
            .or_default()
            .push(occurrence);
    }
    by_text
        .into_iter()
        .map(|(text, occurrences)| ImageEntry {
            reference: text.to_owned(),
            status: "unchecked",
            reason: None,
            digest: None,
            media_type: None,
            kind: None,
            identity: None,
            platforms: Vec::new(),
            occurrences: occurrence_entries(occurrences.into_iter(), places, node_pools),
        })
        .collect()
}

fn platform_entry(image: &PlatformImage) -> PlatformEntry<'_> {
    let base_layers = BaseImages::default().base_layers(image);
    let config = image.config();
    let is_marked = config.is_some_and(|config| marked_base_steps(config).is_some());
    PlatformEntry {
        base_layers,
        base_layers_by: base_layers.map(|_| if is_marked { "mark" } else { "guess" }),
        platform: image.platform().map(ToString::to_string),
        declared: image.declared.as_ref().map(ToString::to_string),
        reason: image.failure().map(|failure| failure.reason.as_str()),
        incomplete: image.is_incomplete(),
        digest: image.digest.as_str(),
        compressed_bytes: image.compressed_bytes().map(|bytes| bytes.0),
        unpacked_bytes: image.unpacked_bytes().map(|bytes| bytes.0),
        layers: layer_entries(image),
    }
}

fn layer_entries(image: &PlatformImage) -> Option<Vec<LayerEntry<'_>>> {
    let entries = layers(image)?.into_iter();
    let entries = entries.map(|(layer, created_by)| LayerEntry {
        digest: layer.digest.as_str(),
        media_type: &layer.media_type,
        bytes: layer.size.0,
        created_by,
    });
    Some(entries.collect())
}

fn occurrence_entries<'a>(
    occurrences: impl Iterator<Item = &'a Occurrence>,
    places: &Places<'a>,
    node_pools: &[NodePool],
) -> Vec<OccurrenceEntry<'a>> {
    occurrences
        .map(|occurrence| OccurrenceEntry {
            written: &occurrence.written,
            place: places.of(occurrence.span).into(),
            api_version: occurrence.owner.api_version.as_deref(),
            kind: occurrence.owner.kind.as_deref(),
            namespace: occurrence.owner.namespace.as_deref(),
            name: occurrence.owner.name.as_deref(),
            field: &occurrence.field,
            container: occurrence.container.as_deref(),
            role: occurrence.role.as_str(),
            node_pools: landings(&occurrence.placement, node_pools, false),
            on_demand_pools: landings(&occurrence.placement, node_pools, true),
        })
        .collect()
}

fn history(report: &Report) -> BTreeMap<String, Vec<String>> {
    let names = |tags: &Vec<Reference>| tags.iter().map(ToString::to_string).collect();
    let history = report.history.iter();
    history
        .map(|(reference, tags)| (reference.to_string(), names(tags)))
        .collect()
}

fn chart_entries(chart: &LayerChart) -> Vec<ChartLayerEntry<'_>> {
    let layers = chart.layers.iter();
    layers
        .map(|layer| ChartLayerEntry {
            number: layer.number,
            bytes: layer.bytes.0,
            instruction: layer.instruction.as_deref(),
            mark: layer.mark.as_str(),
        })
        .collect()
}

fn finding_entry<'a>(
    finding: &'a Finding,
    places: &Places<'a>,
    fingerprints: &mut Fingerprints,
) -> FindingEntry<'a> {
    let first = finding.places.first().map(|&span| places.of(span));
    let names = fingerprints.of(finding, places);
    FindingEntry {
        rule: finding.rule,
        severity: finding.severity.as_str(),
        message: &finding.message,
        reference: finding.reference.as_deref(),
        place: first.map(PlaceEntry::from).unwrap_or_default(),
        fingerprint: names.first().cloned().unwrap_or_default(),
        places: places
            .all_of(&finding.places)
            .zip(names)
            .map(|(place, fingerprint)| FindingPlaceEntry {
                place: place.into(),
                fingerprint,
            })
            .collect(),
        help: finding.help.as_deref(),
        event: finding.event.as_ref().map(|event| EventEntry {
            reason: event.reason,
            message: &event.message,
        }),
        node_pools: &finding.node_pools,
        layers: finding.layers.as_ref().map(chart_entries),
    }
}
