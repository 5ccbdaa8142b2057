//! Which places one of several machines looks at.

use std::collections::BTreeSet;

use crate::report::{Part, Partition};
use crate::workload::Occurrence;

/// Keeps the occurrences whose image is in the part. What is wrong with sources and node pools is said by every part, and
/// once by all together.
pub(super) fn select(partition: Partition, occurrences: &mut Vec<Occurrence>) -> Part {
    let images: BTreeSet<String> = occurrences.iter().map(name).collect();
    occurrences.retain(|occurrence| partition.holds(&name(occurrence)));
    Part {
        partition,
        of_images: images.len(),
    }
}

/// The full name, or the text where it is none.
fn name(occurrence: &Occurrence) -> String {
    match &occurrence.reference {
        Ok(reference) => reference.to_string(),
        Err(_) => occurrence.written.clone(),
    }
}
