//! Counts wasted bytes as dive does, so that its users find their number again.
//!
//! Source: wagoodman/dive v0.13 `dive/filetree/efficiency.go` (`Efficiency`), `file_tree.go` (`Stack`, `AddPath`),
//! `file_node.go` (`Path`, `IsLeaf`, `IsWhiteout`) and `dive/image/analysis.go`.

use super::entries::{Entries, EntryKind};
use super::paths::{PathId, Paths, ROOT};
use crate::facts::DiveFigure;
use crate::oci::Bytes;

/// A path in dive's trees.
#[allow(
    clippy::struct_excessive_bools,
    reason = "there is one of these for each path, and they are independent"
)]
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    /// The bytes that it has in the layers so far.
    stacked: u64,
    /// The bytes that it has in the layer that is looked at.
    now: u64,
    all: u64,
    smallest: u64,
    copies: u32,
    is_stacked: bool,
    was_folder: bool,
    is_here: bool,
    is_folder: bool,
    has_children: bool,
}

/// Counts layer after layer.
#[derive(Debug, Default)]
pub(super) struct Dive {
    counted: Vec<Counted>,
}

impl Dive {
    /// Takes the next layer. Paths are taken as they stand: dive follows no links.
    pub fn add(&mut self, paths: &mut Paths, entries: &Entries) {
        let mut here = Vec::new();
        let mut whiteouts = Vec::new();
        entries.for_each(|entry| {
            let id = paths.literal(entry.path);
            self.counted
                .resize(paths.len().max(self.counted.len()), Counted::default());
            if entry.kind == EntryKind::Whiteout {
                // Its own node, beside the one of the same path.
                whiteouts.push(id);
            } else {
                self.mark(id, &mut here);
            }
            if let EntryKind::File { bytes, .. } = entry.kind {
                self.at(id, |path| (path.now, path.is_folder) = (bytes, false));
            } else if !matches!(entry.kind, EntryKind::Whiteout | EntryKind::Opaque) {
                let is_folder = entry.kind == EntryKind::Folder;
                self.at(id, |path| (path.now, path.is_folder) = (0, is_folder));
            }
            let mut child = id;
            while child != ROOT {
                child = paths.parent(child);
                if child == ROOT || self.counted[child as usize].has_children {
                    break;
                }
                self.mark(child, &mut here);
                self.at(child, |path| path.has_children = true);
            }
        });
        for &id in &here {
            let path = self.counted[id as usize];
            if id != ROOT && !path.has_children {
                self.count(id, path.now);
            }
        }
        for &id in &whiteouts {
            let path = self.counted[id as usize];
            let bytes = if path.is_stacked && path.was_folder {
                self.below(paths, id)
            } else {
                0
            };
            self.count(id, bytes);
        }
        for &id in &whiteouts {
            self.remove(paths, id);
        }
        for &id in &here {
            self.at(id, |path| {
                *path = Counted {
                    stacked: path.now,
                    is_stacked: true,
                    was_folder: path.is_folder,
                    now: 0,
                    is_here: false,
                    is_folder: false,
                    has_children: false,
                    ..*path
                };
            });
        }
    }

    /// The figure for all layers so far.
    pub fn figure(&self) -> DiveFigure {
        let several = self.counted.iter().filter(|path| path.copies > 1);
        DiveFigure {
            wasted: several.map(|path| Bytes(path.all)).sum(),
            smallest: self.counted.iter().map(|path| Bytes(path.smallest)).sum(),
            discovered: self.counted.iter().map(|path| Bytes(path.all)).sum(),
        }
    }

    fn at(&mut self, id: PathId, change: impl FnOnce(&mut Counted)) {
        if let Some(path) = self.counted.get_mut(id as usize) {
            change(path);
        }
    }

    fn mark(&mut self, id: PathId, here: &mut Vec<PathId>) {
        self.at(id, |path| {
            if !path.is_here {
                path.is_here = true;
                here.push(id);
            }
        });
    }

    fn count(&mut self, id: PathId, bytes: u64) {
        self.at(id, |path| {
            path.smallest = if path.copies == 0 {
                bytes
            } else {
                path.smallest.min(bytes)
            };
            path.copies += 1;
            path.all = path.all.saturating_add(bytes);
        });
    }

    /// The bytes at a path and below it, in the layers so far.
    fn below(&self, paths: &Paths, id: PathId) -> u64 {
        let mut open = vec![id];
        let mut bytes = 0_u64;
        while let Some(id) = open.pop() {
            let path = self.counted.get(id as usize).copied().unwrap_or_default();
            if path.is_stacked {
                bytes = bytes.saturating_add(path.stacked);
                open.extend(paths.children(id));
            }
        }
        bytes
    }

    fn remove(&mut self, paths: &Paths, id: PathId) {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let was_there = self
                .counted
                .get(id as usize)
                .is_some_and(|path| path.is_stacked);
            if was_there {
                self.at(id, |path| path.is_stacked = false);
                open.extend(paths.children(id));
            }
        }
    }
}
