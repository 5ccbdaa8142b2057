//! What is deployed now, from the parts of a run.

use std::sync::Arc;

use super::document::{self, Document};
use super::{answer, target};
use crate::oci::Reference;
use crate::report::{Base, BasePlace, Image};
use crate::workload::Role;

/// Joins what the parts say of the base: each place is in one of them, and an image may be in several. None where nothing
/// was compared.
///
/// # Errors
///
/// The words of a report that make no sense, with its number.
pub(super) fn base(documents: &[Document]) -> Result<Option<Base>, (usize, String)> {
    let mut joined: Option<Base> = None;
    for (index, document) in documents.iter().enumerate() {
        let Some(entry) = &document.base else {
            continue;
        };
        let base = joined.get_or_insert_with(|| Base {
            name: entry.name.clone(),
            ..Base::default()
        });
        add(base, entry).map_err(|reason| (index, reason))?;
    }
    Ok(joined)
}

fn add(base: &mut Base, entry: &document::Base) -> Result<(), String> {
    base.unread.extend(entry.unread.iter().cloned());
    for place in &entry.places {
        base.places.push(BasePlace {
            reference: reference(&place.reference)?,
            now: place.now.as_deref().map(reference).transpose()?,
            role: role(place.role.as_deref())?,
            placement: Arc::new(target::placement(
                place.node_pools.as_deref(),
                place.on_demand_pools.as_deref(),
            )),
        });
    }
    for image in &entry.images {
        base.images.push(Image {
            reference: reference(&image.reference)?,
            lookup: answer::lookup(image)?,
            occurrences: Vec::new(),
        });
    }
    Ok(())
}

/// The reference that a report names.
pub(super) fn reference(text: &str) -> Result<Reference, String> {
    text.parse().map_err(|_| text.to_owned())
}

/// What the word of a report means.
pub(super) fn role(word: Option<&str>) -> Result<Role, String> {
    let mut roles = Role::ALL.into_iter();
    let role = roles.find(|role| role.as_str() == word);
    role.ok_or_else(|| word.unwrap_or("null").to_owned())
}
