//! Documents that are sound, of every kind and under every name.

use oci_preflight::oci::media_type::{DOCKER_MANIFEST, OCI_MANIFEST, SCHEMA1, SCHEMA1_SIGNED};
use serde_json::json;

use super::answer::{Answer, whole};
use super::server::{Request, good_image};
use super::{DAMAGED, FOUND, faults, found_with, registry};
use crate::images::{Content, Image};

/// A schema 1 manifest under this name.
fn old_manifest(content_type: &str) -> Answer {
    let document = json!({
        "schemaVersion": 1, "name": "app", "tag": "1", "architecture": "amd64",
        "fsLayers": [{"blobSum": good_image().blobs[0].digest().as_str()}],
        "history": [{"v1Compatibility": "{\"id\":\"a\",\"os\":\"linux\"}"}],
        "signatures": [{"header": {"alg": "ES256"}, "signature": "x", "protected": "e30"}],
    });
    whole(200)
        .json(&document)
        .header("Content-Type", content_type)
}

/// The sound image with its manifest under another name.
fn named(request: &Request, content_type: &str) -> Answer {
    match request.manifest() {
        Some(_) => request.good().header("Content-Type", content_type),
        None => request.good(),
    }
}

fn index(count: usize) -> Image {
    let architectures = ["linux/amd64", "linux/arm64", "linux/s390x", "linux/ppc64le"];
    let children = (0..count).map(|number| {
        let platform = architectures
            .get(number)
            .copied()
            .unwrap_or("linux/riscv64");
        (platform, Image::oci(platform, &number.to_string()))
    });
    let attestations = [("unknown/unknown", Image::oci("linux/amd64", "attestation"))];
    Image::index(children.chain(attestations).collect())
}

/// The sound image with its one layer so many times.
fn layers(count: usize) -> Image {
    let layer = Content::new("application/vnd.oci.image.layer.v1.tar+gzip", "layer");
    let config = Content::json(
        "application/vnd.oci.image.config.v1+json",
        &json!({
            "os": "linux", "architecture": "amd64", "config": {},
            "rootfs": {"type": "layers", "diff_ids": vec![layer.digest().as_str(); count]},
        }),
    );
    let manifest = Content::json(
        OCI_MANIFEST,
        &json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config.descriptor(),
            "layers": vec![layer.descriptor(); count],
        }),
    );
    Image {
        manifest,
        blobs: vec![layer, config],
        children: Vec::new(),
    }
}

/// The sound image with an annotation of this length.
pub fn annotated(length: usize) -> Image {
    let mut image = good_image();
    let mut document: serde_json::Value =
        serde_json::from_slice(&image.manifest.bytes).expect("JSON");
    document["annotations"] = json!({"long": "x".repeat(length)});
    image.manifest = Content::json(OCI_MANIFEST, &document);
    image
}

faults! {
    /// A sound image of one platform.
    ok: FOUND, registry(Request::good);
    /// A sound index with attestations.
    index_of_platforms: FOUND, registry(|request| request.holding(&index(2)));
    /// An index of fifty images.
    index_50: FOUND, registry(|request| request.holding(&index(50)));
    /// More layers than a node can mount.
    layers_130: found_with("too-many-layers"), registry(|request| request.holding(&layers(130)));
    /// A manifest of three megabytes.
    bigmanifest_3mb: FOUND, registry(|request| request.holding(&annotated(3_000_000)));
    /// A manifest of nine megabytes, which is more than nodes take.
    bigmanifest_9mb: DAMAGED, registry(|request| request.holding(&annotated(9_000_000)));
    /// Schema 1 whatever is asked for.
    schema1: found_with("schema1-manifest"), registry(|_| old_manifest(SCHEMA1_SIGNED));
    /// Schema 1 that is called JSON.
    schema1_as_json: found_with("schema1-manifest"), registry(|_| old_manifest("application/json"));
    /// Schema 1 that is called schema 2.
    schema1_as_schema2: found_with("schema1-manifest"), registry(|_| old_manifest(DOCKER_MANIFEST));
    /// A current manifest that is called schema 1.
    schema2_as_schema1: FOUND, registry(|request| named(request, SCHEMA1));
    /// A manifest that is called text.
    type_text: FOUND, registry(|request| named(request, "text/plain; charset=utf-8"));
    /// A manifest that is called nothing.
    type_none: FOUND, registry(|request| request.good().without("Content-Type"));
    /// A manifest that is called JSON.
    type_json: FOUND, registry(|request| named(request, "application/json"));
    /// A manifest that is called bytes.
    type_octets: FOUND, registry(|request| named(request, "application/octet-stream"));
    /// A media type in upper case, with a charset.
    type_upper_case: FOUND,
        registry(|request| named(request, &format!("{}; charset=utf-8", OCI_MANIFEST.to_uppercase())));
}
