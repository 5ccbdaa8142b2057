//! What is probed.

use crate::oci::{Reference, ReferenceError};

/// A registry, and perhaps an image in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    reference: Reference,
    is_image: bool,
}

impl Target {
    /// Reads a host, with port or `https://` if need be, or an image name, which may have no host where `meant_by` says what
    /// the nodes take it for.
    pub fn parse(
        text: &str,
        meant_by: impl Fn(&str) -> Option<Reference>,
    ) -> Result<Self, ReferenceError> {
        let plain = text
            .trim_start_matches("https://")
            .trim_start_matches("http://");
        let name = plain.trim_end_matches('/');
        if is_host(plain) || plain.len() > name.len() || plain.len() < text.len() {
            return Ok(Self {
                reference: format!("{}/probe", name.split('/').next().unwrap_or(name)).parse()?,
                is_image: false,
            });
        }
        let reference = match meant_by(plain) {
            Some(reference) => reference,
            None => plain.parse()?,
        };
        Ok(Self {
            reference,
            is_image: true,
        })
    }

    /// The image; where a host is asked for, any image at it, for that tells the host.
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The image, where one is asked for.
    pub fn image(&self) -> Option<&Reference> {
        self.is_image.then_some(&self.reference)
    }
}

/// The host of `host` or `host:port`, and the port where it is not the usual one.
pub(super) fn host_and_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
        _ => (authority, None),
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
            let target = Target::parse(text, |_| None).expect(text);
            assert_eq!(target.reference().api_host(), authority, "{text}");
            let found = target.image().map(ToString::to_string);
            assert_eq!(found.as_deref(), image, "{text}");
        }
        assert!(Target::parse("no host/Image", |_| None).is_err());
    }

    #[test]
    fn a_name_without_a_host_is_what_the_nodes_take_it_for() {
        let meant = |name: &str| format!("quay.io/{name}").parse().ok();
        let target = Target::parse("shop/cart:1", meant).expect("an image");
        assert_eq!(target.reference().to_string(), "quay.io/shop/cart:1");
    }

    #[test]
    fn a_port_is_told_from_an_address() {
        for (authority, expected) in [
            ("ghcr.io", ("ghcr.io", None)),
            ("ghcr.io:5000", ("ghcr.io", Some(5000))),
            ("[::1]", ("[::1]", None)),
            ("[::1]:5000", ("[::1]", Some(5000))),
        ] {
            assert_eq!(host_and_port(authority), expected);
        }
    }
}
