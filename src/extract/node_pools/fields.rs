//! Reads fields as the providers' APIs write them.

use std::collections::BTreeMap;

use crate::cluster::{Effect, Taint};
use crate::text::yaml::Node;

/// Fields of an object, named as the APIs name them (`machineType`). Terraform has the same fields in snake case
/// (`machine_type`), and a list of one object where the API has an object; both are read too.
///
/// In proto3 JSON a field that is zero, false or empty is not there at all, and the Azure and Amazon APIs write null
/// instead; both read as none.
pub(super) trait Fields<'t> {
    /// The value behind these keys.
    fn at(&self, path: &[&str]) -> Option<Node<'t>>;
    /// The items of a list.
    fn list(&self, path: &[&str]) -> Vec<Node<'t>>;
    /// The objects of a list, or the one object that stands in its place.
    fn objects(&self, path: &[&str]) -> Vec<Node<'t>>;
    /// A text or number that is not empty.
    fn text(&self, path: &[&str]) -> Option<&'t str>;
    /// Texts of a list.
    fn texts(&self, path: &[&str]) -> Vec<String>;
    /// Whether the value is true.
    fn is_true(&self, path: &[&str]) -> bool;
    /// A whole number, also where it stands in quotes.
    fn number(&self, path: &[&str]) -> Option<u64>;
    /// Keys and texts of an object.
    fn pairs(&self, path: &[&str]) -> BTreeMap<String, String>;
    /// Taints as objects with key, value and effect, or as texts `key=value:Effect`. What is none is left out.
    fn taints(&self, path: &[&str]) -> Vec<Taint>;
}

fn step<'t>(node: Node<'t>, key: &str) -> Option<Node<'t>> {
    let object = if node.is_sequence() {
        node.items().next()?
    } else {
        node
    };
    object
        .get(key)
        .or_else(|| object.get(&in_snake_case(key)))
        .filter(|value| !value.is_null())
}

fn in_snake_case(key: &str) -> String {
    key.chars()
        .flat_map(|letter| {
            let separator = letter.is_ascii_uppercase().then_some('_');
            separator.into_iter().chain([letter.to_ascii_lowercase()])
        })
        .collect()
}

impl<'t> Fields<'t> for Node<'t> {
    fn at(&self, path: &[&str]) -> Option<Node<'t>> {
        path.iter().try_fold(*self, |node, key| step(node, key))
    }

    fn list(&self, path: &[&str]) -> Vec<Node<'t>> {
        self.at(path)
            .map(|node| node.items().collect())
            .unwrap_or_default()
    }

    fn objects(&self, path: &[&str]) -> Vec<Node<'t>> {
        match self.at(path) {
            Some(node) if node.is_mapping() => vec![node],
            Some(node) => node.items().filter(Node::is_mapping).collect(),
            None => Vec::new(),
        }
    }

    fn text(&self, path: &[&str]) -> Option<&'t str> {
        self.at(path)?.as_str().filter(|text| !text.is_empty())
    }

    fn texts(&self, path: &[&str]) -> Vec<String> {
        let items = self.list(path);
        items
            .iter()
            .filter_map(Node::as_str)
            .filter(|text| !text.is_empty())
            .map(ToOwned::to_owned)
            .collect()
    }

    fn is_true(&self, path: &[&str]) -> bool {
        self.text(path) == Some("true")
    }

    fn number(&self, path: &[&str]) -> Option<u64> {
        self.text(path)?.parse().ok()
    }

    fn pairs(&self, path: &[&str]) -> BTreeMap<String, String> {
        let Some(node) = self.at(path) else {
            return BTreeMap::new();
        };
        node.entries()
            .filter_map(|(key, value)| {
                let value = value.as_str().unwrap_or_default();
                Some((key.as_str()?.to_owned(), value.to_owned()))
            })
            .collect()
    }

    fn taints(&self, path: &[&str]) -> Vec<Taint> {
        let read = |node: &Node<'_>| match node.as_str() {
            Some(text) => text.parse().ok(),
            None => Some(Taint::new(
                node.text(&["key"])?,
                node.text(&["value"]).unwrap_or_default(),
                Effect::from_spelling(node.text(&["effect"])?)?,
            )),
        };
        self.list(path).iter().filter_map(read).collect()
    }
}
