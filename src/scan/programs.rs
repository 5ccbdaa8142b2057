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

/// Programs that start another one, whose name stands among their arguments.
const WRAPPERS: [&str; 9] = [
    "catatonit",
    "dumb-init",
    "env",
    "gosu",
    "nice",
    "setpriv",
    "su-exec",
    "tini",
    "tini-static",
];
const SHELLS: [&str; 4] = ["ash", "bash", "dash", "sh"];

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
        let started = self.started().into_iter();
        let roles =
            std::iter::once(ProgramRole::Entrypoint).chain(std::iter::repeat(ProgramRole::Command));
        let shell = self.tree.find(b"bin/sh", true);
        let shell = shell.map(|id| (ProgramRole::Shell, id));
        for (role, id) in roles.zip(started).chain(shell) {
            self.add(role, id, &mut programs, MAX_CHAIN);
        }
        programs
    }

    /// The entrypoint, and what it starts in its turn as far as its words tell.
    fn started(&self) -> Vec<PathId> {
        let config = self.config;
        let words: Vec<&str> = [&config.entrypoint, &config.command]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let mut found = Vec::new();
        let mut rest = words.as_slice();
        while let Some((word, arguments)) = rest.split_first()
            && let Some(id) = self.found_as(word)
            && found.len() < MAX_CHAIN
        {
            found.push(id);
            let name = word.rsplit('/').next().unwrap_or_default();
            if WRAPPERS.contains(&name) {
                // Options and users stand before the program.
                let at = arguments
                    .iter()
                    .position(|word| self.found_as(word).is_some());
                rest = at.and_then(|at| arguments.get(at..)).unwrap_or_default();
            } else if let [option, command, ..] = arguments
                && SHELLS.contains(&name)
                && option.starts_with('-')
                && option.ends_with('c')
            {
                found.extend(self.first_of(command));
                break;
            } else if matches!(self.executable(id), Some(Executable::Script { .. })) {
                rest = arguments;
            } else {
                break;
            }
        }
        found
    }

    /// The first program of a shell command.
    fn first_of(&self, command: &str) -> Option<PathId> {
        let mut words = command.split_whitespace();
        let is_before = |word: &&str| *word == "exec" || word.contains('=');
        self.found_as(words.find(|word| !is_before(word))?)
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
            } if interpreter.ends_with("/env") => {
                of_env(argument).and_then(|word| self.found_as(word))
            }
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

/// What `env` starts: of `-S node --title=a`, `node`. Without `-S` all is one name (coreutils, "env invocation").
fn of_env(argument: &str) -> Option<&str> {
    let Some(words) = argument
        .strip_prefix("-S")
        .or(argument.strip_prefix("--split-string="))
    else {
        return Some(argument);
    };
    words
        .split_whitespace()
        .find(|word| !word.starts_with('-') && !word.contains('='))
}

#[cfg(test)]
mod tests {
    use super::super::archive::{Member, MemberKind};
    use super::super::entries::Collector;
    use super::*;

    /// An ELF header for 64 bits, which says the machine.
    fn elf(machine: u8) -> Vec<u8> {
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head.resize(64, 0);
        head[18] = machine;
        head
    }

    /// The main programs of an image with these files, where `-> target` is a symbolic link: role and path.
    fn main_programs(
        files: &[(&str, &str)],
        entrypoint: &[&str],
        command: &[&str],
    ) -> Vec<(ProgramRole, String)> {
        let mut collector = Collector::default();
        for (path, content) in files {
            let target = content.strip_prefix("-> ");
            let member = Member {
                path: (*path).into(),
                kind: if target.is_some() {
                    MemberKind::Symlink
                } else {
                    MemberKind::File
                },
                bytes: 100,
                target: target.unwrap_or_default().into(),
                head: match *content {
                    "amd64" => elf(62),
                    "arm64" => elf(183),
                    text => text.into(),
                },
            };
            collector.add(&member).expect("few");
        }
        let entries = collector.finish();
        let mut tree = Tree::default();
        tree.lay(0, &entries);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let config = Config {
            entrypoint: words(entrypoint),
            command: words(command),
            working_folder: "/srv".to_owned(),
            ..Config::default()
        };
        let programs = Programs {
            tree: &tree,
            layers: &[&entries],
            config: &config,
        };
        let programs = programs.main().into_iter();
        programs
            .map(|program| (program.role, program.path))
            .collect()
    }

    #[test]
    fn what_the_entrypoint_starts_in_its_turn_is_found() {
        const FILES: &[(&str, &str)] = &[
            ("bin/busybox", "amd64"),
            ("bin/sh", "-> busybox"),
            ("sbin/tini", "amd64"),
            ("usr/local/bin/node", "arm64"),
            ("usr/local/bin/docker-entrypoint.sh", "#!/bin/sh\n"),
            ("srv/app", "arm64"),
            ("srv/tool.js", "#!/usr/bin/env -S node --no-warnings\n"),
            ("usr/bin/env", "amd64"),
            ("opt/sysroot/bin/foreign", "arm64"),
        ];
        let cases: [(&[&str], &[&str], &[&str]); 9] = [
            (&["./app"], &[], &["srv/app"]),
            (
                &[],
                &["node", "/opt/sysroot/bin/foreign"],
                &["usr/local/bin/node"],
            ),
            (
                &["docker-entrypoint.sh"],
                &["node", "server.js"],
                &[
                    "usr/local/bin/docker-entrypoint.sh",
                    "bin/busybox",
                    "usr/local/bin/node",
                ],
            ),
            (
                &["docker-entrypoint.sh"],
                &["--verbose"],
                &["usr/local/bin/docker-entrypoint.sh", "bin/busybox"],
            ),
            (
                &["/sbin/tini", "-g", "--", "/srv/app"],
                &[],
                &["sbin/tini", "srv/app"],
            ),
            (
                &["tini", "--", "docker-entrypoint.sh"],
                &["node"],
                &[
                    "sbin/tini",
                    "usr/local/bin/docker-entrypoint.sh",
                    "bin/busybox",
                    "usr/local/bin/node",
                ],
            ),
            (
                &["/bin/sh", "-c", "A=b exec /srv/app --port 80"],
                &[],
                &["bin/busybox", "srv/app"],
            ),
            (
                &["/srv/tool.js"],
                &[],
                &["srv/tool.js", "usr/bin/env", "usr/local/bin/node"],
            ),
            (&["/opt/emulator", "/srv/app"], &[], &[]),
        ];
        for (entrypoint, command, expected) in cases {
            let found = main_programs(FILES, entrypoint, command);
            let started: Vec<&str> = found
                .iter()
                .filter(|(role, _)| *role != ProgramRole::Shell)
                .map(|(_, path)| path.as_str())
                .collect();
            assert_eq!(started, expected, "{entrypoint:?} {command:?}");
        }
        assert_eq!(
            main_programs(FILES, &["tini", "node"], &[])[1].0,
            ProgramRole::Command
        );
    }
}
