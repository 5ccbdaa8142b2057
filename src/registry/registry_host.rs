//! A host that answers for a registry, and how a node asks it.

use std::net::IpAddr;
use std::path::Path;

use reqwest::Url;
use reqwest::header::HeaderMap;

use super::client::Trust;
use super::request::Endpoint;
use super::way::{INSECURE, Way};
use crate::oci::Reference;

/// A host that answers for a registry: the registry itself, or one that files or settings name in its place.
#[derive(Debug, Clone)]
pub struct RegistryHost {
    /// The registry as references name it: `docker.io`, not `registry-1.docker.io`.
    registry: String,
    /// `host` or `host:port` of the API.
    authority: String,
    /// How it is asked, where the settings say.
    pub(super) way: Way,
    /// Whether it answers in place of the registry itself.
    is_mirror: bool,
    /// The registry that it answers for, where it is a mirror that is told so.
    namespace: Option<String>,
    /// Whether TLS is spoken.
    pub(super) tls: bool,
    /// Whether plain HTTP is only a guess.
    pub(super) is_ambiguous: bool,
}

impl RegistryHost {
    /// The registry itself.
    ///
    /// Plain HTTP is spoken with the hosts that are listed, and with loopback addresses. containerd tries TLS first on a
    /// loopback port other than 80 and 443 and falls back to plain HTTP (`core/remotes/docker/config/hosts.go`,
    /// `ConfigureHosts`); here plain HTTP comes first, without credentials, and TLS follows where the port wants it. The
    /// outcome is the same, but a certificate is verified, and a plain server is not kept waiting for a greeting that it
    /// does not know.
    pub(super) fn itself(registry: &str, authority: &str, plain_http: &[String]) -> Self {
        let listed = plain_http.iter().any(|host| host == authority);
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let guessed = !listed && is_loopback(authority) && !matches!(port, None | Some("443"));
        Self {
            registry: registry.to_owned(),
            authority: authority.to_owned(),
            way: Way::own(),
            is_mirror: false,
            namespace: None,
            tls: !listed && !guessed,
            is_ambiguous: guessed && port != Some("80"),
        }
    }

    /// The host that answers for `registry`, whose API is at `authority`, on one way. It is the registry itself, or a
    /// mirror, which has credentials of its own and is told in `ns` whose content is wanted.
    pub(super) fn on(way: Way, registry: &str, authority: &str, plain_http: &[String]) -> Self {
        let Some(address) = way.address.clone() else {
            return Self {
                way,
                ..Self::itself(registry, authority, plain_http)
            };
        };
        let itself = address.authority == authority;
        let name = if itself { registry } else { &address.authority };
        Self {
            is_mirror: !itself,
            namespace: (!itself && way.tells_namespace).then(|| registry.to_owned()),
            way,
            tls: address.tls,
            is_ambiguous: false,
            ..Self::itself(name, &address.authority, &[])
        }
    }

    /// The registry as references and credentials name it.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// `host` or `host:port` of the API.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether it answers in place of the registry itself.
    #[must_use]
    pub const fn is_mirror(&self) -> bool {
        self.is_mirror
    }

    /// The file that names it, or says how it is asked.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.way.file.as_deref()
    }

    /// Whether a node speaks TLS with it, where it can.
    #[must_use]
    pub const fn wants_tls(&self) -> bool {
        self.tls || self.is_ambiguous
    }

    /// Whether a node speaks plain HTTP with it where TLS is not spoken.
    #[must_use]
    pub fn may_be_plain(&self) -> bool {
        self.is_ambiguous || self.way.may_be_plain()
    }

    /// The key in the file by which a node takes any certificate of it.
    #[must_use]
    pub const fn unverified_by(&self) -> Option<&'static str> {
        self.way.unverified_by
    }

    /// Whether a node falls back to plain HTTP whatever keeps it from TLS.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.unverified_by() == Some(INSECURE)
    }

    /// Whether a node asks it what a tag stands for.
    #[must_use]
    pub const fn resolves(&self) -> bool {
        self.way.resolves && self.way.pulls
    }

    /// Whether a node asks it for content.
    #[must_use]
    pub const fn pulls(&self) -> bool {
        self.way.pulls
    }

    /// Whether a node that has got the manifest there asks no other host for the rest.
    #[must_use]
    pub const fn serves_alone(&self) -> bool {
        self.way.serves_alone
    }

    /// What it is trusted by and shown, beside what all hosts are.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.way.trust
    }

    /// What it is sent with each request.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.way.headers
    }

    /// The name that the repository of `reference` has there.
    #[must_use]
    pub fn repository<'a>(&'a self, reference: &'a Reference) -> &'a str {
        self.way
            .repository
            .as_deref()
            .unwrap_or_else(|| reference.repository())
    }

    /// The path at which its API begins: `/v2`, but for odd mirrors.
    #[must_use]
    pub fn path(&self) -> &str {
        let address = self.way.address.as_ref();
        address.map_or("/v2", |address| address.path.as_str())
    }

    /// The address of `path` in its API; none where the host is no usable one.
    #[must_use]
    pub fn url(&self, tls: bool, path: &str) -> Option<Url> {
        self.endpoint(tls).url(path).ok()
    }

    /// Where its API begins.
    pub(super) fn endpoint(&self, tls: bool) -> Endpoint {
        Endpoint {
            tls,
            authority: self.authority.clone(),
            path: self.path().to_owned(),
            namespace: self.namespace.clone(),
        }
    }
}

/// `localhost`, `127.0.0.0/8` and `::1` (containerd `core/remotes/docker/registry.go`, `IsLocalhost`).
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(authority: &str, plain: &[&str]) -> &'static str {
        let plain: Vec<String> = plain.iter().map(|&host| host.to_owned()).collect();
        let host = RegistryHost::itself(authority, authority, &plain);
        match (host.tls, host.is_ambiguous) {
            (true, _) => "https",
            (false, true) => "http or https",
            (false, false) => "http",
        }
    }

    #[test]
    fn plain_http_is_spoken_only_where_told_and_on_loopback() {
        for (authority, plain, expected) in [
            ("registry.example.com", &[][..], "https"),
            ("registry.example.com:5000", &[], "https"),
            (
                "registry.example.com:5000",
                &["registry.example.com"],
                "https",
            ),
            (
                "registry.example.com:5000",
                &["registry.example.com:5000"],
                "http",
            ),
            ("localhost", &[], "https"),
            ("localhost:443", &[], "https"),
            ("localhost:80", &[], "http"),
            ("127.0.0.2:5000", &[], "http or https"),
            ("[::1]:5000", &[], "http or https"),
            ("127.0.0.1.example.com:5000", &[], "https"),
        ] {
            assert_eq!(scheme(authority, plain), expected, "{authority} {plain:?}");
        }
    }
}
