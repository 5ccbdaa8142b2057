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
        }
    }

    /// The class of cause that an event of this fault has; none where what answers is no registry at all.
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
            Self::Registry { .. } => return None,
            Self::Credentials { .. } => Class::CredentialsMissing,
            Self::Forbidden { .. } => Class::PermissionDenied,
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
