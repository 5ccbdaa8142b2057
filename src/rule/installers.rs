//! Which commands of a build fetch dependencies, and what they read.

use std::sync::OnceLock;

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It installs what the build needs.
    Install,
    /// It brings the system up to date.
    Upgrade,
    /// It fetches the lists of packages.
    Lists,
    /// It builds the source.
    Build,
}

/// A row of the table.
struct Row {
    kind: Kind,
    /// Its words; options may stand between them.
    command: &'static str,
    /// The files that it reads; empty for packages that it names.
    reads: &'static str,
}

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let lines = include_str!("installers.tsv").lines();
        lines
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut columns = line.split('\t');
                let kind = match columns.next()? {
                    "install" => Kind::Install,
                    "upgrade" => Kind::Upgrade,
                    "lists" => Kind::Lists,
                    "build" => Kind::Build,
                    _ => return None,
                };
                Some(Row {
                    kind,
                    command: columns.next()?,
                    reads: columns.next()?,
                })
            })
            .collect()
    })
}

/// Whether a shell command does such a thing anywhere.
pub fn does(command: &str, kind: Kind) -> bool {
    let mut rows = rows().iter().filter(|row| row.kind == kind);
    rows.any(|row| runs(command, row.command).next().is_some())
}

/// Whether installations read a variable of this name, so that they have to run again when it changes.
pub fn steers_installations(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let lines = include_str!("installer_variables.tsv").lines();
    let mut patterns = lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('\t').next());
    patterns.any(|pattern| match pattern.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => name == pattern,
    })
}

/// The files that the first installation in a shell command reads; empty for packages that it names, and none where nothing is
/// installed but the source itself.
pub fn installed_from(command: &str) -> Option<String> {
    let mut rows = rows().iter().filter(|row| row.kind == Kind::Install);
    rows.find_map(|row| {
        let mut runs = runs(command, row.command);
        let arguments = runs.find(|arguments| !installs_the_source(arguments))?;
        Some(read_by(row, &arguments))
    })
}

/// What one run reads: the file that it is given, nothing where it names packages, or else what all runs do.
fn read_by(row: &Row, arguments: &[&str]) -> String {
    let program = row.command.split(' ').next();
    let is_pip = matches!(program, Some("pip" | "pip3" | "pip-sync"));
    let may_name = is_pip
        || matches!(
            row.command,
            "npm install" | "npm i" | "pnpm i" | "pnpm install"
        );
    if !may_name {
        return row.reads.to_owned();
    }
    let mut before = "";
    let mut names_packages = is_pip;
    for word in arguments {
        let file = word
            .strip_prefix("--requirement=")
            .or(Some(*word).filter(|_| matches!(before, "-r" | "--requirement")));
        if let Some(file) = file.filter(|_| is_pip) {
            return file.to_owned();
        }
        let is_value = before.starts_with('-');
        let is_path = word.starts_with(['-', '/', '.']) || word.contains("://");
        names_packages |= matches!(*word, "-g" | "--global") || !is_value && !is_path;
        before = word;
    }
    if row.command.ends_with("sync") || !names_packages {
        return row.reads.to_owned();
    }
    String::new()
}

/// The arguments of each run of a program in a shell command.
fn runs<'a>(command: &'a str, pattern: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    let separated = command.split(['\n', ';', '|', '&', '(', ')', '`']);
    separated.filter_map(move |simple| {
        let words: Vec<&str> = simple
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']))
            .collect();
        let mut wanted = pattern.split(' ');
        let program = wanted.next()?;
        let named = |word: &&str| word.rsplit('/').next() == Some(program);
        let mut at = words.iter().position(named)? + 1;
        for wanted in wanted {
            // Options, and what is assigned to them: `-o Dpkg::Use-Pty=0`.
            let is_option = |word: &&str| word.starts_with('-') || word.contains('=');
            at += words
                .get(at..)?
                .iter()
                .take_while(|word| is_option(word))
                .count();
            if wanted == "$" && at == words.len() {
                break;
            }
            if words.get(at) != Some(&wanted) {
                return None;
            }
            at += 1;
        }
        Some(words[at..].to_vec())
    })
}

/// `pip install .` builds the source itself, which must be there before.
fn installs_the_source(arguments: &[&str]) -> bool {
    let mut words = arguments.iter();
    words.any(|word| *word == "." || word.starts_with(".[") || word.starts_with("./"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_met_and_says_where_it_is_from() {
        let lines = include_str!("installers.tsv").lines();
        let lines: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
        assert_eq!(rows().len(), lines.len());
        for (row, line) in rows().iter().zip(lines) {
            let source = line.split('\t').nth(3).unwrap_or_default();
            assert!(source.starts_with("https://"), "{line}");
            let command = row.command.trim_end_matches(" $");
            let command = format!("cd /srv && {command} --quiet");
            assert!(does(&command, row.kind), "{line}");
            let other = format!("echo {}-other", row.command.replace(' ', "-"));
            assert!(!does(&other, row.kind), "{line}");
            if row.kind == Kind::Install && !matches!(row.command, "pip install" | "pip3 install") {
                assert_eq!(
                    installed_from(&command).as_deref(),
                    Some(row.reads),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn variables_that_installations_read_are_known() {
        for (name, expected) in [
            ("NODE_ENV", true),
            ("https_proxy", true),
            ("PIP_INDEX_URL", true),
            ("npm_config_registry", true),
            ("TARGETARCH", true),
            ("GIT_SHA", false),
            ("RELEASE", false),
        ] {
            assert_eq!(steers_installations(name), expected, "{name}");
        }
    }

    #[test]
    fn upgrades_and_lists_are_no_installations() {
        for command in ["apt-get update", "apt-get -y upgrade", "yum update"] {
            assert_eq!(installed_from(command), None, "{command}");
        }
    }
}
