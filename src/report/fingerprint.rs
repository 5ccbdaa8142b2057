//! Names for findings that stay the same when lines move.

use std::collections::HashMap;

use super::place::Place;
use crate::finding::Finding;
use crate::oci::Digest;

/// Gives each finding of a report its name, in the order of the report.
#[derive(Default)]
pub(super) struct Fingerprints {
    given: HashMap<String, usize>,
}

impl Fingerprints {
    /// 32 hexadecimal digits from the rule, the path, the image, and the field in its object, or the message where the
    /// place names no image. Where that is not enough to tell findings apart, a number follows.
    pub fn of(&mut self, finding: &Finding, place: Option<&Place<'_>>) -> String {
        let path = place.map_or("", |place| place.path);
        let reference = finding.reference.as_deref().unwrap_or_default();
        let mut parts = vec![finding.rule, path, reference];
        match place.and_then(|place| place.occurrence) {
            Some(occurrence) => {
                let owner = &occurrence.owner;
                let names = [
                    &owner.kind,
                    &owner.namespace,
                    &owner.name,
                    &occurrence.container,
                ];
                parts.extend(names.map(|name| name.as_deref().unwrap_or_default()));
                parts.push(&occurrence.field);
            }
            None => parts.push(&finding.message),
        }
        self.name(&parts)
    }

    /// The name of whatever `parts` tell apart.
    pub fn name(&mut self, parts: &[&str]) -> String {
        let digest = Digest::sha256_of(parts.join("\0").as_bytes());
        let name: String = digest.hex().chars().take(32).collect();
        let given = self.given.entry(name.clone()).or_default();
        *given += 1;
        match given {
            1 => name,
            more => format!("{name}-{more}"),
        }
    }
}
