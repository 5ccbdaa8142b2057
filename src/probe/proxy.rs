//! Which proxy is in force, by the variables that the container runtimes read too.

use std::env;

/// The proxy settings of the environment. Source: Go `golang.org/x/net/http/httpproxy`, which containerd and CRI-O use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// The proxy for HTTPS.
    pub https: Option<String>,
    /// The proxy for plain HTTP.
    pub http: Option<String>,
    /// Hosts and domains that need none, separated by commas.
    pub exceptions: String,
}

impl Proxies {
    /// What `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say, in upper or lower case.
    #[must_use]
    pub fn from_environment() -> Self {
        let read = |name: &str| {
            [name.to_owned(), name.to_ascii_lowercase()]
                .iter()
                .find_map(|name| env::var(name).ok())
                .filter(|value| !value.is_empty())
        };
        Self {
            https: read("HTTPS_PROXY"),
            http: read("HTTP_PROXY"),
            exceptions: read("NO_PROXY").unwrap_or_default(),
        }
    }

    /// The address of the proxy for `host`; none where it is reached directly. Loopback always is.
    pub(super) fn for_host(&self, host: &str, tls: bool) -> Option<&str> {
        let proxy = if tls { &self.https } else { &self.http }.as_deref()?;
        let is_loopback = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        (!is_loopback && !self.excepts(host)).then_some(proxy)
    }

    fn excepts(&self, host: &str) -> bool {
        self.exceptions.split(',').map(str::trim).any(|entry| {
            let domain = entry.trim_start_matches('*').trim_start_matches('.');
            entry == "*"
                || (!domain.is_empty()
                    && host
                        .strip_suffix(domain)
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_hosts_and_domains() {
        let proxies = Proxies {
            https: Some("http://proxy:3128".to_owned()),
            http: None,
            exceptions: "example.com, .internal".to_owned(),
        };
        for (host, proxied) in [
            ("ghcr.io", true),
            ("example.com", false),
            ("a.example.com", false),
            ("notexample.com", true),
            ("registry.internal", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(proxies.for_host(host, true).is_some(), proxied, "{host}");
        }
        assert_eq!(proxies.for_host("ghcr.io", false), None);
    }
}
