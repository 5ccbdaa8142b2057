//! Manifests: what a registry stores under a tag.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{Bytes, Digest, DigestError, Platform, media_type};

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

/// The manifest of something that is no runnable image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The declared type of the manifest itself.
    pub media_type: String,
    /// What the artifact is: its artifact type, else the type of its config, else that of its first layer.
    pub artifact_type: String,
    /// The declared bytes of all parts.
    pub size: Bytes,
}

impl Artifact {
    /// A person's word for what the artifact is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        let kinds = [
            ("helm", "a Helm chart"),
            ("cosign", "a cosign signature"),
            ("simplesigning", "a cosign signature"),
            ("notary", "a Notary signature"),
            ("sigstore", "a Sigstore bundle"),
            ("spdx", "an SBOM"),
            ("cyclonedx", "an SBOM"),
            ("in-toto", "an attestation"),
            ("dsse", "an attestation"),
            ("wasm", "a WebAssembly module"),
            ("cnab", "a CNAB bundle"),
            ("flux", "a Flux artifact"),
            ("opa", "an OPA bundle"),
            ("singularity", "a Singularity image"),
        ];
        kinds
            .into_iter()
            .find(|(part, _)| self.artifact_type.contains(part))
            .map_or("an OCI artifact", |(_, kind)| kind)
    }
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
        let document: Value = serde_json::from_slice(body)
            .map_err(|error| ManifestError::NotJson(error.to_string()))?;
        if !document.is_object() {
            return Err(ManifestError::NotJson("another JSON value".to_owned()));
        }
        let document: Document =
            serde_json::from_value(document).map_err(|error| ManifestError::Field {
                field: "document".to_owned(),
                reason: format!("does not have a manifest's shape: {error}"),
            })?;
        document.interpret(content_type.map(media_type::essence).as_deref())
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
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
    fn interpret(self, content_type: Option<&str>) -> Result<Manifest, ManifestError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn digest(of: &str) -> String {
        Digest::sha256_of(of.as_bytes()).to_string()
    }

    fn image() -> Value {
        json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": {"mediaType": media_type::OCI_CONFIG, "digest": digest("c"), "size": 10},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest("l"), "size": 20}],
        })
    }

    fn parse(document: &Value, content_type: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse(document.to_string().as_bytes(), Some(content_type))
    }

    #[test]
    fn an_image_manifest_is_one_whatever_the_answer_calls_it() {
        let mut unnamed = image();
        unnamed["mediaType"] = Value::Null;
        for (document, content_type) in [
            (image(), media_type::OCI_MANIFEST),
            (image(), "application/json"),
            (unnamed, "text/html; charset=utf-8"),
        ] {
            let manifest = parse(&document, content_type).expect("an image");
            assert!(matches!(manifest, Manifest::Image(_)), "{content_type}");
            assert_eq!(manifest.media_type(), media_type::OCI_MANIFEST);
        }
    }

    #[test]
    fn the_body_makes_schema_1() {
        let document = json!({"schemaVersion": 1, "name": "a", "tag": "b", "architecture": "amd64",
            "fsLayers": [{"blobSum": digest("l")}], "history": [{"v1Compatibility": "{}"}],
            "signatures": [{"header": {}}]});
        for content_type in [
            media_type::SCHEMA1_SIGNED,
            media_type::OCI_MANIFEST,
            "text/plain",
        ] {
            let manifest = parse(&document, content_type).expect("schema 1");
            assert_eq!(
                manifest,
                Manifest::Schema1(Schema1 {
                    signed: true,
                    architecture: Some("amd64".to_owned()),
                    layers: vec![digest("l")],
                })
            );
        }
    }

    #[test]
    fn a_modern_manifest_called_text_plain_is_no_schema_1() {
        let manifest = parse(&image(), media_type::SCHEMA1_QUIRK).expect("an image");
        assert_eq!(manifest.kind(), "image");
    }

    #[test]
    fn an_index_keeps_its_order_and_tells_attestations_apart() {
        let entry = |name: &str, platform: Value| json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest(name), "size": 1, "platform": platform});
        let document = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [
            entry("a", json!({"os": "linux", "architecture": "amd64"})),
            entry("b", json!({"os": "unknown", "architecture": "unknown"})),
            entry("c", Value::Null),
        ]});
        let Ok(Manifest::Index(index)) = parse(&document, media_type::OCI_INDEX) else {
            panic!("an index");
        };
        let platforms: Vec<Option<String>> = index
            .images()
            .map(|entry| entry.platform.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!(platforms, [Some("linux/amd64".to_owned()), None]);
    }

    #[test]
    fn a_mixture_of_manifest_and_index_is_refused_in_containerds_words() {
        let mut both = image();
        both["manifests"] = json!([{"digest": digest("a"), "size": 1}]);
        assert_eq!(
            parse(&both, media_type::OCI_MANIFEST)
                .expect_err("ambiguous")
                .to_string(),
            "media-type: expected manifest but found index"
        );
        both["mediaType"] = Value::Null;
        assert!(parse(&both, "application/json").is_err());
        assert_eq!(
            parse(&image(), media_type::OCI_INDEX)
                .expect_err("ambiguous")
                .to_string(),
            "media-type: expected index but found manifest"
        );
    }

    #[test]
    fn what_is_no_runnable_image_is_an_artifact_with_a_name() {
        let mut chart = image();
        chart["config"]["mediaType"] = json!(media_type::HELM_CONFIG);
        let mut signature = image();
        signature["layers"][0]["mediaType"] =
            json!("application/vnd.dev.cosign.simplesigning.v1+json");
        signature["artifactType"] = json!("application/vnd.dev.cosign.artifact.sig.v1+json");
        let mut attestation = image();
        attestation["layers"][0]["mediaType"] = json!("application/vnd.in-toto+json");
        let mut empty = image();
        empty["config"]["mediaType"] = json!(media_type::EMPTY);
        empty["layers"][0]["mediaType"] = json!("text/spdx+json");
        let mut old_signature = image();
        old_signature["layers"][0]["mediaType"] =
            json!("application/vnd.dev.cosign.simplesigning.v1+json");
        for (document, kind) in [
            (old_signature, "a cosign signature"),
            (chart, "a Helm chart"),
            (signature, "a cosign signature"),
            (attestation, "an attestation"),
            (empty, "an SBOM"),
        ] {
            let Ok(Manifest::Artifact(artifact)) = parse(&document, media_type::OCI_MANIFEST)
            else {
                panic!("{kind}");
            };
            assert_eq!(artifact.kind(), kind);
        }
    }

    #[test]
    fn fields_that_lie_are_named() {
        let mut negative = image();
        negative["layers"][0]["size"] = json!(-1);
        let mut path = image();
        path["config"]["digest"] = json!("../../etc/passwd");
        for (document, field) in [(negative, "layers[0].size"), (path, "config.digest")] {
            let error = parse(&document, media_type::OCI_MANIFEST).expect_err(field);
            assert!(error.to_string().contains(field), "{error}");
        }
    }

    #[test]
    fn what_is_no_manifest_says_so() {
        for body in [
            "",
            "<html></html>",
            "[]",
            "{}",
            "{\"schemaVersion\":2}",
            "\"x\"",
        ] {
            assert!(Manifest::parse(body.as_bytes(), None).is_err(), "{body}");
        }
        assert_eq!(
            Manifest::parse(&vec![b' '; MAX_MANIFEST_BYTES + 1], None),
            Err(ManifestError::TooLarge)
        );
    }

    #[test]
    fn the_compressed_size_is_that_of_the_layers() {
        let Ok(Manifest::Image(manifest)) = parse(&image(), media_type::OCI_MANIFEST) else {
            panic!("an image");
        };
        assert_eq!(manifest.compressed_bytes(), Bytes(20));
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Manifest::parse(&body, None);
        }
    }
}
