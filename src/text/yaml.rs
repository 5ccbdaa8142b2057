//! YAML with the byte range of every value. JSON is read by the same parser, as it is YAML too.
//!
//! A text is cut into documents first (YAML 1.2.2 §9.1), each of which is parsed on its own. So a broken document hides no
//! other, memory is bounded by the largest document, and a document in which nothing can be of interest need not be
//! parsed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, options};
use thiserror::Error;

/// How many mappings one lookup may look into through merge keys.
const MAX_MERGED: usize = 256;

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

/// A parsed document. All byte offsets are those of the whole text.
#[derive(Debug)]
pub struct Tree<'a> {
    nodes: Vec<NodeData<'a>>,
    /// The children of all collections; those of one collection stand together.
    children: Vec<usize>,
    root: usize,
}

#[derive(Debug)]
struct NodeData<'a> {
    span: Range<usize>,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    Null,
    Scalar(Cow<'a, str>, ScalarStyle),
    Sequence(Range<usize>),
    /// Keys and values take turns.
    Mapping(Range<usize>),
}

/// A value of a [`Tree`]. An alias is the value that it stands for, with that value's span.
///
/// Because of aliases a tree can have vastly more paths than values: who walks all of it has to bound the walk.
#[derive(Debug, Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree<'t>,
    index: usize,
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
        let mut builder = Builder {
            offset: self.start,
            ..Builder::default()
        };
        let mut parser =
            Parser::new_from_str_with_options(self.text, options! { emit_comments: false });
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.error(&error))?;
            let span = span.byte_range().unwrap_or_default();
            builder.take(event, self.start + span.start..self.start + span.end);
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

impl Tree<'_> {
    /// The value that the document holds.
    #[must_use]
    pub const fn root(&self) -> Node<'_> {
        Node {
            tree: self,
            index: self.root,
        }
    }

    /// How many values were written, keys among them.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

impl<'t> Node<'t> {
    fn data(&self) -> &'t NodeData<'t> {
        &self.tree.nodes[self.index]
    }

    fn children(
        &self,
        range: &Range<usize>,
    ) -> impl DoubleEndedIterator<Item = Node<'t>> + use<'t> {
        let tree = self.tree;
        tree.children[range.clone()]
            .iter()
            .map(move |&index| Node { tree, index })
    }

    /// The bytes of the value as it is written, with its quotes or brackets and without tag and anchor. A block
    /// collection ends where the next value begins.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.data().span.clone()
    }

    /// The bytes of the text inside any quotes, without the line breaks that end a block scalar; the whole value where it
    /// is a collection. `whole` is the text that the tree was read from.
    #[must_use]
    pub fn text_span(&self, whole: &str) -> Range<usize> {
        let NodeData { span, content } = self.data();
        match content {
            Content::Scalar(_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) => {
                span.start + 1..span.end - 1
            }
            Content::Scalar(value, ScalarStyle::Literal | ScalarStyle::Folded) => {
                let written = match whole.get(span.clone()) {
                    Some(written) if !value.is_empty() => written.trim_end(),
                    _ => "",
                };
                span.start..span.start + written.len()
            }
            _ => span.clone(),
        }
    }

    /// Whether the value is null: nothing, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.data().content, Content::Null)
    }

    /// Whether the value is a mapping.
    #[must_use]
    pub fn is_mapping(&self) -> bool {
        matches!(self.data().content, Content::Mapping(_))
    }

    /// Whether the value is a sequence.
    #[must_use]
    pub fn is_sequence(&self) -> bool {
        matches!(self.data().content, Content::Sequence(_))
    }

    /// The text of a scalar that is not null, once quotes, escapes and folding are read. Numbers and booleans are texts
    /// too.
    #[must_use]
    pub fn as_str(&self) -> Option<&'t str> {
        match &self.data().content {
            Content::Scalar(value, _) => Some(value),
            _ => None,
        }
    }

    /// The values of a sequence; none where it is none.
    #[must_use]
    pub fn items(&self) -> impl DoubleEndedIterator<Item = Node<'t>> + use<'t> {
        let range = match &self.data().content {
            Content::Sequence(range) => range.clone(),
            _ => 0..0,
        };
        self.children(&range)
    }

    /// Keys and values of a mapping as they are written, merge keys and duplicates included; none where it is none.
    #[must_use]
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (Node<'t>, Node<'t>)> + use<'t> {
        let range = match &self.data().content {
            Content::Mapping(range) => range.clone(),
            _ => 0..0,
        };
        let tree = self.tree;
        let (pairs, _) = tree.children[range].as_chunks();
        pairs.iter().map(move |pair: &[usize; 2]| {
            let [key, value] = pair.map(|index| Node { tree, index });
            (key, value)
        })
    }

    /// The value of a key. The last of duplicates wins; where there is none, what a merge key (`<<`,
    /// <https://yaml.org/type/merge.html>) brings in.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Node<'t>> {
        self.get_merged(key, &mut { MAX_MERGED })
    }

    /// All values of a key: each duplicate, or the one that a merge key brings in.
    pub fn get_all(&self, key: &str) -> impl Iterator<Item = Node<'t>> {
        let own: Vec<_> = self.own(key).collect();
        let merged = if own.is_empty() { self.get(key) } else { None };
        own.into_iter().chain(merged)
    }

    fn own(&self, key: &str) -> impl DoubleEndedIterator<Item = Node<'t>> {
        self.entries()
            .filter(move |(name, _)| name.as_str() == Some(key))
            .map(|(_, value)| value)
    }

    fn get_merged(&self, key: &str, budget: &mut usize) -> Option<Node<'t>> {
        *budget = budget.checked_sub(1)?;
        self.own(key).next_back().or_else(|| {
            self.own("<<").find_map(|merged| {
                if merged.is_sequence() {
                    merged.items().find_map(|item| item.get_merged(key, budget))
                } else {
                    merged.get_merged(key, budget)
                }
            })
        })
    }
}

/// Makes a [`Tree`] of the parser's events.
#[derive(Default)]
struct Builder<'a> {
    offset: usize,
    nodes: Vec<NodeData<'a>>,
    children: Vec<usize>,
    open: Vec<Open>,
    /// The values that aliases can name. A collection is named once it is closed, so that none contains itself.
    anchors: HashMap<usize, usize>,
    root: Option<usize>,
}

struct Open {
    start: usize,
    anchor: usize,
    children: Vec<usize>,
}

impl<'a> Builder<'a> {
    fn take(&mut self, event: Event<'a>, span: Range<usize>) {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let is_null = style == ScalarStyle::Plain
                    && tag.is_none()
                    && matches!(&*value, "" | "~" | "null" | "Null" | "NULL");
                let content = if is_null {
                    Content::Null
                } else {
                    Content::Scalar(value, style)
                };
                self.add(span, content, anchor);
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(&index) => self.attach(index),
                None => self.add(span, Content::Null, 0),
            },
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                self.open.push(Open {
                    start: span.start,
                    anchor,
                    children: Vec::new(),
                });
            }
            Event::SequenceEnd => self.close(span.end, Content::Sequence),
            Event::MappingEnd => self.close(span.end, Content::Mapping),
            _ => {}
        }
    }

    fn close(&mut self, end: usize, content: fn(Range<usize>) -> Content<'a>) {
        let Some(open) = self.open.pop() else { return };
        let first = self.children.len();
        self.children.extend(open.children);
        let content = content(first..self.children.len());
        self.add(open.start..end, content, open.anchor);
    }

    fn add(&mut self, span: Range<usize>, content: Content<'a>, anchor: usize) {
        self.nodes.push(NodeData { span, content });
        let index = self.nodes.len() - 1;
        if anchor != 0 {
            self.anchors.insert(anchor, index);
        }
        self.attach(index);
    }

    fn attach(&mut self, index: usize) {
        match self.open.last_mut() {
            Some(open) => open.children.push(index),
            None => self.root = self.root.or(Some(index)),
        }
    }

    fn finish(mut self) -> Tree<'a> {
        let root = self.root.unwrap_or_else(|| {
            self.nodes.push(NodeData {
                span: self.offset..self.offset,
                content: Content::Null,
            });
            self.nodes.len() - 1
        });
        Tree {
            nodes: self.nodes,
            children: self.children,
            root,
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
    text.trim_start_matches('\u{feff}').lines().all(|line| {
        line.starts_with('%') || matches!(line.trim_start().as_bytes(), [] | [b'#', ..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        documents(text).map(|document| document.text()).collect()
    }

    fn with_root<T>(text: &str, look: impl FnOnce(Node<'_>) -> T) -> T {
        let document = documents(text).next().expect("a document");
        let tree = document.parse().expect("YAML");
        look(tree.root())
    }

    fn written(text: &str, key: &str) -> String {
        with_root(text, |root| {
            text[root.get(key).expect("the key").text_span(text)].to_owned()
        })
    }

    fn value(text: &str, key: &str) -> String {
        with_root(text, |root| {
            let value = root.get(key).and_then(|node| node.as_str());
            value.expect("a text").to_owned()
        })
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
    fn a_byte_order_mark_hides_no_marker() {
        assert_eq!(
            texts("\u{feff}---\na\n\u{feff}---\nb"),
            ["\u{feff}---\na\n", "\u{feff}---\nb"]
        );
    }

    #[test]
    fn a_text_without_content_is_null() {
        assert_eq!(texts(""), [""; 0]);
        for text in ["---", "# only a comment\n", "---\n...\n"] {
            assert!(with_root(text, |root| root.is_null()), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_stands_inside_the_quotes() {
        assert_eq!(written("a: 'it''s'", "a"), "it''s");
        assert_eq!(value("a: 'it''s'", "a"), "it's");
        assert_eq!(written("{\"a\":\t\"x\\/y\"}", "a"), "x\\/y");
        assert_eq!(value("{\"a\":\t\"x\\/y\"}", "a"), "x/y");
        assert_eq!(written("a: !!str &x y # z", "a"), "y");
        assert_eq!(written("\u{feff}ä: 1\na: \"\"", "a"), "");
    }

    #[test]
    fn block_scalars_begin_at_their_first_character_and_end_at_their_last() {
        assert_eq!(written("a: |-\n    x:1\n\n# c\n", "a"), "x:1");
        assert_eq!(written("a: >\n  x\n  y\n", "a"), "x\n  y");
        assert_eq!(value("a: >\n  x\n  y\n", "a"), "x y\n");
        assert_eq!(written("a: |\n", "a"), "");
    }

    #[test]
    fn flow_collections_span_their_brackets() {
        assert_eq!(written("a: {{ .Values.x }}\nb: 1", "a"), "{{ .Values.x }}");
    }

    #[test]
    fn an_alias_is_the_value_that_it_names() {
        let text = "a: &x y\nb: *x\n";
        with_root(text, |root| {
            let [a, b] = ["a", "b"].map(|key| root.get(key).expect("the key").span());
            assert_eq!((a.clone(), &text[a]), (b, "y"));
        });
    }

    #[test]
    fn a_collection_that_contains_itself_is_cut() {
        with_root("&x [1, *x]", |root| {
            assert!(root.items().next_back().expect("an item").is_null());
        });
    }

    #[test]
    fn merge_keys_are_looked_up_behind_the_own_keys() {
        let text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\n";
        with_root(text, |root| {
            let found = |key| root.get("c")?.get(key)?.as_str();
            assert_eq!(
                ["x", "y", "z", "w"].map(found),
                [Some("1"), Some("3"), Some("2"), None]
            );
        });
    }

    #[test]
    fn the_last_duplicate_wins_and_all_are_known() {
        with_root("a: 1\na: 2\n", |root| {
            assert_eq!(root.get("a").and_then(|node| node.as_str()), Some("2"));
            let all: Vec<_> = root.get_all("a").filter_map(|node| node.as_str()).collect();
            assert_eq!(all, ["1", "2"]);
        });
    }

    #[test]
    fn merges_that_multiply_cost_nothing() {
        let levels = (1..40).map(|level| {
            let before = level - 1;
            format!("a{level}: &a{level} {{<<: [*a{before}, *a{before}]}}\n")
        });
        let text: String = std::iter::once("a0: &a0 {x: 1}\n".to_owned())
            .chain(levels)
            .collect();
        with_root(&text, |root| {
            assert!(root.get("a39").expect("the key").get("none").is_none());
        });
    }

    #[test]
    fn nulls_are_told_from_texts() {
        for null in ["a:", "a: ~", "a: null"] {
            assert!(with_root(null, |root| root
                .get("a")
                .expect("the key")
                .is_null()));
        }
        assert_eq!(value("a: 'null'", "a"), "null");
        assert_eq!(value("a: !!str null", "a"), "null");
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

    fn check(node: Node<'_>, text: &str) {
        assert!(text.get(node.span()).is_some());
        let written = text.get(node.text_span(text)).expect("a slice");
        if matches!(&node.data().content, Content::Scalar(_, ScalarStyle::Plain))
            && !written.contains('\n')
        {
            assert_eq!(node.as_str(), Some(written));
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
        fn spans_slice_the_text(text in "((  ){0,2}(- )?([aä]: )?(&x |\\*x|!!str )?([bü]+|'b''c'|\"\\\\u003a\"|[|>]-?|\\{a: b\\}|\\[[a-z, ]{0,4}\\])?(\n|\r\n|---\n)){0,10}") {
            for document in documents(&text) {
                if let Ok(tree) = document.parse() {
                    for index in 0..tree.nodes.len() {
                        check(Node { tree: &tree, index }, &text);
                    }
                }
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
