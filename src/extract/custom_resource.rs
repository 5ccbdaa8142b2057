//! Images of custom resources that stand in no pod spec.

use std::sync::LazyLock;

use super::field::Field;
use super::fields::rows;
use super::kubernetes::is_in_group;
use super::parts;
use super::place::Text;
use super::select::select;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner};

/// One row: the API group, the kind, the path of the field, and where that is written down.
const TABLE: &str = include_str!("custom_resources.tsv");

static FIELDS: LazyLock<Vec<[&str; 4]>> = LazyLock::new(|| rows(TABLE).collect());

/// The keys under which a container stands that is in no pod spec.
const CONTAINER: [&str; 6] = [
    "container",
    "initContainer",
    "mainContainer",
    "script",
    "sidecar",
    "stepTemplate",
];

/// The keys under which a list of such containers stands.
const CONTAINERS: [&str; 4] = ["containers", "initContainers", "sidecars", "steps"];

/// Fields that a container has, and nothing else that has an image
/// (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container>).
const CONTAINER_FIELDS: [&str; 8] = [
    "args",
    "command",
    "env",
    "envFrom",
    "imagePullPolicy",
    "livenessProbe",
    "volumeMounts",
    "workingDir",
];

/// Whether the mapping at `field` is a container: it has an image, and stands where containers stand or has what only
/// containers have.
pub(super) fn is_container(node: Node<'_>, field: &Field) -> bool {
    let keys: &[&str] = if field.is_item() {
        &CONTAINERS
    } else {
        &CONTAINER
    };
    let is_there = keys.contains(&field.last_key());
    let has_image = node
        .get("image")
        .is_some_and(|image| image.as_str().is_some());
    has_image && (is_there || CONTAINER_FIELDS.iter().any(|key| node.get(key).is_some()))
}

/// The images in the fields that the table has for this kind.
pub(super) fn images(
    object: Node<'_>,
    owner: &Owner,
    field: &mut Field,
    text: Text<'_>,
) -> Vec<Occurrence> {
    let version = owner.api_version.as_deref().unwrap_or_default();
    let is_row = |[group, kind, ..]: &&[&str; 4]| {
        is_in_group(version, group) && owner.kind.as_deref() == Some(*kind)
    };
    let mut occurrences = Vec::new();
    for [_, _, path, _] in FIELDS.iter().filter(is_row) {
        select(object, path, field, &mut |node, field| {
            occurrences.extend(if node.is_mapping() {
                parts::image(node, true, owner, &mut field.clone(), text)
            } else {
                text.image(node, owner, field)
            });
        });
    }
    occurrences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_a_source() {
        let lines = TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(FIELDS.len(), lines.count() - 1);
        for [group, kind, path, source] in &*FIELDS {
            assert!(source.starts_with("https://"), "{group} {kind} {path}");
        }
    }
}
