//! Dialects in which an image is the value of a field that a table tells.

use std::sync::LazyLock;

use super::field::Field;
use super::place::Text;
use super::select::select;
use super::template::has_placeholder;
use crate::text::Dialect;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner, Role};

/// One row: the dialect, the path of the field, how its value is read, and where that is written down.
const TABLE: &str = include_str!("fields.tsv");

static FIELDS: LazyLock<Vec<ImageField>> =
    LazyLock::new(|| rows(TABLE).filter_map(ImageField::read).collect());

#[derive(Debug)]
struct ImageField {
    dialect: &'static str,
    path: &'static str,
    reading: Reading,
}

/// How the value of a field is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// As an image.
    Image,
    /// As an image, where `docker://` stands in front; else it is none.
    DockerUrl,
    /// As a name that is replaced before anything pulls it.
    Provisional,
}

impl ImageField {
    fn read(row: [&'static str; 4]) -> Option<Self> {
        let [dialect, path, reading, _] = row;
        let reading = match reading {
            "image" => Reading::Image,
            "docker-url" => Reading::DockerUrl,
            "provisional" => Reading::Provisional,
            _ => return None,
        };
        Some(Self {
            dialect,
            path,
            reading,
        })
    }
}

/// The rows of a table: four columns between tabs, below a line of names; `#` begins a comment.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = [&'static str; 4]> {
    let lines = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.skip(1).filter_map(|line| {
        let columns: Vec<_> = line.split('\t').collect();
        columns.try_into().ok()
    })
}

/// The images of a document in `dialect`. Values with a placeholder name none: the program that reads the source fills it in.
pub(super) fn images(root: Node<'_>, dialect: Dialect, text: Text<'_>) -> Vec<Occurrence> {
    let dialect = dialect.to_string();
    let mut occurrences = Vec::new();
    for row in FIELDS.iter().filter(|row| row.dialect == dialect) {
        select(root, row.path, &mut Field::default(), &mut |node, field| {
            occurrences.extend(image(node, field, row.reading, text));
        });
    }
    occurrences
}

fn image(node: Node<'_>, field: &Field, reading: Reading, text: Text<'_>) -> Option<Occurrence> {
    let value = node
        .as_str()
        .filter(|value| !value.is_empty() && !has_placeholder(value))?;
    match reading {
        Reading::Image => text.image(node, &Owner::default(), field),
        Reading::Provisional => Some(Occurrence {
            role: Role::Provisional,
            ..text.image(node, &Owner::default(), field)?
        }),
        Reading::DockerUrl => {
            const SCHEME: &str = "docker://";
            let value = value.strip_prefix(SCHEME)?;
            let mut range = node.text_span(text.text);
            if text.text.get(range.clone())?.starts_with(SCHEME) {
                range.start += SCHEME.len();
            }
            text.at(range, value, field.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read_and_has_a_source() {
        let lines = TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(FIELDS.len(), lines.count() - 1);
        for [dialect, path, _, source] in rows(TABLE) {
            assert!(source.starts_with("https://"), "{dialect} {path}");
        }
    }
}
