//! containerd's `hosts.toml` folders: which hosts a node asks in place of a registry, in which order and how.
//!
//! Source: containerd `docs/hosts.md` and `core/remotes/docker/config/hosts.go`. Where containerd would skip the
//! verification of a certificate, it is verified here all the same: whether an image is there must not hang on a forged
//! answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use toml::Spanned;

use super::client::{self, TrustFiles};
use super::content::read_bounded;
use super::way::{Address, SKIP_VERIFY, Way};
use super::{Options, RegistryError};

/// The most bytes of a hosts file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// The most entries of a folder that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// The folder for registries that have none of their own.
const DEFAULT: &str = "_default";

/// The folders of `hosts.toml` files, read.
#[derive(Debug, Default)]
pub(super) struct HostsFolders {
    by_name: BTreeMap<String, Vec<Way>>,
}

/// The file. The tables of hosts are in the order of their places.
#[derive(Deserialize)]
struct RawFile {
    server: Option<String>,
    #[serde(default)]
    host: BTreeMap<Spanned<String>, RawHost>,
}

#[derive(Deserialize, Default)]
struct RawHost {
    #[serde(default)]
    capabilities: Vec<String>,
    ca: Option<OneOrMany<PathBuf>>,
    client: Option<OneOrMany<OneOrMany<PathBuf>>>,
    #[serde(default)]
    skip_verify: bool,
    #[serde(default)]
    header: BTreeMap<String, OneOrMany<String>>,
    #[serde(default)]
    override_path: bool,
    dial_timeout: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl HostsFolders {
    /// Reads the folders, the first of which has the word where several have one for the same registry.
    pub fn read(options: &Options) -> Result<Self, RegistryError> {
        let mut by_name = BTreeMap::new();
        for folder in &options.hosts_dirs {
            let entries = fs::read_dir(folder).map_err(|error| fault(folder, &error))?;
            for entry in entries.flatten().take(MAX_ENTRIES) {
                let path = entry.path();
                if let (true, Ok(name)) = (path.is_dir(), entry.file_name().into_string())
                    && !by_name.contains_key(&name)
                {
                    by_name.insert(name, read_folder(&path, options)?);
                }
            }
        }
        Ok(Self { by_name })
    }

    /// The ways to a registry, in order: from the folder `host_port_`, else `host:port`, else `_default`.
    pub fn ways(&self, registry: &str) -> Vec<Way> {
        let with_port = registry
            .rsplit_once(':')
            .map(|(host, port)| format!("{host}_{port}_"));
        [with_port.as_deref(), Some(registry), Some(DEFAULT)]
            .into_iter()
            .flatten()
            .find_map(|name| self.by_name.get(name))
            .cloned()
            .unwrap_or_else(|| vec![Way::own()])
    }
}

fn fault(path: &Path, reason: &impl ToString) -> RegistryError {
    RegistryError::HostsFile {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

fn read_folder(folder: &Path, options: &Options) -> Result<Vec<Way>, RegistryError> {
    let path = folder.join("hosts.toml");
    if !path.exists() {
        let mut way = Way::own();
        trusting(&mut way, &certificates(folder), options)?;
        return Ok(vec![way]);
    }
    let bytes = read_bounded(&path, MAX_FILE_BYTES).map_err(|error| fault(&path, &error))?;
    let text = str::from_utf8(&bytes).map_err(|error| fault(&path, &error))?;
    let bad = |error: toml::de::Error| fault(&path, &error.to_string().trim_end());
    let file: RawFile = toml::from_str(text).map_err(bad)?;
    let own: RawHost = toml::from_str(text).map_err(bad)?;
    let mut hosts: Vec<_> = file.host.into_iter().collect();
    hosts.sort_by_key(|(name, _)| name.span().start);
    let mut ways = Vec::new();
    for (name, host) in hosts {
        ways.push(host.way(Some(name.as_ref()), &path, options)?);
    }
    ways.push(own.way(file.server.as_deref(), &path, options)?);
    Ok(ways)
}

impl RawHost {
    fn way(
        self,
        server: Option<&str>,
        file: &Path,
        options: &Options,
    ) -> Result<Way, RegistryError> {
        let mut way = Way::own();
        let server = server.filter(|server| !server.is_empty());
        if let Some(server) = server {
            let address = Address::parse(server, self.override_path);
            way.address = Some(address.map_err(|reason| fault(file, &reason))?);
            way.tells_namespace = true;
            // containerd gives a server that is not named all capabilities, whatever the file says.
            (way.resolves, way.pulls) = self.capabilities(file)?;
        }
        way.headers = self.headers(file)?;
        way.file = Some(file.to_owned());
        way.unverified_by = self.skip_verify.then_some(SKIP_VERIFY);
        trusting(&mut way, &self.trust(file)?, options)?;
        Ok(way)
    }

    /// Whether tags and whether content is asked for.
    fn capabilities(&self, file: &Path) -> Result<(bool, bool), RegistryError> {
        let named = |name: &str| {
            let mut all = self.capabilities.iter();
            self.capabilities.is_empty() || all.any(|own| own.eq_ignore_ascii_case(name))
        };
        let known = ["pull", "resolve", "push"];
        for capability in &self.capabilities {
            if !known.contains(&capability.to_lowercase().as_str()) {
                let words = format!("{capability:?} is no capability: write pull, resolve or push");
                return Err(fault(file, &words));
            }
        }
        Ok((named("resolve"), named("pull")))
    }

    fn headers(&self, file: &Path) -> Result<HeaderMap, RegistryError> {
        let mut headers = HeaderMap::new();
        for (name, values) in &self.header {
            let values = match values {
                OneOrMany::One(value) => std::slice::from_ref(value),
                OneOrMany::Many(values) => values,
            };
            for value in values {
                let (Ok(name), Ok(mut value)) = (
                    HeaderName::from_bytes(name.as_bytes()),
                    HeaderValue::from_str(value),
                ) else {
                    return Err(fault(file, &format!("{name:?} cannot be sent as a header")));
                };
                value.set_sensitive(true);
                headers.append(name, value);
            }
        }
        Ok(headers)
    }

    fn trust(self, file: &Path) -> Result<TrustFiles, RegistryError> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut trust = TrustFiles {
            connect_timeout: self
                .dial_timeout
                .as_deref()
                .map(|text| duration(text).map_err(|reason| fault(file, &reason)))
                .transpose()?,
            ca_files: self.ca.map_or_else(Vec::new, OneOrMany::into_vec),
            ..TrustFiles::default()
        };
        for pair in self.client.map_or_else(Vec::new, OneOrMany::into_vec) {
            trust.identity = match pair.into_vec().as_slice() {
                _ if trust.identity.is_some() => {
                    return Err(fault(file, &"it names more than one client certificate"));
                }
                [both] => Some((folder.join(both), None)),
                [certificate, key] => Some((folder.join(certificate), Some(folder.join(key)))),
                _ => return Err(fault(file, &"a client is a certificate and its key")),
            };
        }
        for path in &mut trust.ca_files {
            *path = folder.join(&path);
        }
        Ok(trust)
    }
}

/// A duration as Go writes it: `1.5s`, `200ms`, `1m30s` (<https://pkg.go.dev/time#ParseDuration>).
fn duration(text: &str) -> Result<Duration, String> {
    let unsound = || format!("{text:?} is no dial_timeout: write a number and a unit, as in 5s");
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, behind) = rest.split_at(end.ok_or_else(unsound)?);
        let number: f64 = number.parse().map_err(|_| unsound())?;
        let end = behind
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(behind.len());
        let (unit, next) = behind.split_at(end);
        seconds += number
            * match unit {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(unsound()),
            };
        rest = next;
    }
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero())
        .ok_or_else(unsound)
}

/// The certificates in a folder without `hosts.toml`, by Docker's names: `*.crt` is an authority, `*.cert` with `*.key` a
/// client certificate.
fn certificates(folder: &Path) -> TrustFiles {
    let mut trust = TrustFiles::default();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .take(MAX_ENTRIES)
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    for path in paths {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("crt") => trust.ca_files.push(path),
            Some("cert") if trust.identity.is_none() => {
                let key = path.with_extension("key");
                trust.identity = Some((path, key.exists().then_some(key)));
            }
            _ => {}
        }
    }
    trust
}

/// Gives a way the trust of these files, and a client with it.
fn trusting(way: &mut Way, files: &TrustFiles, options: &Options) -> Result<(), RegistryError> {
    way.trust = Arc::new(files.read()?);
    if !way.trust.is_usual() {
        way.client = Some(client::build(options, &way.trust)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn read(files: &[(&str, &str)]) -> Result<HostsFolders, String> {
        let folder = TempDir::new().expect("a folder");
        for (name, text) in files {
            let folder = folder.path().join(name);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("hosts.toml"), text).expect("a file");
        }
        HostsFolders::read(&Options {
            hosts_dirs: vec![folder.path().to_owned()],
            ..Options::default()
        })
        .map_err(|error| error.to_string())
    }

    fn shown(ways: &[Way]) -> Vec<String> {
        let show = |way: &Way| {
            let address = way.address.as_ref().map_or_else(
                || "itself".to_owned(),
                |at| {
                    let scheme = if at.tls { "https" } else { "http" };
                    format!("{scheme}://{}{}", at.authority, at.path)
                },
            );
            let can = match (way.resolves, way.pulls) {
                (true, true) => "all",
                (true, false) => "resolve",
                (false, true) => "pull",
                (false, false) => "nothing",
            };
            format!("{address} {can}")
        };
        ways.iter().map(show).collect()
    }

    #[test]
    fn hosts_come_in_the_order_of_the_file_and_the_server_last() {
        let text = r#"
            server = "https://registry-1.docker.io"
            [host."https://z.example"]
              capabilities = ["pull", "Resolve"]
            [host."http://a.example:5000/proxy"]
              capabilities = ["pull"]
              [host."http://a.example:5000/proxy".header]
                x-team = "shop"
            [host."m.example/api/hub"]
              override_path = true
              dial_timeout = "1s"
        "#;
        let folders = read(&[("docker.io", text)]).expect("sound");
        assert_eq!(
            shown(&folders.ways("docker.io")),
            [
                "https://z.example/v2 all",
                "http://a.example:5000/proxy/v2 pull",
                "https://m.example/api/hub all",
                "https://registry-1.docker.io/v2 all",
            ]
        );
        assert_eq!(folders.ways("docker.io")[1].headers["x-team"], "shop");
        assert_eq!(shown(&folders.ways("quay.io")), ["itself all"]);
    }

    #[test]
    fn the_most_specific_folder_has_the_word_and_default_the_last() {
        let mirror = |name: &str| format!("[host.\"https://{name}\"]\n");
        let folders = read(&[
            ("r.example_5000_", &mirror("port")),
            ("r.example", &mirror("plain")),
            ("_default", &mirror("default")),
        ])
        .expect("sound");
        for (registry, first) in [
            ("r.example:5000", "https://port/v2 all"),
            ("r.example", "https://plain/v2 all"),
            ("other.example", "https://default/v2 all"),
        ] {
            let ways = shown(&folders.ways(registry));
            assert_eq!(ways, [first, "itself all"], "{registry}");
        }
    }

    #[test]
    fn a_dial_timeout_is_a_duration_of_go() {
        for (text, millis) in [
            ("1s", 1000),
            ("200ms", 200),
            ("1m30.5s", 90_500),
            ("1h", 3_600_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "1 s", "-1s", "0s", "1d", "1e400h", "1..2s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_file() {
        for (text, words) in [
            ("server = 7", "invalid type"),
            (
                "[host.\"https://a\"]\ncapabilities = [\"pul\"]",
                "\"pul\" is no capability",
            ),
            ("[host.\"ftp://a b\"]", "is no"),
            ("[host.\"https://u:p@a\"]", "holds no credentials"),
            ("ca = \"missing.pem\"", "missing.pem"),
            (
                "client = [[\"a\", \"b\", \"c\"]]",
                "certificate and its key",
            ),
            ("[header]\n\"a b\" = \"c\"", "cannot be sent"),
            (
                "[host.\"https://a\"]\ndial_timeout = \"soon\"",
                "is no dial_timeout",
            ),
        ] {
            let fault = read(&[("a.io", text)]).expect_err(text);
            assert!(fault.contains(words), "{text}: {fault}");
            assert!(!fault.contains("u:p"), "{fault}");
        }
    }
}
