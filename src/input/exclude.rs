//! What the user leaves out.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use thiserror::Error;

/// A pattern of files and folders that are left out, written as in a `.gitignore`
/// (<https://git-scm.com/docs/gitignore#_pattern_format>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclude {
    /// The folder that the pattern is relative to.
    folder: PathBuf,
    pattern: String,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "\"{pattern}\" is no pattern: {reason}; write one as in a .gitignore, such as charts/ or **/testdata/*.yaml"
)]
pub struct ExcludeError {
    /// The text.
    pub pattern: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Exclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl Exclude {
    /// The pattern, relative to `folder`.
    ///
    /// # Errors
    ///
    /// When the text is no pattern.
    pub fn new(folder: &Path, pattern: &str) -> Result<Self, ExcludeError> {
        let exclude = Self {
            folder: folder.to_owned(),
            pattern: pattern.to_owned(),
        };
        exclude.compiled().map_err(|error| ExcludeError {
            pattern: pattern.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(exclude)
    }

    /// Everything in the folder at `path`.
    #[must_use]
    pub fn folder(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        let name = path.file_name()?.to_str()?;
        let special = |c| {
            matches!(
                c,
                '*' | '?' | '[' | ']' | '{' | '}' | '!' | '#' | '\\' | ' '
            )
        };
        let plain: String = name
            .chars()
            .flat_map(|c| special(c).then_some('\\').into_iter().chain([c]))
            .collect();
        Self::new(path.parent()?, &format!("/{plain}/")).ok()
    }

    /// The same pattern in a folder that stands for another one, such as an earlier state of it.
    #[must_use]
    pub fn moved(&self, place_of: impl Fn(&Path) -> Option<PathBuf>) -> Self {
        Self {
            folder: place_of(&self.folder).unwrap_or_else(|| self.folder.clone()),
            pattern: self.pattern.clone(),
        }
    }

    fn compiled(&self) -> Result<Gitignore, ignore::Error> {
        let folder = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let mut builder = GitignoreBuilder::new(folder);
        builder.add_line(None, &self.pattern)?;
        builder.build()
    }

    /// What is to be asked about each path.
    pub(super) fn matcher(excludes: &[Self]) -> Arc<[Gitignore]> {
        excludes
            .iter()
            .filter_map(|exclude| exclude.compiled().ok())
            .collect()
    }
}
