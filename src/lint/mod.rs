//! The pipeline: sources → references → facts → rules → findings → report.
#![allow(
    clippy::disallowed_methods,
    reason = "the pipeline holds the clock, and reads the files that describe node pools"
)]

mod base;
mod changed;
mod gather;
mod history;
mod ignores;
mod judge;
mod parallel;
mod partition;
mod pods;
mod previous;
mod rendered;
mod targets;
mod trace;

use std::collections::BTreeMap;
use std::time::Instant;

use miette::Diagnostic;
use thiserror::Error;

use crate::facts::{Depth, Lookup};
use crate::input::{Changes, ChangesError, RevisionError};
use crate::oci::Reference;
use crate::registry::{
    Asked, CredentialSources, LayoutMapping, Options, Proxies, Registry, RegistryError, Wanted,
    distinct,
};
use crate::report::{Gathered, Report, Statistics};
use crate::scan::read_layers;
use crate::settings::Settings;
use crate::text::SourceMap;
use crate::workload::Occurrence;

use previous::Previous;
pub use targets::TargetError;

/// Why a run could not be done at all. What is wrong with one source or one image is part of the report instead.
#[derive(Debug, Error, Diagnostic)]
pub enum LintError {
    /// Node pools can't be read.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// It can't be told what changed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Changes(#[from] ChangesError),
    /// The sources of what is deployed now can't be had.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Base(#[from] RevisionError),
    /// The client could not be made, mostly because of a certificate file or a layout.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// What a run is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Sources are read, and charts rendered.
    Reading,
    /// Registries are asked.
    Asking {
        /// Images that were answered for.
        done: usize,
        /// Images in all.
        total: usize,
        /// The image that has been asked about for longest, and is not answered for.
        longest: Option<&'a Reference>,
    },
    /// The layers of images are read.
    Unpacking {
        /// Layers that were read.
        done: usize,
        /// Layers in all.
        total: usize,
    },
}

/// Is told what a run is at, each time that this changes.
pub type OnProgress<'a> = &'a (dyn Fn(Progress<'_>) + Sync);

/// Reads the sources, asks about each distinct image once, and runs every rule on every place.
///
/// # Errors
///
/// When the run could not be done at all. A registry that does not answer is part of the report.
pub async fn lint(settings: &Settings, progress: OnProgress<'_>) -> Result<Report, LintError> {
    run(settings, Ask::WhatRulesNeed, progress).await
}

/// Does the same, and learns every platform of the images, whatever the node pools are.
///
/// # Errors
///
/// As [`lint`].
pub async fn inspect(settings: &Settings, progress: OnProgress<'_>) -> Result<Report, LintError> {
    run(settings, Ask::Everything, progress).await
}

/// How much is asked about each image.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// The platforms of the pools where pods can land, as deep as the enabled rules need.
    WhatRulesNeed,
    /// All platforms, with their configs.
    Everything,
}

impl Ask {
    fn about(self, mut wanted: Vec<Wanted>) -> Vec<Wanted> {
        if self == Self::Everything {
            for (_, depth, platforms) in &mut wanted {
                *depth = Depth::Config.max(*depth);
                *platforms = None;
            }
        }
        wanted
    }
}

async fn run(settings: &Settings, ask: Ask, progress: OnProgress<'_>) -> Result<Report, LintError> {
    let started = Instant::now();

    // Read
    progress(Progress::Reading);
    let mut sources = SourceMap::default();
    let mut target = targets::target(settings, &mut sources)?;
    let mut pull_secrets = targets::pull_secrets(settings)?;
    let mut gathered = gather::occurrences(&base::without_base(settings), &mut sources).await;
    pull_secrets.join(std::mem::take(&mut gathered.pull_secrets));
    targets::join(&mut target, &gathered.node_pools);
    let mut previous = Previous::read(settings, &gathered, &sources).await?;
    let is_narrowed = narrow(settings, &mut gathered, &sources, &mut previous)?;

    // Ask
    let registry = Registry::new(options(settings))?;
    name_in_full(&mut gathered.occurrences, &registry);
    let elsewhere = judge::machines_elsewhere(&gathered.occurrences);
    let secrets = judge::Secrets {
        idle: pull_secrets.idle(&gathered.occurrences),
        all: &pull_secrets,
    };
    let hosts = judge::hosts_named(&gathered.occurrences);
    previous.select(settings.partition);
    let others = partition::select(settings.partition, &mut gathered.occurrences);
    let landings = judge::landings(&gathered.occurrences, &target, &elsewhere);
    let mut wanted = judge::wanted(&gathered.occurrences, &landings, settings.depth());
    wanted.extend(previous.wanted(&target, &elsewhere, settings.depth()));
    let wanted = ask.about(wanted);
    let wants = distinct(wanted.clone());
    let mut lookups = look_up(&registry, wanted, wants.len(), progress).await;
    previous.take_answers(&gathered.occurrences, &mut lookups);
    if settings.depth() == Depth::Layers {
        let unpacking = |done, total| progress(Progress::Unpacking { done, total });
        read_layers(&registry, &mut lookups, &unpacking).await;
    }
    judge::drop_wrong_guesses(&mut gathered.occurrences, &mut lookups, &hosts);
    let landings = judge::landings(&gathered.occurrences, &target, &elsewhere);
    let places = gathered.occurrences.as_slice();
    let at_once = settings.concurrency;
    let as_pods = pods::ask(
        &registry,
        places,
        &wants,
        &pull_secrets,
        &mut lookups,
        at_once,
    )
    .await;

    if settings.judges_platforms() {
        let lacking = judge::lacking(&gathered.occurrences, &landings, &lookups);
        registry.add_older_tags(lacking, &mut lookups).await;
    }

    let places = (places, &landings);
    previous
        .ask_histories(settings, &registry, places, &lookups)
        .await;
    let facts = judge::Facts {
        previous: &previous,
        lookups: &lookups,
        as_pods: &as_pods,
        target: &target,
        secrets: &secrets,
    };

    // Judge
    let findings = judge::findings(settings, &sources, &gathered.occurrences, &landings, &facts);

    // Ignore
    let config = settings.config.clone().map(|config| sources.add(config));
    let ignored = ignores::apply(
        &ignores::Context {
            settings,
            sources: &sources,
            occurrences: &gathered.occurrences,
            elsewhere: &others.occurrences,
            lookups: &lookups,
            target: &target,
            comments: &gathered.comments,
            config,
            today: ignores::today(),
        },
        findings,
    );

    // Report
    let taken = ignored.taken;
    let (findings, part) = others.settle(ignored);
    let (base, histories) = previous.into_report();
    let report = Gathered {
        sources,
        inputs: gathered.inputs,
        occurrences: gathered.occurrences,
        problems: gathered.problems,
        lookups,
        findings,
        node_pools: target.pools,
        base,
        history: histories.earlier,
        unlisted: histories.unlisted,
        ignored: taken,
        part,
        changed_since: settings.changed_since.clone().filter(|_| is_narrowed),
        allow_no_images: settings.allow_no_images || is_narrowed,
        statistics: statistics(&registry, started),
    };
    Ok(Report::new(report, settings.fail_on))
}

/// Leaves out what has not changed, where only changes are wanted, and says whether it did.
fn narrow(
    settings: &Settings,
    gathered: &mut gather::Asked,
    sources: &SourceMap,
    previous: &mut Previous,
) -> Result<bool, LintError> {
    let revision = settings.changed_since.as_deref();
    let changes = revision.map(Changes::since).transpose()?;
    let is_narrowed =
        changes.is_some_and(|changes| changed::narrow(&changes, settings, gathered, sources));
    if is_narrowed {
        previous.narrow(&gathered.occurrences);
    }
    Ok(is_narrowed)
}

/// Asks about everything that is wanted, `total` images, and says how far it is.
async fn look_up(
    registry: &Registry,
    wanted: Vec<Wanted>,
    total: usize,
    progress: OnProgress<'_>,
) -> BTreeMap<Reference, Lookup> {
    let asking = |Asked { done, longest }: Asked<'_>| {
        progress(Progress::Asking {
            done,
            total,
            longest,
        });
    };
    registry.look_up_all(wanted, asking).await
}

/// Gives names without a host the host that they have on the nodes.
fn name_in_full(occurrences: &mut [Occurrence], registry: &Registry) {
    for occurrence in occurrences {
        if let Some(reference) = registry.meant_by(&occurrence.value) {
            occurrence.reference = Ok(reference);
        }
    }
}

fn statistics(registry: &Registry, started: Instant) -> Statistics {
    let cost = registry.statistics();
    Statistics {
        duration: started.elapsed(),
        requests: cost.requests,
        bytes_downloaded: cost.bytes_downloaded,
        cache_hits: cost.cache_hits,
        rate_limits: cost.rate_limits,
    }
}

/// Finds the places that name images, and asks nobody.
pub async fn places(settings: &Settings) -> (SourceMap, Vec<Occurrence>) {
    let mut sources = SourceMap::default();
    let gathered = gather::occurrences(settings, &mut sources).await;
    (sources, gathered.occurrences)
}

fn options(settings: &Settings) -> Options {
    Options {
        plain_http: settings.plain_http.clone(),
        ca_files: settings.ca_files.clone(),
        hosts_dirs: settings.hosts_dirs.clone(),
        registries_confs: settings.registries_confs.clone(),
        mirrors: settings.mirrors.clone(),
        layouts: settings
            .layouts
            .iter()
            .map(|(host_prefix, folder)| LayoutMapping {
                host_prefix: host_prefix.clone(),
                folder: folder.clone(),
            })
            .collect(),
        concurrency: settings.concurrency,
        per_host: settings.per_host,
        timeout: settings.timeout,
        retries: settings.retries,
        credentials: CredentialSources::from_environment(),
        proxies: Proxies::from_environment(),
        cache_dir: settings.cache_dir.clone(),
        offline: settings.offline,
        verify_blobs: settings.verify_blobs,
        compare_tags: settings.compares_tags(),
        ..Options::default()
    }
}
