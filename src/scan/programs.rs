//! Finds the programs that an image starts with.

use std::collections::BTreeMap;

use super::entries::Entries;
use super::paths::PathId;
use super::tree::{Seen, Tree};
use crate::facts::{Executable, Program, ProgramRole};
use crate::oci::Config;

/// Where container runtimes look for a program if the config sets no `PATH` (containerd `pkg/oci/spec_opts.go`,
/// `defaultUnixEnv`).
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How many interpreters of interpreters are looked at.
const MAX_CHAIN: usize = 4;

/// Looks programs up in an image.
pub(super) struct Programs<'a> {
    pub tree: &'a Tree,
    pub layers: &'a [&'a Entries],
    pub config: &'a Config,
}

impl Programs<'_> {
    /// The entrypoint, what it is started by, and the shell.
    pub fn main(&self) -> Vec<Program> {
        let mut programs = Vec::new();
        let start = self
            .config
            .entrypoint
            .first()
            .or(self.config.command.first());
        let start = start.and_then(|word| self.found_as(word));
        let shell = self.tree.find(b"bin/sh", true);
        for (role, id) in [
            (ProgramRole::Entrypoint, start),
            (ProgramRole::Shell, shell),
        ] {
            if let Some(id) = id {
                self.add(role, id, &mut programs, MAX_CHAIN);
            }
        }
        programs
    }

    fn add(&self, role: ProgramRole, id: PathId, programs: &mut Vec<Program>, chain: usize) {
        let path = self.tree.paths.shown(id);
        let Some(executable) = self.executable(id) else {
            return;
        };
        if programs.iter().any(|known| known.path == path) {
            return;
        }
        let named = executable.interpreter();
        let interpreter = named.and_then(|path| self.tree.find(path.as_bytes(), true));
        programs.push(Program {
            role,
            path,
            executable: executable.clone(),
            missing_interpreter: named.filter(|_| interpreter.is_none()).map(str::to_owned),
        });
        let by_env = match executable {
            Executable::Script {
                interpreter,
                argument,
            } if interpreter.ends_with("/env") => self.found_as(argument),
            _ => None,
        };
        for next in [interpreter, by_env].into_iter().flatten() {
            if chain > 0 {
                self.add(ProgramRole::Interpreter, next, programs, chain - 1);
            }
        }
    }

    /// The programs in the folders of `PATH`: how many there are for each architecture, and the first by its path.
    pub fn on_path(&self) -> BTreeMap<&'static str, (usize, String)> {
        let mut counts: BTreeMap<&'static str, (usize, String)> = BTreeMap::new();
        let mut folders: Vec<PathId> = self
            .search_path()
            .filter_map(|folder| self.tree.find(folder.as_bytes(), true))
            .collect();
        folders.sort_unstable();
        folders.dedup();
        for folder in folders {
            for id in self.tree.paths.children(folder) {
                let executable = self.executable(id);
                let Some(architecture) = executable.and_then(Executable::architecture) else {
                    continue;
                };
                let path = self.tree.paths.shown(id);
                let (count, first) = counts
                    .entry(architecture)
                    .or_insert_with(|| (0, path.clone()));
                *count += 1;
                if path < *first {
                    *first = path;
                }
            }
        }
        counts
    }

    fn search_path(&self) -> impl Iterator<Item = &str> {
        let path = self.config.search_path.as_deref().unwrap_or(DEFAULT_PATH);
        path.split(':').filter(|folder| !folder.is_empty())
    }

    /// What a word would start: a path, from the working folder, or a name in the folders of `PATH`.
    fn found_as(&self, word: &str) -> Option<PathId> {
        if word.contains('/') {
            let from = if word.starts_with('/') {
                ""
            } else {
                self.config.working_folder.as_str()
            };
            return self.tree.find(format!("{from}/{word}").as_bytes(), true);
        }
        let candidates = self.search_path().filter_map(|folder| {
            let path = format!("{folder}/{word}");
            self.tree.find(path.as_bytes(), true)
        });
        candidates
            .into_iter()
            .find(|id| matches!(self.tree.seen(*id), Seen::File(_)))
    }

    fn executable(&self, id: PathId) -> Option<&Executable> {
        let Seen::File(number) = self.tree.seen(id) else {
            return None;
        };
        let stored = self.tree.stored(number)?;
        let entries = self.layers.get(usize::from(stored.layer))?;
        entries.executable(usize::from(stored.executable))
    }
}
