//! Documents that are broken, hostile, or none at all.

use oci_preflight::oci::media_type::{OCI_INDEX, OCI_MANIFEST};
use serde_json::{Value, json};

use super::answer::{Answer, whole};
use super::kinds::annotated;
use super::server::{Request, good_image};
use super::{DAMAGED, Expected, FOUND, faults, found_with, registry, unknown};
use crate::images::{Content, Image};

/// The manifest with `change` made to its text; everything else is sound.
fn with_text(request: &Request, change: impl FnOnce(&str) -> String) -> Answer {
    let mut image = good_image();
    let text = String::from_utf8(image.manifest.bytes.clone()).expect("text");
    image.manifest.bytes = change(&text).into_bytes();
    request.holding(&image)
}

/// The manifest with these members after its own.
fn with_members(request: &Request, members: &str) -> Answer {
    with_text(request, |text| {
        format!("{},{members}}}", &text[..text.len() - 1])
    })
}

fn document(document: &Value) -> Answer {
    whole(200)
        .json(document)
        .header("Content-Type", OCI_MANIFEST)
}

fn not_utf8(request: &Request) -> Answer {
    let mut image = good_image();
    let end = image.manifest.bytes.len() - 1;
    let members = b",\"annotations\":{\"a\":\"\xff\xfe\"}".iter().copied();
    image.manifest.bytes.splice(end..end, members);
    request.holding(&image)
}

/// An index that says that it lists the very thing that is asked for.
fn listing_itself(request: &Request) -> Answer {
    let wanted = request.manifest().filter(|wanted| wanted.contains(':'));
    let digest = wanted.map_or_else(|| format!("sha256:{}", "0".repeat(64)), ToOwned::to_owned);
    let child = json!({"mediaType": OCI_INDEX, "digest": digest, "size": 100});
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]});
    whole(200).json(&index).header("Content-Type", OCI_INDEX)
}

/// Indexes in indexes, `depth` deep, each with `width` entries.
fn nested(request: &Request, depth: usize, width: usize) -> Answer {
    let mut level = good_image().manifest;
    let mut lower = Vec::new();
    for number in 0..depth {
        let entries = (0..width).map(|entry| {
            let mut descriptor = level.descriptor();
            descriptor["annotations"] = json!({"at": format!("{number}.{entry}")});
            descriptor
        });
        let entries: Vec<Value> = entries.collect();
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        lower.push(Image {
            manifest: std::mem::replace(&mut level, Content::json(OCI_INDEX, &index)),
            blobs: good_image().blobs,
            children: Vec::new(),
        });
    }
    request.holding(&Image {
        manifest: level,
        blobs: Vec::new(),
        children: lower,
    })
}

const NO_ANSWER: Expected = unknown("malformed");

faults! {
    /// JSON that nests a hundred thousand deep.
    deep: DAMAGED, registry(|request| {
        let nested = format!("\"annotations\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
        with_members(request, &nested)
    });
    /// Bytes that are no UTF-8 in an annotation, which nodes take.
    utf8: FOUND, registry(not_utf8);
    /// Bytes that are no UTF-8 outside of all texts.
    utf8_outside: DAMAGED, registry(|request| {
        let mut image = good_image();
        image.manifest.bytes.insert(1, 0xff);
        request.holding(&image)
    });
    /// A byte order mark before the document.
    bom: DAMAGED, registry(|request| with_text(request, |text| format!("\u{feff}{text}")));
    /// Keys that stand twice, of which the last ones make another image.
    dupkeys: found_with("corrupt-manifest"),
        registry(|request| with_members(request, "\"layers\":[],\"schemaVersion\":1"));
    /// Sizes beyond all numbers.
    bignum: DAMAGED, registry(|request| {
        with_text(request, |text| text.replace("\"size\":", "\"size\":1e400,\"was\":"))
    });
    /// Negative sizes.
    negative_size: DAMAGED, registry(|request| {
        with_text(request, |text| text.replace("\"size\":", "\"size\":-"))
    });
    /// Null in place of config and layers.
    nullfields: DAMAGED,
        registry(|_| document(&json!({"schemaVersion": 2, "config": null, "layers": null})));
    /// A manifest and an index in one document.
    ambiguous: DAMAGED.saying("expected manifest but found index"),
        registry(|request| with_members(request, "\"manifests\":[{}]"));
    /// A string of 16 megabytes.
    hugestr: DAMAGED, registry(|request| request.holding(&annotated(16 * 1024 * 1024)));
    /// Terminal escapes, workflow commands and changes of direction in an annotation.
    control: FOUND, registry(|request| {
        with_members(request, r#""annotations":{"title":"\u001b[2J\u202e\n::error::owned"}"#)
    });
    /// The same in the words of an error.
    control_in_error: super::FORBIDDEN, registry(|_| whole(403).json(&json!({"errors": [
        {"code": "DENIED", "message": "\u{1b}[2J\u{202e}\n::error::owned\r\n::set-output name=a::b"}
    ]})));
    /// Nothing, with status 200.
    empty: NO_ANSWER, registry(|_| whole(200).header("Content-Type", OCI_MANIFEST));
    /// The page of a login portal, with status 200.
    html: NO_ANSWER.saying("in place of a manifest"), registry(|_| whole(200).page("Sign in"));
    /// The same page, where a digest is asked for.
    html_by_digest: NO_ANSWER,
        registry(|_| whole(200).page("Sign in")).by_digest(&good_image().digest());
    /// JSON that is no object.
    list: NO_ANSWER, registry(|_| document(&json!([])));
    /// An object that is no manifest.
    no_manifest: DAMAGED, registry(|_| document(&json!({"schemaVersion": 2})));
    /// An index that lists itself under every name.
    selfref: DAMAGED, registry(listing_itself);
    /// Indexes in indexes, six deep, each of ten.
    fan: NO_ANSWER, registry(|request| nested(request, 6, 10));
    /// An index of two thousand entries.
    index_2000: NO_ANSWER, registry(|request| nested(request, 1, 2000));
    /// Indexes in indexes, as deep as anybody has them.
    nested_3: FOUND, registry(|request| nested(request, 3, 1));
}
