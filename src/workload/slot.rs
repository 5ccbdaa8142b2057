//! What stays the same about a place while its image changes.

use std::collections::{BTreeMap, VecDeque};

use super::{Occurrence, Role};

/// What stays the same about a place while its image changes: the container of a Kubernetes object, or the field of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// A container, or a volume, of a Kubernetes object.
    Workload {
        /// The API group, without the version: an object stays the same when its API grows up.
        group: String,
        /// The kind.
        kind: String,
        /// The namespace; empty where the source names none.
        namespace: String,
        /// The name.
        name: String,
        /// The word for what the image is for.
        role: &'static str,
        /// The name of the container or volume, or the path of the field where it has none.
        container: String,
    },
    /// A field of a file that holds no Kubernetes object.
    Field {
        /// The path of the file, relative to the folder that was looked at.
        path: String,
        /// The path of the field.
        field: String,
    },
}

impl Slot {
    /// The slot of a place in the file `path`. None for what stands in no file, and for what is completed elsewhere: neither
    /// says what is deployed.
    #[must_use]
    pub fn of(occurrence: &Occurrence, path: &str) -> Option<Self> {
        let role = match occurrence.role {
            Role::Unplaced | Role::Provisional => return None,
            role => role.as_str()?,
        };
        let owner = &occurrence.owner;
        let (Some(kind), Some(name)) = (&owner.kind, &owner.name) else {
            return Some(Self::Field {
                path: path.to_owned(),
                field: occurrence.field.clone(),
            });
        };
        let version = owner.api_version.as_deref().unwrap_or_default();
        Some(Self::Workload {
            group: version
                .rsplit_once('/')
                .map_or_else(String::new, |(group, _)| group.to_owned()),
            kind: kind.clone(),
            namespace: owner.namespace.clone().unwrap_or_default(),
            name: name.clone(),
            role,
            container: occurrence
                .container
                .clone()
                .unwrap_or_else(|| occurrence.field.clone()),
        })
    }
}

/// A slot, and the file in which it stands.
pub type PlacedSlot = (Slot, String);

/// For each slot of `now`, the position of the same one in `before`. Each is used once. An object that several files define,
/// such as the overlays of several environments, is the one of the same file; where it moved, the only one that is left.
#[must_use]
pub fn matched(before: &[PlacedSlot], now: &[PlacedSlot]) -> Vec<Option<usize>> {
    let mut same_file: BTreeMap<&PlacedSlot, VecDeque<usize>> = BTreeMap::new();
    for (position, slot) in before.iter().enumerate() {
        same_file.entry(slot).or_default().push_back(position);
    }
    let mut matches: Vec<Option<usize>> = now
        .iter()
        .map(|slot| same_file.get_mut(slot)?.pop_front())
        .collect();
    let mut left: BTreeMap<&Slot, Vec<usize>> = BTreeMap::new();
    for ((slot, _), positions) in &same_file {
        left.entry(slot).or_default().extend(positions);
    }
    let mut moved: BTreeMap<&Slot, Vec<usize>> = BTreeMap::new();
    for (position, (slot, _)) in now.iter().enumerate() {
        if matches[position].is_none() {
            moved.entry(slot).or_default().push(position);
        }
    }
    for (slot, positions) in moved {
        if let ([position], Some([only])) =
            (positions.as_slice(), left.get(slot).map(Vec::as_slice))
        {
            matches[*position] = Some(*only);
        }
    }
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(name: &str, path: &str) -> PlacedSlot {
        let slot = Slot::Workload {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: String::new(),
            name: name.to_owned(),
            role: "container",
            container: "app".to_owned(),
        };
        (slot, path.to_owned())
    }

    #[test]
    fn a_workload_is_the_same_in_another_file() {
        let before = [slot("web", "a.yaml"), slot("api", "a.yaml")];
        let now = [slot("api", "b.yaml"), slot("new", "a.yaml")];
        assert_eq!(matched(&before, &now), [Some(1), None]);
    }

    #[test]
    fn one_name_in_several_files_is_matched_by_its_file() {
        let before = [slot("web", "prod.yaml"), slot("web", "test.yaml")];
        let now = [slot("web", "test.yaml"), slot("web", "prod.yaml")];
        assert_eq!(matched(&before, &now), [Some(1), Some(0)]);
        // Of two, nobody can tell which one moved.
        let now = [slot("web", "new.yaml")];
        assert_eq!(matched(&before, &now), [None]);
        let now = [slot("web", "prod.yaml"), slot("web", "new.yaml")];
        assert_eq!(matched(&before, &now), [Some(0), Some(1)]);
    }

    #[test]
    fn the_same_container_twice_in_a_file_is_matched_in_order() {
        let before = [slot("web", "a.yaml"), slot("web", "a.yaml")];
        let now = [
            slot("web", "a.yaml"),
            slot("web", "a.yaml"),
            slot("web", "a.yaml"),
        ];
        assert_eq!(matched(&before, &now), [Some(0), Some(1), None]);
    }
}
