//! The image transformer of a Kustomization
//! (<https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/>).

use super::field::Field;
use super::parts::join;
use super::place::{Text, string};
use super::select::select;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner, Role};

/// The names that images are replaced by. Where neither tag nor digest is new, those of the base stay, so that the name is
/// provisional.
pub(super) fn images(root: Node<'_>, text: Text<'_>) -> Vec<Occurrence> {
    let mut occurrences = Vec::new();
    select(
        root,
        "images[]",
        &mut Field::default(),
        &mut |image, field| {
            occurrences.extend(replaced(image, &mut field.clone(), text));
        },
    );
    occurrences
}

fn replaced(image: Node<'_>, field: &mut Field, text: Text<'_>) -> Option<Occurrence> {
    let key = if string(image, "newName").is_some() {
        "newName"
    } else {
        "name"
    };
    let name = string(image, key)?;
    let (tag, digest) = (string(image, "newTag"), string(image, "digest"));
    let role = if tag.is_some() || digest.is_some() {
        Role::Unplaced
    } else {
        Role::Provisional
    };
    let value = join(None, &name, tag.as_deref(), digest.as_deref());
    let found = field.key(key, |field| {
        text.image(image.get(key)?, &Owner::default(), field)
    })?;
    Some(Occurrence {
        reference: value.parse(),
        value,
        role,
        ..found
    })
}
