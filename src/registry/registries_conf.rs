//! `registries.conf`, which says whom nodes with CRI-O ask in place of a registry.
//!
//! Source: `containers-registries.conf(5)`, version 2, and `containers-registries.conf.d(5)`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::content::read_bounded;
use super::way::{Address, INSECURE, Way};
use super::{Options, RegistryError};
use crate::oci::Reference;

/// The most bytes of a file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// The most files of a drop-in folder.
const MAX_FILES: usize = 1000;

/// All files, merged.
#[derive(Debug, Default)]
pub(super) struct RegistriesConf {
    plain_http: Vec<String>,
    by_prefix: BTreeMap<String, Table>,
    /// What names without a host mean.
    aliases: BTreeMap<String, String>,
    /// Where names without a host and an alias are looked for.
    search: Vec<String>,
}

/// What is said of the references that begin with a prefix.
#[derive(Debug, Clone)]
struct Table {
    file: PathBuf,
    location: Option<String>,
    insecure: bool,
    blocked: bool,
    mirrors: Vec<Mirror>,
}

#[derive(Debug, Clone)]
struct Mirror {
    location: String,
    insecure: bool,
    tags: bool,
    digests: bool,
}

/// How a reference is pulled.
#[derive(Debug)]
pub(super) enum Plan {
    /// From these, in order.
    Ways(Vec<Way>),
    /// Not at all: this file forbids it.
    Blocked(PathBuf),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawFile {
    #[serde(default)]
    registry: Vec<RawTable>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    unqualified_search_registries: Option<Vec<String>>,
    registries: Option<toml::Table>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawTable {
    prefix: Option<String>,
    location: Option<String>,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<RawMirror>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawMirror {
    location: String,
    #[serde(default)]
    insecure: bool,
    pull_from_mirror: Option<String>,
}

impl RegistriesConf {
    /// Reads files, each with the `*.conf` files of the folder `FILE.d` beside it, in their order. What a later file says of
    /// a prefix stands in place of what an earlier one says.
    pub fn read(options: &Options) -> Result<Self, RegistryError> {
        let mut conf = Self {
            plain_http: options.plain_http.clone(),
            ..Self::default()
        };
        for file in &options.registries_confs {
            for path in std::iter::once(file.clone()).chain(drop_ins(file)) {
                conf.add(&path)?;
            }
        }
        Ok(conf)
    }

    fn add(&mut self, path: &Path) -> Result<(), RegistryError> {
        let bytes = read_bounded(path, MAX_FILE_BYTES).map_err(|error| fault(path, &error))?;
        let text = str::from_utf8(&bytes).map_err(|error| fault(path, &error))?;
        let file: RawFile = toml::from_str(text).map_err(|error| fault(path, &error))?;
        if file.registries.is_some() {
            let words = "it has version 1 of the format, which nodes no longer read: write [[registry]] tables";
            return Err(fault(path, &words));
        }
        for table in file.registry {
            let (prefix, table) = table.read(path).map_err(|reason| fault(path, &reason))?;
            self.by_prefix.insert(prefix, table);
        }
        self.aliases.extend(file.aliases);
        if let Some(search) = file.unqualified_search_registries {
            self.search = search;
        }
        Ok(())
    }

    /// What a name without a host means to a node: its alias, else the same name at the first of the registries that are
    /// searched. Nothing for a name with a host, and where no file says anything.
    pub fn meant_by(&self, name: &str) -> Option<Reference> {
        let first = name.split('/').next()?;
        let has_host = first != name && (first.contains(['.', ':']) || first == "localhost");
        if has_host {
            return None;
        }
        let end = name.find([':', '@']).unwrap_or(name.len());
        let (repository, rest) = name.split_at(end);
        let whole = match self
            .aliases
            .get(repository)
            .filter(|target| !target.is_empty())
        {
            Some(target) => format!("{target}{rest}"),
            None => format!("{}/{name}", self.search.first()?),
        };
        whole.parse().ok()
    }

    /// How a reference is pulled, and by which prefix; nothing where no table is about it.
    pub fn plan(&self, reference: &Reference) -> Option<(&str, Plan)> {
        if self.by_prefix.is_empty() {
            return None;
        }
        let name = reference.to_string();
        let (matched, prefix, table) = self
            .by_prefix
            .iter()
            .filter_map(|(prefix, table)| Some((matched(prefix, &name)?, prefix, table)))
            .max_by_key(|(matched, ..)| *matched)?;
        if table.blocked {
            return Some((prefix, Plan::Blocked(table.file.clone())));
        }
        let rest = reference
            .name()
            .get(matched..)
            .unwrap_or_default()
            .to_owned();
        let is_pinned = reference.digest().is_some();
        let mirrors = table
            .mirrors
            .iter()
            .filter(|mirror| {
                if is_pinned {
                    mirror.digests
                } else {
                    mirror.tags
                }
            })
            .map(|mirror| {
                self.way(
                    table,
                    Some(&mirror.location),
                    mirror.insecure,
                    reference,
                    &rest,
                )
            });
        let own = self.way(
            table,
            table.location.as_deref(),
            table.insecure,
            reference,
            &rest,
        );
        Some((prefix, Plan::Ways(mirrors.chain([own]).collect())))
    }

    /// A location stands in place of the prefix; `rest` is what is behind the prefix.
    fn way(
        &self,
        table: &Table,
        location: Option<&str>,
        insecure: bool,
        reference: &Reference,
        rest: &str,
    ) -> Way {
        let own = Way {
            file: Some(table.file.clone()),
            unverified_by: insecure.then_some(INSECURE),
            serves_alone: true,
            ..Way::own()
        };
        let Some(location) = location else {
            return own;
        };
        let whole = format!("{location}{rest}");
        let (host, repository) = whole.split_once('/').unwrap_or((&whole, ""));
        Way {
            address: (host != reference.registry()).then(|| Address {
                tls: !self.plain_http.iter().any(|plain| plain == host),
                authority: if host == "docker.io" {
                    "registry-1.docker.io".to_owned()
                } else {
                    host.to_owned()
                },
                path: "/v2".to_owned(),
            }),
            repository: (repository != reference.repository()).then(|| repository.to_owned()),
            ..own
        }
    }
}

/// How many bytes of a name a prefix covers (`containers/image`, `pkg/sysregistriesv2`, `refMatchesPrefix`).
fn matched(prefix: &str, name: &str) -> Option<usize> {
    let end = match prefix.strip_prefix('*') {
        Some(domain) => {
            let at = name.find(domain)?;
            (!name[..at].contains('/')).then_some(at + domain.len())?
        }
        None => name.starts_with(prefix).then_some(prefix.len())?,
    };
    matches!(name.as_bytes().get(end), None | Some(b':' | b'/' | b'@')).then_some(end)
}

fn fault(path: &Path, reason: &impl ToString) -> RegistryError {
    RegistryError::RegistriesConf {
        path: path.to_owned(),
        reason: reason.to_string().trim_end().to_owned(),
    }
}

fn drop_ins(file: &Path) -> Vec<PathBuf> {
    let mut folder = file.as_os_str().to_owned();
    folder.push(".d");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "conf")
        })
        .take(MAX_FILES)
        .collect();
    files.sort();
    files
}

impl RawTable {
    fn read(self, file: &Path) -> Result<(String, Table), String> {
        let location = self.location.map(|text| location(&text)).transpose()?;
        let prefix = match self.prefix.filter(|prefix| !prefix.is_empty()) {
            Some(prefix) => prefix.trim_end_matches('/').to_owned(),
            None => location
                .clone()
                .ok_or("a [[registry]] has neither prefix nor location")?,
        };
        if let Some(domain) = prefix.strip_prefix('*')
            && (!domain.starts_with('.') || domain.contains(['/', '*']))
        {
            return Err(format!(
                "the prefix {prefix:?} is none: `*` stands only before a domain, as in *.example.com"
            ));
        }
        let mut mirrors = Vec::new();
        for mirror in self.mirror {
            mirrors.push(mirror.read(self.mirror_by_digest_only)?);
        }
        Ok((
            prefix,
            Table {
                file: file.to_owned(),
                location,
                insecure: self.insecure,
                blocked: self.blocked,
                mirrors,
            },
        ))
    }
}

impl RawMirror {
    fn read(self, only_digests: bool) -> Result<Mirror, String> {
        let (tags, digests) = match self.pull_from_mirror.as_deref() {
            Some(_) if only_digests => {
                return Err(
                    "mirror-by-digest-only and pull-from-mirror exclude each other".to_owned(),
                );
            }
            None | Some("" | "all") => (!only_digests, true),
            Some("digest-only") => (false, true),
            Some("tag-only") => (true, false),
            Some(other) => {
                return Err(format!(
                    "pull-from-mirror is {other:?}: write all, digest-only or tag-only"
                ));
            }
        };
        Ok(Mirror {
            location: location(&self.location)?,
            insecure: self.insecure,
            tags,
            digests,
        })
    }
}

/// `host[:port][/path]`.
fn location(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err(format!(
            "the location {text:?} has a scheme: leave it away, and write insecure = true for plain HTTP"
        ));
    }
    let text = text.trim_end_matches('/');
    if text.contains('@') {
        return Err("a location holds no credentials; write them in a credentials file".to_owned());
    }
    Address::parse(text, true)?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
