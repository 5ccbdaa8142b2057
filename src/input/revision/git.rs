//! Asks git for what a commit holds, without touching what is checked out
//! (<https://git-scm.com/docs/git-ls-tree>, <https://git-scm.com/docs/git-cat-file#_batch_output>).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{RevisionError, absolute};
use crate::input::MAX_SOURCE_BYTES;

/// The most that is taken out of a revision, in bytes.
const MAX_REVISION_BYTES: u64 = 1 << 30;

/// A file of a revision.
#[derive(Debug)]
pub struct Entry {
    pub path: PathBuf,
    pub object: String,
    pub size: u64,
    pub is_link: bool,
}

/// Asks git about one revision.
pub struct Git<'a> {
    pub revision: &'a str,
}

impl Git<'_> {
    fn command(folder: &Path) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(folder)
            .args(["--no-pager", "--literal-pathspecs"])
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    /// What git prints; what it says where it fails.
    fn output(&self, command: &mut Command) -> Result<Result<String, String>, RevisionError> {
        let output = command.output().map_err(|error| self.not_started(&error))?;
        if output.status.success() {
            Ok(Ok(String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned()))
        } else {
            Ok(Err(first_line(&output.stderr)))
        }
    }

    fn not_started(&self, error: &io::Error) -> RevisionError {
        match error.kind() {
            io::ErrorKind::NotFound => RevisionError::NoGit(self.revision.to_owned()),
            _ => self.failed(error),
        }
    }

    pub fn failed(&self, why: &dyn std::fmt::Display) -> RevisionError {
        RevisionError::Failed {
            revision: self.revision.to_owned(),
            said: why.to_string(),
        }
    }

    /// The top folder of the repository that holds `path`, which need not be there now.
    pub fn repository(&self, path: &Path) -> Result<PathBuf, RevisionError> {
        let full = absolute(path);
        let folder = full
            .ancestors()
            .find(|folder| folder.is_dir())
            .unwrap_or(&full);
        let top = self.output(Self::command(folder).args(["rev-parse", "--show-toplevel"]))?;
        match top {
            Ok(top) if !top.is_empty() => Ok(absolute(Path::new(&top))),
            Ok(_) => Err(self.no_repository(path, "it has no files checked out".to_owned())),
            Err(said) => Err(self.no_repository(path, said)),
        }
    }

    fn no_repository(&self, path: &Path, said: String) -> RevisionError {
        RevisionError::NoRepository {
            revision: self.revision.to_owned(),
            path: path.display().to_string(),
            said,
        }
    }

    /// The id of the commit.
    pub fn commit(&self, repository: &Path) -> Result<String, RevisionError> {
        let resolve = |name: &str| {
            let mut command = Self::command(repository);
            command.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
            self.output(command.arg(format!("{name}^{{commit}}")))
        };
        if let Ok(commit) = resolve(self.revision)? {
            return Ok(commit);
        }
        let ask =
            |question: &str| self.output(Self::command(repository).args(["rev-parse", question]));
        let remote = format!("origin/{}", self.revision);
        let help = if resolve(&remote)?.is_ok() {
            format!("the clone knows it as {remote}: give `--base {remote}`")
        } else if ask("--is-shallow-repository")?.is_ok_and(|answer| answer == "true") {
            format!(
                "the clone is shallow: get it with `git fetch --depth=1 origin {}` and give `--base FETCH_HEAD` \
                 (with actions/checkout: `fetch-depth: 0`)",
                self.revision
            )
        } else {
            "`git branch --all` and `git tag` list what there is; a folder that is not there is taken for a revision".to_owned()
        };
        Err(RevisionError::Unknown {
            revision: self.revision.to_owned(),
            help,
        })
    }

    /// All files and links of the commit. Submodules are other repositories.
    pub fn entries(&self, repository: &Path, commit: &str) -> Result<Vec<Entry>, RevisionError> {
        let mut command = Self::command(repository);
        command.args(["ls-tree", "-r", "-z", "--long", "--full-tree", commit]);
        let output = command.output().map_err(|error| self.not_started(&error))?;
        if !output.status.success() {
            return Err(self.failed(&first_line(&output.stderr)));
        }
        let lines = output.stdout.split(|byte| *byte == 0);
        Ok(lines.filter_map(entry).collect())
    }

    /// Writes files, and then the links to what was written.
    pub fn write(
        &self,
        repository: &Path,
        entries: &[Entry],
        folder: &Path,
    ) -> Result<(), RevisionError> {
        let size: u64 = entries.iter().map(|entry| entry.size).sum();
        if size > MAX_REVISION_BYTES {
            return Err(RevisionError::TooLarge(self.revision.to_owned()));
        }
        let entries: Vec<&Entry> = entries
            .iter()
            .filter(|entry| entry.size <= MAX_SOURCE_BYTES)
            .collect();
        let mut child = Self::command(repository)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        let done = copy(&mut child, &entries, folder);
        let _ = child.kill();
        let _ = child.wait();
        let links = done.map_err(|error| self.failed(&error))?;
        for (link, target) in links {
            make_link(&link, &target, folder);
        }
        Ok(())
    }
}

/// Writes the content of all entries. Gives the links and what they lead to.
fn copy(
    child: &mut Child,
    entries: &[&Entry],
    folder: &Path,
) -> io::Result<BTreeMap<PathBuf, PathBuf>> {
    let (Some(mut questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("git cannot be talked to"));
    };
    let mut answers = BufReader::new(answers);
    std::thread::scope(|scope| {
        // git answers while it is asked: whoever only asks would wait for ever once both pipes are full.
        scope.spawn(move || {
            for entry in entries {
                if writeln!(questions, "{}", entry.object).is_err() {
                    break;
                }
            }
        });
        let mut links = BTreeMap::new();
        for entry in entries {
            let content = answer(&mut answers)?;
            let path = folder.join(&entry.path);
            if entry.is_link {
                links.insert(
                    path,
                    PathBuf::from(String::from_utf8_lossy(&content).as_ref()),
                );
                continue;
            }
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        Ok(links)
    })
}

/// One answer of `git cat-file --batch`: `ID blob SIZE`, a line break, the content, a line break.
fn answer(answers: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = String::new();
    answers.take(1024).read_line(&mut head)?;
    let mut words = head.split_whitespace();
    let object = words.next().unwrap_or_default().to_owned();
    let size = match (words.next(), words.next().map(str::parse::<u64>)) {
        (Some("blob"), Some(Ok(size))) if size <= MAX_SOURCE_BYTES => size,
        _ => {
            return Err(io::Error::other(format!(
                "git does not have the file {object}"
            )));
        }
    };
    let mut content = Vec::new();
    answers.take(size).read_to_end(&mut content)?;
    let mut end = [0];
    answers.read_exact(&mut end)?;
    Ok(content)
}

/// `MODE TYPE ID SIZE<tab>PATH`. Paths that would lead out of the folder are none that git itself would check out.
fn entry(line: &[u8]) -> Option<Entry> {
    let line = std::str::from_utf8(line).ok()?;
    let (facts, path) = line.split_once('\t')?;
    let mut facts = facts.split_whitespace();
    let (mode, kind, object, size) = (facts.next()?, facts.next()?, facts.next()?, facts.next()?);
    let path = PathBuf::from(path);
    let is_plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    (kind == "blob" && is_plain).then(|| Entry {
        path,
        object: object.to_owned(),
        size: size.parse().unwrap_or(u64::MAX),
        is_link: mode == "120000",
    })
}

/// Makes a link that leads to something in the folder. Any other says nothing about the revision.
fn make_link(link: &Path, target: &Path, folder: &Path) {
    let Some(parent) = link.parent() else { return };
    let mut reached = parent.to_owned();
    for part in target.components() {
        match part {
            Component::Normal(name) => reached.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                reached.pop();
            }
            Component::RootDir | Component::Prefix(_) => return,
        }
    }
    if !reached.starts_with(folder) || !reached.exists() {
        return;
    }
    if fs::create_dir_all(parent).is_ok() {
        #[cfg(unix)]
        let _ = std::os::unix::fs::symlink(target, link);
        #[cfg(not(unix))]
        let _ = fs::copy(reached, link);
    }
}

fn first_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().next().unwrap_or_default();
    let line = line.strip_prefix("fatal: ").unwrap_or(line);
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_files_and_links_inside_of_the_tree() {
        let read = |line: &str| {
            entry(line.as_bytes()).map(|e| (e.path.display().to_string(), e.size, e.is_link))
        };
        assert_eq!(
            read("100644 blob 0a1b     512\tk8s/a b.yaml"),
            Some(("k8s/a b.yaml".to_owned(), 512, false))
        );
        assert_eq!(
            read("120000 blob 0a1b       9\tlink"),
            Some(("link".to_owned(), 9, true))
        );
        for line in [
            "160000 commit 0a1b       -\tmodule",
            "100644 blob 0a1b 1\t../outside.yaml",
            "100644 blob 0a1b 1\t/etc/passwd",
            "",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn answers_are_read_one_by_one_and_a_missing_one_is_an_error() {
        let mut answers: &[u8] = b"0a blob 3\nabc\n0b blob 0\n\n0c missing\n";
        assert_eq!(answer(&mut answers).expect("the first"), b"abc");
        assert_eq!(answer(&mut answers).expect("the second"), b"");
        let error = answer(&mut answers).expect_err("no third");
        assert!(error.to_string().contains("0c"), "{error}");
    }
}
