//! Looks references up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::timeout;

use super::as_pod::{Asker, Pod};
use super::cache::Cache;
use super::client::Clients;
use super::content::Place;
use super::credentials::Keyring;
use super::host::Wire;
use super::layout::Layout;
use super::routes::Routes;
use super::setback::{Setback, failure};
use super::shelf::Shelf;
use super::single_flight::SingleFlight;
use super::statistics::{Counters, Statistics};
use super::tag_list::TagList;
use super::tags::{alike, nearest, older};
use super::token::Tokens;
use super::transport::Transport;
use super::unfold::Search;
use super::{LayoutMapping, Options, RegistryError};
use crate::facts::{Answer, Depth, FailureReason, Found, Lookup, Missing, Refusal, RefusalReason};
use crate::oci::{Manifest, Platform, Reference};

/// How many older tags of a reference are looked at for a platform.
const MAX_OLDER_TAGS: usize = 8;
/// How many older tags are looked at in a run, as long as there is one for each reference.
const MAX_OLDER_TAGS_IN_ALL: usize = 64;

/// How many times the time-out of one question all questions about one reference may take at one host: one for the manifest,
/// one for what an index lists, one for configs and layers, and one for what is nested.
const MAX_TIMEOUTS: u32 = 4;

/// Everything that can say what is stored under a reference: registries, and layouts in their place. Clones share what
/// they know.
#[derive(Debug, Clone)]
pub struct Registry(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    /// Whoever runs the program.
    pub ourselves: Asker,
    /// The pods, by the registry and by what they show it.
    pub pods: Mutex<HashMap<Pod, Arc<Asker>>>,
    pub routes: Routes,
    layouts: Vec<(LayoutMapping, Layout)>,
    tags: SingleFlight<String, Arc<TagList>>,
    pub options: Options,
}

/// What is stored under the tags before one.
#[derive(Debug, Clone)]
pub struct EarlierTags {
    /// Whether they come in the order of their versions, newest first. If not, only time orders them.
    pub is_ordered: bool,
    /// Whether the registry gave its whole list of tags. If not, the last ones are not known.
    pub is_whole: bool,
    /// The tags, each with what is stored under it.
    pub found: Vec<(Reference, Lookup)>,
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
        Ok(Self(Arc::new(Shared {
            ourselves: Asker::new(Wire {
                transport: Arc::new(Transport {
                    clients: Clients::new(&options)?,
                    counters: Counters::default(),
                }),
                tokens: Tokens::default(),
                keyring: Keyring::read(&options.credentials, options.timeout)?,
                cache: options.cache_dir.as_deref().map(Cache::new).map(Arc::new),
                timeout: options.timeout,
                retries: options.retries,
            }),
            pods: Mutex::default(),
            routes: Routes::new(&options)?,
            layouts,
            tags: SingleFlight::default(),
            options,
        })))
    }

    /// Whether `reference` would be answered: by a layout always, by the network unless the client is offline.
    #[must_use]
    pub fn answers(&self, reference: &Reference) -> bool {
        !self.0.options.offline || self.0.layout(reference).is_some()
    }

    /// What a name without a host means to the nodes, where `registries.conf` says it.
    #[must_use]
    pub fn meant_by(&self, name: &str) -> Option<Reference> {
        self.0.routes.meant_by(name)
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
        let ourselves = &self.0.ourselves;
        self.0.answer(ourselves, reference, depth, platforms).await
    }

    /// Adds to what was found the older tags that run on the platforms that it lacks. The more references there are, the fewer
    /// tags of each are looked at: this is advice, and not what was asked for.
    pub async fn add_older_tags(
        &self,
        lacking: BTreeMap<Reference, BTreeSet<Platform>>,
        lookups: &mut BTreeMap<Reference, Lookup>,
    ) {
        let each = MAX_OLDER_TAGS_IN_ALL
            .checked_div(lacking.len())
            .unwrap_or_default()
            .clamp(1, MAX_OLDER_TAGS);
        let asked = lacking
            .into_iter()
            .map(|(reference, platforms)| async move {
                let platforms: Vec<Platform> = platforms.into_iter().collect();
                let tag = self.older_tag(&reference, &platforms, each).await;
                (reference, tag)
            });
        let mut tags = stream::iter(asked).buffer_unordered(self.0.options.concurrency.max(1));
        while let Some((reference, tag)) = tags.next().await {
            if let Some(Answer::Found(found)) = lookups.get_mut(&reference) {
                found.older_tag = tag;
            }
        }
    }

    /// What is stored under the older tags of each repository, at most `count` of them: newest version first. Tags of hashes have
    /// no order, and all of them are looked up if they are not too many. The tags of a repository are looked up one after the
    /// other, and none of them where the registry did not give its whole list: the newest may be missing in it.
    pub async fn earlier_tags(
        &self,
        references: Vec<(Reference, Option<Vec<Platform>>)>,
        count: usize,
    ) -> Vec<(Reference, EarlierTags)> {
        let asked = references
            .into_iter()
            .map(|(reference, platforms)| async move {
                let list = self.all_tags(&reference).await;
                let is_whole = list.is_whole;
                let (mut tags, is_ordered) = tags_before(&reference, &list.names);
                if is_ordered {
                    tags.truncate(count);
                }
                if !is_whole {
                    tags.clear();
                }
                let mut found = Vec::new();
                for tag in tags {
                    let older = reference.with_tag(&tag);
                    let lookup = self
                        .look_up(&older, Depth::Config, platforms.as_deref())
                        .await;
                    found.push((older, lookup));
                }
                let earlier = EarlierTags {
                    is_ordered,
                    is_whole,
                    found,
                };
                (reference, earlier)
            });
        let asked = stream::iter(asked).buffer_unordered(self.0.options.concurrency.max(1));
        asked.collect().await
    }

    /// The older tags of the repository, newest version first; none where tags are not told.
    async fn older_tags(&self, reference: &Reference) -> Vec<String> {
        let tag = reference.tag().unwrap_or_default();
        older(tag, &self.all_tags(reference).await.names)
    }

    /// The tags of the repository of a reference with a tag; none where tags are not told.
    async fn all_tags(&self, reference: &Reference) -> Arc<TagList> {
        if reference.tag().is_none() {
            return Arc::new(TagList {
                names: Vec::new(),
                is_whole: true,
            });
        }
        let ways;
        let kept = self.0.kept(reference);
        let place = match self.0.layout(reference) {
            Some(layout) => Place::Layout(layout),
            None if self.0.options.offline => return Arc::default(),
            None => {
                let Ok(found) = self.0.routes.to(reference) else {
                    return Arc::default();
                };
                ways = found;
                Place::Hosts(&ways, &self.0.ourselves.wire, &kept)
            }
        };
        self.0.tags(place, reference).await
    }

    /// The newest of the older tags of the repository whose image runs on all of `platforms`. The newest `count` are looked
    /// at; none where none of them has it, or where tags are not told.
    async fn older_tag(
        &self,
        reference: &Reference,
        platforms: &[Platform],
        count: usize,
    ) -> Option<String> {
        let tags = self.older_tags(reference).await.into_iter();
        for tag in tags.take(count) {
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
        self.0.ourselves.wire.transport.counters.snapshot()
    }
}

impl Shared {
    /// How long all questions about one reference may take together, however many the registry gives cause for.
    fn longest(&self, reference: &Reference) -> Duration {
        let hosts = self
            .routes
            .to(reference)
            .map_or(1, |ways| ways.hosts.len().max(1));
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        self.options
            .timeout
            .saturating_mul(MAX_TIMEOUTS.saturating_mul(hosts))
    }

    /// The answer to whoever asks.
    pub async fn answer(
        &self,
        asker: &Asker,
        reference: &Reference,
        depth: Depth,
        platforms: Option<&[Platform]>,
    ) -> Lookup {
        let longest = self.longest(reference);
        timeout(longest, self.find(asker, reference, depth, platforms))
            .await
            .unwrap_or_else(|_| {
                let seconds = longest.as_secs_f32();
                let words = format!("not all of {reference} was told within {seconds} s");
                Err(failure(FailureReason::Timeout, &words).into())
            })
            .into()
    }

    async fn find(
        &self,
        asker: &Asker,
        reference: &Reference,
        depth: Depth,
        platforms: Option<&[Platform]>,
    ) -> Result<Found, Setback> {
        let ways;
        let kept = self.kept(reference);
        let place = match self.layout(reference) {
            Some(layout) => Place::Layout(layout),
            None if self.options.offline => {
                let words = "nothing is asked of the network when offline";
                return Err(failure(FailureReason::Connect, words).into());
            }
            None => {
                ways = self.routes.to(reference)?;
                Place::Hosts(&ways, &asker.wire, &kept)
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
            known: &asker.known,
            counters: &self.ourselves.wire.transport.counters,
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
        kept.close(&document.digest);
        Ok(Found {
            identity: document.identity,
            digest: document.digest,
            content_type: document.content_type,
            manifest,
            images,
            tag_digest,
            older_tag: None,
        })
    }

    /// The tags of the repository, asked for once.
    async fn tags(&self, place: Place<'_>, reference: &Reference) -> Arc<TagList> {
        let tags = async { Arc::new(place.tags(reference).await) };
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
            refusal.nearest_tags = nearest(tag, &self.tags(place, reference).await.names);
        }
        refusal.into()
    }

    fn kept<'a>(&'a self, reference: &'a Reference) -> Shelf<'a> {
        let counters = &self.ourselves.wire.transport.counters;
        Shelf::open(self.ourselves.wire.cache.as_deref(), counters, reference)
    }

    pub fn layout(&self, reference: &Reference) -> Option<&Layout> {
        let name = reference.name();
        self.layouts
            .iter()
            .find(|(mapping, _)| mapping.covers(&name))
            .map(|(_, layout)| layout)
    }
}

/// The tags that may be older, and whether they come in the order of their versions, newest first.
fn tags_before(reference: &Reference, tags: &[String]) -> (Vec<String>, bool) {
    let tag = reference.tag().unwrap_or_default();
    match older(tag, tags) {
        older if older.is_empty() => (alike(tag, tags), false),
        older => (older, true),
    }
}
