//! What a Kustomization leads to (<https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>).

use std::path::{Component, Path, PathBuf};

use crate::input;
use crate::text::yaml::{Node, documents};

/// The fields that list files and folders.
const LISTS: [&str; 8] = [
    "resources",
    "bases",
    "components",
    "crds",
    "patchesStrategicMerge",
    "generators",
    "transformers",
    "validators",
];

/// The fields whose items name a file by `path`.
const PATHS: [&str; 3] = ["patches", "patchesJson6902", "replacements"];

/// One Kustomization.
#[derive(Debug)]
pub(super) struct Kustomization {
    pub file: PathBuf,
    /// Whether it is a part that only others render
    /// (<https://kubectl.docs.kubernetes.io/guides/config_management/components/>).
    pub is_component: bool,
    /// The files that it names.
    pub files: Vec<PathBuf>,
    /// The folders that it names.
    pub folders: Vec<PathBuf>,
    /// What it names that is neither.
    pub remote: Vec<String>,
}

/// Reads a Kustomization; none where the file is no YAML.
pub(super) fn read(file: &Path) -> Option<Kustomization> {
    let source = input::read_path(file).ok()?;
    let document = documents(&source.text).next()?;
    let tree = document.parse().ok()?;
    let root = tree.root();
    let mut read = Kustomization {
        file: file.to_owned(),
        is_component: root.get("kind").and_then(|kind| kind.as_str()) == Some("Component"),
        files: Vec::new(),
        folders: Vec::new(),
        remote: Vec::new(),
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    for list in LISTS {
        items(root, list).for_each(|item| read.add(folder, item));
    }
    for list in PATHS {
        let paths = items(root, list).filter_map(|item| item.get("path"));
        paths.for_each(|path| read.add(folder, path));
    }
    Some(read)
}

fn items<'t>(root: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> {
    root.get(key).into_iter().flat_map(|list| list.items())
}

impl Kustomization {
    fn add(&mut self, folder: &Path, item: Node<'_>) {
        // A text of several lines is an object of its own, and no path.
        let Some(entry) = item.as_str().filter(|entry| !entry.contains('\n')) else {
            return;
        };
        let path = plain(&folder.join(entry));
        if path.is_dir() {
            self.folders.push(path);
        } else if path.is_file() {
            self.files.push(path);
        } else {
            self.remote.push(entry.to_owned());
        }
    }
}

/// The path without `.` and `a/..`, as a walk has it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir if !plain.as_os_str().is_empty() => {}
            Component::ParentDir
                if matches!(plain.components().next_back(), Some(Component::Normal(_))) =>
            {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    if plain.as_os_str().is_empty() {
        plain.push(".");
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_their_detours() {
        for (path, expected) in [
            ("a/../b", "b"),
            ("./a/./b", "./a/b"),
            ("../a", "../a"),
            ("a/..", "."),
            ("/x/../y", "/y"),
        ] {
            assert_eq!(plain(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
