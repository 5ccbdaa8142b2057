//! The credentials file of Docker and Podman: `config.json`, `auth.json` and the older `.dockercfg`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::secret::{CredentialKind, Secret};

/// Docker Hub's key, which helpers know it by (`docker/cli` `cli/config/types`).
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// A credentials file.
#[derive(Debug, Default, Deserialize)]
pub struct CredentialsDocument {
    #[serde(default)]
    auths: Option<BTreeMap<String, Entry>>,
    #[serde(rename = "credHelpers", default)]
    helpers: Option<BTreeMap<String, String>>,
    #[serde(rename = "credsStore", default)]
    store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    #[serde(default)]
    auth: Option<Secret>,
    #[serde(default)]
    username: Option<Secret>,
    #[serde(default)]
    password: Option<Secret>,
    #[serde(rename = "identitytoken", default)]
    identity_token: Option<Secret>,
    #[serde(rename = "registrytoken", default)]
    registry_token: Option<Secret>,
}

/// What a file says about a repository.
#[derive(Debug, PartialEq, Eq)]
pub enum Entrance<'a> {
    /// The credential under this key.
    Stored {
        /// The key as written.
        key: &'a str,
        /// The credential.
        kind: CredentialKind,
    },
    /// The program `docker-credential-NAME` knows it.
    Helper {
        /// The last part of the program's name.
        name: &'a str,
        /// What the program is asked for.
        server: String,
    },
}

impl CredentialsDocument {
    /// Reads a file. The error names the place and never the content.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let describe = |error: &serde_json::Error| {
            format!(
                "it is no credentials file (line {}, column {})",
                error.line(),
                error.column()
            )
        };
        let document: Self = serde_json::from_slice(text).map_err(|error| describe(&error))?;
        if document.auths.is_some() || document.helpers.is_some() || document.store.is_some() {
            return Ok(document);
        }
        // `.dockercfg` is the map of entries itself; a file with settings alone is none, and holds no credentials.
        Ok(Self {
            auths: serde_json::from_slice(text).ok(),
            ..Self::default()
        })
    }

    /// What the file says about `repository` at `registry`: the helper of the host, else the entry with the most
    /// specific path, else the store for all hosts.
    ///
    /// Sources: `containers-auth.json(5)` for paths, which end at a `/`; Docker's `docker login` page, "Credential
    /// helpers".
    pub fn entrance(&self, registry: &str, repository: &str) -> Option<Entrance<'_>> {
        let helpers = self.helpers.iter().flatten();
        if let Some((key, name)) = best(helpers, registry, repository) {
            return Some(Entrance::Helper {
                name,
                server: key.to_owned(),
            });
        }
        let auths = self.auths.iter().flatten();
        if let Some((key, entry)) = best(auths, registry, repository)
            && let Some(kind) = entry.kind()
        {
            return Some(Entrance::Stored { key, kind });
        }
        let name = self.store.as_deref().filter(|name| !name.is_empty())?;
        let server = if registry == "docker.io" {
            DOCKER_HUB_KEY.to_owned()
        } else {
            registry.to_owned()
        };
        Some(Entrance::Helper { name, server })
    }
}

/// The value under the most specific key that covers the repository. Of two spellings of one key, the plain one wins.
fn best<'a, V>(
    entries: impl Iterator<Item = (&'a String, &'a V)>,
    registry: &str,
    repository: &str,
) -> Option<(&'a str, &'a V)> {
    let name = format!("{registry}/{repository}");
    entries
        .filter_map(|(key, value)| {
            let normal = normal_key(key);
            let rest = name.strip_prefix(&normal)?;
            let covers = rest.is_empty() || rest.starts_with('/');
            let rank = (normal.len(), *key == normal);
            (covers && !normal.is_empty()).then_some((rank, key.as_str(), value))
        })
        .max_by_key(|(rank, ..)| *rank)
        .map(|(_, key, value)| (key, value))
}

/// A key as `host[:port][/path]`: without scheme, without the `/v1/` of old clients, and with one name for Docker Hub
/// (`docker/cli` `cli/config/credentials/file_store.go`, `ConvertToHostname`).
fn normal_key(key: &str) -> String {
    let key = ["https://", "http://"]
        .iter()
        .find_map(|scheme| key.strip_prefix(scheme))
        .unwrap_or(key);
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let host = match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        other => other,
    };
    match path.trim_matches('/') {
        "" | "v1" | "v2" => host.to_owned(),
        path => format!("{host}/{path}"),
    }
}

impl Entry {
    /// The credential of the entry: none where it is empty, which is what `docker login` leaves beside a store.
    fn kind(&self) -> Option<CredentialKind> {
        let said = |secret: &Option<Secret>| secret.clone().filter(|s| !s.reveal().is_empty());
        if let Some(token) = said(&self.registry_token) {
            return Some(CredentialKind::RegistryToken(token));
        }
        if let Some(token) = said(&self.identity_token) {
            return Some(CredentialKind::IdentityToken(token));
        }
        let (username, password) = said(&self.auth)
            .and_then(|auth| decode(auth.reveal()))
            .or_else(|| Some((said(&self.username)?, said(&self.password)?)))?;
        Some(CredentialKind::Password { username, password })
    }
}

/// `user:password` in base64. Some writers leave the padding away, some add NUL bytes (`docker/cli`
/// `cli/config/configfile/file.go`, `decodeAuth`).
fn decode(auth: &str) -> Option<(Secret, Secret)> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let decoded = String::from_utf8(LENIENT.decode(auth.trim()).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    let password = password.trim_end_matches('\0');
    (!username.is_empty()).then(|| {
        (
            Secret::new(username.to_owned()),
            Secret::new(password.to_owned()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn username(entrance: Option<Entrance<'_>>) -> Option<String> {
        match entrance {
            Some(Entrance::Stored {
                kind: CredentialKind::Password { username, .. },
                ..
            }) => Some(username.reveal().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn the_most_specific_path_wins_and_ends_at_a_slash() {
        let file = CredentialsDocument::parse(
            br#"{"auths":{"a.io":{"username":"host","password":"x"},
                 "https://a.io/team/":{"username":"team","password":"x"},
                 "a.io/team/app":{"username":"app","password":"x"}}}"#,
        )
        .expect("a file");
        for (repository, user) in [
            ("team/app", "app"),
            ("team/app/part", "app"),
            ("team/apple", "team"),
            ("teams/x", "host"),
        ] {
            assert_eq!(
                username(file.entrance("a.io", repository)).as_deref(),
                Some(user),
                "{repository}"
            );
        }
        assert_eq!(file.entrance("a.io:5000", "team/app"), None);
    }

    #[test]
    fn a_key_names_its_host_as_docker_reads_it() {
        for (key, host) in [
            ("a.io", "a.io"),
            ("https://a.io", "a.io"),
            ("http://a.io:5000/v2/", "a.io:5000"),
            ("[2001:db8::1]:5000", "[2001:db8::1]:5000"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("unix:///run/docker.sock", "unix:"),
        ] {
            let normal = normal_key(key);
            assert_eq!(normal.split('/').next(), Some(host), "{key}");
        }
    }

    #[test]
    fn a_helper_of_the_host_comes_first_and_the_store_last() {
        let file = CredentialsDocument::parse(
            br#"{"auths":{"a.io":{},"b.io":{"username":"b","password":"x"}},
                 "credHelpers":{"b.io":"ecr-login"},"credsStore":"desktop"}"#,
        )
        .expect("a file");
        let helper = |registry| match file.entrance(registry, "x") {
            Some(Entrance::Helper { name, server }) => format!("{name} {server}"),
            other => format!("{other:?}"),
        };
        assert_eq!(helper("b.io"), "ecr-login b.io");
        assert_eq!(helper("a.io"), "desktop a.io");
        assert_eq!(helper("docker.io"), "desktop https://index.docker.io/v1/");
    }

    #[test]
    fn trailing_nul_bytes_and_missing_padding_are_no_part_of_the_password() {
        for auth in ["YWRhOnB3AAA=", "YWRhOnB3AA==", "YWRhOnB3AAA"] {
            let (user, password) = decode(auth).expect(auth);
            assert_eq!((user.reveal(), password.reveal()), ("ada", "pw"), "{auth}");
        }
        assert_eq!(decode("bm9jb2xvbg=="), None);
        assert_eq!(decode("***"), None);
    }

    #[test]
    fn a_file_with_settings_alone_holds_no_credentials() {
        let file = CredentialsDocument::parse(br#"{"detachKeys":"ctrl-e","experimental":"on"}"#);
        assert_eq!(file.expect("a file").entrance("a.io", "x"), None);
    }

    #[test]
    fn a_broken_file_is_named_by_place_and_not_by_content() {
        let error = CredentialsDocument::parse(br#"{"auths":{"a.io":{"auth":hunter2}}}"#)
            .expect_err("no JSON");
        assert!(error.contains("line 1"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    /// The cases of the tests of Docker, Podman and go-containerregistry.
    #[allow(clippy::disallowed_methods, reason = "a test reads its cases")]
    #[test]
    fn entries_are_found_where_docker_and_podman_find_them() {
        let table =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/credentials.tsv");
        let table = std::fs::read_to_string(table).expect("the table of credentials");
        let mut checked = 0;
        for row in table.lines().skip(1) {
            let [id, system, config, lookup, matches, expected, ..] =
                row.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("{row}");
            };
            if system == "docker-cli-key-to-host" {
                let config: serde_json::Value = serde_json::from_str(config).expect(id);
                let normal = normal_key(config["key"].as_str().expect(id));
                assert_eq!(normal.split('/').next(), Some(expected), "{id}");
                checked += 1;
                continue;
            }
            if !["auth.json", "docker-config.json", ".dockercfg"]
                .iter()
                .any(|name| system.starts_with(name))
            {
                continue;
            }
            checked += 1;
            let document = CredentialsDocument::parse(config.as_bytes());
            if matches == "error" {
                assert!(document.is_err(), "{id}");
                continue;
            }
            let document = document.expect(id);
            let (registry, repository) = lookup.split_once('/').unwrap_or((lookup, "any"));
            let found = username(document.entrance(registry, repository));
            let wanted = (matches == "yes").then(|| expected.to_owned());
            assert_eq!(found, wanted, "{id}");
        }
        assert_eq!(checked, 28, "cases");
    }
}
