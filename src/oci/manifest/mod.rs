//! Manifests: what a registry stores under a tag.

mod artifact;
mod document;

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

use super::{Bytes, Digest, Platform, media_type};
use document::Document;

pub use artifact::Artifact;

/// The largest manifest in bytes that containerd takes (containerd `core/remotes/docker/resolver.go`,
/// `MaxManifestSize`; the factors are 1048 there and not 1024).
pub const MAX_MANIFEST_BYTES: usize = 4 * 1048 * 1048;

/// A manifest, told apart by what it holds and not only by what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// A runnable image of one platform.
    Image(ImageManifest),
    /// A list of manifests, mostly one for each platform.
    Index(Index),
    /// A Docker schema 1 manifest.
    Schema1(Schema1),
    /// The manifest of something that is no runnable image: a chart, a signature, an SBOM.
    Artifact(Artifact),
}

/// A pointer to content: OCI image-spec `descriptor.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The declared type, empty where none is declared.
    pub media_type: String,
    /// The digest of the content.
    pub digest: Digest,
    /// The declared size in bytes.
    pub size: Bytes,
    /// Other places where the content is said to be; set for foreign layers.
    pub urls: Vec<String>,
    /// Free key-value pairs.
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Whether the content is a layer that the registry need not have: a foreign one of Docker, or a non-distributable one
    /// of OCI (image-spec `layer.md`, "Non-Distributable Layers").
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        !self.urls.is_empty()
            || self.media_type.contains(".nondistributable.")
            || self.media_type.contains(".foreign.")
    }
}

/// OCI image manifest, or Docker image manifest version 2, schema 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageManifest {
    /// The declared type, or the one that the shape tells.
    pub media_type: String,
    /// Points to the config.
    pub config: Descriptor,
    /// The layers, base first.
    pub layers: Vec<Descriptor>,
    /// Free key-value pairs.
    pub annotations: BTreeMap<String, String>,
}

impl ImageManifest {
    /// The declared bytes of all layers as they are transferred.
    #[must_use]
    pub fn compressed_bytes(&self) -> Bytes {
        self.layers.iter().map(|layer| layer.size).sum()
    }
}

/// OCI image index, or Docker manifest list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The declared type, or the one that the shape tells.
    pub media_type: String,
    /// The entries in their order.
    pub entries: Vec<IndexEntry>,
    /// Free key-value pairs.
    pub annotations: BTreeMap<String, String>,
}

impl Index {
    /// The entries that are images: no attestations.
    pub fn images(&self) -> impl Iterator<Item = &IndexEntry> {
        self.entries.iter().filter(|entry| !entry.is_attestation())
    }
}

/// One entry of an [`Index`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Points to the manifest.
    pub descriptor: Descriptor,
    /// What the manifest is said to run on. containerd takes an entry without a platform for any.
    pub platform: Option<Platform>,
}

impl IndexEntry {
    /// Whether the entry is an attestation that `BuildKit` puts beside the images (`BuildKit`
    /// `docs/attestations/attestation-storage.md`).
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        self.platform.as_ref().is_some_and(Platform::is_attestation)
            || self
                .descriptor
                .annotations
                .get("vnd.docker.reference.type")
                .is_some_and(|kind| kind == "attestation-manifest")
    }
}

/// Docker image manifest version 2, schema 1 (`distribution` v2.8 `docs/spec/manifest-v2-1.md`). It states neither sizes
/// nor an operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema1 {
    /// Whether it carries signatures.
    pub signed: bool,
    /// The architecture, which the specification calls informational.
    pub architecture: Option<String>,
    /// The digests of the layers, top layer first.
    pub layers: Vec<String>,
}

/// Why a document is no manifest that a node would take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The body is longer than containerd takes.
    #[error("the manifest is larger than the {MAX_MANIFEST_BYTES} bytes that containerd takes")]
    TooLarge,
    /// The body is no JSON object.
    #[error("the answer is no JSON object ({0})")]
    NotJson(String),
    /// Neither type nor shape is that of a manifest.
    #[error("the document is no manifest: it has neither `config` and `layers` nor `manifests`")]
    Unrecognised,
    /// The document is a manifest and an index at once (CVE-2021-41190). The words are containerd's.
    #[error("media-type: expected {expected} but found {found}")]
    Ambiguous {
        /// What the type says.
        expected: &'static str,
        /// What the document holds.
        found: &'static str,
    },
    /// A field holds something that its type forbids.
    #[error("`{field}` {reason}")]
    Field {
        /// The path of the field.
        field: String,
        /// What is wrong.
        reason: String,
    },
}

impl Manifest {
    /// Reads the body of an answer whose `Content-Type` was `content_type`.
    ///
    /// The body decides: a document with `fsLayers` is schema 1 whatever it is called, because containerd refuses it
    /// then (containerd `core/images/image.go`, `validateMediaType`), and a mixture of manifest and index is refused as
    /// there.
    ///
    /// # Errors
    ///
    /// When a node would not take the document.
    pub fn parse(body: &[u8], content_type: Option<&str>) -> Result<Self, ManifestError> {
        if body.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLarge);
        }
        let document = match serde_json::from_slice::<Document>(body) {
            Ok(document) if body.trim_ascii_start().starts_with(b"{") => document,
            _ => Self::lenient(body)?,
        };
        document.interpret(content_type.map(media_type::essence).as_deref())
    }

    /// Reads a document by way of a value, in which, as in Go, the last of two fields of one name counts. It also tells a
    /// document of another shape from what is no JSON.
    fn lenient(body: &[u8]) -> Result<Document, ManifestError> {
        // Go's `encoding/json`, and so a node, reads what is no UTF-8 in a string as U+FFFD.
        let document: Value = serde_json::from_str(&String::from_utf8_lossy(body))
            .map_err(|error| ManifestError::NotJson(error.to_string()))?;
        if !document.is_object() {
            return Err(ManifestError::NotJson("another JSON value".to_owned()));
        }
        serde_json::from_value(document).map_err(|error| ManifestError::Field {
            field: "document".to_owned(),
            reason: format!("does not have a manifest's shape: {error}"),
        })
    }

    /// The declared media type, or the one that the shape tells.
    #[must_use]
    pub fn media_type(&self) -> &str {
        match self {
            Self::Image(image) => &image.media_type,
            Self::Index(index) => &index.media_type,
            Self::Schema1(Schema1 { signed: true, .. }) => media_type::SCHEMA1_SIGNED,
            Self::Schema1(_) => media_type::SCHEMA1,
            Self::Artifact(artifact) => &artifact.media_type,
        }
    }

    /// The word of the report for what this is.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Image(_) => "image",
            Self::Index(_) => "index",
            Self::Schema1(_) => "schema1",
            Self::Artifact(_) => "artifact",
        }
    }
}

#[cfg(test)]
mod tests;
