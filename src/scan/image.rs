//! From the entries of its layers to what an image holds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use super::dive::Dive;
use super::entries::Entries;
use super::leftovers::leftovers;
use super::paths::{PathId, ROOT};
use super::programs::Programs;
use super::tree::{Hidden, Seen, Tree};
use crate::facts::{Files, LargeFile, Rewritten, RewrittenPath};
use crate::oci::{Bytes, Config};

/// How many of the largest files are kept.
const MAX_FILES: usize = 20;
/// How many of the paths with the most hidden bytes are kept.
const MAX_PATHS: usize = 100;

/// What the layers are together, base first.
pub(super) fn files(layers: &[&Entries], config: &Config) -> Files {
    let mut tree = Tree::default();
    let mut dive = Dive::default();
    for (number, entries) in (0..).zip(layers) {
        tree.lay(number, entries);
        dive.add(&mut tree.paths, entries);
    }
    let programs = Programs {
        tree: &tree,
        layers,
        config,
    };
    Files {
        programs: programs.main(),
        on_path: programs.on_path(),
        leftovers: leftovers(&tree),
        largest: largest(&tree),
        rewritten: Rewritten {
            as_dive: dive.figure(),
            ..rewritten(&tree)
        },
    }
}

fn rewritten(tree: &Tree) -> Rewritten {
    let mut by_layers: BTreeMap<(usize, usize), Bytes> = BTreeMap::new();
    let mut by_path: HashMap<(PathId, u16, u16, bool), (u64, u64)> = HashMap::new();
    for hidden in tree.hidden.iter().filter(|hidden| hidden.bytes > 0) {
        let Hidden {
            at,
            bytes,
            stored_in,
            covered_by: hidden_by,
            deleted,
        } = *hidden;
        let layers = (usize::from(stored_in), usize::from(hidden_by));
        let sum = by_layers.entry(layers).or_default();
        *sum = *sum + Bytes(bytes);
        let (files, sum) = by_path
            .entry((at, stored_in, hidden_by, deleted))
            .or_default();
        *files += 1;
        *sum = sum.saturating_add(bytes);
    }
    let mut paths: Vec<_> = by_path.into_iter().collect();
    paths.sort_by_key(|((at, stored_in, ..), (_, bytes))| (Reverse(*bytes), *stored_in, *at));
    paths.truncate(MAX_PATHS);
    let mut paths: Vec<RewrittenPath> = paths
        .into_iter()
        .map(
            |((at, stored_in, hidden_by, deleted), (files, bytes))| RewrittenPath {
                path: tree.paths.shown(at),
                files,
                bytes: Bytes(bytes),
                stored_in: usize::from(stored_in),
                hidden_by: usize::from(hidden_by),
                deleted,
            },
        )
        .collect();
    paths.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    Rewritten {
        by_layers,
        paths,
        ..Rewritten::default()
    }
}

/// The largest files that can be seen. One with several names is listed under the first that is found.
fn largest(tree: &Tree) -> Vec<LargeFile> {
    let mut heap: BinaryHeap<Reverse<(u64, PathId, u16)>> = BinaryHeap::new();
    let mut known = HashSet::new();
    let mut open = vec![ROOT];
    while let Some(id) = open.pop() {
        match tree.seen(id) {
            Seen::Folder => open.extend(tree.paths.children(id)),
            Seen::File(number) => {
                let Some(stored) = tree.stored(number).filter(|stored| stored.bytes > 0) else {
                    continue;
                };
                let is_large = heap.len() < MAX_FILES
                    || heap
                        .peek()
                        .is_some_and(|Reverse((least, ..))| stored.bytes > *least);
                if is_large && known.insert(number) {
                    heap.push(Reverse((stored.bytes, id, stored.layer)));
                    if heap.len() > MAX_FILES {
                        heap.pop();
                    }
                }
            }
            _ => {}
        }
    }
    let mut files: Vec<LargeFile> = heap
        .into_iter()
        .map(|Reverse((bytes, id, layer))| LargeFile {
            path: tree.paths.shown(id),
            bytes: Bytes(bytes),
            layer: usize::from(layer),
        })
        .collect();
    files.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    files
}
