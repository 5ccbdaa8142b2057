//! Small images as registries store them: the tests own every byte.

use oci_preflight::oci::{Digest, Platform, media_type};
use serde_json::{Value, json};

/// The type of the layers, which nobody unpacks here.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Some content with its type.
#[derive(Debug, Clone)]
pub struct Content {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

impl Content {
    pub fn new(media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            media_type: media_type.to_owned(),
            bytes: bytes.into(),
        }
    }

    pub fn json(media_type: &str, document: &Value) -> Self {
        Self::new(media_type, document.to_string())
    }

    pub fn digest(&self) -> Digest {
        Digest::sha256_of(&self.bytes)
    }

    pub fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": self.digest().as_str(),
            "size": self.bytes.len(),
        })
    }
}

/// A manifest with all that it points to.
#[derive(Debug, Clone)]
pub struct Image {
    pub manifest: Content,
    pub blobs: Vec<Content>,
    /// The manifests that an index lists.
    pub children: Vec<Image>,
}

impl Image {
    /// An OCI image of one layer. `seed` makes it differ from others.
    pub fn oci(platform: &str, seed: &str) -> Self {
        Self::single(
            media_type::OCI_MANIFEST,
            media_type::OCI_CONFIG,
            platform,
            seed,
        )
    }

    /// The same as Docker writes it.
    pub fn docker(platform: &str, seed: &str) -> Self {
        Self::single(
            media_type::DOCKER_MANIFEST,
            media_type::DOCKER_CONFIG,
            platform,
            seed,
        )
    }

    fn single(manifest_type: &str, config_type: &str, platform: &str, seed: &str) -> Self {
        let platform: Platform = platform.parse().expect("a platform");
        let layer = Content::new(LAYER, format!("layer {seed}"));
        let config = Content::json(
            config_type,
            &json!({
                "os": platform.os,
                "architecture": platform.architecture,
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [Digest::sha256_of(seed.as_bytes()).as_str()]},
                "history": [{"created_by": format!("COPY {seed} /")}],
            }),
        );
        let manifest = Content::json(
            manifest_type,
            &json!({
                "schemaVersion": 2,
                "mediaType": manifest_type,
                "config": config.descriptor(),
                "layers": [layer.descriptor()],
            }),
        );
        Self {
            manifest,
            blobs: vec![layer, config],
            children: Vec::new(),
        }
    }

    /// An OCI index, or a Docker list if all children are Docker's, with the platforms that the children are said to have.
    pub fn index(children: Vec<(&str, Image)>) -> Self {
        let is_docker = children
            .iter()
            .all(|(_, child)| child.manifest.media_type == media_type::DOCKER_MANIFEST);
        let media_type = if is_docker {
            media_type::DOCKER_LIST
        } else {
            media_type::OCI_INDEX
        };
        let entries: Vec<Value> = children
            .iter()
            .map(|(platform, child)| {
                let mut entry = child.manifest.descriptor();
                if let Some((os, architecture)) = platform.split_once('/') {
                    entry["platform"] = json!({"os": os, "architecture": architecture});
                }
                entry
            })
            .collect();
        let manifest = Content::json(
            media_type,
            &json!({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}),
        );
        Self {
            manifest,
            blobs: Vec::new(),
            children: children.into_iter().map(|(_, child)| child).collect(),
        }
    }

    pub fn digest(&self) -> Digest {
        self.manifest.digest()
    }
}
