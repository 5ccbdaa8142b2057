//! Which images of a run are built upon which others.

use std::collections::{BTreeMap, HashMap};

use super::{Lookup, PlatformImage};
use crate::oci::{Digest, Reference};

/// The images of a run, to be found as the bases of others.
#[derive(Debug, Default)]
pub struct BaseImages<'a> {
    /// By the digest of the uppermost layer.
    by_top: HashMap<&'a Digest, Vec<(&'a Reference, &'a PlatformImage)>>,
}

impl<'a> BaseImages<'a> {
    /// All images that were found.
    #[must_use]
    pub fn of(lookups: &'a BTreeMap<Reference, Lookup>) -> Self {
        let mut by_top: HashMap<_, Vec<_>> = HashMap::new();
        for (reference, lookup) in lookups {
            for image in lookup.found().into_iter().flat_map(|found| &found.images) {
                if let Some(top) = image.layers().and_then(<[_]>::last) {
                    by_top
                        .entry(&top.digest)
                        .or_default()
                        .push((reference, image));
                }
            }
        }
        Self { by_top }
    }

    /// The largest image whose layers are the lower layers of `image`, and how many they are. An image is no base of itself.
    #[must_use]
    pub fn below(&self, image: &PlatformImage) -> Option<(&'a Reference, usize)> {
        let layers = image.layers()?;
        (1..layers.len()).rev().find_map(|count| {
            let candidates = self.by_top.get(&layers[count - 1].digest)?.iter();
            let is_below = |(_, other): &&(&Reference, &PlatformImage)| {
                other.layers().is_some_and(|other| {
                    other.len() == count
                        && other
                            .iter()
                            .zip(layers)
                            .all(|(one, other)| one.digest == other.digest)
                })
            };
            candidates
                .clone()
                .find(is_below)
                .map(|(reference, _)| (*reference, count))
        })
    }
}
