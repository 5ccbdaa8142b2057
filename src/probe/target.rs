//! What is probed.

use std::net::IpAddr;

use crate::oci::{Reference, ReferenceError};

/// A registry, and perhaps an image in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The host that answers the registry's API, without port.
    pub host: String,
    /// The port, where it is not the usual one.
    pub port: Option<u16>,
    /// The image.
    pub image: Option<Reference>,
}

impl Target {
    /// Reads a host, with port or `https://` if need be, or an image name.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let plain = text
            .trim_start_matches("https://")
            .trim_start_matches("http://");
        let name = plain.trim_end_matches('/');
        if is_host(plain) || plain.len() > name.len() || plain.len() < text.len() {
            // Any image at the host tells whether the host is one.
            let some: Reference =
                format!("{}/probe", name.split('/').next().unwrap_or(name)).parse()?;
            return Ok(Self {
                image: None,
                ..Self::at(&some)
            });
        }
        let image: Reference = plain.parse()?;
        Ok(Self::at(&image))
    }

    fn at(image: &Reference) -> Self {
        let authority = image.api_host();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
            _ => (authority, None),
        };
        Self {
            host: host.to_owned(),
            port,
            image: Some(image.clone()),
        }
    }

    /// The host with its port, where it is not the usual one.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The registry and the repository that credentials are looked for; no repository where the target is a host.
    pub fn registry_and_repository(&self) -> (&str, &str) {
        match &self.image {
            Some(image) => (image.registry(), image.repository()),
            None => (&self.host, ""),
        }
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.trim_matches(['[', ']']).parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

/// Whether a text is a host and no image: it has no path, and looks like a name with a domain.
fn is_host(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or_default();
    !text.contains('/') && (name == "localhost" || name.contains('.') || text.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_images_are_told_apart() {
        for (text, authority, image) in [
            ("ghcr.io", "ghcr.io", None),
            ("https://ghcr.io/v2/", "ghcr.io", None),
            ("localhost:5000", "localhost:5000", None),
            ("docker.io", "registry-1.docker.io", None),
            (
                "nginx:1.27",
                "registry-1.docker.io",
                Some("docker.io/library/nginx:1.27"),
            ),
            (
                "127.0.0.1:5000/app",
                "127.0.0.1:5000",
                Some("127.0.0.1:5000/app:latest"),
            ),
            ("[::1]:5000", "[::1]:5000", None),
        ] {
            let target = Target::parse(text).expect(text);
            assert_eq!(target.authority(), authority, "{text}");
            let found = target.image.map(|image| image.to_string());
            assert_eq!(found.as_deref(), image, "{text}");
        }
        assert!(Target::parse("no host/Image").is_err());
    }
}
