//! What the report of a part says for the report of the whole.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{FindingEntry, finding_entry};
use crate::report::Part;
use crate::report::fingerprint::Fingerprints;
use crate::report::place::Places;

#[derive(Serialize)]
pub(super) struct PartEntry<'a> {
    number: usize,
    parts: usize,
    of_images: usize,
    images_digest: &'a str,
    unused_ignores: Vec<FindingEntry<'a>>,
    ignored_by_all: usize,
    known: &'a BTreeSet<String>,
}

impl<'a> PartEntry<'a> {
    pub fn of(part: &'a Part, places: &Places<'a>) -> Self {
        let mut fingerprints = Fingerprints::default();
        Self {
            number: part.partition.number(),
            parts: part.partition.parts(),
            of_images: part.of_images,
            images_digest: part.images.as_str(),
            unused_ignores: part
                .unused_ignores
                .iter()
                .map(|finding| finding_entry(finding, places, &mut fingerprints))
                .collect(),
            ignored_by_all: part.ignored_by_all,
            known: &part.known,
        }
    }
}
