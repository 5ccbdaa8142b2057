//! Cutting a text into documents.

use std::ops::Range;

use granit_parser::{Parser, ScanError, options};
use thiserror::Error;

use super::Tree;
use super::builder::Builder;

/// Cuts a text into its documents, in their order.
///
/// A marker is never a part of a scalar (§9.1.2), so that no parser is needed to find the places.
pub fn documents(text: &str) -> impl Iterator<Item = Document<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let range = next_document(text, start)?;
        start = range.end;
        Some(Document {
            text: &text[range.clone()],
            start: range.start,
        })
    })
}

/// The text of one document.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    text: &'a str,
    start: usize,
}

/// Why a document is no YAML.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct YamlError {
    /// The byte offset in the whole text at which the parser stopped.
    pub offset: usize,
    /// What it says.
    pub message: String,
}

impl<'a> Document<'a> {
    /// The text, with the marker in front of it.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Where the document stands in the whole text.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// Parses the document. One that has no content is a null.
    ///
    /// # Errors
    ///
    /// When the text is no YAML, or nested deeper than 255 levels of one style.
    pub fn parse(&self) -> Result<Tree<'a>, YamlError> {
        let mut builder = Builder::at(self.start);
        let mut parser =
            Parser::new_from_str_with_options(self.text, options! { emit_comments: false });
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.error(&error))?;
            builder.take(event, span.byte_range().unwrap_or_default());
        }
        Ok(builder.finish())
    }

    fn error(&self, error: &ScanError) -> YamlError {
        YamlError {
            offset: self.start + error.marker().byte_offset().unwrap_or_default(),
            message: error.info(),
        }
    }
}

/// The document that begins at `start`: up to the next `---`, or behind the next `...`. A `---` that only directives and
/// comments stand before belongs to the document that it opens.
fn next_document(text: &str, start: usize) -> Option<Range<usize>> {
    if start == text.len() {
        return None;
    }
    let mut from = start;
    let mut opened = false;
    while let Some(marker) = next_marker(text.as_bytes(), from) {
        if text[marker..].starts_with('.') {
            return Some(start..line_end(text, marker));
        }
        if opened || !is_prefix(&text[start..marker]) {
            let end = text[..marker].trim_end_matches('\u{feff}').len();
            return Some(start..end);
        }
        opened = true;
        from = marker + 3;
    }
    Some(start..text.len())
}

fn next_marker(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find(|&at| {
        matches!(bytes[at], b'-' | b'.')
            && (bytes[at..].starts_with(b"---") || bytes[at..].starts_with(b"..."))
            && matches!(bytes.get(at + 3), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
            && begins_line(&bytes[..at])
    })
}

/// Whether what stands before is nothing, or ends with a line break. Files that were put one behind the other have byte
/// order marks at such places.
fn begins_line(before: &[u8]) -> bool {
    let before = before.strip_suffix("\u{feff}".as_bytes()).unwrap_or(before);
    matches!(before.last(), None | Some(b'\n' | b'\r'))
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..]
        .find(['\n', '\r'])
        .map_or(text.len(), |length| from + length + 1)
}

fn is_prefix(text: &str) -> bool {
    let mut lines = text.trim_start_matches('\u{feff}').split(['\n', '\r']);
    lines.all(|line| {
        line.starts_with('%') || matches!(line.trim_start().as_bytes(), [] | [b'#', ..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use granit_parser::Event;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        documents(text).map(|document| document.text()).collect()
    }

    #[test]
    fn documents_end_at_markers_that_begin_a_line() {
        assert_eq!(
            texts("a: 1\n---\nb: ---\n--- c\n"),
            ["a: 1\n", "---\nb: ---\n", "--- c\n"]
        );
        assert_eq!(texts("---x\n ---\n----\n"), ["---x\n ---\n----\n"]);
        assert_eq!(texts("a\n...\nb\n"), ["a\n...\n", "b\n"]);
        assert_eq!(texts("a\r\n---\r\nb"), ["a\r\n", "---\r\nb"]);
    }

    #[test]
    fn directives_and_comments_belong_to_the_document_behind_them() {
        assert_eq!(
            texts("%YAML 1.2\n# x\n---\na\n"),
            ["%YAML 1.2\n# x\n---\na\n"]
        );
        assert_eq!(
            texts("a\n...\n%YAML 1.2\n---\nb"),
            ["a\n...\n", "%YAML 1.2\n---\nb"]
        );
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line_before_a_directive() {
        let text = "\r%YAML 1.2\n---\na\n";
        assert_eq!(texts(text), [text]);
    }

    #[test]
    fn a_byte_order_mark_hides_no_marker() {
        assert_eq!(
            texts("\u{feff}---\na\n\u{feff}---\nb"),
            ["\u{feff}---\na\n", "\u{feff}---\nb"]
        );
    }

    #[test]
    fn an_error_tells_the_place_in_the_whole_text() {
        let text = "a: 1\n---\nb: [1, 2\n---\nc: 3\n";
        let results: Vec<_> = documents(text).map(|document| document.parse()).collect();
        assert_eq!(
            results.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, false, true]
        );
        let error = results[1].as_ref().expect_err("an error");
        assert_eq!(error.offset, text.find('[').expect("a bracket"));
        assert!(!error.message.is_empty());
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_crash() {
        for text in [
            "[".repeat(100_000),
            "? ".repeat(100_000),
            "- ".repeat(100_000),
        ] {
            assert!(
                documents(&text)
                    .next()
                    .expect("a document")
                    .parse()
                    .is_err()
            );
        }
    }

    #[test]
    fn a_text_without_content_is_null() {
        assert_eq!(texts(""), [""; 0]);
        for text in ["---", "# only a comment\n", "---\n...\n"] {
            let tree = documents(text).next().expect("a document").parse();
            assert!(tree.expect("YAML").root().is_null(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn documents_cover_the_text(text in "([a-z:{}# %\u{feff}]{0,6}(\n|\r\n|\n---\n|\n\\.\\.\\.\n|\n--- )){0,12}") {
            prop_assert_eq!(texts(&text).concat(), text);
        }

        #[test]
        fn documents_are_those_of_the_parser(text in "((%YAML 1.2\n)?---( |\n)|\\.\\.\\.( # c)?\n|# c\n|a: b\n|\\[\n---x\n\\]\n|\r\n|\r){0,8}") {
            let whole: Result<Vec<_>, _> = Parser::new_from_str(&text).collect();
            if let Ok(events) = whole {
                let contents = |events: &[(Event<'_>, _)]| events.iter().filter(|(event, _)| event.is_node()).count();
                let mut cut = Vec::new();
                for document in documents(&text) {
                    let part: Vec<_> = Parser::new_from_str(document.text()).collect::<Result<_, _>>().expect("YAML");
                    let starts = part.iter().filter(|(event, _)| matches!(event, Event::DocumentStart(..))).count();
                    prop_assert!(starts <= 1, "{:?}", document.text());
                    cut.extend(part);
                }
                prop_assert_eq!(contents(&cut), contents(&events));
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,80}") {
            for document in documents(&text) {
                let _ = document.parse();
            }
        }
    }
}
