//! Which places one of several machines looks at.

use std::collections::BTreeSet;

use super::ignores::Ignored;
use crate::finding::Finding;
use crate::oci::Digest;
use crate::report::{Part, Partition};
use crate::workload::Occurrence;

/// What is left to the other machines.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// The places that the other machines look at.
    pub occurrences: Vec<Occurrence>,
    part: Option<Part>,
}

/// Keeps the occurrences whose image is in the part. What is wrong with sources and node pools is said by every part, and
/// once by all together.
pub(super) fn select(partition: Option<Partition>, occurrences: &mut Vec<Occurrence>) -> Elsewhere {
    let Some(partition) = partition else {
        return Elsewhere::default();
    };
    let images: BTreeSet<String> = occurrences.iter().map(name).collect();
    let images: Vec<String> = images.into_iter().collect();
    let (here, elsewhere) = std::mem::take(occurrences)
        .into_iter()
        .partition(|occurrence| partition.holds(&name(occurrence)));
    *occurrences = here;
    Elsewhere {
        occurrences: elsewhere,
        part: Some(Part {
            of_images: images.len(),
            images: Digest::sha256_of(images.join("\n").as_bytes()),
            ..Part::of(partition)
        }),
    }
}

impl Elsewhere {
    /// The findings that this machine alone can answer for. Whether an ignore matches nothing is not among them: the image
    /// that it is for may be another machine's.
    pub fn settle(self, ignored: Ignored) -> (Vec<Finding>, Option<Part>) {
        let mut findings = ignored.kept;
        let Some(mut part) = self.part else {
            findings.extend(ignored.unused);
            return (findings, None);
        };
        part.unused_ignores = ignored.unused;
        part.ignored_by_all = ignored.without_image;
        (findings, Some(part))
    }
}

/// The full name, or the text where it is none.
fn name(occurrence: &Occurrence) -> String {
    match &occurrence.reference {
        Ok(reference) => reference.to_string(),
        Err(_) => occurrence.written.clone(),
    }
}
