//! From the events of the parser to a tree.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, ScalarStyle};

use super::tree::{Content, NodeData, Tree};

/// Makes a [`Tree`] of the parser's events.
#[derive(Default)]
pub(super) struct Builder<'a> {
    /// Where the document stands in the whole text.
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
    pub(super) fn at(offset: usize) -> Self {
        Self {
            offset,
            ..Self::default()
        }
    }

    /// Takes an event, with its bytes in the document.
    pub(super) fn take(&mut self, event: Event<'a>, span: Range<usize>) {
        let span = self.offset + span.start..self.offset + span.end;
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

    pub(super) fn finish(mut self) -> Tree<'a> {
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
