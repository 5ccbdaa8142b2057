//! From a reference to the hosts that answer for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::host::Host;
use super::hosts_file::HostsFolders;
use super::registries_conf::{Plan, RegistriesConf};
use super::setback::Setback;
use super::way::Way;
use super::ways::Ways;
use super::{Options, RegistryError};
use crate::facts::{Identity, Refusal, RefusalReason};
use crate::oci::Reference;

/// What the settings say of who answers for which reference.
#[derive(Debug)]
pub(super) struct Routes {
    mirrors: Vec<(String, Way)>,
    registries: RegistriesConf,
    hosts_folders: HostsFolders,
    plain_http: Vec<String>,
    per_host: usize,
    hosts: Mutex<HashMap<Key, Arc<[Host]>>>,
}

/// A registry; the prefix of the table that is about it, and whether a digest is named.
type Key = (String, Option<(String, bool)>);

impl Routes {
    /// Reads the files.
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

    /// The mirrors of the registry, then what its files say, then the registry itself. A refusal where a node would not ask
    /// at all.
    pub fn to(&self, reference: &Reference) -> Result<Ways, Setback> {
        let registry = reference.registry();
        let (table, planned) = match self.registries.plan(reference) {
            Some((_, Plan::Blocked(file))) => {
                let words = format!("registry {registry} is blocked in {}", file.display());
                return Err(blocked(words).into());
            }
            Some((prefix, Plan::Ways(ways))) => {
                let is_pinned = reference.digest().is_some();
                (Some((prefix.to_owned(), is_pinned)), Some(ways))
            }
            None => (None, None),
        };
        let mirrors = self.mirrors.iter().filter(|(of, _)| of == registry);
        let ways: Vec<Way> = mirrors
            .map(|(_, way)| way.clone())
            .chain(planned.unwrap_or_else(|| self.hosts_folders.ways(registry)))
            .collect();
        let repositories = ways.iter().map(|way| way.repository.clone()).collect();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let hosts = hosts
            .entry((registry.to_owned(), table))
            .or_insert_with(|| {
                let host = |way| {
                    Host::on(
                        way,
                        registry,
                        reference.api_host(),
                        &self.plain_http,
                        self.per_host,
                    )
                };
                ways.into_iter().map(host).collect()
            });
        Ok(Ways {
            hosts: Arc::clone(hosts),
            repositories,
        })
    }

    /// What a name without a host means; nothing where no file says it.
    pub fn meant_by(&self, name: &str) -> Option<Reference> {
        self.registries.meant_by(name)
    }
}

fn blocked(words: String) -> Refusal {
    Refusal {
        reason: RefusalReason::Forbidden,
        status: None,
        message: words,
        identity: Identity::Anonymous,
        by_token_service: false,
        nearest_tags: Vec::new(),
    }
}
