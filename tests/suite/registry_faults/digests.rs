//! Content that is not what its digest says, and digests that are none.

use oci_preflight::oci::Digest;
use serde_json::json;

use super::answer::Answer;
use super::server::{Request, good_image};
use super::{DAMAGED, FOUND, faults, registry, unknown};
use crate::images::Image;

/// The digest of what nobody holds.
fn unknown_digest() -> Digest {
    Digest::sha256_of(b"nobody")
}

fn promising(request: &Request, digest: &str) -> Answer {
    match request.manifest() {
        Some(_) => request.good().header("Docker-Content-Digest", digest),
        None => request.good(),
    }
}

/// SHA-512 of the manifest, as the registry says it.
fn sha512_of_manifest() -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha512::digest(good_image().manifest.bytes);
    let hex = hash.iter().map(|byte| format!("{byte:02x}"));
    format!("sha512:{}", hex.collect::<String>())
}

fn other_image() -> Image {
    Image::oci("linux/arm64", "other")
}

/// An index whose entries are answered with another manifest than they name.
fn children_swapped(request: &Request) -> Answer {
    let index = Image::index(vec![("linux/amd64", good_image())]);
    match request.manifest() {
        Some(wanted) if wanted.contains(':') => {
            let answer = request.holding(&index);
            answer.body(other_image().manifest.bytes)
        }
        _ => request.holding(&index),
    }
}

/// A tag that points elsewhere at each request.
fn at_another_image(request: &Request) -> Answer {
    if request.manifest() == Some("1") {
        return request.holding(&Image::oci("linux/amd64", &request.before.to_string()));
    }
    let answers = (0..10).map(|number| Image::oci("linux/amd64", &number.to_string()));
    let children = answers.map(|image| ("linux/amd64", image)).collect();
    request.holding(&Image::index(children))
}

faults! {
    /// The header promises another digest.
    digest: DAMAGED, registry(|request| promising(request, unknown_digest().as_str()));
    /// The header promises no digest.
    nodigest: FOUND, registry(|request| request.good().without("Docker-Content-Digest"));
    /// The header promises what is no digest.
    digestjunk: unknown("malformed"), registry(|request| promising(request, "hello"));
    /// The header promises SHA-512, rightly.
    sha512: FOUND, registry(|request| promising(request, &sha512_of_manifest()));
    /// The header promises SHA-512, wrongly.
    sha512_of_other: DAMAGED,
        registry(|request| promising(request, &sha512_of_manifest().replace('0', "1")));
    /// Other bytes for a digest, with the header as asked.
    bodyswap: DAMAGED, registry(|request| {
        match request.manifest() {
            Some(_) => request.good().body(other_image().manifest.bytes),
            None => request.good(),
        }
    }).by_digest(&good_image().digest());
    /// Other bytes for a digest, with the header of those bytes.
    bodyswap_with_header: DAMAGED, registry(|request| {
        let other = other_image();
        request.good().body(other.manifest.bytes.clone())
            .header("Docker-Content-Digest", other.digest().as_str())
    }).by_digest(&good_image().digest());
    /// Other bytes for what an index lists.
    bodyswap_of_child: DAMAGED, registry(children_swapped);
    /// An entry of an index with another size.
    child_size: DAMAGED, registry(|request| {
        let mut index = Image::index(vec![("linux/amd64", good_image())]);
        let text = String::from_utf8(index.manifest.bytes).expect("text");
        index.manifest.bytes = text.replace("\"size\":", "\"size\":1").into_bytes();
        request.holding(&index)
    });
    /// A digest in the index that is none.
    child_digest: DAMAGED, registry(|_| {
        let child = json!({"digest": "sha256:../../etc/passwd", "size": 1});
        super::answer::whole(200).json(&json!({"schemaVersion": 2, "manifests": [child]}))
    });
    /// A digest that nobody holds.
    digest_unknown: super::NOT_FOUND,
        registry(Request::good).by_digest(&unknown_digest());
    /// A tag that points elsewhere at each request.
    moving: FOUND, registry(at_another_image);
    /// The same, with what an earlier run has kept.
    moving_again: FOUND, registry(at_another_image).twice();
}
