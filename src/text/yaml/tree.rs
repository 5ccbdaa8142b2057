//! The values of a document.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use granit_parser::ScalarStyle;

/// The key that brings in the entries of other mappings.
const MERGE: &str = "<<";
/// How many values one lookup may look into through merge keys.
const MAX_MERGED: usize = 256;

/// A parsed document. All byte offsets are those of the whole text.
#[derive(Debug)]
pub struct Tree<'a> {
    pub(super) nodes: Vec<NodeData<'a>>,
    /// The children of all collections; those of one collection stand together.
    pub(super) children: Vec<usize>,
    pub(super) root: usize,
}

#[derive(Debug)]
pub(super) struct NodeData<'a> {
    pub(super) span: Range<usize>,
    pub(super) content: Content<'a>,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
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

    /// Keys and values of a mapping, duplicates included, with what merge keys (`<<`, <https://yaml.org/type/merge.html>)
    /// bring in behind the own ones.
    #[must_use]
    pub fn fields(&self) -> Vec<(Node<'t>, Node<'t>)> {
        let mut seen = HashSet::new();
        let mut fields = Vec::new();
        for mapping in self.merged() {
            let before = fields.len();
            fields.extend(mapping.entries().filter(|(key, _)| {
                key.as_str()
                    .is_none_or(|key| key != MERGE && !seen.contains(key))
            }));
            seen.extend(fields[before..].iter().filter_map(|(key, _)| key.as_str()));
        }
        fields
    }

    /// The value of a key. The last of duplicates wins; where there is none, what a merge key brings in.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Node<'t>> {
        self.get_all(key).next_back()
    }

    /// All values of a key: each duplicate, or those that a merge key brings in.
    #[must_use]
    pub fn get_all<'k>(
        &self,
        key: &'k str,
    ) -> impl DoubleEndedIterator<Item = Node<'t>> + use<'t, 'k> {
        let mapping = if self.own(key).next().is_some() {
            *self
        } else {
            let mut mappings = self.merged().into_iter();
            mappings
                .find(|mapping| mapping.own(key).next().is_some())
                .unwrap_or(*self)
        };
        mapping.own(key)
    }

    fn own<'k>(&self, key: &'k str) -> impl DoubleEndedIterator<Item = Node<'t>> + use<'t, 'k> {
        self.entries()
            .filter(move |(name, _)| name.as_str() == Some(key))
            .map(|(_, value)| value)
    }

    /// The mapping itself, and those that its merge keys bring in, by precedence.
    fn merged(&self) -> Vec<Node<'t>> {
        let mut mappings = vec![*self];
        let mut next: Vec<_> = self.own(MERGE).rev().collect();
        for _ in 0..MAX_MERGED {
            let Some(node) = next.pop() else { break };
            if node.is_sequence() {
                next.extend(node.items().rev().take(MAX_MERGED));
            } else {
                mappings.push(node);
                next.extend(node.own(MERGE).rev());
            }
        }
        mappings
    }
}

#[cfg(test)]
mod tests {
    use super::super::documents;
    use super::*;
    use proptest::prelude::*;

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
    fn fields_are_the_own_ones_and_those_merged_in_behind_them() {
        with_root("- &a {x: 1, y: 2}\n- {y: 3, <<: *a, y: 4}\n", |root| {
            let fields = root.items().next_back().expect("an item").fields();
            let texts = |(key, value): (Node<'_>, Node<'_>)| {
                key.as_str()
                    .zip(value.as_str())
                    .map(|(key, value)| format!("{key}{value}"))
            };
            let fields: Vec<_> = fields.into_iter().filter_map(texts).collect();
            assert_eq!(fields, ["y3", "y4", "x1"]);
        });
    }

    #[test]
    fn a_sequence_has_no_keys() {
        with_root("[{x: 1}]", |root| {
            assert!(root.get("x").is_none());
            assert!(root.fields().is_empty());
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
        for bomb in ["{<<: [*LAST, *LAST]}", "[*LAST, *LAST]"] {
            let levels = (1..40).map(|level| {
                let last = format!("a{}", level - 1);
                format!("a{level}: &a{level} {}\n", bomb.replace("LAST", &last))
            });
            let text: String = std::iter::once("a0: &a0 {x: 1}\n".to_owned())
                .chain(levels)
                .chain(["merged: {<<: *a39}".to_owned()])
                .collect();
            with_root(&text, |root| {
                let merged = root.get("merged").expect("the key");
                assert!(merged.get("none").is_none());
                assert!(merged.fields().len() <= 1);
            });
        }
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
        fn spans_slice_the_text(text in "((  ){0,2}(- )?([aä]: )?(&x |\\*x|!!str )?([bü]+|'b''c'|\"\\\\u003a\"|[|>]-?|\\{a: b\\}|\\[[a-z, ]{0,4}\\])?(\n|\r\n|---\n)){0,10}") {
            for document in documents(&text) {
                if let Ok(tree) = document.parse() {
                    for index in 0..tree.nodes.len() {
                        check(Node { tree: &tree, index }, &text);
                    }
                }
            }
        }
    }
}
