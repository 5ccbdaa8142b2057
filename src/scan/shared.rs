//! Each layer once, however many images have it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::kept::{MAX_KEPT, from_bytes, to_bytes};
use super::layer::{Expected, LayerFacts, Limits, Stop};
use super::stream::read_from;
use super::{Descriptor, Registry, Semaphore, is_readable};
use crate::facts::{Answer, Damage};
use crate::oci::{Bytes, Digest, Reference};

/// What became of a layer.
#[derive(Clone)]
pub(super) enum LayerOutcome {
    Read(Arc<LayerFacts>),
    Damaged(Damage),
    /// It could not be fetched.
    Missing(Answer<Bytes>),
    /// It is of a type that is not read.
    Skipped,
}

/// The layers that images need. A layer is dropped when the last image that needs it is done.
pub(super) struct SharedLayers<'a> {
    registry: &'a Registry,
    processors: usize,
    permits: Semaphore,
    /// The bytes of all distinct layers.
    all_bytes: u64,
    cells: Mutex<HashMap<Key, Shared>>,
    /// How many are distinct, and how many of them are done.
    total: usize,
    done: AtomicUsize,
    progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// What decides on what becomes of a layer. Manifests may agree on a digest and declare different sizes and media types, and
/// then one of them is wrong. Which of the types that are read it is does not matter: the compression is told by the content.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    digest: Digest,
    size: Bytes,
    is_readable: bool,
}

impl Key {
    fn of(layer: &Descriptor) -> Self {
        Self {
            digest: layer.digest.clone(),
            size: layer.size,
            is_readable: is_readable(layer),
        }
    }
}

#[derive(Default)]
struct Shared {
    cell: Arc<OnceCell<LayerOutcome>>,
    needed: usize,
}

impl<'a> SharedLayers<'a> {
    pub fn new<'l>(
        registry: &'a Registry,
        processors: usize,
        images: impl Iterator<Item = &'l [Descriptor]>,
        progress: &'a (dyn Fn(usize, usize) + Sync),
    ) -> Self {
        let mut cells: HashMap<Key, Shared> = HashMap::new();
        let mut all_bytes = 0_u64;
        for layer in images.flatten() {
            let shared = cells.entry(Key::of(layer)).or_default();
            if shared.needed == 0 {
                all_bytes = all_bytes.saturating_add(layer.size.0);
            }
            shared.needed += 1;
        }
        Self {
            registry,
            processors,
            permits: Semaphore::new(processors),
            all_bytes,
            total: cells.len(),
            done: AtomicUsize::new(0),
            progress,
            cells: Mutex::new(cells),
        }
    }

    /// What became of a layer, which is read if nobody has read it yet.
    pub async fn outcome(
        &self,
        reference: &Reference,
        layer: &Descriptor,
        diff_id: &str,
    ) -> LayerOutcome {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&cells.entry(Key::of(layer)).or_default().cell)
        };
        let outcome = cell.get_or_init(|| async {
            let outcome = self.read(reference, layer).await;
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            (self.progress)(done, self.total);
            outcome
        });
        let outcome = outcome.await;
        match outcome {
            // Images may share a layer and disagree about it.
            LayerOutcome::Read(facts)
                if !diff_id.is_empty() && facts.diff_id.as_str() != diff_id =>
            {
                LayerOutcome::Damaged(Damage::DiffId {
                    declared: diff_id.to_owned(),
                    actual: facts.diff_id.clone(),
                })
            }
            other => other.clone(),
        }
    }

    /// Says that an image needs these layers no more.
    pub fn release(&self, layers: &[Descriptor]) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        for layer in layers {
            if let Some(shared) = cells.get_mut(&Key::of(layer)) {
                shared.needed -= 1;
                if shared.needed == 0 {
                    cells.remove(&Key::of(layer));
                }
            }
        }
    }

    async fn read(&self, reference: &Reference, layer: &Descriptor) -> LayerOutcome {
        if !is_readable(layer) {
            return LayerOutcome::Skipped;
        }
        let _permit = self.permits.acquire().await;
        let kept = self.registry.recall(&layer.digest, MAX_KEPT);
        if let Some(facts) = kept.as_deref().and_then(from_bytes) {
            // They are those of the digest. What this manifest declares is not known to fit.
            if facts.blob != layer.size {
                return LayerOutcome::Damaged(Damage::Size {
                    declared: layer.size,
                    more: facts.blob > layer.size,
                });
            }
            return LayerOutcome::Read(Arc::new(facts));
        }
        let expected = Expected {
            digest: layer.digest.clone(),
            size: layer.size,
            limits: Limits::default(),
        };
        // A layer larger than its share would be the last one, with all processors but one at rest.
        let pipelined = layer.size.0 > self.all_bytes / self.processors as u64;
        let blob = match self.registry.layer(reference, layer) {
            Answer::Found(blob) => blob,
            Answer::Refused(refusal) => return LayerOutcome::Missing(Answer::Refused(refusal)),
            Answer::Undetermined(failure) => {
                return LayerOutcome::Missing(Answer::Undetermined(failure));
            }
        };
        match read_from(blob, expected, pipelined).await {
            Ok(facts) => {
                if let Some(bytes) = to_bytes(&facts) {
                    self.registry.remember(&layer.digest, &bytes);
                }
                LayerOutcome::Read(Arc::new(facts))
            }
            Err(Stop::Damage(damage)) => LayerOutcome::Damaged(damage),
            Err(Stop::Missing(answer)) => LayerOutcome::Missing(answer),
        }
    }
}
