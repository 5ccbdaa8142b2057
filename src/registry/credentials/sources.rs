//! Where credentials files are looked for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::EnvironmentCredentials;

/// Where credentials come from, first match first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialSources {
    /// The files, in the order in which they are searched.
    pub files: Vec<CredentialFile>,
    /// The user's home folder, which messages show as `~`.
    pub home: Option<PathBuf>,
    /// Where helper programs are searched for, in the form of `PATH`; as for any program where it is none.
    pub helper_path: Option<OsString>,
    /// What stands in environment variables.
    pub environment: EnvironmentCredentials,
}

/// A file of Docker's or Podman's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFile {
    /// The path.
    pub path: PathBuf,
    /// Whether somebody named this very file, so that its absence is a mistake.
    pub must_exist: bool,
}

impl CredentialSources {
    /// What this process's environment says.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// What the environment variables say that `variable` gives.
    ///
    /// Sources: `containers-auth.json(5)`; Docker's `docker login` page and `DOCKER_CONFIG`.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let folder = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let home = folder("HOME").or_else(|| folder("USERPROFILE"));
        let below = |base: Option<PathBuf>, path: &str| base.map(|base| base.join(path));
        let in_home = |path: &str| below(home.clone(), path);
        let named = folder("REGISTRY_AUTH_FILE").map(|path| CredentialFile {
            path,
            must_exist: true,
        });
        let found = [
            below(folder("XDG_RUNTIME_DIR"), "containers/auth.json"),
            below(
                folder("XDG_CONFIG_HOME").or_else(|| in_home(".config")),
                "containers/auth.json",
            ),
            below(
                folder("DOCKER_CONFIG").or_else(|| in_home(".docker")),
                "config.json",
            ),
            in_home(".dockercfg"),
        ];
        let found = found.into_iter().flatten().map(|path| CredentialFile {
            path,
            must_exist: false,
        });
        Self {
            files: named.into_iter().chain(found).collect(),
            home,
            helper_path: None,
            environment: EnvironmentCredentials::from_variables(variable),
        }
    }

    /// The path as messages show it.
    pub(super) fn shown(&self, path: &Path) -> String {
        match self
            .home
            .as_ref()
            .and_then(|home| path.strip_prefix(home).ok())
        {
            Some(rest) => format!("~/{}", rest.display()),
            None => path.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(variables: &[(&str, &str)]) -> Vec<String> {
        let sources = CredentialSources::from_variables(|name| {
            let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(value))
        });
        sources
            .files
            .iter()
            .map(|file| sources.shown(&file.path))
            .collect()
    }

    #[test]
    fn files_are_searched_in_the_order_of_podman_and_then_docker() {
        assert_eq!(
            paths(&[
                ("HOME", "/home/ada"),
                ("REGISTRY_AUTH_FILE", "/ci/auth.json"),
                ("XDG_RUNTIME_DIR", "/run/user/1"),
            ]),
            [
                "/ci/auth.json",
                "/run/user/1/containers/auth.json",
                "~/.config/containers/auth.json",
                "~/.docker/config.json",
                "~/.dockercfg",
            ]
        );
    }

    #[test]
    fn variables_move_the_folders() {
        assert_eq!(
            paths(&[
                ("XDG_CONFIG_HOME", "/x"),
                ("DOCKER_CONFIG", "/d"),
                ("HOME", "")
            ]),
            ["/x/containers/auth.json", "/d/config.json"]
        );
    }
}
