//! The values of a Helm chart. What the chart makes of them only a render tells, so that nothing is claimed of values that a
//! chart completes.

use super::field::Field;
use super::parts;
use super::place::Text;
use super::select::select;
use super::template::has_placeholder;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner};

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

/// The fields of a mapping that each hold a whole name.
fn named(mapping: Node<'_>, field: &mut Field, text: Text<'_>) -> Vec<Occurrence> {
    let names = mapping.fields().into_iter().filter_map(|(key, value)| {
        let key = key.as_str()?;
        let name = value.as_str()?;
        let is_name = !name.is_empty() && !has_placeholder(name);
        let is_image = key == "image" || (is_image_key(key) && name.contains([':', '/']));
        (is_name && is_image).then_some((key, value))
    });
    names
        .filter_map(|(key, value)| {
            field.key(key, |field| text.image(value, &Owner::default(), field))
        })
        .filter(|found| found.reference.is_ok())
        .collect()
}

fn is_image_key(key: &str) -> bool {
    key == "image" || key.ends_with("Image")
}
