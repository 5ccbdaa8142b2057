//! What a rule may look at.

use std::time::Duration;

use super::ProbeFlags;

use crate::cluster::{NodePool, Target};
use crate::facts::{
    Answer, BaseImages, Earlier, Failure, Found, Identity, Lookup, PlatformImage, Refusal,
};
use crate::oci::{Bytes, Digest, Manifest, Platform, Reference, media_type};
use crate::workload::{Occurrence, PullPolicy, PullSecret, PullSecrets};

/// What a rule may look at: one occurrence and all that is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The place.
    pub occurrence: &'a Occurrence,
    /// The registry's answer; none where nothing was asked.
    pub lookup: Option<&'a Lookup>,
    /// What stood there before, newest first; empty where nothing is compared.
    pub earlier: &'a [Earlier<'a>],
    /// The images of the run, which may be bases of others.
    pub bases: &'a BaseImages<'a>,
    /// Whether the registry gives the image to the pod itself, and by which identity; none where that was not asked, because
    /// everybody gets the image, or because the answer could not be another one.
    pub as_pod: Option<&'a Answer<Identity>>,
    /// Whether the run belongs to a pull request from a fork, which gets no credentials.
    pub is_from_fork: bool,
    /// The node pools on which the pod can land; empty where there is no target.
    pub pools: &'a [&'a NodePool],
    /// The whole cluster; without any pool where there is no target.
    pub target: &'a Target,
    /// The pull secrets that are known.
    pub pull_secrets: &'a PullSecrets,
    /// Those of them that are for no image of any pod that names them.
    pub idle_secrets: &'a [&'a PullSecret],
    /// The limits that sizes are held against.
    pub budgets: &'a Budgets,
    /// How registries were asked.
    pub probe_flags: &'a ProbeFlags,
}

/// The limits that sizes are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// The compressed bytes of one image for one platform.
    pub image: Bytes,
    /// The compressed bytes of one layer.
    pub layer: Bytes,
    /// The number of layers of one image.
    pub layers: usize,
    /// The time of one pull on a node that has nothing of the image.
    pub pull_time: Duration,
    /// The compressed bytes that an image may grow by since what is deployed.
    pub growth: Bytes,
    /// The percent of its size that it may.
    pub growth_percent: u64,
    /// The bytes of one image that are stored and hidden again.
    pub waste: Bytes,
    /// Their share of all unpacked bytes, in hundredths. Both must be exceeded.
    pub waste_percent: u8,
    /// The bytes that builds left in one image.
    pub leftovers: Bytes,
}

impl Default for Budgets {
    /// One gigabyte for an image: at the 20 MB/s that a small node pulls and unpacks, nearly a minute. Half of it for a
    /// layer, because one layer is fetched and unpacked by one thread up to containerd 2.1. A hundred layers: overlay file
    /// systems end at 127. A minute for a pull: those who wait for a new node wait for it as well. An image grows too much when it does
    /// so by 50 MB and by a tenth: less of either is a release as any other. A tenth of an image for what is hidden again, as dive has
    /// it, and 20 MB, a second of a pull. For leftovers, which are mostly mended by a word, less.
    fn default() -> Self {
        Self {
            image: Bytes(1_000_000_000),
            layer: Bytes(500_000_000),
            layers: 100,
            pull_time: Duration::from_mins(1),
            growth: Bytes(50_000_000),
            growth_percent: 10,
            waste: Bytes(20_000_000),
            waste_percent: 10,
            leftovers: Bytes(5_000_000),
        }
    }
}

/// An image that nodes would pull.
pub(super) struct Pulled<'a> {
    pub image: &'a PlatformImage,
    /// The pools that would pull it; empty where there is no target.
    pub pools: Vec<&'a NodePool>,
}

/// What the registry answered about a part behind the first manifest: the manifest of an index entry, a config or a layer.
pub(super) struct Part<'a> {
    /// What it is, for a person.
    pub name: String,
    pub digest: Digest,
    pub media_type: String,
    /// The declared bytes of a blob.
    pub size: Option<Bytes>,
    pub refusal: Option<&'a Refusal>,
    pub failure: Option<&'a Failure>,
}

impl<'a> Subject<'a> {
    pub(super) fn reference(&self) -> Option<&'a Reference> {
        self.occurrence.reference.as_ref().ok()
    }

    /// Whether a node takes the image that it has, or none.
    pub(super) fn is_never_pulled(&self) -> bool {
        self.occurrence.pull_policy == Some(PullPolicy::Never)
    }

    /// The name and the registry's answer about what a node would pull; none where nothing was asked, and where the
    /// kubelet never pulls, so that the registry does not matter.
    pub(super) fn answer(&self) -> Option<(&'a Reference, &'a Lookup)> {
        if self.is_never_pulled() {
            return None;
        }
        Some((self.reference()?, self.lookup?))
    }

    pub(super) fn found(&self) -> Option<(&'a Reference, &'a Found)> {
        let (reference, answer) = self.answer()?;
        Some((reference, answer.found()?))
    }

    /// The pools of which the platform is known.
    pub(super) fn targets(&self) -> impl Iterator<Item = (&'a NodePool, &'a Platform)> {
        self.pools
            .iter()
            .filter_map(|pool| Some((*pool, pool.platform.as_ref()?)))
    }

    /// The images that nodes would pull: one for each platform of the pools, or all where there is no target.
    pub(super) fn pulled(&self, found: &'a Found) -> Vec<Pulled<'a>> {
        if self.targets().next().is_none() {
            return found
                .images
                .iter()
                .map(|image| Pulled {
                    image,
                    pools: Vec::new(),
                })
                .collect();
        }
        let mut pulled: Vec<Pulled<'a>> = Vec::new();
        for (pool, _) in self.targets() {
            let Some(image) = found.image_on(pool) else {
                continue;
            };
            match pulled.iter_mut().find(|p| p.image.digest == image.digest) {
                Some(same) => same.pools.push(pool),
                None => pulled.push(Pulled {
                    image,
                    pools: vec![pool],
                }),
            }
        }
        pulled
    }

    /// The parts that nodes would fetch and that were not found.
    pub(super) fn missing_parts(&self) -> Vec<Part<'a>> {
        let Some((_, found)) = self.found() else {
            return vec![];
        };
        self.pulled(found)
            .into_iter()
            .flat_map(|pulled| missing_parts(found, pulled.image))
            .collect()
    }
}

fn missing_parts<'a>(found: &'a Found, image: &'a PlatformImage) -> Vec<Part<'a>> {
    let blobs = image
        .faulty_blobs
        .iter()
        .filter(|blob| blob.size.found().is_none())
        .map(|blob| {
            let (refusal, failure) = outcome(&blob.size);
            Part {
                name: format!("{}{}", blob.part, of_platform(image)),
                digest: blob.descriptor.digest.clone(),
                media_type: blob.descriptor.media_type.clone(),
                size: Some(blob.descriptor.size),
                refusal,
                failure,
            }
        });
    missing_part(found, image)
        .into_iter()
        .chain(blobs)
        .collect()
}

/// The platform that the index says of an image, for messages.
pub(super) fn of_platform(image: &PlatformImage) -> String {
    image
        .declared
        .as_ref()
        .map(|platform| format!(" for {platform}"))
        .unwrap_or_default()
}

fn missing_part<'a>(found: &'a Found, image: &'a PlatformImage) -> Option<Part<'a>> {
    let of_platform = of_platform(image);
    if let Some(answer @ (Answer::Refused(_) | Answer::Undetermined(_))) = &image.manifest {
        let (refusal, failure) = outcome(answer);
        return Some(Part {
            name: format!("the manifest{of_platform}"),
            digest: image.digest.clone(),
            media_type: entry_type(found, image),
            size: None,
            refusal,
            failure,
        });
    }
    let Some(answer @ (Answer::Refused(_) | Answer::Undetermined(_))) = &image.config else {
        return None;
    };
    let Some(Manifest::Image(manifest)) = image.manifest.as_ref().and_then(Answer::found) else {
        return None;
    };
    let (refusal, failure) = outcome(answer);
    Some(Part {
        name: format!("the config{of_platform}"),
        digest: manifest.config.digest.clone(),
        media_type: manifest.config.media_type.clone(),
        size: None,
        refusal,
        failure,
    })
}

fn outcome<T>(answer: &Answer<T>) -> (Option<&Refusal>, Option<&Failure>) {
    match answer {
        Answer::Found(_) => (None, None),
        Answer::Refused(refusal) => (Some(refusal), None),
        Answer::Undetermined(failure) => (None, Some(failure)),
    }
}

/// The type that the index declares for an entry.
fn entry_type(found: &Found, image: &PlatformImage) -> String {
    let declared = match &found.manifest {
        Manifest::Index(index) => index
            .images()
            .find(|entry| entry.descriptor.digest == image.digest)
            .map(|entry| entry.descriptor.media_type.clone()),
        _ => None,
    };
    declared
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| media_type::OCI_MANIFEST.to_owned())
}
