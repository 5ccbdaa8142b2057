//! From a manifest to the runnable images behind it.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{BoxFuture, join_all};

use super::content::Place;
use super::setback::Setback;
use super::single_flight::SingleFlight;
use super::statistics::Counters;
use crate::facts::{Answer, BlobPart, Depth, FaultyBlob, PlatformImage};
use crate::oci::{
    Bytes, Config, Descriptor, Digest, ImageManifest, Index, IndexEntry, Manifest, Platform,
    Reference,
};

/// How deep indexes may nest. Real ones nest once, if at all.
const MAX_NESTING: usize = 4;
/// How many entries the indexes behind one reference may have in all. Real ones have some dozen.
const MAX_ENTRIES: usize = 1000;

/// The repository with its host, and a digest in it.
type Key = (String, Digest);

/// What was read before in this run, by digest.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub manifests: SingleFlight<Key, Result<Manifest, Setback>>,
    pub configs: SingleFlight<Key, Result<Config, Setback>>,
    /// The sizes of blobs; none where the registry does not tell it.
    pub blobs: SingleFlight<Key, Result<Option<Bytes>, Setback>>,
}

/// One reference's search for its images.
pub(super) struct Search<'a> {
    pub place: Place<'a>,
    pub known: &'a Known,
    pub counters: &'a Counters,
    pub reference: &'a Reference,
    pub depth: Depth,
    pub platforms: Option<&'a [Platform]>,
    /// Whether it is asked of every manifest, config and layer whether it is there.
    pub verify_blobs: bool,
    /// How many entries were seen so far.
    pub seen: AtomicUsize,
}

impl Search<'_> {
    /// The images behind a manifest; see [`Found::images`](crate::facts::Found::images).
    pub async fn images(&self, manifest: &Manifest, digest: &Digest) -> Vec<PlatformImage> {
        match manifest {
            Manifest::Image(_) => {
                vec![self.image(None, digest, Ok(manifest.clone())).await]
            }
            Manifest::Index(index) => self.unfold(index, 1).await,
            Manifest::Schema1(_) | Manifest::Artifact(_) => Vec::new(),
        }
    }

    fn unfold<'s>(&'s self, index: &'s Index, nesting: usize) -> BoxFuture<'s, Vec<PlatformImage>> {
        Box::pin(async move {
            let mut entries: Vec<&IndexEntry> = index.images().collect();
            entries.truncate(self.take_room(entries.len()));
            let needed = needed(&entries, self.platforms);
            let images = entries
                .into_iter()
                .zip(needed)
                .map(|(entry, is_needed)| async move {
                    if is_needed {
                        self.entry(entry, nesting).await
                    } else {
                        vec![unasked(entry)]
                    }
                });
            join_all(images).await.into_iter().flatten().collect()
        })
    }

    /// What is wrong where the indexes list more than is looked at.
    pub fn excess(&self) -> Option<Setback> {
        (self.seen.load(Ordering::Relaxed) > MAX_ENTRIES).then(|| {
            Setback::malformed(&format!("the indexes list more than {MAX_ENTRIES} images"))
        })
    }

    /// How many of `count` entries may still be looked at.
    fn take_room(&self, count: usize) -> usize {
        let seen = self.seen.fetch_add(count, Ordering::Relaxed);
        MAX_ENTRIES.saturating_sub(seen).min(count)
    }

    async fn entry(&self, entry: &IndexEntry, nesting: usize) -> Vec<PlatformImage> {
        let manifest = self.child(&entry.descriptor).await;
        let manifest = match manifest {
            Ok(Manifest::Index(nested)) if nesting < MAX_NESTING => {
                return self.unfold(&nested, nesting + 1).await;
            }
            Ok(Manifest::Index(_)) => Err(Setback::malformed(&format!(
                "indexes nest more than {MAX_NESTING} deep"
            ))),
            other => other,
        };
        vec![
            self.image(entry.platform.clone(), &entry.descriptor.digest, manifest)
                .await,
        ]
    }

    async fn image(
        &self,
        declared: Option<Platform>,
        digest: &Digest,
        manifest: Result<Manifest, Setback>,
    ) -> PlatformImage {
        let config = match &manifest {
            Ok(Manifest::Image(image)) if self.depth >= Depth::Config => {
                Some(self.config(image).await.into())
            }
            _ => None,
        };
        let faulty_blobs = match &manifest {
            Ok(Manifest::Image(image)) if self.verify_blobs => {
                let is_config_asked =
                    !matches!(config, Some(Answer::Refused(_) | Answer::Undetermined(_)));
                self.faulty_blobs(image, is_config_asked).await
            }
            _ => Vec::new(),
        };
        PlatformImage {
            declared,
            digest: digest.clone(),
            manifest: Some(Answer::from(manifest)),
            config,
            faulty_blobs,
            content: None,
        }
    }

    async fn child(&self, descriptor: &Descriptor) -> Result<Manifest, Setback> {
        let work = async {
            let document = self
                .place
                .child(self.reference.repository(), descriptor, self.verify_blobs)
                .await?;
            let declared = Some(descriptor.media_type.as_str()).filter(|text| !text.is_empty());
            Manifest::parse(&document.body, declared)
                .map_err(|error| Setback::damaged(&error.to_string()))
        };
        let key = self.key(&descriptor.digest);
        self.counted(self.known.manifests.get_or(key, work).await)
    }

    async fn config(&self, image: &ImageManifest) -> Result<Config, Setback> {
        let work = async {
            let blob = self
                .place
                .config(self.reference.repository(), &image.config)
                .await?;
            Config::parse(&blob).map_err(|error| Setback::damaged(&error.to_string()))
        };
        let key = self.key(&image.config.digest);
        self.counted(self.known.configs.get_or(key, work).await)
    }

    /// The blobs of an image that are not there as declared. A config that was just refused is not asked for again, and
    /// foreign layers are not the registry's to have.
    async fn faulty_blobs(&self, image: &ImageManifest, with_config: bool) -> Vec<FaultyBlob> {
        let of = image.layers.len();
        let layers = image.layers.iter().enumerate();
        let layers = layers.map(|(index, layer)| {
            (
                BlobPart::Layer {
                    number: index + 1,
                    of,
                },
                layer,
            )
        });
        let config = with_config.then_some((BlobPart::Config, &image.config));
        let blobs = config
            .into_iter()
            .chain(layers)
            .filter(|(_, blob)| !blob.is_foreign())
            .map(|(part, blob)| self.fault(part, blob));
        join_all(blobs).await.into_iter().flatten().collect()
    }

    async fn fault(&self, part: BlobPart, descriptor: &Descriptor) -> Option<FaultyBlob> {
        let digest = &descriptor.digest;
        let work = self
            .place
            .blob_size(self.reference.repository(), descriptor);
        let size = match self.counted(self.known.blobs.get_or(self.key(digest), work).await) {
            Ok(size) => Ok(size.filter(|size| *size != descriptor.size)?),
            Err(setback) => Err(setback),
        };
        Some(FaultyBlob {
            part,
            descriptor: descriptor.clone(),
            size: size.into(),
        })
    }

    fn key(&self, digest: &Digest) -> Key {
        (self.reference.name(), digest.clone())
    }

    fn counted<T>(&self, (result, shared): (T, bool)) -> T {
        if shared {
            self.counters.cache_hit();
        }
        result
    }
}

fn unasked(entry: &IndexEntry) -> PlatformImage {
    PlatformImage {
        declared: entry.platform.clone(),
        digest: entry.descriptor.digest.clone(),
        manifest: None,
        config: None,
        faulty_blobs: Vec::new(),
        content: None,
    }
}

/// Which entries are to be looked at: the best one for each platform, and those that say none, because a node takes such
/// a one for any platform.
fn needed(entries: &[&IndexEntry], platforms: Option<&[Platform]>) -> Vec<bool> {
    let Some(platforms) = platforms else {
        return vec![true; entries.len()];
    };
    let mut needed: Vec<bool> = entries
        .iter()
        .map(|entry| entry.platform.is_none())
        .collect();
    for node in platforms {
        let ranked = entries.iter().enumerate().filter_map(|(number, entry)| {
            let rank = entry.platform.as_ref()?.rank_on(node)?;
            Some((rank, number))
        });
        if let Some((_, best)) = ranked.min() {
            needed[best] = true;
        }
    }
    needed
}
