//! The keys of a pull secret, and which images the kubelet uses them for.
//!
//! Source: kubernetes `pkg/credentialprovider/keyring.go`;
//! <https://kubernetes.io/docs/concepts/containers/images/#config-json>.

use std::collections::BTreeSet;

use super::PullLogin;

/// The key that Docker Hub's credentials have once the `/v1/` of old clients is away.
const DOCKER_HUB: &str = "index.docker.io";

/// Hosts that belong to Docker Hub and that people write as the key of its credentials.
const HUB_HOSTS: [&str; 7] = [
    DOCKER_HUB,
    "registry-1.docker.io",
    "registry.hub.docker.com",
    "hub.docker.com",
    "auth.docker.io",
    "docker.com",
    "www.docker.com",
];

/// A key of `auths`: which images its credentials are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryKey {
    written: String,
    /// Labels, in each of which `*` stands for any text.
    host: String,
    port: Option<String>,
    /// Empty, or from its `/` on.
    path: String,
    /// Whether there is a user or a password behind the key.
    pub has_credentials: bool,
    /// Both, where they are known.
    pub login: Option<PullLogin>,
}

/// What a key lacks to be used for an image that it is probably meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NearMiss {
    /// The host is the same and the path is another one.
    Path,
    /// The host is the same and the port is another one.
    Port,
    /// `*` stands for one label, and the host has more or fewer.
    Labels,
    /// The image is Docker Hub's, and the key is none that the kubelet takes for Docker Hub.
    DockerHub,
}

impl RegistryKey {
    /// Reads a key. The kubelet leaves out the scheme, `/v1/` and `/v2/`, and passes over keys that are no addresses.
    #[must_use]
    pub fn new(written: &str, has_credentials: bool) -> Option<Self> {
        let key = ["https://", "http://"]
            .iter()
            .find_map(|scheme| written.strip_prefix(scheme))
            .unwrap_or(written);
        let key = key.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = split_path(key);
        let (host, port) = split_port(authority);
        let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let is_address = !host.contains(|c: char| c.is_whitespace() || c.is_control());
        if !is_address || !port.is_none_or(is_number) {
            return None;
        }
        let path = match path {
            path if path.starts_with("/v1/") || path.starts_with("/v2/") => &path[3..],
            path => path,
        };
        Some(Self {
            written: written.to_owned(),
            host: host.to_owned(),
            port: port.map(ToOwned::to_owned),
            path: if path == "/" { "" } else { path }.to_owned(),
            has_credentials,
            login: None,
        })
    }

    /// Reads a key with what stands behind it.
    #[must_use]
    pub fn with_login(written: &str, login: Option<PullLogin>) -> Option<Self> {
        let key = Self::new(written, login.is_some())?;
        Some(Self { login, ..key })
    }

    /// The key as it is written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Whether the key matches the image `name`, which has a host and no tag: the labels of the host one by one, the same
    /// port, and a path that the image's begins with, wherever that ends.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (authority, path) = split_path(name);
        let (host, port) = split_port(authority);
        self.port.as_deref() == port && self.matches_host(host) && path.starts_with(&self.path)
    }

    /// Why the key does not match the image `name`, where it nearly does.
    #[must_use]
    pub fn near_miss(&self, name: &str) -> Option<NearMiss> {
        let (authority, path) = split_path(name);
        let (host, port) = split_port(authority);
        let has_port = self.port.as_deref() == port;
        if host == "docker.io" && HUB_HOSTS.contains(&self.host.as_str()) {
            return Some(NearMiss::DockerHub);
        }
        if self.matches_host(host) {
            return match has_port {
                false => Some(NearMiss::Port),
                true if !path.starts_with(&self.path) => Some(NearMiss::Path),
                true => None,
            };
        }
        let domain = self.host.trim_start_matches("*.");
        let is_glob = domain != self.host && !domain.is_empty();
        let is_below = host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        (is_glob && is_below && has_port).then_some(NearMiss::Labels)
    }

    fn matches_host(&self, host: &str) -> bool {
        self.host.split('.').count() == host.split('.').count()
            && self
                .host
                .split('.')
                .zip(host.split('.'))
                .all(|(pattern, label)| matches_label(pattern, label))
    }

    /// What the kubelet sorts by.
    fn sorted(&self) -> (String, &str) {
        let port = self.port.as_deref();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        (format!("{}{port}{}", self.host, self.path), &self.written)
    }

    fn is_docker_hub(&self) -> bool {
        self.host == DOCKER_HUB && self.port.is_none() && self.path.is_empty()
    }
}

/// The keys that the kubelet tries for the image `name`, which has no tag, in its order: more specific ones first. Where
/// none matches an image of Docker Hub, the keys of old clients for Docker Hub do.
#[must_use]
pub fn covering<'k>(
    keys: impl IntoIterator<Item = &'k RegistryKey>,
    name: &str,
) -> Vec<&'k RegistryKey> {
    let (mut matching, others): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| key.matches(name));
    if matching.is_empty() && is_docker_hub(name) {
        matching = others;
        matching.retain(|key| key.is_docker_hub());
    }
    matching.sort_by_cached_key(|key| std::cmp::Reverse(key.sorted()));
    matching
}

/// What keys cover, for a person: each once.
#[must_use]
pub fn written<'k>(keys: impl IntoIterator<Item = &'k RegistryKey>) -> String {
    let keys: BTreeSet<&str> = keys.into_iter().map(RegistryKey::written).collect();
    keys.into_iter().collect::<Vec<_>>().join(", ")
}

/// Whether an image is Docker Hub's, as the kubelet sees it: the first part says so, or is no host.
fn is_docker_hub(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or_default();
    match first {
        "" => false,
        "docker.io" | DOCKER_HUB => true,
        _ => first == name || !first.contains(['.', ':']),
    }
}

fn split_path(name: &str) -> (&str, &str) {
    name.split_at(name.find('/').unwrap_or(name.len()))
}

/// The port stands behind the last colon, unless that is part of an address in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

/// `*` stands for any text in a label. Go's other wildcards can't stand in a host.
fn matches_label(pattern: &str, label: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == label;
    };
    let Some(mut label) = label.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = label.find(part) else {
            return false;
        };
        label = &label[at + part.len()..];
    }
    label.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use serde_json::Value;

    fn key(written: &str) -> RegistryKey {
        RegistryKey::new(written, true).expect(written)
    }

    #[test]
    fn a_star_stands_for_text_in_one_label() {
        for (pattern, label, matches) in [
            ("*", "eu", true),
            ("eu*", "eu-west", true),
            ("*west", "eu-west", true),
            ("e*w*t", "eu-west", true),
            ("e*w*t", "eu-east", false),
            ("a*a", "a", false),
            ("", "", true),
        ] {
            assert_eq!(matches_label(pattern, label), matches, "{pattern} {label}");
        }
    }

    #[test]
    fn a_key_that_is_no_address_is_passed_over() {
        for written in ["ghcr.io:secure", "my registry", "https://a b/"] {
            assert_eq!(RegistryKey::new(written, true), None, "{written}");
        }
    }

    #[test]
    fn near_misses_are_told_apart() {
        for (written, name, miss) in [
            ("ghcr.io/other", "ghcr.io/team/app", Some(NearMiss::Path)),
            ("a.example:5000", "a.example/app", Some(NearMiss::Port)),
            ("*.azurecr.io", "a.b.azurecr.io/app", Some(NearMiss::Labels)),
            ("*.pkg.dev", "pkg.dev/app", Some(NearMiss::Labels)),
            (
                "https://index.docker.io/v1",
                "docker.io/team/app",
                Some(NearMiss::DockerHub),
            ),
            (
                "registry-1.docker.io",
                "docker.io/team/app",
                Some(NearMiss::DockerHub),
            ),
            ("quay.io", "ghcr.io/team/app", None),
            ("ghcr.io", "ghcr.io/team/app", None),
        ] {
            assert_eq!(key(written).near_miss(name), miss, "{written} {name}");
        }
    }

    #[test]
    fn docker_hub_has_keys_of_its_own() {
        let covers = |written| !covering([&key(written)], "docker.io/team/app").is_empty();
        for written in [
            "https://index.docker.io/v1/",
            "index.docker.io",
            "docker.io",
            "docker.io/team",
        ] {
            assert!(covers(written), "{written}");
        }
        for written in ["https://index.docker.io/v1", "registry-1.docker.io"] {
            assert!(!covers(written), "{written}");
        }
    }

    /// The cases of the tests of the kubelet and of tools that read pull secrets as it does.
    #[allow(clippy::disallowed_methods, reason = "a test reads its cases")]
    #[test]
    fn images_are_matched_as_the_kubelet_matches_them() {
        let table =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/credentials.tsv");
        let table = std::fs::read_to_string(table).expect("the table of credentials");
        let mut checked = BTreeMap::new();
        for row in table.lines().skip(1) {
            let [id, system, config, name, matches, expected, ..] =
                row.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("{row}");
            };
            let config: Value = serde_json::from_str(config).unwrap_or_default();
            let found = match system {
                "kubelet-urlsMatch" => key(config["key"].as_str().expect(id)).matches(name),
                "kubelet-isDefaultRegistry" => is_docker_hub(name),
                "kubelet-plugin-matchImages" => config["matchImages"]
                    .as_array()
                    .expect(id)
                    .iter()
                    .any(|pattern| key(pattern.as_str().expect(id)).matches(name)),
                "kubelet-keyring" | "ggcr-k8s-pull-secrets" => {
                    let auths = config["auths"].as_object().expect(id);
                    let keys: Vec<RegistryKey> = auths.keys().map(|written| key(written)).collect();
                    let first = covering(&keys, name).first().map(|key| key.written());
                    let user = first.and_then(|key| auths[key]["username"].as_str());
                    assert_eq!(user.unwrap_or_default(), expected, "{id}");
                    first.is_some()
                }
                _ => continue,
            };
            assert_eq!(found, matches == "yes", "{id}");
            *checked.entry(system.to_owned()).or_insert(0) += 1;
        }
        assert_eq!(checked.values().sum::<usize>(), 51, "{checked:?}");
    }
}
