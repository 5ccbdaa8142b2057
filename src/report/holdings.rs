//! What the layers of an image hold, for a person.

use super::visible::visible;
use crate::facts::{Files, PlatformImage};
use crate::oci::Bytes;

/// How many lines a list has at most.
const MOST: usize = 10;

/// The lines about what the layers hold; none where they were not read. What belongs to a line above it is indented.
pub(super) fn holdings(image: &PlatformImage) -> Vec<String> {
    let (Some(unpacked), Some(files)) = (image.unpacked_bytes(), image.files()) else {
        return Vec::new();
    };
    let hidden = files.rewritten.hidden_from(0);
    let mut lines = vec![match hidden {
        Bytes(0) => format!("{unpacked} unpacked"),
        hidden => format!("{unpacked} unpacked, of which later layers hide {hidden}"),
    }];
    let lists = [
        ("largest files", largest(files)),
        ("hidden", hidden_paths(files)),
        ("left behind", left_behind(files)),
    ];
    for (heading, items) in lists {
        if items.is_empty() {
            continue;
        }
        lines.push(heading.to_owned());
        let listed = items.into_iter().take(MOST);
        lines.extend(listed.map(|(bytes, words)| {
            let bytes = bytes.to_string();
            format!("  {bytes:>9}  {}", visible(&words))
        }));
    }
    lines
}

fn largest(files: &Files) -> Vec<(Bytes, String)> {
    let files = files.largest.iter();
    files
        .map(|file| {
            (
                file.bytes,
                format!("{} (layer {})", file.path, file.layer + 1),
            )
        })
        .collect()
}

fn hidden_paths(files: &Files) -> Vec<(Bytes, String)> {
    let paths = files.rewritten.paths.iter();
    paths
        .map(|path| {
            let verb = if path.deleted {
                "deleted"
            } else {
                "stored again"
            };
            let words = format!(
                "{} (layer {}, {verb} by layer {})",
                path.path,
                path.stored_in + 1,
                path.hidden_by + 1
            );
            (path.bytes, words)
        })
        .collect()
}

fn left_behind(files: &Files) -> Vec<(Bytes, String)> {
    let leftovers = files.leftovers.iter();
    leftovers
        .map(|leftover| {
            let words = format!(
                "{} ({}, layer {})",
                leftover.path,
                leftover.what,
                leftover.layer + 1
            );
            (leftover.bytes, words)
        })
        .collect()
}
