//! The report in numbers.

use std::collections::{BTreeSet, HashMap};

use super::Report;
use super::visible::visible;
use crate::cluster::NodePool;
use crate::finding::Severity;

/// How many node pools a sentence names before it counts the rest.
const POOLS_IN_A_SENTENCE: usize = 20;

/// How many of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Sources that were read or skipped.
    pub sources: usize,
    /// Places that name an image.
    pub occurrences: usize,
    /// Distinct images, texts that are no image name included.
    pub images: usize,
    /// Findings that are errors.
    pub errors: usize,
    /// Findings that are warnings.
    pub warnings: usize,
    /// Findings that are notes.
    pub notes: usize,
    /// Images about which something could not be told.
    pub undetermined: usize,
    /// Findings that an ignore took away.
    pub ignored: usize,
}

impl Counts {
    /// Counts what a report holds.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let severity = |severity: Severity| {
            let findings = report.findings.iter();
            findings
                .filter(|finding| finding.severity == severity)
                .count()
        };
        let invalid: BTreeSet<&str> = report
            .invalid
            .iter()
            .map(|occurrence| occurrence.written.as_str())
            .collect();
        let named = report.images.iter().map(|image| image.occurrences.len());
        Self {
            sources: report.inputs.len(),
            occurrences: named.sum::<usize>() + report.invalid.len(),
            images: report.images.len() + invalid.len(),
            errors: severity(Severity::Error),
            warnings: severity(Severity::Warning),
            notes: severity(Severity::Note),
            undetermined: report
                .images
                .iter()
                .filter(|image| image.failure().is_some())
                .count(),
            ignored: report.ignored,
        }
    }
}

/// `1 image`, `2 images`.
pub(super) fn counted(count: usize, singular: &str) -> String {
    match count {
        1 => format!("1 {singular}"),
        _ => format!("{count} {singular}s"),
    }
}

/// What was looked at, if not all, and which node pools the images were held against, in sentences.
pub(super) fn judged_against(report: &Report) -> String {
    match &report.changed_since {
        Some(revision) => format!(
            "Only what changed since {} was looked at. {}",
            visible(revision),
            pools_judged_against(report)
        ),
        None => pools_judged_against(report),
    }
}

fn pools_judged_against(report: &Report) -> String {
    if report.node_pools.is_empty() {
        return "No node pools were given (--nodes, --platform), so platforms were not judged."
            .to_owned();
    }
    let pools = platforms_by_name(&report.node_pools);
    let named: Vec<String> = pools
        .iter()
        .take(POOLS_IN_A_SENTENCE)
        .map(|(name, platforms)| match platforms.as_slice() {
            [platform] if platform == name => (*name).to_owned(),
            platforms => format!("{} ({})", visible(name), platforms.join(" or ")),
        })
        .collect();
    let more = match pools.len().checked_sub(POOLS_IN_A_SENTENCE) {
        Some(more @ 1..) => format!(" and {more} more"),
        _ => String::new(),
    };
    let by_rule = by_naming_rule(&report.node_pools);
    let open = if report.node_pools.iter().any(|pool| pool.on_demand) {
        ". The cluster makes nodes by itself: those that it may make were judged as well."
    } else {
        ""
    };
    format!(
        "Judged for node pools: {}{more}{by_rule}{open}",
        named.join(", ")
    )
}

/// The machine types whose architecture no table tells, but the provider's naming rule, behind the pools.
fn by_naming_rule(pools: &[NodePool]) -> String {
    let by_rule = |pool: &&NodePool| pool.platform.is_some() && pool.platform_note.is_some();
    let mut types: Vec<&str> = Vec::new();
    for pool in pools.iter().filter(by_rule) {
        types.extend(
            pool.machine_type
                .as_deref()
                .filter(|name| !types.contains(name)),
        );
    }
    let more = match types.len().checked_sub(POOLS_IN_A_SENTENCE) {
        Some(more @ 1..) => format!(" and {more} more"),
        _ => String::new(),
    };
    types.truncate(POOLS_IN_A_SENTENCE);
    match types.join(", ") {
        types if types.is_empty() => types,
        types => format!("; {}{more} by the provider's naming rule", visible(&types)),
    }
}

/// The platforms that the nodes of a pool may have, each pool once: a pool of several platforms stands once for each.
fn platforms_by_name(pools: &[NodePool]) -> Vec<(&str, Vec<String>)> {
    let mut by_name: Vec<(&str, Vec<String>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for pool in pools {
        let platform = match &pool.platform {
            Some(platform) => platform.to_string(),
            None => "platform not known".to_owned(),
        };
        let place = *places.entry(&pool.name).or_insert_with(|| {
            by_name.push((&pool.name, Vec::new()));
            by_name.len() - 1
        });
        if let Some((_, platforms)) = by_name.get_mut(place)
            && !platforms.contains(&platform)
        {
            platforms.push(platform);
        }
    }
    by_name
}
