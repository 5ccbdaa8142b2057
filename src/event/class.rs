//! The vocabulary of causes.

use std::fmt;

/// Declares [`Class`] from one table: variant, word, rule that finds it before the deploy, and what happened.
macro_rules! classes {
    ($($variant:ident $word:literal $rule:expr, $summary:literal;)+) => {
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

            /// The id of the rule that finds it before the deploy; none where nothing in the sources or the registry
            /// shows it.
            #[must_use]
            pub const fn rule(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => $rule,)+
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
    ArtifactNotImage "artifact_not_image" Some("not-an-image"),
        "The reference names something that is no runnable image: a Helm chart, a signature, a build cache, a plug-in.";
    AttestationManifest "attestation_manifest" Some("not-an-image"),
        "The reference leads to an attestation, not to an image.";
    BlobBackendError "blob_backend_error" Some("undetermined-image"),
        "The registry answered, but the storage behind it refused to give out the config or a layer.";
    BlobMissing "blob_missing" Some("incomplete-image"),
        "The manifest is there, but the registry has lost its config or a layer.";
    CredentialsMissing "credentials_missing" Some("access-denied"),
        "The registry wants credentials, and got none that it takes.";
    CredentialsNotUsed "credentials_not_used" Some("pull-secret-mismatch"),
        "The pull went out without credentials: no pull secret matches this registry and path, or the pod does not name it.";
    DanglingTag "dangling_tag" Some("incomplete-image"),
        "The tag exists, but the manifest that it points to is gone.";
    DigestGone "digest_gone" Some("image-not-found"),
        "The image is pinned to a digest that the registry no longer has.";
    DiskFull "disk_full" Some("image-exceeds-disk"),
        "The node's disk had no room for the image.";
    DnsFailure "dns_failure" Some("undetermined-image"),
        "The node could not resolve the host's name.";
    HttpRegistry "http_registry" Some("undetermined-image"),
        "The registry speaks plain HTTP, and the node spoke HTTPS.";
    ImageRemovedUpstream "image_removed_upstream" Some("retired-registry"),
        "The publisher has removed or moved this image.";
    InvalidReference "invalid_reference" Some("invalid-reference"),
        "The text is not a valid image name.";
    KubeletQps "kubelet_qps" None,
        "The kubelet's own limit on pulls per second was reached; the registry was not asked.";
    LayerCorruptOrFormat "layer_corrupt_or_format" Some("unsupported-layer"),
        "A layer arrived but could not be unpacked: it is damaged, or in a form that the runtime does not know.";
    LocalImageNotPushed "local_image_not_pushed" Some("image-not-found"),
        "The name looks like an image that was only built locally; the node asked a registry that has never had it.";
    NeverPullAbsent "never_pull_absent" Some("never-pulled"),
        "The policy is Never, and the image is not on the node.";
    PermissionDenied "permission_denied" Some("access-denied"),
        "The registry knows who asks, and does not let that identity read the image.";
    PlatformMismatch "platform_mismatch" Some("missing-platform"),
        "The image has no variant for the node's operating system and architecture.";
    PullTimeout "pull_timeout" Some("slow-pull"),
        "The pull was cancelled: too long without progress, or the pod was deleted meanwhile.";
    RateLimit "rate_limit" Some("undetermined-image"),
        "The registry limits how much may be pulled, and the limit was reached.";
    RedirectTargetUnreachable "redirect_target_unreachable" Some("undetermined-image"),
        "The node got no connection to a host that it needs: the registry itself, or the second host that the registry redirects to.";
    Registry5xx "registry_5xx" Some("undetermined-image"),
        "The registry itself failed.";
    RegistryCorrupt "registry_corrupt" Some("corrupt-manifest"),
        "What the registry gave out is not what the digest or the tag promises.";
    RepoMissingOrPrivate "repo_missing_or_private" Some("access-denied"),
        "The repository does not exist, or it is private and nobody is logged in: this registry gives the same answer for both.";
    RuntimePlatformBug "runtime_platform_bug" None,
        "The image has the platform, but an old container runtime matches platforms wrongly.";
    Schema1 "schema1" Some("schema1-manifest"),
        "The image is stored in the retired Docker schema 1 format, which this runtime no longer pulls.";
    ShortName "short_name" Some("invalid-reference"),
        "The name has no registry host, and the runtime is told not to guess one.";
    SignatureEndpointError "signature_endpoint_error" None,
        "The image's signature could not be fetched.";
    SignaturePolicy "signature_policy" None,
        "The node's policy wants a signature that the image does not have.";
    StaleCredentialsBreakPublicPull "stale_credentials_break_public_pull" Some("access-denied"),
        "Old credentials were sent for an image that is public without any; the registry refuses them instead of ignoring them.";
    TagNotFound "tag_not_found" Some("image-not-found"),
        "The repository has no such tag.";
    TlsInterceptingProxy "tls_intercepting_proxy" Some("undetermined-image"),
        "Something between the node and the registry, mostly a company proxy, answers in the registry's place with its own certificate or page.";
    TlsUnknownCa "tls_unknown_ca" Some("undetermined-image"),
        "The node does not trust the registry's certificate: an authority that it does not know, another name, or a date that has passed.";
    TokenExpired "token_expired" Some("access-denied"),
        "The credentials have expired or been revoked.";
    TooManyLayers "too_many_layers" Some("too-many-layers"),
        "The image has more layers than the runtime takes.";
    TruncatedDownload "truncated_download" Some("undetermined-image"),
        "The connection broke before everything had arrived.";
    UnsubstitutedTemplate "unsubstituted_template" Some("unrendered-template"),
        "A variable or template in the image name was never filled in.";
    WindowsVersionMismatch "windows_version_mismatch" Some("missing-platform"),
        "The image is built for another Windows version than the node's.";
    WrongArchBinary "wrong_arch_binary" Some("wrong-platform"),
        "The image was pulled, but its program is built for another architecture than the node's.";
    ZstdUnsupported "zstd_unsupported" Some("unsupported-layer"),
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
