//! From paths to the files under them.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::{InputError, STDIN, is_source_name, name};

/// The files under `paths`, each once. Standard input stays `-`.
pub(super) fn list(paths: &[PathBuf]) -> Vec<Result<PathBuf, InputError>> {
    let mut seen = HashSet::new();
    let mut is_new =
        |path: &Path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(list_folder(path).into_iter().filter(|file| match file {
                Ok(file) => is_new(file),
                Err(_) => true,
            }));
        } else if path.as_os_str() == STDIN || path.exists() {
            files.extend(is_new(path).then(|| Ok(path.clone())));
        } else {
            files.push(Err(InputError::NotFound(name(path))));
        }
    }
    files
}

fn list_folder(folder: &Path) -> Vec<Result<PathBuf, InputError>> {
    let walk = WalkBuilder::new(folder)
        .hidden(false)
        .ignore(false)
        .git_global(false)
        .require_git(false)
        .follow_links(true)
        .filter_entry(|entry| entry.file_name() != ".git")
        .sort_by_file_name(Ord::cmp)
        .build();
    let files: Vec<_> = walk.filter_map(|entry| source(folder, entry)).collect();
    if files.is_empty() {
        return vec![Err(InputError::Empty(name(folder)))];
    }
    files
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
