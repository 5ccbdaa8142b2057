//! What makes reports the parts of one run, and what only all of them together can say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::document::Document;
use super::texts::Texts;
use super::{MergeError, finding, name};
use crate::report::{Baseline, Gathered};
use crate::text::Span;

/// All parts of one run, each once; or reports of whole runs, which are joined as they are.
///
/// # Errors
///
/// When one is of another run, is missing, or is there twice.
pub(super) fn check(paths: &[PathBuf], documents: &[Document]) -> Result<(), MergeError> {
    let (Some(first_path), Some(first)) = (paths.first(), documents.first()) else {
        return Ok(());
    };
    for (path, document) in paths.iter().zip(documents) {
        if let Some(what) = difference(first, document) {
            return Err(MergeError::Different {
                one: name(first_path),
                other: name(path),
                what,
            });
        }
    }
    let Some(parts) = first.part.as_ref().map(|part| part.parts) else {
        return Ok(());
    };
    let mut numbers = BTreeMap::new();
    for (path, document) in paths.iter().zip(documents) {
        let number = document.part.as_ref().map_or(0, |part| part.number);
        if let Some(before) = numbers.insert(number, path) {
            return Err(MergeError::Incomplete(format!(
                "part {number} is there twice, as {} and {}",
                name(before),
                name(path)
            )));
        }
    }
    match (1..=parts).find(|number| !numbers.contains_key(number)) {
        Some(number) => Err(MergeError::Incomplete(format!(
            "part {number} of {parts} is missing"
        ))),
        None => Ok(()),
    }
}

fn difference(first: &Document, other: &Document) -> Option<&'static str> {
    if other.tool.version != first.tool.version {
        return Some("the version of oci-preflight that wrote them");
    }
    if other.node_pools != first.node_pools || other.on_demand_pools != first.on_demand_pools {
        return Some("the node pools");
    }
    if other.changed_since != first.changed_since {
        return Some("--changed-since");
    }
    let base = |document: &Document| document.base.as_ref().map(|base| base.name.clone());
    if base(first) != base(other) {
        return Some("--base");
    }
    match (&first.part, &other.part) {
        (None, None) => None,
        (Some(one), Some(two)) if one.parts == two.parts => {
            if paths(first) != paths(other) {
                return Some("the sources");
            }
            let is_same = one.of_images == two.of_images && one.images_digest == two.images_digest;
            (!is_same).then_some("the images that their sources name")
        }
        _ => Some("--partition"),
    }
}

fn paths(document: &Document) -> Vec<&str> {
    let sources = document.sources.iter();
    sources.map(|source| source.path.as_str()).collect()
}

/// Adds the ignores that match nothing in any part, and counts once what every part ignored. Gives what the baseline knows
/// of those ignores.
///
/// # Errors
///
/// What makes no sense in a report.
pub(super) fn join(
    documents: &[Document],
    texts: &Texts,
    gathered: &mut Gathered,
) -> Result<Baseline, String> {
    let mut known = BTreeSet::new();
    let mut said: BTreeMap<(String, Span), usize> = BTreeMap::new();
    let mut unused = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        let Some(part) = &document.part else {
            continue;
        };
        known.extend(part.known.iter().cloned());
        for entry in &part.unused_ignores {
            let finding = finding(entry, document, texts)?;
            for place in &finding.places {
                *said.entry((finding.message.clone(), *place)).or_default() += 1;
            }
            if index == 0 {
                unused.push(finding);
            }
        }
        if index > 0 {
            gathered.ignored = gathered.ignored.saturating_sub(part.ignored_by_all);
        }
    }
    for finding in &mut unused {
        let by_all =
            |place: &Span| said.get(&(finding.message.clone(), *place)) == Some(&documents.len());
        finding.places.retain(by_all);
    }
    unused.retain(|finding| !finding.places.is_empty());
    gathered.findings.extend(unused);
    Ok(Baseline::of_fingerprints(known))
}
