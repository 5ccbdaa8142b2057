//! Texts that look like an image where nobody knows whether they are one: arguments, variables, and data for programs.

use super::field::Field;
use super::place::Text;
use super::select::select;
use super::template::has_placeholder;
use crate::oci::Reference;
use crate::text::Span;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner, Role};

/// Where such texts stand in Kubernetes objects.
const PLACES: [&str; 5] = [
    "**.args[]",
    "**.command[]",
    "**.env[].value",
    "**.data.*",
    "**.annotations.*",
];

/// The texts below `root` that look like an image and overlap none of `known`.
pub(super) fn images(root: Node<'_>, known: &[Occurrence], text: Text<'_>) -> Vec<Occurrence> {
    let mut guesses = Vec::new();
    for place in PLACES {
        select(root, place, &mut Field::default(), &mut |node, field| {
            if node.as_str().is_some() {
                guesses.extend(words(node, field, text));
            }
        });
    }
    let overlaps = |one: Span, other: Span| one.start < other.end && other.start < one.end;
    guesses.retain(|guess| !known.iter().any(|image| overlaps(image.span, guess.span)));
    guesses
}

/// The words of a text that look like an image. A text is read as it is written, so that each has its place.
fn words(node: Node<'_>, field: &Field, text: Text<'_>) -> Vec<Occurrence> {
    let range = node.text_span(text.text);
    let Some(written) = text.text.get(range.clone()) else {
        return Vec::new();
    };
    let is_between = |c: char| c.is_whitespace() || "\"'`=,;()[]{}<>|\\".contains(c);
    let words = written
        .split(is_between)
        .filter(|word| looks_like_image(word));
    let guess = |word: &str| {
        let start = range.start + (word.as_ptr().addr() - written.as_ptr().addr());
        let found = text.at(start..start + word.len(), word, field.as_str())?;
        Some(Occurrence {
            role: Role::Guess,
            owner: Owner::default(),
            ..found
        })
    };
    words.filter_map(guess).collect()
}

/// Whether a word is a full name: with a path, and with a tag or digest.
fn looks_like_image(word: &str) -> bool {
    let Some((_, name)) = word.rsplit_once('/') else {
        return false;
    };
    name.contains([':', '@'])
        && !word.contains("://")
        && !has_placeholder(word)
        && word.parse::<Reference>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_look_like_images_and_addresses_and_paths_do_not() {
        for word in ["q.io/a/b:1", "org/tool:2.0", "localhost:5000/a:1"] {
            assert!(looks_like_image(word), "{word}");
        }
        for word in [
            "nginx",
            "a/b",
            "https://q.io/a:1",
            "/etc/a:b",
            "q.io/a:$TAG",
            "10.0.0.0/8",
        ] {
            assert!(!looks_like_image(word), "{word}");
        }
    }
}
