//! Names for findings that stay the same when lines move.

use std::collections::HashMap;

use super::Report;
use super::place::{Place, Places};
use crate::finding::Finding;
use crate::oci::Digest;

/// Gives the findings of a report their names, one for each place, in the order of the report.
#[derive(Default)]
pub(super) struct Fingerprints {
    given: HashMap<String, usize>,
}

impl Fingerprints {
    /// The names of all findings of a report.
    pub fn of_report(report: &Report) -> Vec<Vec<String>> {
        let places = Places::new(report);
        let mut fingerprints = Self::default();
        let findings = report.findings.iter();
        findings
            .map(|finding| fingerprints.of(finding, &places))
            .collect()
    }

    /// The names of a finding, one for each of its places.
    pub fn of(&mut self, finding: &Finding, places: &Places<'_>) -> Vec<String> {
        let places = places.all_of(&finding.places);
        places.map(|place| self.of_place(finding, &place)).collect()
    }

    /// 32 hexadecimal digits from the rule, the path, the image, and the container or field in its object, or the message
    /// where the place names no image. Where that is not enough to tell findings apart, a number follows.
    fn of_place(&mut self, finding: &Finding, place: &Place<'_>) -> String {
        let reference = finding.reference.as_deref().unwrap_or_default();
        let mut parts = vec![finding.rule, place.path, reference];
        let field;
        match place.occurrence {
            Some(occurrence) => {
                let owner = &occurrence.owner;
                let names = [
                    &owner.kind,
                    &owner.namespace,
                    &owner.name,
                    &occurrence.container,
                ];
                parts.extend(names.map(|name| name.as_deref().unwrap_or_default()));
                field = without_positions(&occurrence.field);
                parts.push(&field);
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

/// The path of a field with `[]` for each `[3]`: an item that comes in before moves those behind it.
fn without_positions(field: &str) -> String {
    let mut parts = field.split('[');
    let mut path = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        path.push('[');
        path += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_of_an_item_is_no_part_of_its_name() {
        for (field, shown) in [
            ("spec.containers[12].image", "spec.containers[].image"),
            ("a[0][1].b2", "a[][].b2"),
            ("data['a.b'].image", "data['a.b'].image"),
            ("image", "image"),
        ] {
            assert_eq!(without_positions(field), shown);
        }
    }
}
