//! Which rules find a cause before the deploy.

use std::fmt::Write as _;

use super::class::Class;
use super::clues::Clues;
use super::family::Family;

/// The rules that find a cause before the deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foresight {
    /// Their ids, the most telling first.
    pub rules: &'static [&'static str],
    /// Whether they can only find it from where the nodes are, since it is the way to the registry that fails.
    pub in_the_nodes_network: bool,
}

impl Foresight {
    /// The rules that find `class`; none where nothing in the sources, the registry or the node pools shows it.
    pub(super) fn of(class: Class, clues: &Clues) -> Option<Self> {
        let rules: &[&str] = match class {
            Class::ArtifactNotImage | Class::AttestationManifest => &["not-an-image"],
            Class::BlobMissing | Class::DanglingTag => &["incomplete-image"],
            Class::CredentialsMissing | Class::PermissionDenied
                if clues.family() == Some(Family::ArtifactRegistry) =>
            {
                &[
                    "access-denied",
                    "missing-pull-scope",
                    "node-service-account",
                ]
            }
            Class::CredentialsMissing => &["access-denied", "pull-secret-mismatch"],
            Class::CredentialsNotUsed => &["pull-secret-mismatch"],
            Class::PermissionDenied
            | Class::RepoMissingOrPrivate
            | Class::StaleCredentialsBreakPublicPull
            | Class::TokenExpired => &["access-denied"],
            Class::DigestGone | Class::LocalImageNotPushed | Class::TagNotFound => {
                &["image-not-found"]
            }
            Class::DiskFull => &["image-exceeds-disk"],
            Class::ImageRemovedUpstream => &["retired-registry", "image-not-found"],
            Class::InvalidReference | Class::ShortName => &["invalid-reference"],
            Class::LayerCorruptOrFormat => &["corrupt-layer", "unsupported-layer"],
            Class::NeverPullAbsent => &["never-pulled"],
            Class::PlatformMismatch | Class::WindowsVersionMismatch => &["missing-platform"],
            Class::PullTimeout => &[
                "slow-pull",
                "oversized-image",
                "oversized-layer",
                "image-exceeds-disk",
            ],
            Class::RegistryCorrupt => &["corrupt-manifest"],
            Class::Schema1 => &["schema1-manifest"],
            Class::TooManyLayers => &["too-many-layers"],
            Class::UnsubstitutedTemplate => &["unrendered-template"],
            Class::WrongArchBinary => &["wrong-platform", "mislabelled-platform"],
            Class::ZstdUnsupported => &["unsupported-layer"],
            // The node could not even be set up.
            Class::RedirectTargetUnreachable if clues.registry().is_none() => return None,
            Class::BlobBackendError
            | Class::DnsFailure
            | Class::HttpRegistry
            | Class::RateLimit
            | Class::RedirectTargetUnreachable
            | Class::Registry5xx
            | Class::TlsInterceptingProxy
            | Class::TlsUnknownCa => {
                return Some(Self {
                    rules: &["undetermined-image"],
                    in_the_nodes_network: true,
                });
            }
            Class::KubeletQps
            | Class::RuntimePlatformBug
            | Class::SignatureEndpointError
            | Class::SignaturePolicy
            | Class::TruncatedDownload => return None,
        };
        Some(Self {
            rules,
            in_the_nodes_network: false,
        })
    }

    /// One sentence that names them.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = String::new();
        let last = self.rules.len().saturating_sub(1);
        for (index, rule) in self.rules.iter().enumerate() {
            let joint = match index {
                0 => "",
                _ if index == last => " and ",
                _ => ", ",
            };
            // Writing to a string does not fail.
            let _ = write!(text, "{joint}{rule}");
        }
        let (noun, verb) = match self.rules {
            [_] => ("rule", "finds"),
            _ => ("rules", "find"),
        };
        let whence = if self.in_the_nodes_network {
            ", from a machine in the nodes' network"
        } else {
            ""
        };
        format!("The {noun} {text} {verb} this before the deploy{whence}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_every_rule() {
        let sentence =
            |class| Foresight::of(class, &Clues::default()).map(|foresight| foresight.sentence());
        assert_eq!(
            sentence(Class::TagNotFound).as_deref(),
            Some("The rule image-not-found finds this before the deploy.")
        );
        assert_eq!(
            sentence(Class::PullTimeout).as_deref(),
            Some(
                "The rules slow-pull, oversized-image, oversized-layer and image-exceeds-disk find this before the deploy."
            )
        );
        assert_eq!(sentence(Class::KubeletQps), None);
    }
}
