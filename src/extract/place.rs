//! From a value in a source to an occurrence.

use std::ops::Range;
use std::sync::Arc;

use super::field::Field;
use crate::text::yaml::Node;
use crate::text::{SourceId, Span};
use crate::workload::{Occurrence, Owner, Role};

/// The text that is read, with the id of its source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub id: SourceId,
    pub text: &'a str,
}

impl Text<'_> {
    /// The image that `node` names, outside of any pod. None where `node` is null or a collection, but for a template
    /// action without quotes (`image: {{ .Values.image }}`), which YAML reads as a mapping.
    pub fn image(&self, node: Node<'_>, owner: &Owner, field: &Field) -> Option<Occurrence> {
        let range = node.text_span(self.text);
        let written = self.text.get(range.clone())?;
        let value = match node.as_str() {
            Some(value) => value,
            None if written.starts_with("{{") => written,
            None => return None,
        };
        Some(Occurrence {
            owner: owner.clone(),
            ..self.at(range, value, field.as_str())?
        })
    }

    /// The image that `value` means and that stands in `range`, outside of any pod. None where `range` is no part of the
    /// text.
    pub fn at(&self, range: Range<usize>, value: &str, field: &str) -> Option<Occurrence> {
        Some(Occurrence {
            written: self.text.get(range.clone())?.to_owned(),
            reference: value.parse(),
            value: value.to_owned(),
            span: Span::new(self.id, range),
            owner: Owner::default(),
            field: field.to_owned(),
            container: None,
            role: Role::Unplaced,
            pull_policy: None,
            pull_secrets: Vec::new(),
            service_account: None,
            placement: Arc::default(),
        })
    }
}

/// A text that is not empty: in the Kubernetes API an empty one means none.
pub(super) fn string(node: Node<'_>, key: &str) -> Option<String> {
    let text = node.get(key)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}
