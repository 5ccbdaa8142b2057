//! Looks references up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::timeout;

use super::cache::Cache;
use super::client::{self, Trust};
use super::content::Place;
use super::credentials::Keyring;
use super::host::{Host, Wire};
use super::hosts_file::{HostsFolders, Way};
use super::layout::Layout;
use super::pending::{Asked, Pending};
use super::setback::{Setback, failure};
use super::single_flight::SingleFlight;
use super::statistics::{Counters, Statistics};
use super::tags::{nearest, older};
use super::token::Tokens;
use super::transport::Transport;
use super::unfold::{Known, Search};
use super::ways::Ways;
use super::{LayoutMapping, Options, RegistryError};
use crate::facts::{Answer, Depth, FailureReason, Found, Lookup, Missing, Refusal, RefusalReason};
use crate::oci::{Manifest, Platform, Reference};

/// How many older tags are looked at for a platform.
const MAX_OLDER_TAGS: usize = 8;

/// How many times the time-out of one question all questions about one reference may take at one host: one for the manifest,
/// one for what an index lists, one for configs and layers, and one for what is nested.
const MAX_TIMEOUTS: u32 = 4;

/// What is asked about one reference: how deep, and for which platforms; all of them where none are named.
pub type Wanted = (Reference, Depth, Option<Vec<Platform>>);

/// Everything that can say what is stored under a reference: registries, and layouts in their place.
#[derive(Debug)]
pub struct Registry {
    pub(super) wire: Wire,
    ways: Mutex<HashMap<String, Arc<Ways>>>,
    hosts_folders: HostsFolders,
    mirrors: Vec<(String, Way)>,
    layouts: Vec<(LayoutMapping, Layout)>,
    known: Known,
    tags: SingleFlight<String, Vec<String>>,
    options: Options,
}

impl Registry {
    /// Opens the layouts and reads the credentials and certificates. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// When a setting cannot be used: the message names the file and what is wrong with it.
    pub fn new(options: Options) -> Result<Self, RegistryError> {
        let mut layouts = Vec::new();
        for mapping in &options.layouts {
            layouts.push((mapping.clone(), Layout::open(&mapping.folder)?));
        }
        layouts.sort_by_key(|(mapping, _)| std::cmp::Reverse(mapping.host_prefix.len()));
        Ok(Self {
            wire: Wire {
                transport: Transport {
                    client: client::build(&options, &Trust::default())?,
                    counters: Counters::default(),
                },
                tokens: Tokens::default(),
                keyring: Keyring::read(&options.credentials)?,
                cache: options.cache_dir.as_deref().map(Cache::new),
                timeout: options.timeout,
                retries: options.retries,
            },
            ways: Mutex::default(),
            hosts_folders: HostsFolders::read(&options)?,
            mirrors: mirrors(&options)?,
            layouts,
            known: Known {
                manifests: SingleFlight::default(),
                configs: SingleFlight::default(),
                blobs: SingleFlight::default(),
            },
            tags: SingleFlight::default(),
            options,
        })
    }

    /// Whether `reference` would be answered: by a layout always, by the network unless the client is offline.
    #[must_use]
    pub fn answers(&self, reference: &Reference) -> bool {
        !self.options.offline || self.layout(reference).is_some()
    }

    /// What is stored under `reference`, as deep as `depth` says. Of an index, the images for `platforms` are looked at,
    /// and entries that say no platform; all images where `platforms` is none.
    ///
    /// It does not fail: not knowing is an answer. It comes after four time-outs for each host that may be asked, at the
    /// latest. A depth of [`Depth::Reference`] asks as [`Depth::Manifest`] does.
    pub async fn look_up(
        &self,
        reference: &Reference,
        depth: Depth,
        platforms: Option<&[Platform]>,
    ) -> Lookup {
        let longest = self.longest(reference);
        timeout(longest, self.find(reference, depth, platforms))
            .await
            .unwrap_or_else(|_| {
                let seconds = longest.as_secs_f32();
                let words = format!("not all of {reference} was told within {seconds} s");
                Err(failure(FailureReason::Timeout, &words).into())
            })
            .into()
    }

    /// How long all questions about one reference may take together, however many the registry gives cause for.
    fn longest(&self, reference: &Reference) -> Duration {
        let hosts = self.ways(reference).0.len().max(1);
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        self.options
            .timeout
            .saturating_mul(MAX_TIMEOUTS.saturating_mul(hosts))
    }

    /// Looks many references up, several at a time, each once however often it is wanted. References that nothing
    /// [`answers`](Self::answers), and those wanted at [`Depth::Reference`] alone, are left out. `progress` is told
    /// when the first is asked about and after each answer.
    pub async fn look_up_all(
        &self,
        wanted: Vec<Wanted>,
        progress: impl Fn(Asked<'_>),
    ) -> BTreeMap<Reference, Lookup> {
        let distinct = distinct(wanted);
        let pending = Pending::default();
        let report = |done, longest: Option<Reference>| {
            let longest = longest.as_ref();
            progress(Asked { done, longest });
        };
        let asked = distinct
            .into_iter()
            .filter(|(reference, (depth, _))| *depth > Depth::Reference && self.answers(reference))
            .enumerate()
            .map(|(number, (reference, (depth, platforms)))| {
                let (pending, report) = (&pending, &report);
                async move {
                    if let Some(longest) = pending.begin(number, &reference) {
                        // Nothing else is under way: all before it are answered.
                        report(number, Some(longest));
                    }
                    let lookup = self.look_up(&reference, depth, platforms.as_deref()).await;
                    (number, reference, lookup)
                }
            });
        let mut answers = stream::iter(asked).buffer_unordered(self.options.concurrency.max(1));
        let mut lookups = BTreeMap::new();
        while let Some((number, reference, lookup)) = answers.next().await {
            lookups.insert(reference, lookup);
            report(lookups.len(), pending.end(number));
        }
        if let Some(cache) = &self.wire.cache {
            cache.prune();
        }
        lookups
    }

    /// Adds to what was found the older tags that run on the platforms that it lacks.
    pub async fn add_older_tags(
        &self,
        lacking: BTreeMap<Reference, BTreeSet<Platform>>,
        lookups: &mut BTreeMap<Reference, Lookup>,
    ) {
        let asked = lacking
            .into_iter()
            .map(|(reference, platforms)| async move {
                let platforms: Vec<Platform> = platforms.into_iter().collect();
                let tag = self.older_tag(&reference, &platforms).await;
                (reference, tag)
            });
        let mut tags = stream::iter(asked).buffer_unordered(self.options.concurrency.max(1));
        while let Some((reference, tag)) = tags.next().await {
            if let Some(Answer::Found(found)) = lookups.get_mut(&reference) {
                found.older_tag = tag;
            }
        }
    }

    /// What is stored under the older tags of each repository, at most `count` of them: newest version first. The tags of a
    /// repository are looked up one after the other.
    pub async fn earlier_tags(
        &self,
        references: Vec<(Reference, Option<Vec<Platform>>)>,
        count: usize,
    ) -> Vec<(Reference, Vec<(Reference, Lookup)>)> {
        let asked = references
            .into_iter()
            .map(|(reference, platforms)| async move {
                let mut found = Vec::new();
                for tag in self.older_tags(&reference).await.into_iter().take(count) {
                    let older = reference.with_tag(&tag);
                    let lookup = self
                        .look_up(&older, Depth::Config, platforms.as_deref())
                        .await;
                    found.push((older, lookup));
                }
                (reference, found)
            });
        let asked = stream::iter(asked).buffer_unordered(self.options.concurrency.max(1));
        asked.collect().await
    }

    /// The older tags of the repository, newest version first; none where tags are not told.
    async fn older_tags(&self, reference: &Reference) -> Vec<String> {
        let Some(tag) = reference.tag() else {
            return Vec::new();
        };
        let ways;
        let place = match self.layout(reference) {
            Some(layout) => Place::Layout(layout),
            None if self.options.offline => return Vec::new(),
            None => {
                ways = self.ways(reference);
                Place::Hosts(&ways, &self.wire)
            }
        };
        older(tag, &self.tags(place, reference).await)
    }

    /// The newest of the older tags of the repository whose image runs on all of `platforms`. Few are looked at, the newest
    /// first; none where none of them has it, or where tags are not told.
    async fn older_tag(&self, reference: &Reference, platforms: &[Platform]) -> Option<String> {
        let tags = self.older_tags(reference).await.into_iter();
        for tag in tags.take(MAX_OLDER_TAGS) {
            let older = reference.with_tag(&tag);
            let lookup = self.look_up(&older, Depth::Config, Some(platforms)).await;
            let runs = |found: &Found| platforms.iter().all(|platform| found.runs_on(platform));
            if lookup.found().is_some_and(runs) {
                return Some(tag);
            }
        }
        None
    }

    /// What all questions cost so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.wire.transport.counters.snapshot()
    }

    async fn find(
        &self,
        reference: &Reference,
        depth: Depth,
        platforms: Option<&[Platform]>,
    ) -> Result<Found, Setback> {
        let ways;
        let place = match self.layout(reference) {
            Some(layout) => Place::Layout(layout),
            None if self.options.offline => {
                let words = "nothing is asked of the network when offline";
                return Err(failure(FailureReason::Connect, words).into());
            }
            None => {
                ways = self.ways(reference);
                Place::Hosts(&ways, &self.wire)
            }
        };
        let document = match place.manifest(reference).await {
            Err(Setback::Refused(refusal)) => {
                return Err(self.with_nearest_tags(*refusal, place, reference).await);
            }
            answer => answer?,
        };
        let content_type = Some(document.content_type.as_str()).filter(|text| !text.is_empty());
        let manifest = Manifest::parse(&document.body, content_type)
            .map_err(|error| Setback::damaged(&error.to_string()))?;
        let search = Search {
            place,
            known: &self.known,
            counters: &self.wire.transport.counters,
            reference,
            depth,
            platforms,
            verify_blobs: self.options.verify_blobs,
            seen: AtomicUsize::new(0),
        };
        let images = search.images(&manifest, &document.digest).await;
        if let Some(excess) = search.excess() {
            return Err(excess);
        }
        let tag_digest = match (reference.digest(), reference.tag()) {
            (Some(_), Some(tag)) if self.options.compare_tags => {
                place.tag_digest(reference, tag).await
            }
            _ => None,
        };
        Ok(Found {
            digest: document.digest,
            content_type: document.content_type,
            manifest,
            images,
            tag_digest,
            older_tag: None,
        })
    }

    /// The tags of the repository, asked for once.
    async fn tags(&self, place: Place<'_>, reference: &Reference) -> Vec<String> {
        let tags = place.tags(reference);
        self.tags.get_or(reference.name(), tags).await.0
    }

    /// Adds to "there is no such tag" the tags that were perhaps meant.
    async fn with_nearest_tags(
        &self,
        mut refusal: Refusal,
        place: Place<'_>,
        reference: &Reference,
    ) -> Setback {
        let may_be_a_tag = matches!(
            refusal.reason,
            RefusalReason::NotFound(Missing::Manifest | Missing::Unsaid)
        );
        if let (true, None, Some(tag)) = (may_be_a_tag, reference.digest(), reference.tag()) {
            refusal.nearest_tags = nearest(tag, &self.tags(place, reference).await);
        }
        refusal.into()
    }

    pub(super) fn layout(&self, reference: &Reference) -> Option<&Layout> {
        let name = reference.name();
        self.layouts
            .iter()
            .find(|(mapping, _)| mapping.covers(&name))
            .map(|(_, layout)| layout)
    }

    /// The mirrors of the registry, then what its hosts file says, then the registry itself.
    pub(super) fn ways(&self, reference: &Reference) -> Arc<Ways> {
        let registry = reference.registry();
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let ways = ways.entry(registry.to_owned()).or_insert_with(|| {
            let mirrors = self.mirrors.iter().filter(|(of, _)| of == registry);
            let plans = mirrors
                .map(|(_, way)| way.clone())
                .chain(self.hosts_folders.ways(registry));
            let host = |way| {
                Host::on(
                    way,
                    registry,
                    reference.api_host(),
                    &self.options.plain_http,
                    self.options.per_host,
                )
            };
            Arc::new(Ways(plans.map(host).collect()))
        });
        Arc::clone(ways)
    }
}

fn mirrors(options: &Options) -> Result<Vec<(String, Way)>, RegistryError> {
    let mirrors = options.mirrors.iter().map(|(registry, url)| {
        let way = Way::mirror(url).map_err(|reason| RegistryError::Mirror {
            registry: registry.clone(),
            reason,
        })?;
        Ok((registry.clone(), way))
    });
    mirrors.collect()
}

/// Each reference once, as deep as anybody wants it, for all platforms that anybody wants.
fn distinct(wanted: Vec<Wanted>) -> BTreeMap<Reference, (Depth, Option<Vec<Platform>>)> {
    let mut distinct: BTreeMap<Reference, (Depth, Option<Vec<Platform>>)> = BTreeMap::new();
    for (reference, depth, platforms) in wanted {
        let (deepest, all) = distinct
            .entry(reference)
            .or_insert_with(|| (depth, Some(Vec::new())));
        *deepest = (*deepest).max(depth);
        match (all.as_mut(), platforms) {
            (Some(all), Some(more)) => {
                for platform in more {
                    if !all.contains(&platform) {
                        all.push(platform);
                    }
                }
            }
            _ => *all = None,
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_asked_about_once_and_for_everybody() {
        let reference: Reference = "a.io/x".parse().expect("a reference");
        let arm = Platform::new("linux", "arm64", None, None);
        let amd = Platform::linux_amd64();
        let merged = distinct(vec![
            (reference.clone(), Depth::Manifest, Some(vec![arm.clone()])),
            (
                reference.clone(),
                Depth::Config,
                Some(vec![amd.clone(), arm.clone()]),
            ),
        ]);
        assert_eq!(merged[&reference], (Depth::Config, Some(vec![arm, amd])));
        let merged = distinct(vec![
            (reference.clone(), Depth::Manifest, None),
            (reference.clone(), Depth::Manifest, Some(Vec::new())),
        ]);
        assert_eq!(merged[&reference], (Depth::Manifest, None));
    }
}
