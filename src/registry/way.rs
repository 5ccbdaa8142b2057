//! One way to a registry: a host that answers for it, and how it is asked.

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{Client, Url};

use super::client::Trust;

/// The key of `registries.conf` for a host whose certificate is not verified, and that may have none at all.
pub(super) const INSECURE: &str = "insecure";
/// The key of `hosts.toml` for a host whose certificate is not verified.
pub(super) const SKIP_VERIFY: &str = "skip_verify";

/// A host that answers for a registry, and how it is asked.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a word of a node's files about a host"
)]
pub(super) struct Way {
    /// Where its API begins; nothing is said of the registry's own place.
    pub address: Option<Address>,
    /// The name that the repository has there, where it is another one.
    pub repository: Option<String>,
    /// Whether the host is told in `ns` whose content is wanted.
    pub tells_namespace: bool,
    /// Whether tags are asked for there.
    pub resolves: bool,
    /// Whether content is asked for there.
    pub pulls: bool,
    /// The host's own trust.
    pub trust: Arc<Trust>,
    /// The client with it, where there is any.
    pub client: Option<Client>,
    /// What is sent along with each request.
    pub headers: HeaderMap,
    /// The key by which a node takes any certificate of it. It is not heeded here: whether an image is there must not hang on
    /// a forged answer.
    pub unverified_by: Option<&'static str>,
    /// Whether a node that has got the manifest here asks no other host for the rest, as CRI-O does (`containers/image`,
    /// `docker/docker_image_src.go`, `newImageSource`). containerd asks the next one for whatever one does not give out
    /// (`core/remotes/docker/fetcher.go`).
    pub serves_alone: bool,
    /// The file that says so.
    pub file: Option<PathBuf>,
}

/// The beginning of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub tls: bool,
    /// `host` or `host:port`.
    pub authority: String,
    /// Such as `/v2`; empty or beginning with a `/`.
    pub path: String,
}

impl Way {
    /// The registry itself, as it is asked where nothing is said about it.
    pub fn own() -> Self {
        Self {
            address: None,
            repository: None,
            tells_namespace: false,
            resolves: true,
            pulls: true,
            trust: Arc::default(),
            client: None,
            headers: HeaderMap::new(),
            unverified_by: None,
            serves_alone: false,
            file: None,
        }
    }

    /// Whether plain HTTP is spoken where TLS is not.
    pub fn may_be_plain(&self) -> bool {
        self.unverified_by == Some(INSECURE)
    }

    /// A mirror that is asked for everything before the registry itself.
    pub fn mirror(url: &str) -> Result<Self, String> {
        Ok(Self {
            address: Some(Address::parse(url, false)?),
            tells_namespace: true,
            ..Self::own()
        })
    }
}

impl Address {
    /// Reads a web address; one without a scheme is TLS. `/v2` is added but where `override_path` says that the path is whole.
    pub fn parse(text: &str, override_path: bool) -> Result<Self, String> {
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let url = Url::parse(&whole).map_err(|error| format!("{text} is no address: {error}"))?;
        let host = url
            .host_str()
            .filter(|_| matches!(url.scheme(), "https" | "http"))
            .ok_or_else(|| format!("{text} is no web address"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address holds no credentials; write them in a credentials file".into());
        }
        let path = url.path().trim_end_matches('/');
        Ok(Self {
            tls: url.scheme() == "https",
            authority: url
                .port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            path: if override_path || path.ends_with("/v2") {
                path.to_owned()
            } else {
                format!("{path}/v2")
            },
        })
    }
}
