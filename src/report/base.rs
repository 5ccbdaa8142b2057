//! What is deployed now beside what is asked for: what changed, and what each node fetches for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::summary::counted;
use super::{Image, Report};
use crate::cluster::NodePool;
use crate::facts::{BaseImages, Found, LayerChange, PlatformImage};
use crate::oci::{Bytes, Digest, Platform, Reference};
use crate::workload::{Landing, Placement, Role, landing};

/// What is deployed now.
#[derive(Debug, Default)]
pub struct Base {
    /// What it was called: a revision, or a folder.
    pub name: String,
    /// Its places, of which those that name no image are left out.
    pub places: Vec<BasePlace>,
    /// Its images that stand in no source now, by name; without places.
    pub images: Vec<Image>,
    /// What of it could not be read, a line each.
    pub unread: Vec<String>,
}

/// A place of the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePlace {
    /// The image that stands there.
    pub reference: Reference,
    /// The image that stands there in the sources; none where the place is gone.
    pub now: Option<Reference>,
    /// What the image is for.
    pub role: Role,
    /// Where its pod may run.
    pub placement: Arc<Placement>,
}

impl Base {
    /// Puts everything in order, and lets go of answers that the report has anyway.
    pub(super) fn settle(&mut self, images: &[Image]) {
        self.images
            .retain(|image| of(images, &image.reference).is_none());
        self.images.sort_by(|a, b| a.reference.cmp(&b.reference));
        self.images.dedup_by(|a, b| a.reference == b.reference);
        self.places
            .sort_by(|a, b| (&a.reference, &a.now).cmp(&(&b.reference, &b.now)));
        self.unread.sort();
        self.unread.dedup();
    }
}

/// An image that others take the place of, or that takes the place of others.
pub(super) struct ImageChange<'a> {
    pub before: Option<&'a Reference>,
    pub now: Option<&'a Reference>,
    /// At how many places.
    pub places: usize,
    pub platforms: Vec<PlatformChange<'a>>,
}

/// The sizes of an image before and now.
pub(super) struct PlatformChange<'a> {
    pub platform: Option<&'a Platform>,
    pub before: Bytes,
    pub now: Bytes,
    /// What a node that has the image before fetches.
    pub fetched: Bytes,
    /// How many layers are the same, from the base on.
    pub common: usize,
    /// Whether it is built upon another base image; none where that can't be told.
    pub other_base: Option<bool>,
}

/// What a node fetches that runs everything which may land on it, each layer once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodePull {
    /// The name of the pool; none where a platform stands for all its nodes.
    pub node_pool: Option<String>,
    pub platform: String,
    /// All that is deployed.
    pub before: Bytes,
    /// All that is asked for.
    pub now: Bytes,
    /// What is asked for and not deployed.
    pub fetched: Bytes,
    /// How many images are not in the sums, because their layers are not known.
    pub unknown: usize,
}

/// The image of that name.
fn of<'a>(images: &'a [Image], reference: &Reference) -> Option<&'a Image> {
    let position = images.binary_search_by(|image| image.reference.cmp(reference));
    images.get(position.ok()?)
}

impl ImageChange<'_> {
    /// `shop/web:1.4.0 → 1.4.2`, with the arrow of the format.
    pub fn words(&self, arrow: &str) -> String {
        match (self.before, self.now) {
            (Some(before), Some(now)) => {
                let tag = now
                    .tag()
                    .filter(|_| before.name() == now.name() && now.digest().is_none());
                let now = tag.map_or_else(|| now.to_string(), ToOwned::to_owned);
                format!("{before} {arrow} {now}")
            }
            (Some(before), None) => format!("{before}, gone"),
            (None, Some(now)) => format!("{now}, new"),
            (None, None) => String::new(),
        }
    }
}

impl PlatformChange<'_> {
    /// The platform, or that there is none.
    pub fn name(&self) -> String {
        let platform = self.platform.map(ToString::to_string);
        platform.unwrap_or_else(|| "no platform".to_owned())
    }

    /// Why nodes fetch so much, where it is not for the image's own steps; empty otherwise.
    pub const fn reason(&self) -> &'static str {
        match self.other_base {
            Some(true) => " (another base image)",
            _ => "",
        }
    }
}

impl NodePull {
    /// The pool with its platform, or the platform alone.
    pub fn name(&self) -> String {
        match &self.node_pool {
            Some(name) if *name != self.platform => format!("{name} ({})", self.platform),
            _ => self.platform.clone(),
        }
    }

    /// What is not in the sums; empty where everything is.
    pub fn caveat(&self) -> String {
        match self.unknown {
            0 => String::new(),
            unknown => format!(
                "without {}, whose layers are not known",
                counted(unknown, "image")
            ),
        }
    }
}

impl Report {
    /// What was compared, in a sentence; none where nothing was.
    pub(super) fn compared(&self) -> Option<String> {
        let base = self.base.as_ref()?;
        let changes = self.image_changes();
        let count = |is: &dyn Fn(&ImageChange<'_>) -> bool| {
            changes.iter().filter(|change| is(change)).count()
        };
        let kinds = [
            (
                count(&|change| change.before.is_some() && change.now.is_some()),
                "changed",
            ),
            (count(&|change| change.before.is_none()), "new"),
            (count(&|change| change.now.is_none()), "gone"),
        ];
        let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<String> = kinds
            .map(|(number, fate)| format!("{} {fate}", counted(number, "image")))
            .collect();
        let result = if kinds.is_empty() {
            "no image changed".to_owned()
        } else {
            kinds.join(", ")
        };
        let part = self.part.as_ref().map(|part| {
            format!(
                " (part {} of {})",
                part.partition.number(),
                part.partition.parts()
            )
        });
        Some(format!(
            "Compared with {}{}: {result}",
            base.name,
            part.unwrap_or_default()
        ))
    }

    fn found(&self, reference: &Reference) -> Option<&Found> {
        let of_base = || of(&self.base.as_ref()?.images, reference);
        of(&self.images, reference)
            .or_else(of_base)?
            .lookup
            .as_ref()?
            .found()
    }

    /// The images that changed, went or came, by name; empty where nothing was compared.
    pub(super) fn image_changes(&self) -> Vec<ImageChange<'_>> {
        let Some(base) = &self.base else {
            return Vec::new();
        };
        let mut places: BTreeMap<(Option<&Reference>, Option<&Reference>), usize> = BTreeMap::new();
        let mut kept: BTreeMap<&Reference, usize> = BTreeMap::new();
        for place in &base.places {
            if let Some(now) = &place.now {
                *kept.entry(now).or_default() += 1;
            }
            if place.now.as_ref() != Some(&place.reference) {
                *places
                    .entry((Some(&place.reference), place.now.as_ref()))
                    .or_default() += 1;
            }
        }
        for image in &self.images {
            let deployed = image
                .occurrences
                .iter()
                .filter(|o| o.role != Role::Provisional);
            let deployed = deployed.filter(|o| o.role != Role::Unplaced).count();
            let before = kept.get(&image.reference).copied().unwrap_or_default();
            if let Some(new @ 1..) = deployed.checked_sub(before) {
                places.insert((None, Some(&image.reference)), new);
            }
        }
        places
            .into_iter()
            .map(|((before, now), places)| ImageChange {
                before,
                now,
                places,
                platforms: match (before, now) {
                    (Some(before), Some(now)) => self.platform_changes(before, now),
                    _ => Vec::new(),
                },
            })
            .collect()
    }

    fn platform_changes(&self, before: &Reference, now: &Reference) -> Vec<PlatformChange<'_>> {
        let (Some(before), Some(now)) = (self.found(before), self.found(now)) else {
            return Vec::new();
        };
        let change = |image: &'_ PlatformImage| -> Option<(LayerChange, Bytes, Bytes)> {
            let earlier = before
                .images
                .iter()
                .find(|other| other.platform() == image.platform())?;
            let change = LayerChange::between(earlier, image)?;
            Some((
                change,
                earlier.compressed_bytes()?,
                image.compressed_bytes()?,
            ))
        };
        now.images
            .iter()
            .filter_map(|image| {
                let (change, before, now) = change(image)?;
                Some(PlatformChange {
                    platform: image.platform(),
                    before,
                    now,
                    fetched: change.fetched_bytes,
                    common: change.common,
                    other_base: BaseImages::default().is_other_base(image, change.common),
                })
            })
            .collect()
    }

    /// What a node of each pool fetches, or of each platform where there is no pool; empty where nothing was compared.
    pub(super) fn node_pulls(&self) -> Vec<NodePull> {
        let Some(base) = &self.base else {
            return Vec::new();
        };
        if !self.node_pools.is_empty() {
            let pools = self.node_pools.iter().filter(|pool| !pool.on_demand);
            return pools
                .map(|pool| self.node_pull(base, pool, Some(pool.name.clone())))
                .collect();
        }
        let references = base.places.iter().map(|place| &place.reference);
        let references = references.chain(self.images.iter().map(|image| &image.reference));
        let found = references.filter_map(|reference| self.found(reference));
        let platforms: BTreeSet<&Platform> = found
            .flat_map(|found| &found.images)
            .filter_map(PlatformImage::platform)
            .collect();
        platforms
            .into_iter()
            .map(|platform| self.node_pull(base, &NodePool::of_platform(platform.clone()), None))
            .collect()
    }

    fn node_pull(&self, base: &Base, pool: &NodePool, node_pool: Option<String>) -> NodePull {
        let lands = |role: Role, placement: &Placement| {
            role.is_deployed()
                && (node_pool.is_none() || landing(placement, pool) == Landing::Possible)
        };
        let before: BTreeSet<&Reference> = base
            .places
            .iter()
            .filter(|place| lands(place.role, &place.placement))
            .map(|place| &place.reference)
            .collect();
        let now: BTreeSet<&Reference> = self
            .images
            .iter()
            .filter(|image| {
                image
                    .occurrences
                    .iter()
                    .any(|o| lands(o.role, &o.placement))
            })
            .map(|image| &image.reference)
            .collect();
        let mut unknown = BTreeSet::new();
        let before = self.layers_on(pool, before, &mut unknown);
        let now = self.layers_on(pool, now, &mut unknown);
        let is_new = |(digest, _): &(&&Digest, &Bytes)| !before.contains_key(**digest);
        NodePull {
            platform: pool.platform_text(),
            node_pool,
            before: before.values().copied().sum(),
            now: now.values().copied().sum(),
            fetched: now.iter().filter(is_new).map(|(_, bytes)| *bytes).sum(),
            unknown: unknown.len(),
        }
    }

    /// Each layer of the images once. Images without layers for the pool's platform are fetched by none of its nodes.
    fn layers_on<'a>(
        &'a self,
        pool: &NodePool,
        references: BTreeSet<&'a Reference>,
        unknown: &mut BTreeSet<&'a Reference>,
    ) -> BTreeMap<&'a Digest, Bytes> {
        let mut layers = BTreeMap::new();
        for reference in references {
            let Some(found) = self.found(reference) else {
                unknown.insert(reference);
                continue;
            };
            let Some(image) = found.image_on(pool) else {
                continue;
            };
            match image.layers() {
                Some(found) => layers.extend(found.iter().map(|layer| (&layer.digest, layer.size))),
                None => {
                    unknown.insert(reference);
                }
            }
        }
        layers
    }
}
