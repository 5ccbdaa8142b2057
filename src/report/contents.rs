//! What the layers of an image hold, for programs. Layers are numbered from the base, from 1.

use serde::Serialize;

use super::Report;
use crate::facts::{Answer, Files, PlatformImage};

/// The content of one image, of which all layers were read.
#[derive(Serialize)]
pub(super) struct ContentEntry<'a> {
    reference: String,
    platform: Option<String>,
    digest: &'a str,
    unpacked_bytes: u64,
    hidden_bytes: u64,
    /// The same as dive counts it.
    dive_wasted_bytes: u64,
    hidden: Vec<HiddenEntry<'a>>,
    largest_files: Vec<FileEntry<'a>>,
    leftovers: Vec<LeftoverEntry<'a>>,
}

/// Bytes that one layer stores and a later one hides.
#[derive(Serialize)]
struct HiddenEntry<'a> {
    path: &'a str,
    files: u64,
    bytes: u64,
    layer: usize,
    hidden_by_layer: usize,
    deleted: bool,
}

#[derive(Serialize)]
struct FileEntry<'a> {
    path: &'a str,
    bytes: u64,
    layer: usize,
}

#[derive(Serialize)]
struct LeftoverEntry<'a> {
    path: &'a str,
    what: &'a str,
    files: u64,
    bytes: u64,
    layer: usize,
}

/// All images of the report whose layers were read.
pub(super) fn contents(report: &Report) -> Vec<ContentEntry<'_>> {
    let images = report.images.iter().flat_map(|image| {
        let found = image.lookup.as_ref().and_then(Answer::found);
        let platforms = found.into_iter().flat_map(|found| &found.images);
        platforms.map(|platform| (image.reference.to_string(), platform))
    });
    images
        .filter_map(|(reference, image)| content(reference, image, image.files()?))
        .collect()
}

fn content<'a>(
    reference: String,
    image: &'a PlatformImage,
    files: &'a Files,
) -> Option<ContentEntry<'a>> {
    let hidden = files.rewritten.paths.iter().map(|path| HiddenEntry {
        path: &path.path,
        files: path.files,
        bytes: path.bytes.0,
        layer: path.stored_in + 1,
        hidden_by_layer: path.hidden_by + 1,
        deleted: path.deleted,
    });
    let largest = files.largest.iter().map(|file| FileEntry {
        path: &file.path,
        bytes: file.bytes.0,
        layer: file.layer + 1,
    });
    let leftovers = files.leftovers.iter().map(|leftover| LeftoverEntry {
        path: &leftover.path,
        what: leftover.what,
        files: leftover.files,
        bytes: leftover.bytes.0,
        layer: leftover.layer + 1,
    });
    Some(ContentEntry {
        reference,
        platform: image.platform().map(ToString::to_string),
        digest: image.digest.as_str(),
        unpacked_bytes: image.unpacked_bytes()?.0,
        hidden_bytes: files.rewritten.hidden_from(0).0,
        dive_wasted_bytes: files.rewritten.as_dive.wasted.0,
        hidden: hidden.collect(),
        largest_files: largest.collect(),
        leftovers: leftovers.collect(),
    })
}
