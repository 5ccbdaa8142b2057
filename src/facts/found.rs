//! What is stored under a reference.

use std::sync::Arc;

use super::{Answer, Content, Failure, Files, Identity};
use crate::cluster::NodePool;
use crate::oci::{Bytes, Config, Descriptor, Digest, Manifest, Matching, Platform};

/// How deep the facts go. A deeper level includes the ones above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// Only the name: nothing is asked.
    Reference,
    /// The manifest, and those of the images that an index lists.
    Manifest,
    /// The configs too.
    Config,
    /// The content of the layers too.
    Layers,
}

impl Depth {
    /// The word of the documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Manifest => "manifest",
            Self::Config => "config",
            Self::Layers => "layers",
        }
    }
}

/// What is stored under a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Who asked.
    pub identity: Identity,
    /// The digest of the manifest.
    pub digest: Digest,
    /// The `Content-Type` of the answer, as sent; empty where there was none.
    pub content_type: String,
    /// The manifest itself.
    pub manifest: Manifest,
    /// The runnable images behind it: one for an image manifest; for an index its entries without attestations, in the
    /// index's order, with nested indexes unfolded; none for schema 1 and artifacts.
    pub images: Vec<PlatformImage>,
    /// For a reference with a tag and a digest: the digest that the tag has now. None where it was not asked for or not told.
    pub tag_digest: Option<Digest>,
    /// The newest older tag of the repository whose image runs on the platforms that this one lacks. None where it lacks
    /// none, or where no such tag was found.
    pub older_tag: Option<String>,
}

impl Found {
    /// The images of an index, or nothing for a single manifest.
    #[must_use]
    pub fn is_index(&self) -> bool {
        matches!(self.manifest, Manifest::Index(_))
    }

    /// The image that a node of platform `node` would pull, by containerd's local pull.
    ///
    /// A single manifest is pulled by every node, whatever it holds (containerd `core/images/image.go`, `Manifest`). Of an
    /// index, the best match is pulled, and entries without a platform come last.
    #[must_use]
    pub fn image_for(&self, node: &Platform) -> Option<&PlatformImage> {
        self.image_by(Matching::LocalPull, node)
    }

    /// The image that the nodes of a pool would pull, by the rules of their container runtime; none where the pool's
    /// platform is not known.
    #[must_use]
    pub fn image_on(&self, pool: &NodePool) -> Option<&PlatformImage> {
        self.image_by(pool.matching(), pool.platform.as_ref()?)
    }

    /// Whether what a node of platform `node` pulls is built for it, as far as the config or the index says.
    #[must_use]
    pub fn runs_on(&self, node: &Platform) -> bool {
        let pulled = self.image_for(node);
        pulled
            .and_then(PlatformImage::platform)
            .is_some_and(|built_for| built_for.runs_on(node))
    }

    fn image_by(&self, matching: Matching, node: &Platform) -> Option<&PlatformImage> {
        if !self.is_index() {
            return self.images.first();
        }
        self.images
            .iter()
            .filter_map(|image| {
                let rank = match &image.declared {
                    Some(platform) => platform.rank_by(matching, node)?,
                    None => usize::MAX,
                };
                Some((rank, image))
            })
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, image)| image)
    }
}

/// One runnable image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformImage {
    /// The platform that the index says; none for a single manifest, and for an entry that says none.
    pub declared: Option<Platform>,
    /// The digest of the image manifest.
    pub digest: Digest,
    /// The image manifest: `None` where it was not asked for.
    pub manifest: Option<Answer<Manifest>>,
    /// The config: `None` where it was not asked for.
    pub config: Option<Answer<Config>>,
    /// The blobs that were asked for and are not there as the manifest declares them; empty where none was asked for.
    pub faulty_blobs: Vec<FaultyBlob>,
    /// What the layers hold: `None` where they were not read.
    pub content: Option<Arc<Content>>,
}

/// A config or layer that is not there as the manifest declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyBlob {
    /// Which one.
    pub part: BlobPart,
    /// What the manifest declares.
    pub descriptor: Descriptor,
    /// The size that it has instead, or why there is none.
    pub size: Answer<Bytes>,
}

/// What a blob is in its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobPart {
    /// The config.
    Config,
    /// A layer.
    Layer {
        /// Its number, from 1 for the base on.
        number: usize,
        /// How many layers there are.
        of: usize,
    },
}

impl std::fmt::Display for BlobPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config => f.write_str("the config"),
            Self::Layer { number, of } => write!(f, "layer {number} of {of}"),
        }
    }
}

impl PlatformImage {
    /// The platform of the image: what its config says, else what the index says.
    #[must_use]
    pub fn platform(&self) -> Option<&Platform> {
        self.config()
            .and_then(|config| config.platform.as_ref())
            .or(self.declared.as_ref())
    }

    /// The config, where it was asked for and found.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        self.config.as_ref()?.found()
    }

    /// The layers, base first, where the manifest was asked for and found.
    #[must_use]
    pub fn layers(&self) -> Option<&[Descriptor]> {
        match self.manifest.as_ref()?.found()? {
            Manifest::Image(image) => Some(&image.layers),
            _ => None,
        }
    }

    /// Why it is not fully known: its manifest, its config or a blob that was asked for came to no answer.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        let manifest = self.manifest.as_ref().and_then(Answer::failure);
        let config = self.config.as_ref().and_then(Answer::failure);
        let mut blobs = self.faulty_blobs.iter();
        manifest
            .or(config)
            .or_else(|| blobs.find_map(|blob| blob.size.failure()))
    }

    /// Whether a registry said that the manifest, the config or a layer is not there, or not as declared.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        matches!(self.manifest, Some(Answer::Refused(_)))
            || matches!(self.config, Some(Answer::Refused(_)))
            || self
                .faulty_blobs
                .iter()
                .any(|blob| !matches!(blob.size, Answer::Undetermined(_)))
    }

    /// What the layers are together, where all were read.
    #[must_use]
    pub fn files(&self) -> Option<&Files> {
        self.content.as_ref()?.files.as_ref()
    }

    /// The bytes of all files that a node unpacks, where the layers were read.
    #[must_use]
    pub fn unpacked_bytes(&self) -> Option<Bytes> {
        self.content.as_ref()?.unpacked_bytes()
    }

    /// The declared bytes of all layers as they are transferred.
    #[must_use]
    pub fn compressed_bytes(&self) -> Option<Bytes> {
        Some(self.layers()?.iter().map(|layer| layer.size).sum())
    }
}
