//! The values of a Helm chart. What the chart makes of them only a render tells, so that nothing is claimed of values that a
//! chart completes.

use super::field::Field;
use super::parts;
use super::place::Text;
use super::select::select;
use super::template::has_placeholder;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner, Role};

/// The images among the values: `image: name:tag`, and mappings that spread a name over fields.
pub(super) fn images(root: Node<'_>, text: Text<'_>) -> Vec<Occurrence> {
    let mut occurrences = Vec::new();
    select(root, "**", &mut Field::default(), &mut |node, field| {
        if node.is_mapping() {
            let mut field = field.clone();
            let is_image = is_image_key(field.last_key());
            match parts::image(node, is_image, &Owner::default(), &mut field, text) {
                Some(found) => occurrences.push(found),
                None => occurrences.extend(named(node, &mut field, text)),
            }
        }
    });
    occurrences
}

/// The fields of a mapping that each hold a whole name, or the registry that names are completed with.
fn named(mapping: Node<'_>, field: &mut Field, text: Text<'_>) -> Vec<Occurrence> {
    let mut occurrences = Vec::new();
    for (key, value) in mapping.fields() {
        let (Some(key), Some(name)) = (key.as_str(), value.as_str()) else {
            continue;
        };
        let role = if key == "imageRegistry" {
            Role::Provisional
        } else {
            Role::Unplaced
        };
        let is_image = key == "image" || (is_image_key(key) && name.contains([':', '/']));
        if (is_image || role == Role::Provisional) && !has_placeholder(name) {
            let found = field.key(key, |field| text.image(value, &Owner::default(), field));
            let found = found.filter(|found| found.reference.is_ok());
            occurrences.extend(found.map(|found| Occurrence { role, ..found }));
        }
    }
    occurrences
}

fn is_image_key(key: &str) -> bool {
    key == "image" || key.ends_with("Image")
}
