//! The project's own YAML files, as JSON values.

use std::fs;

use oci_preflight::text::yaml::{Node, documents};
use serde_json::{Map, Value};

use crate::runner::project;

/// A file of the project. All scalars are texts.
pub fn file(path: &str) -> Value {
    let text = fs::read_to_string(project().join(path)).expect(path);
    parsed(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first document of a text.
pub fn parsed(text: &str) -> Result<Value, String> {
    let document = documents(text).next().ok_or("no document")?;
    let tree = document.parse().map_err(|error| error.to_string())?;
    Ok(value(tree.root()))
}

fn value(node: Node<'_>) -> Value {
    if node.is_mapping() {
        let fields = node.fields().into_iter();
        let fields = fields.map(|(key, field)| (text(key), value(field)));
        Value::Object(fields.collect::<Map<_, _>>())
    } else if node.is_sequence() {
        node.items().map(value).collect()
    } else {
        node.as_str().map_or(Value::Null, Value::from)
    }
}

fn text(node: Node<'_>) -> String {
    node.as_str().unwrap_or_default().to_owned()
}
