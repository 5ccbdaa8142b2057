//! The document that a registry sends, before it is known what it is.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Artifact, Descriptor, ImageManifest, Index, IndexEntry, Manifest, ManifestError, Schema1,
};
use crate::oci::{Bytes, DigestError, Platform, media_type};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(default)]
    schema_version: Option<i64>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<RawDescriptor>,
    #[serde(default)]
    layers: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    blobs: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    manifests: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    fs_layers: Option<Vec<FsLayer>>,
    #[serde(default)]
    signatures: Option<Vec<Value>>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct FsLayer {
    #[serde(rename = "blobSum", default)]
    blob_sum: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    size: i64,
    #[serde(default)]
    urls: Option<Vec<String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    platform: Option<RawPlatform>,
}

#[derive(Deserialize)]
struct RawPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(rename = "os.version", default)]
    os_version: Option<String>,
}

/// What a media type says that a document is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Declared {
    Manifest,
    Index,
}

fn declared(media_type: &str) -> Option<Declared> {
    match media_type {
        media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST => Some(Declared::Manifest),
        media_type::OCI_INDEX | media_type::DOCKER_LIST => Some(Declared::Index),
        _ => None,
    }
}

impl Document {
    /// Tells what the document is, by what it holds and what it was called.
    pub(super) fn interpret(self, content_type: Option<&str>) -> Result<Manifest, ManifestError> {
        let own = self.media_type.as_deref().unwrap_or_default();
        let has_fs_layers = self.fs_layers.as_ref().is_some_and(|list| !list.is_empty());
        if has_fs_layers
            || (self.schema_version == Some(1) && declared(own).is_none())
            || matches!(own, media_type::SCHEMA1 | media_type::SCHEMA1_SIGNED)
        {
            return Ok(Manifest::Schema1(Schema1 {
                signed: self.signatures.is_some_and(|list| !list.is_empty()),
                architecture: self.architecture.filter(|text| !text.is_empty()),
                layers: self
                    .fs_layers
                    .unwrap_or_default()
                    .into_iter()
                    .map(|layer| layer.blob_sum)
                    .collect(),
            }));
        }

        let has_manifests = self.manifests.as_ref().is_some_and(|list| !list.is_empty());
        let has_layers =
            self.config.is_some() || self.layers.as_ref().is_some_and(|list| !list.is_empty());
        let outer = content_type.and_then(declared);
        let inner = declared(own);
        match (outer.or(inner), inner) {
            (Some(Declared::Manifest), _) if has_manifests => Err(ManifestError::Ambiguous {
                expected: "manifest",
                found: "index",
            }),
            (Some(Declared::Manifest), Some(Declared::Index)) => Err(ManifestError::Ambiguous {
                expected: "manifest",
                found: "index",
            }),
            (Some(Declared::Index), _) if has_layers => Err(ManifestError::Ambiguous {
                expected: "index",
                found: "manifest",
            }),
            (Some(Declared::Index), Some(Declared::Manifest)) => Err(ManifestError::Ambiguous {
                expected: "index",
                found: "manifest",
            }),
            (None, _) if has_manifests && has_layers => Err(ManifestError::Ambiguous {
                expected: "manifest",
                found: "index",
            }),
            (Some(Declared::Index), _) => self.into_index(content_type),
            (Some(Declared::Manifest), _) => self.into_image(content_type),
            (None, _) if self.manifests.is_some() => self.into_index(content_type),
            (None, _) if has_layers || self.blobs.is_some() => self.into_image(content_type),
            (None, _) => Err(ManifestError::Unrecognised),
        }
    }

    /// The document's own type, else the answer's if it says something, else `by_shape`.
    fn named_type(&self, content_type: Option<&str>, by_shape: &str) -> String {
        self.media_type
            .clone()
            .filter(|text| !text.is_empty())
            .or_else(|| {
                content_type
                    .filter(|text| declared(text).is_some())
                    .map(ToOwned::to_owned)
            })
            .unwrap_or_else(|| by_shape.to_owned())
    }

    fn into_index(self, content_type: Option<&str>) -> Result<Manifest, ManifestError> {
        let media_type = self.named_type(content_type, media_type::OCI_INDEX);
        let entries = self
            .manifests
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(|(index, mut raw)| {
                let platform = raw.platform.take().map(|raw| {
                    Platform::new(
                        &raw.os,
                        &raw.architecture,
                        raw.variant.as_deref(),
                        raw.os_version.as_deref(),
                    )
                });
                Ok(IndexEntry {
                    descriptor: raw.check(&format!("manifests[{index}]"))?,
                    // An empty object says as little as none.
                    platform: platform.filter(|p| !p.os.is_empty() || !p.architecture.is_empty()),
                })
            })
            .collect::<Result<_, ManifestError>>()?;
        Ok(Manifest::Index(Index {
            media_type,
            entries,
            annotations: self.annotations.unwrap_or_default(),
        }))
    }

    fn into_image(self, content_type: Option<&str>) -> Result<Manifest, ManifestError> {
        let by_shape = match &self.config {
            Some(config) if config.media_type.starts_with("application/vnd.docker.") => {
                media_type::DOCKER_MANIFEST
            }
            _ => media_type::OCI_MANIFEST,
        };
        let media_type = self.named_type(content_type, by_shape);
        let artifact_type = self.artifact_type.clone().filter(|text| !text.is_empty());
        let mut layers = Vec::new();
        for (index, raw) in self
            .layers
            .into_iter()
            .chain(self.blobs)
            .flatten()
            .enumerate()
        {
            layers.push(raw.check(&format!("layers[{index}]"))?);
        }
        let Some(raw) = self.config else {
            if artifact_type.is_none() && layers.is_empty() {
                return Err(ManifestError::Unrecognised);
            }
            let first = layers.first().map(|layer| layer.media_type.clone());
            return Ok(Manifest::Artifact(Artifact {
                media_type,
                artifact_type: artifact_type.or(first).unwrap_or_default(),
                size: layers.iter().map(|layer| layer.size).sum(),
            }));
        };
        let config_artifact = raw.artifact_type.clone();
        let config = raw.check("config")?;
        // cosign and BuildKit write image configs for what are no images; only the layers tell them apart.
        let has_foreign_content = !layers.is_empty()
            && !layers
                .iter()
                .any(|layer| media_type::is_image_layer(&layer.media_type));
        if media_type::is_image_config(&config.media_type)
            && artifact_type.is_none()
            && !has_foreign_content
        {
            return Ok(Manifest::Image(ImageManifest {
                media_type,
                config,
                layers,
                annotations: self.annotations.unwrap_or_default(),
            }));
        }
        let by_layer = || layers.first().map(|layer| layer.media_type.clone());
        let says_nothing = config.media_type == media_type::EMPTY
            || media_type::is_image_config(&config.media_type);
        let named = if says_nothing {
            by_layer().unwrap_or_else(|| config.media_type.clone())
        } else {
            config.media_type.clone()
        };
        Ok(Manifest::Artifact(Artifact {
            media_type,
            artifact_type: artifact_type.or(config_artifact).unwrap_or(named),
            size: layers.iter().map(|layer| layer.size).sum(),
        }))
    }
}

impl RawDescriptor {
    fn check(self, field: &str) -> Result<Descriptor, ManifestError> {
        let digest = self
            .digest
            .parse()
            .map_err(|error: DigestError| ManifestError::Field {
                field: format!("{field}.digest"),
                reason: format!("is no digest: {error}"),
            })?;
        let size = u64::try_from(self.size).map_err(|_| ManifestError::Field {
            field: format!("{field}.size"),
            reason: format!("is {}, a size is never negative", self.size),
        })?;
        Ok(Descriptor {
            media_type: self.media_type,
            digest,
            size: Bytes(size),
            urls: self.urls.unwrap_or_default(),
            annotations: self.annotations.unwrap_or_default(),
        })
    }
}
