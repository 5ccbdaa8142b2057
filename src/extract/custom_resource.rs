//! Images of custom resources that stand in no pod spec.

use std::str::FromStr;
use std::sync::LazyLock;

use thiserror::Error;

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
    let paths = FIELDS.iter().filter(is_row).map(|[_, _, path, _]| *path);
    paths
        .flat_map(|path| images_at(object, path, owner, field, text))
        .collect()
}

/// A field of a custom resource that names an image, as the user says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageField {
    /// The API version of the objects, such as `example.com/v1`.
    pub api_version: String,
    /// Their kind.
    pub kind: String,
    /// The path of the field. It holds a name, or a mapping such as `{repository, tag}`.
    pub path: FieldPath,
}

/// The path of a field: keys joined by `.`; `*` is any key, `[]` behind a key any item, and `**` any depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath(String);

/// Why a text is no path of a field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "\"{0}\" is no path of a field: write keys with dots between them, such as spec.engine.image or spec.tools[].image"
)]
pub struct FieldPathError(pub String);

impl FromStr for FieldPath {
    type Err = FieldPathError;

    fn from_str(text: &str) -> Result<Self, FieldPathError> {
        let is_key = |segment: &str| {
            let key = segment.strip_suffix("[]").unwrap_or(segment);
            !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || matches!(c, '[' | ']'))
        };
        if text.split('.').all(is_key) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldPathError(text.to_owned()))
        }
    }
}

/// The images in the fields that the user knows of this kind.
pub(super) fn images_in_fields(
    object: Node<'_>,
    fields: &[ImageField],
    owner: &Owner,
    field: &mut Field,
    text: Text<'_>,
) -> Vec<Occurrence> {
    let is_of = |known: &&ImageField| {
        owner.api_version.as_ref() == Some(&known.api_version)
            && owner.kind.as_ref() == Some(&known.kind)
    };
    let paths = fields.iter().filter(is_of).map(|known| &known.path.0);
    paths
        .flat_map(|path| images_at(object, path, owner, field, text))
        .collect()
}

fn images_at(
    object: Node<'_>,
    path: &str,
    owner: &Owner,
    field: &mut Field,
    text: Text<'_>,
) -> Vec<Occurrence> {
    let mut occurrences = Vec::new();
    select(object, path, field, &mut |node, field| {
        occurrences.extend(if node.is_mapping() {
            parts::image(node, true, owner, &mut field.clone(), text)
        } else {
            text.image(node, owner, field)
        });
    });
    occurrences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_keys_between_dots() {
        for path in [
            "spec.image",
            "spec.tools[].image",
            "spec.*.image",
            "**.image",
        ] {
            assert!(path.parse::<FieldPath>().is_ok(), "{path}");
        }
        for path in ["", "spec..image", ".spec", "spec[0].image", "a b"] {
            assert!(path.parse::<FieldPath>().is_err(), "{path}");
        }
    }

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
