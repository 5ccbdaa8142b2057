//! Which places a part of the config is about.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use toml::Spanned;

use super::fault::Fault;
use crate::workload::Occurrence;

/// Which places a part of the config is about: those whose path and whose image match. What is not said matches all.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    folder: PathBuf,
    paths: Option<GlobSet>,
    images: Option<GlobSet>,
}

impl Scope {
    /// Reads globs: `*` stays inside one part of a path or name, `**` does not. The glob of a folder matches all that is
    /// below it. Paths are relative to `folder`.
    pub(super) fn new(
        paths: &[Spanned<String>],
        images: &[Spanned<String>],
        folder: &Path,
    ) -> Result<Self, Fault> {
        Ok(Self {
            folder: normal(folder),
            paths: globs(paths)?,
            images: globs(images)?,
        })
    }

    /// Whether nothing is said, so that all places match.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.paths.is_none() && self.images.is_none()
    }

    /// Whether a place matches: the path of its source as the user wrote it, and what names an image there. Images match
    /// by their full form, with and without tag and digest, and as they are written.
    #[must_use]
    pub fn covers(&self, path: &str, occurrence: Option<&Occurrence>) -> bool {
        self.covers_path(path) && self.covers_image(occurrence)
    }

    fn covers_path(&self, path: &str) -> bool {
        let Some(globs) = &self.paths else {
            return true;
        };
        let path = normal(Path::new(path));
        globs.is_match(path.strip_prefix(&self.folder).unwrap_or(&path))
    }

    fn covers_image(&self, occurrence: Option<&Occurrence>) -> bool {
        let Some(globs) = &self.images else {
            return true;
        };
        let Some(occurrence) = occurrence else {
            return false;
        };
        let names = occurrence
            .reference
            .as_ref()
            .map(|reference| [reference.to_string(), reference.name()]);
        globs.is_match(&occurrence.written)
            || names.is_ok_and(|names| names.iter().any(|name| globs.is_match(name)))
    }
}

fn globs(patterns: &[Spanned<String>]) -> Result<Option<GlobSet>, Fault> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut globs = GlobSetBuilder::new();
    for pattern in patterns {
        let text = pattern.as_ref().trim_end_matches('/');
        for text in [text.to_owned(), format!("{text}/**")] {
            let glob = GlobBuilder::new(&text).literal_separator(true).build();
            globs.add(glob.map_err(|error| Fault::at(pattern, error.kind()))?);
        }
    }
    globs
        .build()
        .map(Some)
        .map_err(|error| Fault::at(&patterns[0], &error))
}

/// The absolute path, of the current folder where it is empty, without `.` and `..`. Links are not followed: a glob is held against what people see.
fn normal(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(Path::new(".").join(path));
    let absolute = absolute.unwrap_or_else(|_| path.to_owned());
    let mut normal = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Written {
        paths: Vec<Spanned<String>>,
    }

    fn scope(glob: &str) -> Result<Scope, Fault> {
        let written: Written =
            toml::from_str(&format!("paths = [{glob:?}]")).expect("a list of globs");
        Scope::new(&written.paths, &[], Path::new("conf"))
    }

    #[test]
    fn paths_match_below_the_folder_of_the_config() {
        for (glob, path, matches) in [
            ("legacy", "conf/legacy/a.yaml", true),
            ("legacy/", "./conf/legacy/deep/a.yaml", true),
            ("*.yaml", "conf/a.yaml", true),
            ("*.yaml", "conf/deep/a.yaml", false),
            ("**/*.yaml", "conf/deep/a.yaml", true),
            ("legacy", "other/../conf/legacy/a.yaml", true),
            ("legacy", "legacy/a.yaml", false),
        ] {
            let Ok(scope) = scope(glob) else {
                panic!("{glob} is a glob");
            };
            assert_eq!(scope.covers(path, None), matches, "{glob} {path}");
        }
    }

    #[test]
    fn a_broken_glob_is_a_fault_at_its_place() {
        let range = scope("a[").map_err(|fault| fault.range).err();
        assert_eq!(range, Some(9..13));
    }
}
