//! Finds what package managers and builds left behind.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::paths::{PathId, ROOT};
use super::tree::{Seen, Tree};
use crate::facts::Leftover;
use crate::oci::Bytes;

/// The most findings that are kept, the largest ones.
const MAX_LEFTOVERS: usize = 100;

/// A row of the table.
struct Row {
    /// The parts of the folder's path, the last one first.
    parts: Vec<&'static str>,
    /// Whether the path begins at the root.
    from_root: bool,
    what: &'static str,
    remedy: &'static str,
}

/// The rows by the last part of their folder.
fn rows() -> &'static HashMap<&'static str, Vec<Row>> {
    static ROWS: OnceLock<HashMap<&str, Vec<Row>>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let mut rows: HashMap<&str, Vec<Row>> = HashMap::new();
        let lines = include_str!("leftovers.tsv").lines();
        for line in lines.filter(|line| !line.starts_with('#')) {
            let mut columns = line.split('\t');
            let (Some(folder), Some(what), Some(remedy)) =
                (columns.next(), columns.next(), columns.next())
            else {
                continue;
            };
            let parts: Vec<&str> = folder.rsplit('/').filter(|part| !part.is_empty()).collect();
            let last = parts.first().copied().unwrap_or_default();
            rows.entry(last).or_default().push(Row {
                parts,
                from_root: folder.starts_with('/'),
                what,
                remedy,
            });
        }
        rows
    })
}

/// What was left behind and can be seen, largest first. What lies in a leftover is a part of it.
pub(super) fn leftovers(tree: &Tree) -> Vec<Leftover> {
    let mut found = Vec::new();
    let mut open = vec![ROOT];
    while let Some(folder) = open.pop() {
        for id in tree.paths.children(folder) {
            if tree.seen(id) != Seen::Folder {
                continue;
            }
            match row_of(tree, id) {
                Some(row) => found.extend(leftover(tree, id, row)),
                None => open.push(id),
            }
        }
    }
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    found.truncate(MAX_LEFTOVERS);
    found
}

fn row_of(tree: &Tree, id: PathId) -> Option<&'static Row> {
    let name = str::from_utf8(tree.paths.name(id)).ok()?;
    rows().get(name)?.iter().find(|row| {
        let mut at = id;
        for part in &row.parts {
            if tree.paths.name(at) != part.as_bytes() {
                return false;
            }
            at = tree.paths.parent(at);
        }
        !row.from_root || at == ROOT
    })
}

/// The files below a folder; none where there are no bytes.
fn leftover(tree: &Tree, folder: PathId, row: &'static Row) -> Option<Leftover> {
    let (mut files, mut bytes, mut lowest) = (0, 0_u64, u16::MAX);
    let mut open = vec![folder];
    while let Some(id) = open.pop() {
        match tree.seen(id) {
            Seen::Folder => open.extend(tree.paths.children(id)),
            Seen::File(number) => {
                if let Some(stored) = tree.stored(number) {
                    files += 1;
                    bytes = bytes.saturating_add(stored.bytes);
                    lowest = lowest.min(stored.layer);
                }
            }
            _ => {}
        }
    }
    (bytes > 0).then(|| Leftover {
        what: row.what,
        remedy: row.remedy,
        path: tree.paths.shown(folder),
        files,
        bytes: Bytes(bytes),
        layer: usize::from(lowest),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_row_names_a_folder_a_thing_a_remedy_and_a_source() {
        let lines = include_str!("leftovers.tsv").lines();
        for line in lines.filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [folder, what, remedy, source] = columns.as_slice() else {
                panic!("not four columns: {line}");
            };
            assert!(!folder.ends_with('/') && !what.is_empty(), "{line}");
            assert!(remedy.contains('`'), "nothing to type: {line}");
            assert!(source.starts_with("https://"), "no source: {line}");
        }
    }
}
