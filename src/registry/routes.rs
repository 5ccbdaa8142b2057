//! From a reference to the hosts that answer for it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use thiserror::Error;

use super::host::Host;
use super::hosts_file::HostsFolders;
use super::registries_conf::{Plan, RegistriesConf};
use super::registry_host::RegistryHost;
use super::setback::Setback;
use super::way::Way;
use super::ways::Ways;
use super::{Options, RegistryError};
use crate::facts::{Identity, Refusal, RefusalReason};
use crate::oci::Reference;

/// What the settings say of who answers for which reference.
#[derive(Debug)]
pub struct Routes {
    mirrors: Vec<(String, Way)>,
    registries: RegistriesConf,
    hosts_folders: HostsFolders,
    plain_http: Vec<String>,
    per_host: usize,
    hosts: Mutex<HashMap<Key, Arc<[Host]>>>,
}

/// A registry, and the table that is about it.
type Key = (String, Option<Table>);

/// The prefix of a table of `registries.conf`, and whether a digest is named.
type Table = (String, bool);

/// A registry that the nodes may not ask.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("registry {registry} is blocked in {}", file.display())]
pub struct Blocked {
    /// The registry.
    pub registry: String,
    /// The file that forbids it.
    pub file: PathBuf,
}

impl Routes {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// Where a file, or the address of a mirror, cannot be used.
    pub fn new(options: &Options) -> Result<Self, RegistryError> {
        let mirrors = options.mirrors.iter().map(|(registry, url)| {
            let way = Way::mirror(url).map_err(|reason| RegistryError::Mirror {
                registry: registry.clone(),
                reason,
            })?;
            Ok((registry.clone(), way))
        });
        Ok(Self {
            mirrors: mirrors.collect::<Result<_, _>>()?,
            registries: RegistriesConf::read(options)?,
            hosts_folders: HostsFolders::read(options)?,
            plain_http: options.plain_http.clone(),
            per_host: options.per_host,
            hosts: Mutex::default(),
        })
    }

    /// The hosts that a node asks for `reference`, in its order: the mirrors of the registry, then what files say of it, then
    /// the registry itself.
    ///
    /// # Errors
    ///
    /// Where a node would not ask at all.
    pub fn hosts(&self, reference: &Reference) -> Result<Vec<RegistryHost>, Blocked> {
        let registry = reference.registry();
        let (_, ways) = self.plan(reference)?;
        let host = |way| RegistryHost::on(way, registry, reference.api_host(), &self.plain_http);
        Ok(ways.into_iter().map(host).collect())
    }

    /// The same with what is known of each host, which all references share that are asked for there alike.
    pub(super) fn to(&self, reference: &Reference) -> Result<Ways, Setback> {
        let registry = reference.registry();
        let (table, ways) = self.plan(reference).map_err(|blocked| refusal(&blocked))?;
        let repositories = ways.iter().map(|way| way.repository.clone()).collect();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = hosts
            .entry((registry.to_owned(), table))
            .or_insert_with(|| {
                let host = |way| {
                    let is =
                        RegistryHost::on(way, registry, reference.api_host(), &self.plain_http);
                    Host::new(is, self.per_host)
                };
                ways.into_iter().map(host).collect()
            });
        Ok(Ways {
            hosts: Arc::clone(hosts),
            repositories,
            settled: OnceLock::new(),
        })
    }

    /// The ways to a reference, and which table of `registries.conf` is about it.
    fn plan(&self, reference: &Reference) -> Result<(Option<Table>, Vec<Way>), Blocked> {
        let registry = reference.registry();
        let (table, planned) = match self.registries.plan(reference) {
            Some((_, Plan::Blocked(file))) => {
                return Err(Blocked {
                    registry: registry.to_owned(),
                    file,
                });
            }
            Some((prefix, Plan::Ways(ways))) => {
                let is_pinned = reference.digest().is_some();
                (Some((prefix.to_owned(), is_pinned)), Some(ways))
            }
            None => (None, None),
        };
        let mirrors = self.mirrors.iter().filter(|(of, _)| of == registry);
        let ways = mirrors
            .map(|(_, way)| way.clone())
            .chain(planned.unwrap_or_else(|| self.hosts_folders.ways(registry)))
            .collect();
        Ok((table, ways))
    }

    /// What a name without a host means; nothing where no file says it.
    #[must_use]
    pub fn meant_by(&self, name: &str) -> Option<Reference> {
        self.registries.meant_by(name)
    }
}

fn refusal(blocked: &Blocked) -> Refusal {
    Refusal {
        reason: RefusalReason::Forbidden,
        status: None,
        message: blocked.to_string(),
        identity: Identity::Anonymous,
        by_token_service: false,
        nearest_tags: Vec::new(),
    }
}
