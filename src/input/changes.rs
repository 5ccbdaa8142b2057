//! Which files changed since a revision of git.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use miette::Diagnostic;
use thiserror::Error;

/// The files and folders that differ from a revision, deleted ones included.
#[derive(Debug, Default)]
pub struct Changes {
    /// Absolute, without symbolic links in the way to them.
    paths: BTreeSet<PathBuf>,
}

/// Why it cannot be told what changed.
#[derive(Debug, Error, Diagnostic)]
pub enum ChangesError {
    /// There is no program `git`.
    #[error("cannot run git to see what changed: {0}")]
    #[diagnostic(help("install git, or name the files that changed instead"))]
    NoGit(io::Error),
    /// The current folder is in no work tree.
    #[error("cannot see what changed: the current folder is in no git work tree ({0})")]
    #[diagnostic(help("run it in the checkout, or name the files that changed instead"))]
    NoWorkTree(String),
    /// The revision is not there, as in a shallow clone.
    #[error("cannot see what changed: this clone has no revision {0}")]
    #[diagnostic(help(
        "a shallow clone holds only the last revision: fetch that one (`git fetch --depth=1 origin REV`), or clone with \
         the whole history (`fetch-depth: 0` of actions/checkout)"
    ))]
    NoRevision(String),
    /// git fails in another way.
    #[error("cannot see what changed: `git {command}` fails: {message}")]
    Failed {
        /// The command of git.
        command: String,
        /// What it says.
        message: String,
    },
}

impl Changes {
    /// What differs from `revision` in the work tree around the current folder, untracked files included. Where the history
    /// tells from which revision on the work tree and `revision` went apart, that one counts: what only the other side
    /// changed is left out.
    ///
    /// # Errors
    ///
    /// When there is no git, no work tree, or no such revision in it.
    pub fn since(revision: &str) -> Result<Self, ChangesError> {
        let root = work_tree()?;
        let commit = commit(revision)?;
        // A shallow clone may not reach back to it.
        let base = git(Path::new("."), &["merge-base", &commit, "HEAD"])
            .ok()
            .and_then(|printed| first_line(&printed))
            .unwrap_or(commit);
        let differing = ["diff", "--name-only", "--no-renames", "--no-ext-diff", "-z"];
        let tracked = git(
            &root,
            &[
                &["-c", "diff.relative=false"],
                &differing[..],
                &[&base, "--"],
            ]
            .concat(),
        )?;
        let untracked = git(&root, &["ls-files", "--others", "--exclude-standard", "-z"])?;
        let names = [tracked, untracked];
        let names = names.iter().flat_map(|printed| printed.split(|&b| b == 0));
        let paths = names
            .filter(|name| !name.is_empty())
            .map(|name| root.join(path(name)))
            .collect();
        Ok(Self { paths })
    }

    /// Whether that file is among them, by itself or as what a link leads to.
    #[must_use]
    pub fn hold(&self, file: &Path) -> bool {
        let target = fs::canonicalize(file).ok();
        [target, in_its_folder(file)]
            .into_iter()
            .flatten()
            .any(|path| path.ancestors().any(|path| self.paths.contains(path)))
    }

    /// Whether something below that folder is among them.
    #[must_use]
    pub fn reach_into(&self, folder: &Path) -> bool {
        fs::canonicalize(folder)
            .is_ok_and(|folder| self.paths.iter().any(|path| path.starts_with(&folder)))
    }
}

/// The path of the file itself, even where it is a link.
fn in_its_folder(file: &Path) -> Option<PathBuf> {
    let folder = match file.parent()? {
        folder if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    Some(fs::canonicalize(folder).ok()?.join(file.file_name()?))
}

fn work_tree() -> Result<PathBuf, ChangesError> {
    let no_work_tree = |error| match error {
        ChangesError::Failed { message, .. } => ChangesError::NoWorkTree(message),
        other => other,
    };
    let printed = git(Path::new("."), &["rev-parse", "--show-toplevel"]).map_err(no_work_tree)?;
    let root = printed.strip_suffix(b"\n").unwrap_or(&printed);
    fs::canonicalize(path(root)).map_err(|error| ChangesError::NoWorkTree(error.to_string()))
}

fn commit(revision: &str) -> Result<String, ChangesError> {
    let none = || ChangesError::NoRevision(revision.to_owned());
    // Neither is a revision, and git would take the first for an option.
    if revision.starts_with('-') || revision.is_empty() {
        return Err(none());
    }
    let name = format!("{revision}^{{commit}}");
    let printed =
        git(Path::new("."), &["rev-parse", "--verify", "--quiet", &name]).map_err(|_| none())?;
    first_line(&printed).ok_or_else(none)
}

fn first_line(printed: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(printed).ok()?;
    text.lines().next().map(ToOwned::to_owned)
}

fn git(folder: &Path, words: &[&str]) -> Result<Vec<u8>, ChangesError> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .map_err(ChangesError::NoGit)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(ChangesError::Failed {
        command: words.join(" "),
        message: said.trim().to_owned(),
    })
}

#[cfg(unix)]
fn path(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(OsStr::from_bytes(name))
}

#[cfg(not(unix))]
fn path(name: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::new(String::from_utf8_lossy(name).as_ref()))
}
