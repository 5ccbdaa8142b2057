//! Whose side a fault is on, and the class of cause that an event of it has.

use std::fmt;

use super::fault::Fault;
use crate::event::Class;

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who runs name resolution where the probe runs.
    Resolver,
    /// Who runs the network in between: firewalls, routes, portals.
    Network,
    /// Who runs the proxy.
    Proxy,
    /// Who decides which certificates the nodes trust.
    Trust,
    /// Who runs the registry.
    Registry,
    /// Who runs the host that holds the registry's content.
    Storage,
    /// Who hands out the credentials.
    Credentials,
    /// Who may let the identity read the image.
    Permission,
    /// Who writes the reference, or builds the image.
    Image,
    /// Who sets up the nodes.
    Node,
}

impl Side {
    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolver => "resolver",
            Self::Network => "network",
            Self::Proxy => "proxy",
            Self::Trust => "trust",
            Self::Registry => "registry",
            Self::Storage => "storage",
            Self::Credentials => "credentials",
            Self::Permission => "permission",
            Self::Image => "image",
            Self::Node => "node",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Fault {
    /// Whose side the fault is on.
    #[must_use]
    pub const fn side(&self) -> Side {
        match self {
            Self::Name(_) => Side::Resolver,
            Self::Connection { silent: true, .. }
            | Self::OtherHost(_)
            | Self::Page(_)
            | Self::Truncated(_) => Side::Network,
            Self::Proxy(_) | Self::ProxyOutOfReach(_) => Side::Proxy,
            Self::CertificateIssuer { .. } | Self::SelfSigned { .. } => Side::Trust,
            Self::Connection { silent: false, .. }
            | Self::PlainHttp(_)
            | Self::Handshake(_)
            | Self::CertificateDates(_)
            | Self::CertificateName(_)
            | Self::Answer(_)
            | Self::Registry { .. }
            | Self::RateLimit(_)
            | Self::Damaged { .. }
            | Self::Incomplete { .. } => Side::Registry,
            Self::Storage { .. } => Side::Storage,
            Self::Credentials { .. } => Side::Credentials,
            Self::Forbidden { .. } => Side::Permission,
            Self::NotFound(_) | Self::Schema1(_) | Self::NoImage(_) | Self::Platform { .. } => {
                Side::Image
            }
            Self::Blocked(_) | Self::NoHost => Side::Node,
        }
    }

    /// The class of cause that an event of this fault has; none where no registry answers at all, and nothing else stands in the
    /// way.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        Some(match self {
            Self::Name(_) => Class::DnsFailure,
            Self::Connection { .. } | Self::OtherHost(_) | Self::Answer(_) => {
                Class::RedirectTargetUnreachable
            }
            Self::Proxy(_) | Self::ProxyOutOfReach(_) | Self::Page(_) => {
                Class::TlsInterceptingProxy
            }
            Self::PlainHttp(_) => Class::HttpRegistry,
            Self::Handshake(_)
            | Self::CertificateDates(_)
            | Self::CertificateName(_)
            | Self::CertificateIssuer { .. }
            | Self::SelfSigned { .. } => Class::TlsUnknownCa,
            Self::Registry { status, .. } if *status >= 500 => Class::Registry5xx,
            Self::Registry { .. } | Self::NoHost => return None,
            Self::Credentials { .. } => Class::CredentialsMissing,
            Self::Forbidden { .. } | Self::Blocked(_) => Class::PermissionDenied,
            Self::NotFound(image) if image.contains('@') => Class::DigestGone,
            Self::NotFound(_) => Class::TagNotFound,
            Self::RateLimit(_) => Class::RateLimit,
            Self::Storage { .. } => Class::BlobBackendError,
            Self::Damaged { .. } => Class::RegistryCorrupt,
            Self::Truncated(_) => Class::TruncatedDownload,
            Self::Incomplete {
                part: "manifest", ..
            } => Class::DanglingTag,
            Self::Incomplete { .. } => Class::BlobMissing,
            Self::Schema1(_) => Class::Schema1,
            Self::NoImage(_) => Class::ArtifactNotImage,
            Self::Platform { .. } => Class::PlatformMismatch,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::classify;
    use crate::registry::Blocked;

    #[test]
    fn the_class_is_the_one_that_a_node_s_own_message_has() {
        let host = || "registry.example.com".to_owned();
        let image = || "registry.example.com/app:1".to_owned();
        let url = "https://registry.example.com/v2/app/manifests/1";
        let head = format!("failed to do request: Head \"{url}\"");
        let status = format!("unexpected status from HEAD request to {url}");
        let x509 = "tls: failed to verify certificate: x509";
        for (fault, message) in [
            (
                Fault::Name(host()),
                format!("{head}: dial tcp: lookup registry.example.com: no such host"),
            ),
            (
                Fault::Connection { host: host(), silent: false },
                format!("{head}: dial tcp 10.0.0.1:443: connect: connection refused"),
            ),
            (
                Fault::Connection { host: host(), silent: true },
                format!("{head}: dial tcp 10.0.0.1:443: i/o timeout"),
            ),
            (
                Fault::ProxyOutOfReach(host()),
                format!("{head}: proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused"),
            ),
            (
                Fault::Proxy(host()),
                format!("{head}: Proxy Authentication Required"),
            ),
            (
                Fault::PlainHttp(host()),
                format!("{head}: http: server gave HTTP response to HTTPS client"),
            ),
            (
                Fault::SelfSigned { host: host(), subject: host() },
                format!("{head}: {x509}: certificate signed by unknown authority"),
            ),
            (
                Fault::CertificateDates(host()),
                format!("{head}: {x509}: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is after 2025-01-01T00:00:00Z"),
            ),
            (
                Fault::CertificateName(host()),
                format!("{head}: {x509}: certificate is valid for other.example, not registry.example.com"),
            ),
            (
                Fault::Answer(host()),
                format!("{head}: net/http: timeout awaiting response headers"),
            ),
            (
                Fault::Registry { host: host(), status: 503 },
                format!("{status}: 503 Service Unavailable"),
            ),
            (
                Fault::RateLimit(host()),
                format!("{status}: 429 Too Many Requests"),
            ),
            (
                Fault::Forbidden { image: image(), origin: None },
                format!("{status}: 403 Forbidden"),
            ),
            (
                Fault::NotFound(image()),
                format!("{}: not found", image()),
            ),
            (
                Fault::Blocked(Blocked { registry: host(), file: "/etc/containers/registries.conf".into() }),
                format!("registry {} is blocked in /etc/containers/registries.conf", host()),
            ),
            (
                Fault::Schema1(image()),
                "media type \"application/vnd.docker.distribution.manifest.v1+prettyjws\" is no longer supported since containerd v2.1, \
                 please rebuild the image".to_owned(),
            ),
            (
                Fault::Platform { image: image(), platform: "linux/arm64".to_owned() },
                "no match for platform in manifest: not found".to_owned(),
            ),
        ] {
            let message = format!(
                "Failed to pull image \"{}\": rpc error: code = Unknown desc = failed to pull and unpack image \"{}\": failed to \
                 resolve reference \"{}\": {message}",
                image(), image(), image()
            );
            let found = classify(&message).first().map(|cause| cause.class);
            assert_eq!(fault.class(), found, "{message}");
        }
    }
}
