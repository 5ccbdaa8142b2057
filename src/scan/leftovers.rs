//! Finds what package managers and builds left behind.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use super::paths::{PathId, ROOT};
use super::tree::{Seen, Tree};
use crate::facts::Leftover;
use crate::oci::Bytes;

/// The most findings that are kept, the largest ones.
const MAX_LEFTOVERS: usize = 100;

/// A part of a path that is a version.
const ANY_VERSION: &str = "#";

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
            let name = tree.paths.name(at);
            let is_alike = match *part {
                ANY_VERSION => name.first().is_some_and(u8::is_ascii_digit),
                part => name == part.as_bytes(),
            };
            if !is_alike {
                return false;
            }
            at = tree.paths.parent(at);
        }
        !row.from_root || at == ROOT
    })
}

/// The files below a folder, by the layer that brought them; none where there are no bytes. What has another name outside
/// would stay: package managers link from their store into what they install.
fn leftover(tree: &Tree, folder: PathId, row: &'static Row) -> Vec<Leftover> {
    let mut names: HashMap<u32, u32> = HashMap::new();
    let mut open = vec![folder];
    while let Some(id) = open.pop() {
        match tree.seen(id) {
            Seen::Folder => open.extend(tree.paths.children(id)),
            Seen::File(number) => *names.entry(number).or_default() += 1,
            _ => {}
        }
    }
    let mut by_layer: BTreeMap<u16, (u64, u64)> = BTreeMap::new();
    for (number, names) in names {
        let stored = tree.stored(number);
        if let Some(stored) = stored.filter(|stored| stored.links <= names) {
            let (files, bytes) = by_layer.entry(stored.layer).or_default();
            *files += 1;
            *bytes = bytes.saturating_add(stored.bytes);
        }
    }
    by_layer
        .into_iter()
        .filter(|(_, (_, bytes))| *bytes > 0)
        .map(|(layer, (files, bytes))| Leftover {
            what: row.what,
            remedy: row.remedy,
            path: tree.paths.shown(folder),
            files,
            bytes: Bytes(bytes),
            layer: usize::from(layer),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::archive::{Member, MemberKind};
    use super::super::entries::Collector;
    use super::*;

    /// What layers of files leave behind: path, kind, bytes and layer. `a = b` is a hard link; each file has 10 bytes.
    fn found(layers: &[&[&str]]) -> Vec<(String, &'static str, u64, usize)> {
        let mut tree = Tree::default();
        for (number, lines) in (0..).zip(layers) {
            let mut collector = Collector::default();
            for line in *lines {
                let (path, target) = line.split_once(" = ").unwrap_or((line, ""));
                let is_file = target.is_empty();
                let member = Member {
                    path: path.into(),
                    kind: if is_file {
                        MemberKind::File
                    } else {
                        MemberKind::HardLink
                    },
                    bytes: if is_file { 10 } else { 0 },
                    target: target.into(),
                    head: Vec::new(),
                };
                collector.add(&member).expect("few");
            }
            tree.lay(number, &collector.finish());
        }
        leftovers(&tree)
            .into_iter()
            .map(|leftover| {
                (
                    leftover.path,
                    leftover.what,
                    leftover.bytes.0,
                    leftover.layer,
                )
            })
            .collect()
    }

    #[test]
    fn each_row_is_met() {
        for row in rows().values().flatten() {
            let parts: Vec<&str> = row.parts.iter().rev().copied().collect();
            let folder = parts.join("/").replace(ANY_VERSION, "3.3.0");
            let folder = if row.from_root {
                folder
            } else {
                format!("home/app/{folder}")
            };
            let file = format!("{folder}/sub/file");
            assert_eq!(
                found(&[&[&file]]),
                [(folder.clone(), row.what, 10, 0)],
                "{folder}"
            );
            if row.from_root {
                assert_eq!(found(&[&[&format!("srv/copy/{file}")]]), [], "{folder}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_leftover_is_none() {
        for file in [
            // A submodule's, and a vendored dependency's: a text, and no history.
            "srv/vendor/lib/.git",
            "srv/.gitignore",
            "srv/.github/workflows/ci.yml",
            // The environment that programs run in.
            "root/.cache/pypoetry/virtualenvs/app/bin/python",
            "srv/.venv/lib/python3.12/site-packages/pip/_internal/cache.py",
            "usr/lib/python3.12/__pycache__/os.cpython-312.pyc",
            "usr/share/doc/apt/lists/README",
            "usr/lib/ruby/gems/3.3.0/gems/rack-3.0/cache/file",
            "opt/java/target/debug/app.jar",
            "srv/target/release/app",
            "srv/.yarn/cache/left-pad.zip",
            "root/.cache/ms-playwright/chromium/chrome",
            "var/lib/apt/extended_states",
            "srv/tmp/file",
        ] {
            assert_eq!(found(&[&[file]]), [], "{file}");
        }
    }

    #[test]
    fn what_is_linked_into_what_is_installed_would_stay() {
        let linked = "srv/node_modules/a/index.js = root/.local/share/pnpm/store/v3/a";
        let store = "root/.local/share/pnpm/store/v3/a";
        assert_eq!(found(&[&[store, linked]]), []);
        let twice = "root/.local/share/pnpm/store/v3/b = root/.local/share/pnpm/store/v3/a";
        assert_eq!(found(&[&[store, twice]])[0].2, 10);
    }

    #[test]
    fn each_layer_answers_for_what_it_brought() {
        let lists = found(&[
            &["var/lib/apt/lists/base"],
            &["var/lib/apt/lists/own", "var/lib/apt/lists/more"],
        ]);
        let of = |layer: usize, bytes| {
            (
                "var/lib/apt/lists".to_owned(),
                "package lists of apt",
                bytes,
                layer,
            )
        };
        assert_eq!(lists, [of(1, 20), of(0, 10)]);
        assert_eq!(found(&[&["tmp/a"], &["tmp/.wh.a"]]), []);
    }

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
