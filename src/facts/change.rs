//! How the layers of an image differ from those of the image before.

use std::collections::BTreeSet;

use super::{Found, PlatformImage};
use crate::cluster::NodePool;
use crate::oci::{Bytes, Descriptor, Digest, Reference};

/// An image that stood in the same place before.
#[derive(Debug, Clone, Copy)]
pub struct Earlier<'a> {
    /// Its name.
    pub reference: &'a Reference,
    /// What is stored under it.
    pub found: &'a Found,
}

impl<'a> Earlier<'a> {
    /// Its image for the nodes that pull `now`: the one that a pool of `pools` would pull, else that of the same platform.
    #[must_use]
    pub fn counterpart(
        &self,
        now: &PlatformImage,
        pools: &[&NodePool],
    ) -> Option<&'a PlatformImage> {
        if let Some(image) = pools.iter().find_map(|pool| self.found.image_on(pool)) {
            return Some(image);
        }
        let platform = now.platform()?;
        let mut images = self.found.images.iter();
        images.find(|image| image.platform() == Some(platform))
    }
}

/// What a node that has the layers of one image fetches for the next. A layer that it has is not fetched, wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerChange {
    /// How many layers are the same, from the base on.
    pub common: usize,
    /// The positions of the layers that are fetched, counted from the base from 0.
    pub fetched: Vec<usize>,
    /// Their bytes, a layer that is listed twice counted once.
    pub fetched_bytes: Bytes,
}

impl LayerChange {
    /// Compares two images; none where the layers of either are not known.
    #[must_use]
    pub fn between(before: &PlatformImage, now: &PlatformImage) -> Option<Self> {
        let (before, now) = (before.layers()?, now.layers()?);
        let same = |(one, other): &(&Descriptor, &Descriptor)| one.digest == other.digest;
        let mut known: BTreeSet<&Digest> = before.iter().map(|layer| &layer.digest).collect();
        let mut change = Self {
            common: before.iter().zip(now).take_while(same).count(),
            fetched: Vec::new(),
            fetched_bytes: Bytes(0),
        };
        for (position, layer) in now.iter().enumerate() {
            if known.insert(&layer.digest) {
                change.fetched.push(position);
                change.fetched_bytes = change.fetched_bytes + layer.size;
            }
        }
        Some(change)
    }
}
