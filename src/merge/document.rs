//! The JSON report as it is read back: the parts of it that cannot be worked out again.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What every report has, whichever version wrote it.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub version: u32,
    pub tool: Tool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    pub version: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub tool: Tool,
    pub part: Option<Part>,
    pub changed_since: Option<String>,
    pub summary: Summary,
    pub sources: Vec<Source>,
    pub problems: Vec<Problem>,
    pub node_pools: Vec<NodePool>,
    pub on_demand_pools: Vec<OnDemandPool>,
    pub base: Option<Base>,
    pub history: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub unlisted: Vec<String>,
    pub images: Vec<Image>,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Part {
    pub number: usize,
    pub parts: usize,
    pub of_images: usize,
    pub images_digest: String,
    pub unused_ignores: Vec<Finding>,
    pub ignored_by_all: usize,
    pub known: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub ignored: usize,
    pub fail_on: String,
    pub allow_no_images: bool,
    pub duration_ms: u64,
    pub requests: u64,
    pub bytes_downloaded: u64,
    pub cache_hits: u64,
    pub rate_limits: Vec<RateLimit>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RateLimit {
    pub host: String,
    pub remaining: u64,
    pub limit: Option<u64>,
    pub window_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Source {
    pub path: String,
    pub dialect: String,
    pub skipped: Option<String>,
    pub read: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub message: String,
    pub help: Option<String>,
    #[serde(flatten)]
    pub place: Place,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct NodePool {
    pub name: String,
    pub platform: String,
    #[serde(default)]
    pub platform_note: Option<String>,
    pub os_version: Option<String>,
    pub machine_type: Option<String>,
    pub kubernetes_version: Option<String>,
    pub runtime: Option<String>,
    pub source: String,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct OnDemandPool {
    pub position: usize,
    #[serde(flatten)]
    pub pool: NodePool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Base {
    pub name: String,
    pub unread: Vec<String>,
    pub places: Vec<BasePlace>,
    pub images: Vec<Image>,
}

#[derive(Debug, Deserialize)]
pub(super) struct BasePlace {
    pub reference: String,
    pub now: Option<String>,
    pub role: Option<String>,
    pub node_pools: Option<Vec<usize>>,
    pub on_demand_pools: Option<Vec<usize>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Image {
    pub reference: String,
    pub status: String,
    pub reason: Option<String>,
    pub digest: Option<String>,
    pub media_type: Option<String>,
    pub kind: Option<String>,
    #[serde(default)]
    pub identity: Option<String>,
    pub platforms: Vec<Platform>,
    pub occurrences: Vec<Occurrence>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Platform {
    #[serde(rename = "platform")]
    pub actual: Option<String>,
    pub declared: Option<String>,
    pub reason: Option<String>,
    pub incomplete: bool,
    pub digest: String,
    #[serde(default)]
    pub unpacked_bytes: Option<u64>,
    #[serde(default)]
    pub base_layers: Option<usize>,
    #[serde(default)]
    pub base_layers_by: Option<String>,
    pub layers: Option<Vec<Layer>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Layer {
    pub digest: String,
    pub media_type: String,
    pub bytes: u64,
    pub created_by: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Occurrence {
    pub written: String,
    #[serde(flatten)]
    pub place: Place,
    pub api_version: Option<String>,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub field: String,
    pub container: Option<String>,
    pub role: Option<String>,
    pub node_pools: Option<Vec<usize>>,
    pub on_demand_pools: Option<Vec<usize>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Finding {
    pub rule: String,
    pub severity: String,
    pub message: String,
    pub reference: Option<String>,
    pub places: Vec<Place>,
    pub help: Option<String>,
    pub event: Option<Event>,
    pub node_pools: Vec<String>,
    pub layers: Option<Vec<ChartLayer>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChartLayer {
    pub number: usize,
    pub bytes: u64,
    pub instruction: Option<String>,
    pub mark: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub reason: String,
    pub message: String,
}

/// A place in a source, both ends from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct Place {
    pub path: String,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}
