//! The files of a git revision, in a folder of their own.

mod error;
mod git;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use error::RevisionError;

use super::{STDIN, is_source_name};
use git::{Entry, Git};

/// The files that make a folder one that is rendered, with all that lies in it.
const RENDERED: [&str; 4] = [
    "Chart.yaml",
    "kustomization.yaml",
    "kustomization.yml",
    "Kustomization",
];

/// The sources of a revision. The folder is removed when this is dropped.
#[derive(Debug)]
pub struct Revision {
    folder: TempDir,
    /// The top folder of the repository.
    repository: PathBuf,
}

impl Revision {
    /// Takes the sources below `paths` as they were in a revision. Where charts or Kustomizations are among them and
    /// `rendered` says that they are rendered, all sources of the repository are taken: they may build upon any of them.
    ///
    /// # Errors
    ///
    /// When there is no git, no repository, or no such revision, or the files can't be had.
    pub fn take(revision: &str, paths: &[PathBuf], rendered: bool) -> Result<Self, RevisionError> {
        let git = Git { revision };
        let mut paths = paths
            .iter()
            .filter(|path| path.as_os_str() != STDIN)
            .peekable();
        let Some(first) = paths.peek() else {
            return Err(RevisionError::StandardInput(revision.to_owned()));
        };
        let repository = git.repository(first)?;
        let mut roots = Vec::new();
        for path in paths {
            let below = absolute(path);
            let below = below
                .strip_prefix(&repository)
                .map_err(|_| RevisionError::Outside {
                    revision: revision.to_owned(),
                    path: path.display().to_string(),
                    repository: repository.display().to_string(),
                })?;
            roots.push(below.to_owned());
        }
        let commit = git.commit(&repository)?;
        let entries = git.entries(&repository, &commit)?;
        let wanted = wanted(entries, &roots, rendered);
        let folder = TempDir::with_prefix("oci-preflight-").map_err(|error| git.failed(&error))?;
        git.write(&repository, &wanted, folder.path())?;
        Ok(Self { folder, repository })
    }

    /// Where the folder has what stands at `path` in the repository; none where the path is elsewhere.
    #[must_use]
    pub fn place_of(&self, path: &Path) -> Option<PathBuf> {
        let below = absolute(path);
        let below = below.strip_prefix(&self.repository).ok()?;
        Some(self.folder.path().join(below))
    }
}

/// The path without links as far as it is there, so that it can be held against the repository's.
fn absolute(path: &Path) -> PathBuf {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in full.ancestors() {
        if let (Ok(real), Ok(rest)) = (fs::canonicalize(ancestor), full.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    full
}

/// The entries that are sources below `roots`, and what their renders may need.
fn wanted(entries: Vec<Entry>, roots: &[PathBuf], rendered: bool) -> Vec<Entry> {
    let below_roots = |path: &Path| roots.iter().any(|root| path.starts_with(root));
    let makes_render = |path: &Path| {
        path.file_name()
            .and_then(OsStr::to_str)
            .is_some_and(|name| RENDERED.contains(&name))
    };
    let renders = rendered
        && entries
            .iter()
            .any(|entry| below_roots(&entry.path) && makes_render(&entry.path));
    let folders: BTreeSet<PathBuf> = entries
        .iter()
        .filter(|entry| renders && makes_render(&entry.path))
        .filter_map(|entry| entry.path.parent().map(Path::to_owned))
        .collect();
    let is_wanted = |entry: &Entry| {
        let path = &entry.path;
        let is_rendered = path
            .ancestors()
            .skip(1)
            .any(|folder| folders.contains(folder));
        let is_named = roots.contains(path);
        let says_what_is_ignored = path.file_name() == Some(OsStr::new(".gitignore"));
        is_named
            || is_rendered
            || says_what_is_ignored
            || (is_source_name(path) && (renders || below_roots(path)))
            || entry.is_link && (renders || below_roots(path))
    };
    entries.into_iter().filter(is_wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sources_below_the_roots_are_taken_unless_something_is_rendered() {
        let entries = || {
            [
                "k8s/a.yaml",
                "k8s/notes.txt",
                "other/b.yaml",
                ".gitignore",
                "main.rs",
            ]
            .map(|path| Entry {
                path: PathBuf::from(path),
                object: String::new(),
                size: 1,
                is_link: false,
            })
            .into_iter()
        };
        let paths = |entries: Vec<Entry>| -> Vec<String> {
            let paths = wanted(entries, &[PathBuf::from("k8s")], true).into_iter();
            paths
                .map(|entry| entry.path.display().to_string())
                .collect()
        };
        assert_eq!(paths(entries().collect()), ["k8s/a.yaml", ".gitignore"]);
        let kustomization = Entry {
            path: PathBuf::from("k8s/kustomization.yaml"),
            object: String::new(),
            size: 1,
            is_link: false,
        };
        assert_eq!(
            paths(entries().chain([kustomization]).collect()),
            [
                "k8s/a.yaml",
                "k8s/notes.txt",
                "other/b.yaml",
                ".gitignore",
                "k8s/kustomization.yaml"
            ]
        );
    }
}
