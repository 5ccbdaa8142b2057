//! Which images of a run are built upon which others.

use std::collections::{BTreeMap, HashMap};

use super::{Lookup, PlatformImage};
use crate::oci::{
    Descriptor, Digest, Manifest, Reference, Step, base_steps, marked_base_steps, steps,
};

/// The images of a run, to be found as the bases of others.
#[derive(Debug, Default)]
pub struct BaseImages<'a> {
    /// By the digest of the uppermost layer.
    by_top: HashMap<&'a Digest, Vec<(&'a Reference, &'a PlatformImage)>>,
    /// Those of each reference.
    lookups: Option<&'a BTreeMap<Reference, Lookup>>,
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
        Self {
            by_top,
            lookups: Some(lookups),
        }
    }

    /// How many layers the image has that the annotations of `image` name as its base, where it is in the run. Only what is
    /// really below counts: buildah gives the digest of what the last instruction stands upon.
    ///
    /// Source: OCI image-spec `annotations.md`, `org.opencontainers.image.base.name`. Labels are not asked: they are inherited
    /// from the base, and then they name the base of the base.
    fn named_by(&self, image: &PlatformImage) -> Option<usize> {
        let Manifest::Image(manifest) = image.manifest.as_ref()?.found()? else {
            return None;
        };
        let name = manifest
            .annotations
            .get("org.opencontainers.image.base.name")?;
        let reference: Reference = name.parse().ok()?;
        let found = self.lookups?.get(&reference)?.found()?;
        let layers = &manifest.layers;
        let counts = found.images.iter().filter_map(|base| {
            let below = base.layers()?;
            (below.len() < layers.len() && is_prefix(below, layers)).then_some(below.len())
        });
        counts.max()
    }

    /// The first of the build's steps that is the image's own; none where nothing tells where the base image ends.
    #[must_use]
    pub fn first_own_step(&self, image: &PlatformImage, steps: &[Step]) -> Option<usize> {
        let behind = |layers: usize| {
            let is_above = |step: &Step| step.layer.is_some_and(|layer| layer >= layers);
            steps.iter().position(is_above).unwrap_or(steps.len())
        };
        if let Some(layers) = self.named_by(image) {
            return Some(behind(layers));
        }
        let known = self.below(image).map(|(_, layers)| behind(layers));
        known.max(base_steps(image.config()?, steps))
    }

    /// How many of the lowest layers are the base image's; none where nothing tells it.
    #[must_use]
    pub fn base_layers(&self, image: &PlatformImage) -> Option<usize> {
        let layers = image.layers()?.len();
        let steps = image.config().and_then(|config| steps(config, layers));
        let Some(steps) = steps else {
            // A history that does not fit the layers says nothing against what the layers say.
            let known = || Some(self.below(image)?.1);
            return self.named_by(image).or_else(known);
        };
        let first = self.first_own_step(image, &steps)?;
        let own = steps.get(first..).unwrap_or_default();
        Some(own.iter().find_map(|step| step.layer).unwrap_or(layers))
    }

    /// Whether the base image of `now` is another than before, where the images have so many lower layers in common; none
    /// where that can't be told. Where a guess tells the end of the base, only another lowest layer is proof.
    #[must_use]
    pub fn is_other_base(&self, now: &PlatformImage, common: usize) -> Option<bool> {
        if common >= self.base_layers(now)? {
            return Some(false);
        }
        let is_marked = || {
            now.config()
                .is_some_and(|config| marked_base_steps(config).is_some())
        };
        let is_proof =
            common == 0 || self.named_by(now).is_some() || self.below(now).is_some() || is_marked();
        is_proof.then_some(true)
    }

    /// The largest image whose layers are the lower layers of `image`, and how many they are. An image is no base of itself.
    #[must_use]
    pub fn below(&self, image: &PlatformImage) -> Option<(&'a Reference, usize)> {
        let layers = image.layers()?;
        (1..layers.len()).rev().find_map(|count| {
            let candidates = self.by_top.get(&layers[count - 1].digest)?.iter();
            let is_below = |(_, other): &&(&Reference, &PlatformImage)| {
                other
                    .layers()
                    .is_some_and(|other| other.len() == count && is_prefix(other, layers))
            };
            candidates
                .clone()
                .find(is_below)
                .map(|(reference, _)| (*reference, count))
        })
    }
}

/// Whether the layers of `below` are the lowest ones of `layers`.
fn is_prefix(below: &[Descriptor], layers: &[Descriptor]) -> bool {
    below
        .iter()
        .zip(layers)
        .all(|(one, other)| one.digest == other.digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Found, Identity};
    use crate::oci::{Bytes, ImageManifest};

    /// An image without a history, with layers of these names.
    fn image(layers: &[&str], base: Option<&str>) -> Lookup {
        let descriptor = |name: &&str| Descriptor {
            media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
            digest: Digest::sha256_of(name.as_bytes()),
            size: Bytes(1),
            urls: Vec::new(),
            annotations: BTreeMap::new(),
        };
        let name = "org.opencontainers.image.base.name".to_owned();
        let manifest = Manifest::Image(ImageManifest {
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            config: descriptor(&"config"),
            layers: layers.iter().map(descriptor).collect(),
            annotations: base
                .map(|base| (name, base.to_owned()))
                .into_iter()
                .collect(),
        });
        let digest = Digest::sha256_of(layers.join(" ").as_bytes());
        Answer::Found(Found {
            identity: Identity::Anonymous,
            digest: digest.clone(),
            content_type: String::new(),
            images: vec![PlatformImage {
                declared: None,
                digest,
                manifest: Some(Answer::Found(manifest.clone())),
                config: None,
                faulty_blobs: Vec::new(),
                content: None,
            }],
            manifest,
            tag_digest: None,
            older_tag: None,
        })
    }

    /// The base layers of the last one of these images.
    fn base_layers(images: &[(&str, &[&str], Option<&str>)]) -> Option<usize> {
        let named = |name: &str| -> Reference { name.parse().expect("a name") };
        let lookups: BTreeMap<Reference, Lookup> = images
            .iter()
            .map(|(name, layers, base)| (named(name), image(layers, *base)))
            .collect();
        let (name, ..) = images.last().expect("one image");
        let found = lookups[&named(name)].found().expect("found");
        BaseImages::of(&lookups).base_layers(&found.images[0])
    }

    #[test]
    fn a_base_is_told_by_its_layers_and_best_by_its_name() {
        let base: (&str, &[&str], _) = ("example.com/base:1", &["a"], None);
        let earlier: (&str, &[&str], _) = ("example.com/app:1", &["a", "b"], None);
        let app: &[&str] = &["a", "b", "c"];
        let named = |name| ("example.com/app:2", app, Some(name));
        assert_eq!(base_layers(&[("example.com/app:2", app, None)]), None);
        assert_eq!(
            base_layers(&[base, ("example.com/app:2", app, None)]),
            Some(1)
        );
        assert_eq!(
            base_layers(&[base, earlier, named("example.com/base:1")]),
            Some(1)
        );
        let other: (&str, &[&str], _) = ("example.com/base:1", &["z"], None);
        assert_eq!(base_layers(&[other, named("example.com/base:1")]), None);
        assert_eq!(base_layers(&[named("example.com/base:1")]), None);
        assert_eq!(base_layers(&[base, named("")]), Some(1));
    }

    #[test]
    fn another_base_is_told_from_other_steps() {
        let lookups: BTreeMap<Reference, Lookup> = [
            ("example.com/base:2", image(&["a2", "b2"], None)),
            ("example.com/app:2", image(&["a2", "b2", "c"], None)),
        ]
        .into_iter()
        .map(|(name, lookup)| (name.parse().expect("a name"), lookup))
        .collect();
        let app = lookups.values().find_map(|lookup| {
            let image = lookup.found()?.images.first()?;
            (image.layers()?.len() == 3).then_some(image)
        });
        let app = app.expect("three layers");
        let bases = BaseImages::of(&lookups);
        for (common, expected) in [(0, true), (1, true), (2, false)] {
            assert_eq!(bases.is_other_base(app, common), Some(expected));
            assert_eq!(BaseImages::default().is_other_base(app, common), None);
        }
    }
}
