//! The command that walks the way to an image as the run has gone it.

use std::time::Duration;

use crate::oci::Reference;

/// What of the run's flags decides how a registry is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeFlags {
    /// Hosts that are asked over plain HTTP.
    pub plain_http: Vec<String>,
    /// Files with certificate authorities.
    pub ca_files: Vec<String>,
    /// Folders of `hosts.toml` files.
    pub hosts_dirs: Vec<String>,
    /// Files of the format of `registries.conf`.
    pub registries_confs: Vec<String>,
    /// Mirrors: the registry and the address.
    pub mirrors: Vec<(String, String)>,
    /// How long to wait, where that is not the usual time.
    pub timeout: Option<Duration>,
}

impl ProbeFlags {
    /// The flags without the time to wait: for what did not end for lack of time.
    pub(super) fn without_timeout(&self) -> Self {
        Self {
            timeout: None,
            ..self.clone()
        }
    }

    /// The command, with the flags that are about this image.
    pub(super) fn command(&self, reference: &Reference) -> String {
        let mut words = vec!["oci-preflight probe".to_owned()];
        let mut add = |flag: &str, value: &str| words.push(format!("{flag} {}", quoted(value)));
        // A registries.conf may lead to any of the hosts.
        let is_about =
            |host: &String| host == reference.api_host() || !self.registries_confs.is_empty();
        for host in self.plain_http.iter().filter(|host| is_about(host)) {
            add("--plain-http", host);
        }
        for file in &self.ca_files {
            add("--ca-file", file);
        }
        for folder in &self.hosts_dirs {
            add("--hosts-dir", folder);
        }
        for file in &self.registries_confs {
            add("--registries-conf", file);
        }
        let registry = reference.registry();
        for (of, url) in self.mirrors.iter().filter(|(of, _)| of == registry) {
            add("--mirror", &format!("{of}={url}"));
        }
        if let Some(timeout) = self.timeout {
            add("--timeout", &timeout.as_secs().max(1).to_string());
        }
        words.push(quoted(&reference.to_string()));
        words.join(" ")
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,~".contains(c);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_the_run_are_those_of_the_command() {
        let pair = |of: &str, url: &str| (of.to_owned(), url.to_owned());
        let flags = ProbeFlags {
            plain_http: vec!["registry.example.com:5000".to_owned()],
            ca_files: vec!["my ca.pem".to_owned()],
            mirrors: vec![
                pair("docker.io", "http://mirror.example.com"),
                pair("docker.io", "https://cache.example.com/hub/"),
            ],
            timeout: Some(Duration::from_secs(3)),
            ..ProbeFlags::default()
        };
        let of = |flags: &ProbeFlags, image: &str| flags.command(&image.parse().expect("an image"));
        assert_eq!(
            of(&flags, "registry.example.com:5000/app:1"),
            "oci-preflight probe --plain-http registry.example.com:5000 --ca-file 'my ca.pem' --timeout 3 \
              registry.example.com:5000/app:1"
        );
        assert_eq!(
            of(&flags, "nginx:1.27"),
            "oci-preflight probe --ca-file 'my ca.pem' --mirror docker.io=http://mirror.example.com \
             --mirror docker.io=https://cache.example.com/hub/ --timeout 3 docker.io/library/nginx:1.27"
        );
        assert_eq!(
            of(&ProbeFlags::default(), "ghcr.io/a/b:1"),
            "oci-preflight probe ghcr.io/a/b:1"
        );
        let flags = ProbeFlags {
            plain_http: vec!["near.example.com:5000".to_owned()],
            hosts_dirs: vec!["certs.d".to_owned()],
            registries_confs: vec!["registries.conf".to_owned()],
            ..ProbeFlags::default()
        };
        assert_eq!(
            of(&flags, "ghcr.io/a/b:1"),
            "oci-preflight probe --plain-http near.example.com:5000 --hosts-dir certs.d \
             --registries-conf registries.conf ghcr.io/a/b:1"
        );
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_it_otherwise() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("~/ca.pem"), "'~/ca.pem'");
        assert_eq!(quoted("/etc/ca.pem"), "/etc/ca.pem");
    }
}
