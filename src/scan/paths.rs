//! All paths that the layers of an image name, each once.

use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

/// The number of a path.
pub(super) type PathId = u32;
/// The root.
pub(super) const ROOT: PathId = 0;
const NONE: PathId = PathId::MAX;

/// Paths as a tree: each knows its parent, its name and its children.
pub(super) struct Paths {
    nodes: Vec<Node>,
    texts: Vec<u8>,
    index: HashTable<PathId>,
    hasher: RandomState,
}

struct Node {
    parent: PathId,
    name: Text,
    first_child: PathId,
    next_sibling: PathId,
}

/// A piece of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text {
    start: u32,
    length: u16,
}

impl Default for Paths {
    fn default() -> Self {
        let root = Node {
            parent: ROOT,
            name: Text {
                start: 0,
                length: 0,
            },
            first_child: NONE,
            next_sibling: NONE,
        };
        Self {
            nodes: vec![root],
            texts: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::new(),
        }
    }
}

impl Paths {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The path of a name in a folder, if some layer has named it.
    pub fn child(&self, folder: PathId, name: &[u8]) -> Option<PathId> {
        let hash = self.hasher.hash_one((folder, name));
        let is_it = |id: &PathId| {
            self.nodes
                .get(*id as usize)
                .is_some_and(|node| node.parent == folder && self.text(node.name) == name)
        };
        self.index.find(hash, is_it).copied()
    }

    /// The path of a name in a folder.
    pub fn child_or_new(&mut self, folder: PathId, name: &[u8]) -> PathId {
        if let Some(child) = self.child(folder, name) {
            return child;
        }
        let id = PathId::try_from(self.nodes.len()).unwrap_or(NONE);
        let text = self.keep(name);
        let next_sibling = match self.nodes.get_mut(folder as usize) {
            Some(folder) => std::mem::replace(&mut folder.first_child, id),
            None => NONE,
        };
        self.nodes.push(Node {
            parent: folder,
            name: text,
            first_child: NONE,
            next_sibling,
        });
        let hash = self.hasher.hash_one((folder, name));
        let (nodes, texts, hasher) = (&self.nodes, &self.texts, &self.hasher);
        self.index.insert_unique(hash, id, |id| {
            nodes.get(*id as usize).map_or(0, |node| {
                hasher.hash_one((node.parent, slice(texts, node.name)))
            })
        });
        id
    }

    /// The path itself, with no link followed.
    pub fn literal(&mut self, path: &[u8]) -> PathId {
        path.split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty())
            .fold(ROOT, |folder, part| self.child_or_new(folder, part))
    }

    /// The folder that a path stands in. The root stands in itself.
    pub fn parent(&self, id: PathId) -> PathId {
        self.nodes.get(id as usize).map_or(ROOT, |node| node.parent)
    }

    /// All paths directly below one.
    pub fn children(&self, id: PathId) -> impl Iterator<Item = PathId> {
        let first = self
            .nodes
            .get(id as usize)
            .map_or(NONE, |node| node.first_child);
        let next = |id: &PathId| self.nodes.get(*id as usize).map(|node| node.next_sibling);
        std::iter::successors(Some(first), next).take_while(|id| *id != NONE)
    }

    /// A path's last part.
    pub fn name(&self, id: PathId) -> &[u8] {
        self.nodes
            .get(id as usize)
            .map_or(&[], |node| self.text(node.name))
    }

    /// A path from the root, for a person.
    pub fn shown(&self, id: PathId) -> String {
        let mut parts = Vec::new();
        let mut at = id;
        while at != ROOT {
            parts.push(String::from_utf8_lossy(self.name(at)));
            at = self.parent(at);
        }
        parts.reverse();
        parts.join("/")
    }

    /// Keeps some text.
    pub fn keep(&mut self, text: &[u8]) -> Text {
        let start = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        // No path and no target is longer than the walk takes.
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.texts.extend_from_slice(text);
        Text { start, length }
    }

    /// Text that was kept.
    pub fn text(&self, text: Text) -> &[u8] {
        slice(&self.texts, text)
    }
}

fn slice(texts: &[u8], text: Text) -> &[u8] {
    let start = text.start as usize;
    texts
        .get(start..start + usize::from(text.length))
        .unwrap_or_default()
}
