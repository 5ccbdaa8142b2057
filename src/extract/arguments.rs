//! Images that programs get by an argument, a variable or an annotation, to start pods with.

use std::sync::LazyLock;

use super::field::Field;
use super::fields::rows;
use super::place::{Text, string};
use super::template::has_placeholder;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner};

/// One row: the place, the name, who reads it, and where that is written down.
const TABLE: &str = include_str!("arguments.tsv");

static NAMES: LazyLock<Vec<[&str; 4]>> = LazyLock::new(|| rows(TABLE).collect());

/// The images that the arguments and variables of a container name; `field` is the path of the container.
pub(super) fn images(
    container: Node<'_>,
    owner: &Owner,
    field: &mut Field,
    text: Text<'_>,
) -> Vec<Occurrence> {
    let mut occurrences = Vec::new();
    for key in ["command", "args"] {
        let list: Vec<_> = container
            .get(key)
            .into_iter()
            .flat_map(|list| list.items())
            .collect();
        for (index, item) in list.iter().enumerate() {
            let found = argument(*item, list.get(index + 1).copied());
            let Some((position, node, value)) = found else {
                continue;
            };
            field.key(key, |field| {
                field.item(index + position, |field| {
                    occurrences.extend(image(node, value, owner, field, text));
                });
            });
        }
    }
    let variables = container
        .get("env")
        .into_iter()
        .flat_map(|list| list.items());
    for (index, variable) in variables.enumerate() {
        let is_known = string(variable, "name").is_some_and(|name| is_known("variable", &name));
        if let (true, Some(node)) = (is_known, variable.get("value")) {
            let value = node.as_str().unwrap_or_default();
            field.key("env", |field| {
                field.item(index, |field| {
                    field.key("value", |field| {
                        occurrences.extend(image(node, value, owner, field, text));
                    });
                });
            });
        }
    }
    occurrences
}

/// The images that the annotations of `node` name; `field` is its path.
pub(super) fn annotations(
    node: Node<'_>,
    owner: &Owner,
    field: &mut Field,
    text: Text<'_>,
) -> Vec<Occurrence> {
    let annotations = node
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"));
    let fields = annotations
        .into_iter()
        .flat_map(|annotations| annotations.fields());
    let known = fields.filter_map(|(key, value)| {
        let key = key.as_str().filter(|key| is_known("annotation", key))?;
        Some((key, value, value.as_str()?))
    });
    known
        .filter_map(|(key, node, value)| {
            field.key("metadata", |field| {
                field.key("annotations", |field| {
                    field.key(key, |field| image(node, value, owner, field, text))
                })
            })
        })
        .collect()
}

/// The image of `--name=image`, or of `--name` with the image in the next argument: how many arguments on, the argument that
/// it stands in, and the image.
fn argument<'t>(argument: Node<'t>, next: Option<Node<'t>>) -> Option<(usize, Node<'t>, &'t str)> {
    let text = argument.as_str()?;
    match text.split_once('=') {
        Some((name, value)) if is_known("argument", name) => Some((0, argument, value)),
        None if is_known("argument", text) => Some((1, next?, next?.as_str()?)),
        _ => None,
    }
}

/// An image at the end of the text of `node`. Where quotes or escapes make it another text, it is left out.
fn image(
    node: Node<'_>,
    value: &str,
    owner: &Owner,
    field: &Field,
    text: Text<'_>,
) -> Option<Occurrence> {
    if value.is_empty() || has_placeholder(value) {
        return None;
    }
    let range = node.text_span(text.text);
    let written = text.text.get(range.clone())?;
    let start = range.end - written.ends_with(value).then_some(value.len())?;
    Some(Occurrence {
        owner: owner.clone(),
        ..text.at(start..range.end, value, field.as_str())?
    })
}

fn is_known(place: &str, name: &str) -> bool {
    NAMES.iter().any(|[known, pattern, ..]| {
        *known == place
            && match pattern.split_once('*') {
                Some((start, end)) => {
                    name.len() > start.len() + end.len()
                        && name.starts_with(start)
                        && name.ends_with(end)
                }
                None => is_same_name(pattern, name),
            }
    })
}

/// Programs in Go take one or two dashes alike (<https://pkg.go.dev/flag#hdr-Command_line_flag_syntax>).
fn is_same_name(pattern: &str, name: &str) -> bool {
    pattern.trim_start_matches('-') == name.trim_start_matches('-')
        && pattern.starts_with('-') == name.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_a_place_and_a_source() {
        let lines = TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(NAMES.len(), lines.count() - 1);
        for [place, name, _, source] in &*NAMES {
            assert!(
                ["argument", "variable", "annotation"].contains(place),
                "{name}"
            );
            assert!(source.starts_with("https://"), "{name}");
        }
    }

    #[test]
    fn a_star_stands_for_the_rest_of_a_name() {
        assert!(is_known("variable", "RELATED_IMAGE_PROXY"));
        assert!(is_known("variable", "ROOK_CSI_ATTACHER_IMAGE"));
        assert!(!is_known("variable", "RELATED_IMAGE_"));
        assert!(!is_known("argument", "RELATED_IMAGE_PROXY"));
    }
}
