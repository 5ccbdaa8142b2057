//! The commands that walk the way to an image as the run has gone it.

use std::time::Duration;

use crate::oci::Reference;

/// What of the run's flags decides how a registry is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeFlags {
    /// Hosts that are asked over plain HTTP.
    pub plain_http: Vec<String>,
    /// Files with certificate authorities.
    pub ca_files: Vec<String>,
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

    /// A command for each host that was asked about the image: its mirrors, then the registry.
    pub(super) fn commands(&self, reference: &Reference) -> Vec<String> {
        let registry = reference.registry();
        let mirrors = self.mirrors.iter().filter(|(of, _)| of == registry);
        let mut commands: Vec<String> = mirrors
            .map(|(_, url)| self.to_mirror(url, reference))
            .collect();
        let host = reference.api_host();
        let is_plain = self.plain_http.iter().any(|listed| listed == host);
        commands.push(self.command(host, is_plain, &reference.to_string()));
        commands
    }

    fn to_mirror(&self, url: &str, reference: &Reference) -> String {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        // A registry below a path is not at the usual place of its host: only the host can be named.
        let target = match path.trim_end_matches('/') {
            "" | "v2" => {
                let full = reference.to_string();
                let image = full.strip_prefix(reference.registry()).unwrap_or(&full);
                format!("{host}{image}")
            }
            _ => format!("{scheme}://{host}"),
        };
        self.command(host, scheme == "http", &target)
    }

    fn command(&self, host: &str, is_plain: bool, target: &str) -> String {
        let mut words = vec!["oci-preflight probe".to_owned()];
        if is_plain {
            words.push(format!("--plain-http {}", quoted(host)));
        }
        let files = self.ca_files.iter();
        words.extend(files.map(|file| format!("--ca-file {}", quoted(file))));
        if let Some(timeout) = self.timeout {
            words.push(format!("--timeout {}", timeout.as_secs().max(1)));
        }
        words.push(quoted(target));
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
        let flags = ProbeFlags {
            plain_http: vec!["registry.example.com:5000".to_owned()],
            ca_files: vec!["my ca.pem".to_owned()],
            mirrors: vec![
                (
                    "docker.io".to_owned(),
                    "http://mirror.example.com".to_owned(),
                ),
                (
                    "docker.io".to_owned(),
                    "https://cache.example.com/hub/".to_owned(),
                ),
            ],
            timeout: Some(Duration::from_secs(3)),
        };
        let of = |image: &str| flags.commands(&image.parse().expect("an image"));
        assert_eq!(
            of("registry.example.com:5000/app:1"),
            [
                "oci-preflight probe --plain-http registry.example.com:5000 --ca-file 'my ca.pem' --timeout 3 \
              registry.example.com:5000/app:1"
            ]
        );
        assert_eq!(
            of("nginx:1.27"),
            [
                "oci-preflight probe --plain-http mirror.example.com --ca-file 'my ca.pem' --timeout 3 \
                 mirror.example.com/library/nginx:1.27",
                "oci-preflight probe --ca-file 'my ca.pem' --timeout 3 https://cache.example.com",
                "oci-preflight probe --ca-file 'my ca.pem' --timeout 3 docker.io/library/nginx:1.27",
            ]
        );
        let image = "ghcr.io/a/b:1".parse().expect("an image");
        assert_eq!(
            ProbeFlags::default().commands(&image),
            ["oci-preflight probe ghcr.io/a/b:1"]
        );
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_it_otherwise() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("~/ca.pem"), "'~/ca.pem'");
        assert_eq!(quoted("/etc/ca.pem"), "/etc/ca.pem");
    }
}
