//! From places and answers to findings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::pods::PodAnswers;
use super::previous::Previous;
use crate::cluster::{NodePool, Target};
use crate::facts::{Answer, BaseImages, Depth, Lookup, Missing, RefusalReason};
use crate::finding::Finding;
use crate::oci::{Platform, Reference};
use crate::registry::Wanted;
use crate::rule::{ProbeFlags, Subject};
use crate::settings::{Settings, Standards};
use crate::text::SourceMap;
use crate::workload::{Landing, Occurrence, PullSecret, PullSecrets, Role, landing};

/// For each occurrence, the node pools on which its pod can land; `None` where there is no target at all.
pub(super) type Landings<'a> = Vec<Option<Vec<&'a NodePool>>>;

/// One pool for each platform that a source outside of the cluster asks for. They stand in for the machines that pull there.
pub(super) fn machines_elsewhere(occurrences: &[Occurrence]) -> Vec<NodePool> {
    let elsewhere = occurrences
        .iter()
        .filter(|occurrence| occurrence.role == Role::OffCluster);
    let platforms: BTreeSet<&Platform> = elsewhere
        .filter_map(|occurrence| occurrence.placement.platform.as_ref())
        .collect();
    platforms
        .into_iter()
        .cloned()
        .map(NodePool::of_platform)
        .collect()
}

/// Finds the node pools of each occurrence. What is pulled outside of the cluster lands on none of its pools, and what fits no
/// pool of a target that is only a part of the cluster lands on nodes that nobody described.
pub(super) fn landings<'a>(
    occurrences: &[Occurrence],
    target: &'a Target,
    elsewhere: &'a [NodePool],
) -> Landings<'a> {
    let landing = |occurrence: &Occurrence| {
        let possible = |pool: &&NodePool| landing(&occurrence.placement, pool) == Landing::Possible;
        let is_asked_for = |pool: &&NodePool| pool.platform == occurrence.placement.platform;
        match (occurrence.role, &occurrence.placement.platform) {
            (Role::OffCluster, None) => None,
            (Role::OffCluster, Some(_)) => Some(elsewhere.iter().filter(is_asked_for).collect()),
            _ => {
                let pools: Vec<&NodePool> = target.pools.iter().filter(possible).collect();
                let on_unknown_nodes = pools.is_empty() && target.is_partial;
                (!target.pools.is_empty() && !on_unknown_nodes).then_some(pools)
            }
        }
    };
    occurrences.iter().map(landing).collect()
}

/// What has to be asked: each valid reference, for the platforms of the pools where its pods can land. A pool whose
/// platform is not known may have any. What is provisional is not what will be pulled.
pub(super) fn wanted(
    occurrences: &[Occurrence],
    landings: &Landings<'_>,
    depth: Depth,
) -> Vec<Wanted> {
    wanted_of(occurrences, landings, depth, |_| true)
}

/// The same for some of the places.
pub(super) fn wanted_of(
    occurrences: &[Occurrence],
    landings: &Landings<'_>,
    depth: Depth,
    is_wanted: impl Fn(&Occurrence) -> bool,
) -> Vec<Wanted> {
    let platforms = |pools: &Vec<&NodePool>| -> Option<Vec<Platform>> {
        pools.iter().map(|pool| pool.platform.clone()).collect()
    };
    occurrences
        .iter()
        .zip(landings)
        .filter(|(occurrence, _)| occurrence.role != Role::Provisional && is_wanted(occurrence))
        .filter_map(|(occurrence, pools)| {
            let reference = occurrence.reference.as_ref().ok()?.clone();
            Some((reference, depth, pools.as_ref().and_then(platforms)))
        })
        .collect()
}

/// The hosts of all images that sources name for sure.
pub(super) fn hosts_named(occurrences: &[Occurrence]) -> BTreeSet<String> {
    let sure = occurrences
        .iter()
        .filter(|occurrence| occurrence.role != Role::Guess);
    sure.filter_map(|occurrence| occurrence.reference.as_ref().ok())
        .map(|reference| reference.registry().to_owned())
        .collect()
}

/// Lets go of texts that only looked like an image: a guess counts where the registry has the image, or has the repository
/// without that tag and sources name other images there.
pub(super) fn drop_wrong_guesses(
    occurrences: &mut Vec<Occurrence>,
    lookups: &mut BTreeMap<Reference, Lookup>,
    hosts: &BTreeSet<String>,
) {
    let named = |occurrences: &[Occurrence], guess| -> BTreeSet<Reference> {
        let alike = occurrences
            .iter()
            .filter(|occurrence| (occurrence.role == Role::Guess) == guess);
        alike
            .filter_map(|occurrence| occurrence.reference.clone().ok())
            .collect()
    };
    let sure = named(occurrences, false);
    let is_image = |reference: &Reference| match lookups.get(reference) {
        Some(Answer::Found(_)) => true,
        Some(Answer::Refused(refusal)) => {
            refusal.reason == RefusalReason::NotFound(Missing::Manifest)
                && hosts.contains(reference.registry())
        }
        _ => false,
    };
    let wrong: BTreeSet<Reference> = named(occurrences, true)
        .into_iter()
        .filter(|reference| !is_image(reference))
        .collect();
    occurrences.retain(|occurrence| {
        let is_wrong = |reference| wrong.contains(reference);
        occurrence.role != Role::Guess || !occurrence.reference.as_ref().is_ok_and(is_wrong)
    });
    lookups.retain(|reference, _| !wrong.contains(reference) || sure.contains(reference));
}

/// The platforms of node pools on which pods can land and their images don't run, by image. For images of the cluster only:
/// what a rule about platforms will name.
pub(super) fn lacking(
    occurrences: &[Occurrence],
    landings: &Landings<'_>,
    lookups: &BTreeMap<Reference, Lookup>,
) -> BTreeMap<Reference, BTreeSet<Platform>> {
    let mut lacking: BTreeMap<Reference, BTreeSet<Platform>> = BTreeMap::new();
    for (occurrence, pools) in occurrences.iter().zip(landings) {
        let Ok(reference) = &occurrence.reference else {
            continue;
        };
        let Some(found) = lookups.get(reference).and_then(Answer::found) else {
            continue;
        };
        let platforms = pools
            .iter()
            .flatten()
            .filter_map(|pool| pool.platform.as_ref());
        let missing: BTreeSet<&Platform> = platforms.filter(|node| !found.runs_on(node)).collect();
        if !missing.is_empty() && !found.images.is_empty() {
            let missing = missing.into_iter().cloned();
            lacking
                .entry(reference.clone())
                .or_default()
                .extend(missing);
        }
    }
    lacking
}

/// The pull secrets of a run.
pub(super) struct Secrets<'a> {
    pub all: &'a PullSecrets,
    /// Those that are for no image of any pod that names them, on whichever machine it is looked at.
    pub idle: Vec<&'a PullSecret>,
}

/// What is known beside the places themselves.
pub(super) struct Facts<'a> {
    pub lookups: &'a BTreeMap<Reference, Lookup>,
    /// What registries answer to the pods themselves, in the order of the places.
    pub as_pods: &'a PodAnswers,
    pub target: &'a Target,
    pub secrets: &'a Secrets<'a>,
    /// What images are compared with.
    pub previous: &'a Previous,
}

/// Runs every enabled rule on every node pool and every occurrence, with the severities of the settings.
pub(super) fn findings(
    settings: &Settings,
    sources: &SourceMap,
    occurrences: &[Occurrence],
    landings: &Landings<'_>,
    facts: &Facts<'_>,
) -> Vec<Finding> {
    let Facts {
        lookups,
        as_pods,
        target,
        secrets,
        previous,
    } = *facts;
    let bases = BaseImages::of(lookups);
    let mut findings: Vec<Finding> = settings
        .standards
        .rules()
        .flat_map(|rule| target.pools.iter().flat_map(rule.check_pool))
        .collect();
    set_severities(&mut findings, &settings.standards);
    let probe_flags = probe_flags(settings);
    let places = occurrences.iter().zip(landings).zip(as_pods);
    for ((occurrence, pools), as_pod) in places {
        if occurrence.role == Role::Provisional {
            continue;
        }
        let path = &sources.get(occurrence.span.source).name;
        let standards = settings.standards_for(path, occurrence);
        let reference = occurrence.reference.as_ref().ok();
        let earlier = previous.earlier(occurrence, lookups);
        let subject = Subject {
            occurrence,
            lookup: reference.and_then(|reference| lookups.get(reference)),
            earlier: &earlier,
            bases: &bases,
            as_pod: as_pod.as_deref(),
            is_from_fork: settings.is_from_fork,
            pools: pools.as_deref().unwrap_or_default(),
            target,
            pull_secrets: secrets.all,
            idle_secrets: &secrets.idle,
            budgets: &standards.budgets,
            probe_flags: &probe_flags,
        };
        let found = standards.rules().flat_map(|rule| (rule.check)(&subject));
        let before = findings.len();
        findings.extend(found);
        set_severities(&mut findings[before..], &standards);
    }
    findings
}

/// How this run asks registries.
fn probe_flags(settings: &Settings) -> ProbeFlags {
    let shown = |paths: &[PathBuf]| {
        let paths = paths.iter();
        paths.map(|path| path.display().to_string()).collect()
    };
    ProbeFlags {
        plain_http: settings.plain_http.clone(),
        ca_files: shown(&settings.ca_files),
        hosts_dirs: shown(&settings.hosts_dirs),
        registries_confs: shown(&settings.registries_confs),
        mirrors: settings.mirrors.clone(),
        timeout: (settings.timeout != Settings::DEFAULT_TIMEOUT).then_some(settings.timeout),
    }
}

fn set_severities(findings: &mut [Finding], standards: &Standards) {
    for finding in findings {
        finding.severity = standards.severity_of(finding);
    }
}
