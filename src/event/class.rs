//! The vocabulary of causes.

use std::fmt;

/// Declares [`Class`] from one table: variant, word, and what happened.
macro_rules! classes {
    ($($variant:ident $word:literal, $summary:literal;)+) => {
        /// Why a pull failed, or why what was pulled could not run.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Class {
            $(
                #[doc = $summary]
                $variant,
            )+
        }

        impl Class {
            /// All classes, by word.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word of the report.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What happened, in one sentence.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary,)+
                }
            }
        }
    };
}

classes! {
    ArtifactNotImage "artifact_not_image",
        "The reference names something that is no runnable image: a Helm chart, a signature, a build cache, a plug-in.";
    AttestationManifest "attestation_manifest",
        "The reference leads to an attestation, not to an image.";
    BlobBackendError "blob_backend_error",
        "The registry answered, but the storage behind it refused to give out the config or a layer.";
    BlobMissing "blob_missing",
        "The manifest is there, but the registry has lost its config or a layer.";
    CredentialsMissing "credentials_missing",
        "The registry wants credentials, and got none that it takes.";
    CredentialsNotUsed "credentials_not_used",
        "The pull went out without credentials: no pull secret matches this registry and path, or the pod does not name it.";
    DanglingTag "dangling_tag",
        "The tag or the index exists, but a manifest that it points to is gone.";
    DigestGone "digest_gone",
        "The image is pinned to a digest that the registry no longer has.";
    DiskFull "disk_full",
        "The node's disk had no room for the image.";
    DnsFailure "dns_failure",
        "The node could not resolve the host's name.";
    HttpRegistry "http_registry",
        "The registry speaks plain HTTP, and the node spoke HTTPS.";
    ImageRemovedUpstream "image_removed_upstream",
        "The publisher has removed or moved this image.";
    InvalidReference "invalid_reference",
        "The text is not a valid image name.";
    KubeletQps "kubelet_qps",
        "The kubelet's own limit on pulls per second was reached; the registry was not asked.";
    LayerCorruptOrFormat "layer_corrupt_or_format",
        "A layer arrived but could not be unpacked: it is damaged, or in a form that the runtime does not know.";
    LocalImageNotPushed "local_image_not_pushed",
        "The name looks like an image that was only built locally; the node asked a registry that has never had it.";
    NeverPullAbsent "never_pull_absent",
        "The policy is Never, and the image is not on the node.";
    PermissionDenied "permission_denied",
        "The registry knows who asks, and does not let that identity read the image.";
    PlatformMismatch "platform_mismatch",
        "The image has no variant for the node's operating system and architecture.";
    PullTimeout "pull_timeout",
        "The pull was cancelled: too long without progress, or the pod was deleted meanwhile.";
    RateLimit "rate_limit",
        "The registry limits how much may be pulled, and the limit was reached.";
    RedirectTargetUnreachable "redirect_target_unreachable",
        "The node got no connection to a host that it needs: the registry itself, or the second host that the registry redirects to.";
    Registry5xx "registry_5xx",
        "The registry itself failed.";
    RegistryCorrupt "registry_corrupt",
        "What the registry gave out is not what the digest or the tag promises.";
    RepoMissingOrPrivate "repo_missing_or_private",
        "The repository does not exist, or it is private and nobody is logged in: this registry gives the same answer for both.";
    RuntimePlatformBug "runtime_platform_bug",
        "The image has the platform, but an old container runtime matches platforms wrongly.";
    Schema1 "schema1",
        "The image is stored in the retired Docker schema 1 format, which this runtime no longer pulls.";
    ShortName "short_name",
        "The name has no registry host, and the runtime is told not to guess one.";
    SignatureEndpointError "signature_endpoint_error",
        "The image's signature could not be fetched.";
    SignaturePolicy "signature_policy",
        "The node's policy wants a signature that the image does not have.";
    StaleCredentialsBreakPublicPull "stale_credentials_break_public_pull",
        "Old credentials were sent for an image that is public without any; the registry refuses them instead of ignoring them.";
    TagNotFound "tag_not_found",
        "The repository has no such tag.";
    TlsInterceptingProxy "tls_intercepting_proxy",
        "Something between the node and the registry, mostly a company proxy, answers in the registry's place with its own certificate or page.";
    TlsUnknownCa "tls_unknown_ca",
        "The node does not trust the registry's certificate: an authority that it does not know, another name, or a date that has passed.";
    TokenExpired "token_expired",
        "The credentials have expired or been revoked.";
    TooManyLayers "too_many_layers",
        "The image has more layers than the runtime takes.";
    TruncatedDownload "truncated_download",
        "The connection broke before everything had arrived.";
    UnsubstitutedTemplate "unsubstituted_template",
        "A variable or template in the image name was never filled in.";
    WindowsVersionMismatch "windows_version_mismatch",
        "The image is built for another Windows version than the node's.";
    WrongArchBinary "wrong_arch_binary",
        "The image was pulled, but its program is built for another architecture than the node's.";
    ZstdUnsupported "zstd_unsupported",
        "The layers are compressed with zstd, which this runtime cannot unpack.";
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How sure a cause is, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// One of several things that the text could mean.
    Possible,
    /// What such a text mostly means.
    Likely,
    /// The text says so itself.
    Sure,
}

impl Confidence {
    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Sure => "sure",
        }
    }
}

/// One possible cause of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cause {
    /// The class.
    pub class: Class,
    /// How sure it is.
    pub confidence: Confidence,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_in_order() {
        let words: Vec<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
        let mut sorted = words.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(words, sorted);
    }

    #[test]
    fn what_is_sure_outranks_what_is_likely() {
        assert!(Confidence::Sure > Confidence::Likely && Confidence::Likely > Confidence::Possible);
    }
}
