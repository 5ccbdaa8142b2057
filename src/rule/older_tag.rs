//! What the rules about platforms say of older tags.

use crate::facts::Found;
use crate::oci::Reference;

/// The older tag that still runs on the nodes, as a sentence that follows another; empty where none is known.
pub(super) fn older_tag(reference: &Reference, found: &Found) -> String {
    let sentence = |tag: &String| {
        let older = reference.with_tag(tag);
        format!(" The older {older} has it.")
    };
    found.older_tag.as_ref().map(sentence).unwrap_or_default()
}
