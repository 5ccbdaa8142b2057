//! How registries are asked.

use std::path::PathBuf;
use std::time::Duration;

use super::{CredentialSources, Proxies};

/// How registries are asked.
#[derive(Debug, Clone)]
pub struct Options {
    /// Hosts, as `host` or `host:port`, that are asked over plain HTTP. Nothing else is, but for loopback addresses.
    pub plain_http: Vec<String>,
    /// PEM files with certificate authorities that are trusted beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// containerd's folders of `hosts.toml` files, such as `/etc/containerd/certs.d`. The first has the word.
    pub hosts_dirs: Vec<PathBuf>,
    /// Files of Podman's and CRI-O's format, such as `/etc/containers/registries.conf`, each with its folder `FILE.d`. What they
    /// say of a reference counts before the folders of `hosts.toml` files.
    pub registries_confs: Vec<PathBuf>,
    /// Mirrors, as a registry and an address, that are asked in this order before the registry and what files say of it.
    pub mirrors: Vec<(String, String)>,
    /// Layout folders that answer in place of a registry. The most specific mapping wins.
    pub layouts: Vec<LayoutMapping>,
    /// How many references are looked up at a time.
    pub concurrency: usize,
    /// How many requests one host gets at a time.
    pub per_host: usize,
    /// How long one question may take, with redirects, tokens and all tries.
    pub timeout: Duration,
    /// How often a question that failed for a passing reason is asked again.
    pub retries: u32,
    /// Where credentials come from.
    pub credentials: CredentialSources,
    /// The proxies that lead to registries.
    pub proxies: Proxies,
    /// Where content is kept between runs; nothing is kept where it is none.
    pub cache_dir: Option<PathBuf>,
    /// Whether only layouts answer.
    pub offline: bool,
    /// Whether it is asked of every config and layer whether it is there.
    pub verify_blobs: bool,
    /// Whether it is asked what the tag points to, where a reference has a digest too.
    pub compare_tags: bool,
    /// The `User-Agent`.
    pub user_agent: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plain_http: Vec::new(),
            ca_files: Vec::new(),
            hosts_dirs: Vec::new(),
            registries_confs: Vec::new(),
            mirrors: Vec::new(),
            layouts: Vec::new(),
            concurrency: 64,
            per_host: 64,
            timeout: Duration::from_secs(30),
            retries: 3,
            credentials: CredentialSources::default(),
            proxies: Proxies::default(),
            cache_dir: None,
            offline: false,
            verify_blobs: false,
            compare_tags: false,
            user_agent: concat!("oci-preflight/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A layout folder that answers for a registry, or for a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutMapping {
    /// `registry.example.com`, or `registry.example.com/team` for the repositories below `team`.
    pub host_prefix: String,
    /// The folder that holds `oci-layout`, `index.json` and `blobs`.
    pub folder: PathBuf,
}

impl LayoutMapping {
    /// Whether the mapping answers for the repository `name`, given with its host. Prefixes end at a `/`.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        name.strip_prefix(self.host_prefix.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_covers_whole_path_segments() {
        let mapping = |prefix: &str| LayoutMapping {
            host_prefix: prefix.to_owned(),
            folder: PathBuf::new(),
        };
        for (prefix, name, covers) in [
            (
                "registry.example.com",
                "registry.example.com/shop/cart",
                true,
            ),
            (
                "registry.example.com/shop",
                "registry.example.com/shop/cart",
                true,
            ),
            (
                "registry.example.com/shop/",
                "registry.example.com/shop/cart",
                true,
            ),
            (
                "registry.example.com/sh",
                "registry.example.com/shop/cart",
                false,
            ),
            (
                "registry.example.com",
                "registry.example.com:5000/shop",
                false,
            ),
        ] {
            assert_eq!(mapping(prefix).covers(name), covers, "{prefix} {name}");
        }
    }
}
