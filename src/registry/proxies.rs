//! Which proxy is in force, by the variables that the container runtimes read too.

use std::env;
use std::net::IpAddr;

use reqwest::Url;

use super::RegistryError;

/// The proxy settings of the environment, by the rules of Go's `golang.org/x/net/http/httpproxy`, which containerd and CRI-O
/// use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// The proxy for HTTPS.
    pub https: Option<String>,
    /// The proxy for plain HTTP.
    pub http: Option<String>,
    /// What needs none, separated by commas: hosts and domains, with a port or without, addresses, and networks.
    pub exceptions: String,
}

impl Proxies {
    /// What `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say, in upper or lower case. `ALL_PROXY`, which runtimes do not read
    /// and many programs of pipelines do, stands for a proxy that is not named.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| {
            [name.to_owned(), name.to_ascii_lowercase()]
                .iter()
                .filter_map(|name| variable(name))
                .find(|value| !value.is_empty())
        };
        let any = read("ALL_PROXY");
        Self {
            https: read("HTTPS_PROXY").or_else(|| any.clone()),
            http: read("HTTP_PROXY").or(any),
            exceptions: read("NO_PROXY").unwrap_or_default(),
        }
    }

    /// Holds the addresses of the proxies against what an address must be.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Proxy`], which never shows the address: a login may stand in it.
    pub fn check(&self) -> Result<(), RegistryError> {
        for (variable, proxy) in [("HTTPS_PROXY", &self.https), ("HTTP_PROXY", &self.http)] {
            if proxy.as_deref().is_some_and(|text| address(text).is_none()) {
                return Err(RegistryError::Proxy { variable });
            }
        }
        Ok(())
    }

    /// The address of the proxy for `url`; none where its host is reached directly. Loopback always is.
    #[must_use]
    pub fn of(&self, url: &Url) -> Option<Url> {
        let proxy = match url.scheme() {
            "https" => &self.https,
            _ => &self.http,
        };
        let proxy = proxy.as_deref()?;
        let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let is_loopback =
            host == "localhost" || literal.is_some_and(|address| address.is_loopback());
        let is_excepted = || {
            let entries = self.exceptions.split(',').map(str::trim);
            let mut entries = entries.filter(|entry| !entry.is_empty());
            entries.any(|entry| excepts(entry, &host, literal, url.port_or_known_default()))
        };
        (!is_loopback && !is_excepted()).then(|| address(proxy))?
    }
}

/// The address of a proxy, over plain HTTP where it does not say.
fn address(text: &str) -> Option<Url> {
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&full).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Whether an entry of `NO_PROXY` is about a host, which is an address or has none.
fn excepts(entry: &str, host: &str, address: Option<IpAddr>, port: Option<u16>) -> bool {
    if entry == "*" {
        return true;
    }
    let entry = entry.to_ascii_lowercase();
    if let Some((network, length)) = entry.split_once('/') {
        let network = network.parse().ok().zip(length.parse().ok());
        return network
            .zip(address)
            .is_some_and(|((network, length), address)| is_in(address, network, length));
    }
    let unbracketed = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let (name, own_port) = match entry.rsplit_once(':') {
        Some((name, digits)) if unbracketed(&entry).is_none() => match digits.parse::<u16>() {
            Ok(own_port) => (name, Some(own_port)),
            Err(_) => return false,
        },
        _ => (entry.as_str(), None),
    };
    if own_port.is_some() && own_port != port {
        return false;
    }
    if let Some(excepted) = unbracketed(name) {
        return address == Some(excepted);
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(domain) => below(host, domain),
        None => host == name || below(host, name),
    }
}

/// Whether a host is one of a domain's.
fn below(host: &str, domain: &str) -> bool {
    !domain.is_empty()
        && host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
}

/// Whether an address has the first `length` bits of a network's.
fn is_in(address: IpAddr, network: IpAddr, length: u32) -> bool {
    let same = |address: u128, network: u128, bits: u32| {
        let rest = bits.checked_sub(length);
        rest.is_some_and(|rest| (address ^ network).checked_shr(rest).unwrap_or(0) == 0)
    };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            same(address.to_bits().into(), network.to_bits().into(), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            same(address.to_bits(), network.to_bits(), 128)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_proxied(exceptions: &str, url: &str) -> bool {
        let proxies = Proxies {
            https: Some("http://proxy:3128".to_owned()),
            http: None,
            exceptions: exceptions.to_owned(),
        };
        proxies.of(&url.parse().expect(url)).is_some()
    }

    #[test]
    fn exceptions_are_hosts_domains_addresses_and_networks() {
        for (exceptions, host, proxied) in [
            ("example.com, .internal", "ghcr.io", true),
            ("example.com, .internal", "example.com", false),
            ("example.com, .internal", "a.example.com", false),
            ("example.com, .internal", "notexample.com", true),
            ("example.com, .internal", "registry.internal", false),
            (".internal", "internal", true),
            ("*.internal", "a.internal", false),
            ("Example.COM", "example.com", false),
            ("example.com:5000", "example.com:5000", false),
            ("example.com:5000", "a.example.com:5000", false),
            ("example.com:5000", "example.com", true),
            ("example.com:443", "example.com", false),
            ("example.com", "example.com:5000", false),
            ("example.com:port", "example.com", true),
            ("10.0.0.0/8", "10.1.2.3:5000", false),
            ("10.0.0.0/8", "11.1.2.3", true),
            ("10.0.0.0/8", "ten.example.com", true),
            ("10.0.0.0/33", "10.0.0.0", true),
            ("0.0.0.0/0", "9.9.9.9", false),
            ("10.1.2.3", "10.1.2.3", false),
            ("10.1.2.3", "10.1.2.30", true),
            ("10.1.2.3:5000", "10.1.2.3", true),
            ("2001:db8::/32", "[2001:db8::1]:5000", false),
            ("::/0", "[2001:db8::1]", false),
            ("2001:db8::1", "[2001:db8::1]", false),
            ("[2001:db8::1]:5000", "[2001:db8::1]:5000", false),
            ("*", "ghcr.io", false),
            (", ,", "ghcr.io", true),
            ("", "127.0.0.1", false),
            ("", "[::1]:5000", false),
            ("", "localhost:5000", false),
        ] {
            let url = format!("https://{host}/v2/");
            assert_eq!(is_proxied(exceptions, &url), proxied, "{exceptions} {host}");
        }
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        assert!(is_proxied("", "https://ghcr.io/v2/"));
        assert!(!is_proxied("", "http://ghcr.io/v2/"));
    }

    #[test]
    fn an_address_that_is_none_is_told_without_what_stands_in_it() {
        for (text, is_good) in [
            ("proxy:3128", true),
            ("https://ada:s3cret@proxy", true),
            ("socks5://ada:s3cret@proxy", false),
            ("http://ada:s3cret@", false),
        ] {
            let proxies = Proxies {
                https: Some(text.to_owned()),
                ..Proxies::default()
            };
            let checked = proxies.check();
            assert_eq!(checked.is_ok(), is_good, "{text}");
            let said = checked.err().map(|error| error.to_string());
            assert!(
                said.is_none_or(|said| said.contains("HTTPS_PROXY") && !said.contains("s3cret"))
            );
        }
    }

    #[test]
    fn a_variable_may_stand_in_lower_case_and_an_empty_one_says_nothing() {
        let proxies = Proxies::from_variables(|name| {
            let value = match name {
                "HTTPS_PROXY" => "",
                "https_proxy" => "http://a:1",
                "ALL_PROXY" => "http://b:2",
                "no_proxy" => "c",
                _ => return None,
            };
            Some(value.to_owned())
        });
        assert_eq!(proxies.https.as_deref(), Some("http://a:1"));
        assert_eq!(proxies.http.as_deref(), Some("http://b:2"));
        assert_eq!(proxies.exceptions, "c");
    }
}
