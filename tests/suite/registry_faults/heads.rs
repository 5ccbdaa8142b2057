//! Registries that answer HEAD wrongly. It is asked of blobs, and of manifests that an earlier run has kept.

use super::answer::{Step, bytes, error, whole};
use super::server::{Request, good_image};
use super::{FOUND, NOT_FOUND, faults, found_with, registry};

fn is_manifest_head(request: &Request) -> bool {
    request.is_head() && request.manifest().is_some()
}

faults! {
    /// HEAD is answered with 405.
    head405: FOUND, registry(|request| {
        if is_manifest_head(request) { whole(405) } else { request.good() }
    }).twice();
    /// HEAD is answered with 404, and GET well.
    head404: FOUND, registry(|request| {
        if is_manifest_head(request) { error(404, "MANIFEST_UNKNOWN") } else { request.good() }
    }).twice();
    /// HEAD is answered with 500, and GET well.
    head500: FOUND, registry(|request| {
        if is_manifest_head(request) { whole(500) } else { request.good() }
    }).twice();
    /// HEAD is answered well, and GET with 404.
    head200: NOT_FOUND, registry(|request| {
        match request.manifest() {
            Some(_) if !request.is_head() => error(404, "MANIFEST_UNKNOWN"),
            _ => request.good(),
        }
    }).twice();
    /// HEAD is answered without length and digest.
    headnolen: FOUND, registry(|request| {
        if is_manifest_head(request) {
            bytes("HTTP/1.1 200 OK\r\n\r\n")
        } else {
            request.good()
        }
    }).twice();
    /// HEAD is answered with a body, which it may not have.
    headbody: FOUND, registry(|request| {
        if !is_manifest_head(request) {
            return request.good();
        }
        let answer = request.good();
        let length = answer.length();
        let (head, body) = answer.parts("1.1", Some(length));
        bytes(head).then(Step::Send(body))
    }).twice();
    /// HEAD promises another digest than GET.
    head_of_other: FOUND, registry(|request| {
        if is_manifest_head(request) {
            request.good().header("Docker-Content-Digest", good_image().blobs[0].digest().as_str())
        } else {
            request.good()
        }
    }).twice();
    /// HEAD of a blob is answered with 405, and GET well.
    head405_of_blobs: FOUND, registry(|request| {
        if request.is_head() { whole(405) } else { request.good() }
    }).with_blobs();
    /// HEAD of a blob is answered with 404, and GET well.
    head404_of_blobs: FOUND, registry(|request| {
        if request.is_head() { error(404, "BLOB_UNKNOWN") } else { request.good() }
    }).with_blobs();
    /// HEAD of a blob says that it has no bytes, and GET is answered well.
    head_of_no_bytes: FOUND, registry(|request| {
        if request.is_head() && request.blob().is_some() {
            bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        } else {
            request.good()
        }
    }).with_blobs();
    /// HEAD of a layer is answered well, but of one that is there; GET and HEAD of the config with 404.
    head404_and_get404_of_config: found_with("incomplete-image"), registry(|request| {
        let config = good_image().blobs[0].digest().to_string();
        if request.blob() == Some(config.as_str()) {
            error(404, "BLOB_UNKNOWN")
        } else {
            request.good()
        }
    }).with_blobs();
}
