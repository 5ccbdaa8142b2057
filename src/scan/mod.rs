//! Reads what the layers of images hold: each layer once, as a stream, without storing it.
//!
//! A layer is hashed, decompressed, hashed again and walked by one thread, and as many layers at a time as there are
//! processors. What is kept of it are its entries, for as long as an image needs them; what is kept of an image are sums and
//! its largest parts.

mod archive;
mod decompress;
mod dive;
mod entries;
mod executable;
mod image;
mod kept;
mod layer;
mod leftovers;
mod path;
mod paths;
mod programs;
mod shared;
mod stream;
mod tree;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::facts::{Answer, BlobPart, Content, FaultyBlob, LayerContent, Lookup, PlatformImage};
use crate::oci::{Config, Descriptor, Digest, Reference, media_type};
use crate::registry::Registry;
use entries::Entries;
use layer::LayerFacts;
use shared::{LayerOutcome, SharedLayers};

/// Reads the layers of all images that were found with their manifest and config, and adds to each image what they hold.
/// Layers that cannot be fetched are added to its faulty blobs.
/// `progress` is told how many of how many distinct layers there are.
pub async fn read_layers(
    registry: &Registry,
    lookups: &mut BTreeMap<Reference, Lookup>,
    progress: &(dyn Fn(usize, usize) + Sync),
) {
    let contents = {
        let images = distinct_images(lookups);
        let processors = available_parallelism().map_or(1, NonZero::get);
        let all = images.iter().map(|image| image.layers);
        let layers = SharedLayers::new(registry, processors, all, progress);
        let mut work: FuturesUnordered<_> = images
            .iter()
            .map(|image| async { (image.digest.clone(), image.content(&layers).await) })
            .collect();
        let mut contents = HashMap::new();
        while let Some((digest, content)) = work.next().await {
            contents.insert(digest, content);
        }
        registry.prune();
        contents
    };
    for image in images_of(lookups.values_mut()) {
        if let Some((content, faulty_blobs)) = contents.get(&image.digest) {
            image.content = Some(Arc::clone(content));
            for blob in faulty_blobs {
                if image
                    .faulty_blobs
                    .iter()
                    .all(|known| known.part != blob.part)
                {
                    image.faulty_blobs.push(blob.clone());
                }
            }
        }
    }
}

fn images_of<'a>(
    lookups: impl Iterator<Item = &'a mut Lookup>,
) -> impl Iterator<Item = &'a mut PlatformImage> {
    lookups.flat_map(|lookup| match lookup {
        Answer::Found(found) => found.images.as_mut_slice(),
        _ => &mut [],
    })
}

/// An image whose layers are to be read.
struct Image<'a> {
    reference: &'a Reference,
    digest: &'a Digest,
    layers: &'a [Descriptor],
    config: &'a Config,
}

/// Each image once, under the first reference that leads to it.
fn distinct_images(lookups: &BTreeMap<Reference, Lookup>) -> Vec<Image<'_>> {
    let mut known = std::collections::HashSet::new();
    let mut images = Vec::new();
    for (reference, lookup) in lookups {
        for image in lookup.found().into_iter().flat_map(|found| &found.images) {
            if let (Some(layers), Some(config)) = (image.layers(), image.config())
                && known.insert(&image.digest)
            {
                images.push(Image {
                    reference,
                    digest: &image.digest,
                    layers,
                    config,
                });
            }
        }
    }
    images
}

impl Image<'_> {
    async fn content(&self, shared: &SharedLayers<'_>) -> (Arc<Content>, Vec<FaultyBlob>) {
        let numbered = self.layers.iter().enumerate();
        let outcomes = numbered.map(|(number, layer)| {
            let diff_id = self.config.diff_ids.get(number).map(String::as_str);
            let fits = self.config.diff_ids.len() == self.layers.len();
            let diff_id = diff_id.filter(|_| fits).unwrap_or_default();
            shared.outcome(self.reference, layer, diff_id)
        });
        let outcomes = join_all(outcomes).await;
        let mut faulty_blobs = Vec::new();
        let mut layers = Vec::new();
        let mut whole: Vec<Arc<LayerFacts>> = Vec::new();
        for (number, (layer, outcome)) in self.layers.iter().zip(outcomes).enumerate() {
            layers.push(match outcome {
                LayerOutcome::Read(facts) => {
                    let summary = facts.summary.clone();
                    whole.push(facts);
                    LayerContent::Read(summary)
                }
                LayerOutcome::Damaged(damage) => LayerContent::Damaged {
                    digest: layer.digest.clone(),
                    damage,
                },
                LayerOutcome::Missing(size) => {
                    faulty_blobs.push(FaultyBlob {
                        part: BlobPart::Layer {
                            number: number + 1,
                            of: self.layers.len(),
                        },
                        descriptor: layer.clone(),
                        size,
                    });
                    LayerContent::Unread
                }
                LayerOutcome::Skipped => LayerContent::Unread,
            });
        }
        let mut content = Content {
            layers,
            files: None,
        };
        if whole.len() == self.layers.len() {
            let config = self.config.clone();
            let work = move || {
                let entries: Vec<&Entries> = whole.iter().map(|facts| &facts.entries).collect();
                image::files(&entries, &config)
            };
            let files = spawn_blocking(work).await;
            content.files = files.ok();
        }
        shared.release(self.layers);
        (Arc::new(content), faulty_blobs)
    }
}

/// Whether the layer is of a type that is read: part of a file system, in the registry's keeping, not encrypted.
fn is_readable(layer: &Descriptor) -> bool {
    media_type::is_image_layer(&layer.media_type)
        && !layer.is_foreign()
        && !layer.media_type.ends_with("+encrypted")
        && !layer.media_type.contains("nydus")
}
