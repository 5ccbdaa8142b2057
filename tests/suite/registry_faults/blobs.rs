//! Configs and layers that are missing, swapped, cut or too large.

use std::sync::LazyLock;

use serde_json::json;

use super::answer::{Answer, error, redirect, unauthorized, whole};
use super::server::{Request, good_image};
use super::{DAMAGED, FOUND, faults, found_with, registry, unknown};
use crate::images::{Content, Image};

fn is_layer(request: &Request) -> bool {
    let layer = good_image().blobs[0].digest();
    request.blob() == Some(layer.as_str())
}

fn is_config(request: &Request) -> bool {
    request.blob().is_some() && !is_layer(request)
}

/// What `answer` says about the config; everything else is sound.
fn config(request: &Request, answer: impl FnOnce(&Request) -> Answer) -> Answer {
    if is_config(request) {
        answer(request)
    } else {
        request.good()
    }
}

fn layer(request: &Request, answer: impl FnOnce(&Request) -> Answer) -> Answer {
    if is_layer(request) {
        answer(request)
    } else {
        request.good()
    }
}

/// The first half, as if it had been asked for.
fn half(request: &Request) -> Answer {
    if request.blob().is_none() {
        return request.good();
    }
    let (_, body) = request.good().parts("1.1", None);
    let range = format!("bytes 0-{}/{}", body.len() / 2 - 1, body.len());
    whole(206)
        .header("Content-Range", &range)
        .body(&body[..body.len() / 2])
}

/// The sound image with a config of sixteen megabytes.
static LARGE_CONFIG: LazyLock<Image> = LazyLock::new(|| {
    let mut image = good_image();
    let mut document: serde_json::Value =
        serde_json::from_slice(&image.blobs[1].bytes).expect("JSON");
    document["author"] = json!("x".repeat(16 * 1024 * 1024));
    image.blobs[1] = Content::json(&image.blobs[1].media_type.clone(), &document);
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&image.manifest.bytes).expect("JSON");
    manifest["config"] = image.blobs[1].descriptor();
    image.manifest = Content::json(&image.manifest.media_type.clone(), &manifest);
    image
});

faults! {
    /// The config is not there.
    config404: found_with("incomplete-image"),
        registry(|request| config(request, |_| error(404, "BLOB_UNKNOWN")));
    /// The config fails.
    config500: unknown("server-error"),
        registry(|request| config(request, |_| whole(500)));
    /// The config is for somebody else.
    config403: found_with("access-denied"),
        registry(|request| config(request, |_| error(403, "DENIED")));
    /// A config of 16 megabytes.
    configbig: unknown("malformed"), registry(|request| request.holding(&LARGE_CONFIG));
    /// Another config than its digest says.
    configswap: DAMAGED, registry(|request| {
        config(request, |_| whole(200).body(Image::oci("linux/arm64", "b").blobs[1].bytes.clone()))
    });
    /// A page in place of the config.
    config_html: DAMAGED,
        registry(|request| config(request, |_| whole(200).page("Sign in")));
    /// Half of each blob with status 206, though all was asked for.
    range: unknown("server-error"), registry(half);
    /// The same, where the layers are asked for too.
    range_of_layers: unknown("server-error"), registry(half).with_blobs();
    /// A layer is not there.
    layer404: found_with("incomplete-image").saying("layer 1 of 1"),
        registry(|request| layer(request, |_| error(404, "BLOB_UNKNOWN"))).with_blobs();
    /// A layer fails.
    layer500: unknown("server-error"),
        registry(|request| layer(request, |_| whole(500))).with_blobs();
    /// A layer is shorter than the manifest says.
    layer_short: found_with("incomplete-image"),
        registry(|request| layer(request, |_| whole(200).body("x"))).with_blobs();
    /// A layer without a length.
    layer_no_length: FOUND, registry(|request| {
        layer(request, |_| super::answer::bytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"))
    }).with_blobs();
    /// Blobs lie at another host, and want a login at this one.
    redirblob: FOUND, registry(|request| {
        if request.is_elsewhere {
            request.good()
        } else if request.authorization().is_empty() {
            unauthorized("Basic realm=\"r\"")
        } else if request.blob().is_some() {
            redirect(&format!("{}{}?X-Amz-Signature=abc", request.elsewhere, request.path))
        } else {
            request.good()
        }
    }).with_blobs();
    /// Blobs lie at another host, which wants a login of its own.
    redirblob_denied: unknown("server-error").saying("service perimeters"), registry(|request| {
        if request.is_elsewhere {
            unauthorized("Basic realm=\"other\"")
        } else if request.authorization().is_empty() {
            unauthorized("Basic realm=\"r\"")
        } else if request.blob().is_some() {
            redirect(&format!("{}{}", request.elsewhere, request.path))
        } else {
            request.good()
        }
    });
}
