//! From paths to the files under them.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::Gitignore;
use ignore::{DirEntry, WalkBuilder};

use super::{Exclude, InputError, STDIN, is_source_name, name};

/// The files under `paths`, each once. The order is that of `paths`, and by name within a folder.
///
/// A folder gives the files below it that [`is_source_name`] knows and that neither a `.gitignore` nor `exclude` hides; hidden
/// files and folders are read, `.git` is not. A file that is named itself is there whatever its name. Standard input stays
/// `-`. The items are errors where a path leads to nothing that can be read.
#[must_use]
pub fn list(paths: &[PathBuf], exclude: &[Exclude]) -> Vec<Result<PathBuf, InputError>> {
    let exclude = Exclude::matcher(exclude);
    let mut seen = HashSet::new();
    let mut is_new =
        |path: &Path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(
                list_folder(path, &exclude)
                    .into_iter()
                    .filter(|file| match file {
                        Ok(file) => is_new(file),
                        Err(_) => true,
                    }),
            );
        } else if path.as_os_str() == STDIN || path.exists() {
            files.extend(is_new(path).then(|| Ok(path.clone())));
        } else {
            files.push(Err(InputError::NotFound(name(path))));
        }
    }
    files
}

fn list_folder(folder: &Path, exclude: &Arc<[Gitignore]>) -> Vec<Result<PathBuf, InputError>> {
    let exclude = Arc::clone(exclude);
    let walk = WalkBuilder::new(folder)
        .hidden(false)
        .ignore(false)
        .git_global(false)
        .require_git(false)
        .follow_links(true)
        .filter_entry(move |entry| entry.file_name() != ".git" && !is_excluded(entry, &exclude))
        .sort_by_file_name(Ord::cmp)
        .build();
    let files: Vec<_> = walk.filter_map(|entry| source(folder, entry)).collect();
    if files.is_empty() {
        return vec![Err(InputError::Empty(name(folder)))];
    }
    files
}

fn is_excluded(entry: &DirEntry, exclude: &[Gitignore]) -> bool {
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    std::path::absolute(entry.path()).is_ok_and(|path| {
        exclude
            .iter()
            .any(|exclude| exclude.matched(&path, is_folder).is_ignore())
    })
}

fn source(
    folder: &Path,
    entry: Result<DirEntry, ignore::Error>,
) -> Option<Result<PathBuf, InputError>> {
    match entry {
        Ok(entry) => {
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            (is_file && is_source_name(entry.path())).then(|| Ok(entry.into_path()))
        }
        Err(error) => unreadable(folder, error).map(Err),
    }
}

/// A link that leads back to a folder above it is no error: what is there is read where it stands.
fn unreadable(folder: &Path, error: ignore::Error) -> Option<InputError> {
    match error {
        ignore::Error::Loop { .. } => None,
        ignore::Error::WithDepth { err, .. } => unreadable(folder, *err),
        ignore::Error::WithPath { path, err } => unreadable(&path, *err),
        ignore::Error::Io(error) => Some(InputError::unreadable(&name(folder), error)),
        other => Some(InputError::Unreadable {
            path: name(folder),
            error: std::io::Error::other(other),
        }),
    }
}
