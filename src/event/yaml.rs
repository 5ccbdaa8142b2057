//! Objects in YAML, as `kubectl get -o yaml` prints them, among lines of text.

use serde_json::{Map, Value};

use crate::text::yaml::{Node, documents};

/// The largest object that is held, in bytes; as for JSON.
const MAX_OBJECT_BYTES: usize = 4 << 20;
/// The most values of one object that are read; none that a cluster stores has more.
const MAX_VALUES: usize = 200_000;
/// How deep they are nested at most.
const MAX_DEPTH: usize = 64;

/// What a line was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A line of text.
    Text,
    /// A part of an object.
    Held,
    /// The line behind an object, which is to be looked at anew.
    Behind(String),
}

/// Puts the lines of objects together.
#[derive(Debug, Default)]
pub(super) struct YamlObjects {
    held: String,
    form: Option<Form>,
}

/// How an object stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As a document of its own.
    Document,
    /// In the list of a `List`.
    Item,
}

impl YamlObjects {
    /// Looks at the next line.
    pub(super) fn take(&mut self, line: &str) -> Taken {
        let Some(form) = self.form else {
            return self.begin(line);
        };
        let ends = match form {
            Form::Document => line == "---" || line == "..." || line.starts_with("- "),
            Form::Item => !line.is_empty() && !line.starts_with(' '),
        };
        if form == Form::Document && line.starts_with("items:") {
            // What stands before the items of a list says nothing.
            self.held.clear();
            self.form = None;
            return Taken::Held;
        }
        if ends || self.held.len() + line.len() > MAX_OBJECT_BYTES {
            return Taken::Behind(self.close());
        }
        self.hold(line);
        Taken::Held
    }

    /// The object that ends with the last line, empty where there is none.
    pub(super) fn close(&mut self) -> String {
        self.form = None;
        std::mem::take(&mut self.held)
    }

    fn begin(&mut self, line: &str) -> Taken {
        let (form, first) = match line.strip_prefix("- ") {
            Some(rest) => (Form::Item, rest),
            None => (Form::Document, line),
        };
        if !first.starts_with("apiVersion: ") {
            return Taken::Text;
        }
        self.form = Some(form);
        if form == Form::Item {
            self.held.push_str("  ");
        }
        self.hold(first);
        Taken::Held
    }

    fn hold(&mut self, line: &str) {
        self.held.push_str(line);
        self.held.push('\n');
    }
}

/// The object that a text is; none where it is no YAML.
pub(super) fn object(text: &str) -> Option<Value> {
    let document = documents(text).next()?;
    let tree = document.parse().ok()?;
    let mut left = MAX_VALUES;
    value(tree.root(), "", MAX_DEPTH, &mut left).filter(Value::is_object)
}

/// A value of the tree; none where there are too many, as aliases can make of a few.
fn value(node: Node<'_>, key: &str, depth: usize, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1)?;
    let depth = depth.checked_sub(1)?;
    if node.is_mapping() {
        let mut fields = Map::new();
        for (key, field) in node.entries() {
            let key = key.as_str().unwrap_or_default();
            fields.insert(key.to_owned(), value(field, key, depth, left)?);
        }
        return Some(Value::Object(fields));
    }
    if node.is_sequence() {
        let items = node.items().map(|item| value(item, "", depth, left));
        return Some(Value::Array(items.collect::<Option<_>>()?));
    }
    Some(match node.as_str() {
        // All else that is read of objects is text, whatever it looks like.
        Some(text) if key.to_ascii_lowercase().ends_with("count") => text
            .parse::<u64>()
            .map_or_else(|_| Value::from(text), Value::from),
        Some(text) => Value::from(text),
        None => Value::Null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Value>, Vec<&str>) {
        let mut objects = YamlObjects::default();
        let (mut found, mut lines) = (Vec::new(), Vec::new());
        for line in text.lines() {
            loop {
                match objects.take(line) {
                    Taken::Text => lines.push(line),
                    Taken::Held => {}
                    Taken::Behind(text) => {
                        found.extend(object(&text));
                        continue;
                    }
                }
                break;
            }
        }
        found.extend(object(&objects.close()));
        (found, lines)
    }

    #[test]
    fn the_items_of_a_list_are_objects() {
        let list = "\
apiVersion: v1
items:
- apiVersion: v1
  count: 4
  kind: Event
  message: 'Failed to pull
    image'
- apiVersion: v1
  kind: Event
kind: List
metadata: {}
";
        let (objects, lines) = read(list);
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[0]["message"], "Failed to pull image");
        assert_eq!(objects[0]["count"], 4);
        assert_eq!(lines, ["kind: List", "metadata: {}"]);
    }

    #[test]
    fn documents_stand_among_text() {
        let (objects, lines) = read(
            "$ kubectl\napiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: '7'\n",
        );
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[1]["metadata"]["name"], "7");
        assert_eq!(lines, ["$ kubectl", "---"]);
    }

    #[test]
    fn aliases_do_not_multiply_without_end() {
        let levels = (1..20).map(|level| {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            format!("x{level}: &a{level} [{aliases}]\n")
        });
        let text = format!("apiVersion: &a0 v1\n{}", levels.collect::<String>());
        assert_eq!(object(&text), None);
    }
}
