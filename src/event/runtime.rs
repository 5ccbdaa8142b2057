//! Which program wrote a message.

use std::sync::LazyLock;

use regex::bytes::RegexSet;

/// The writer of a message, as far as its words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// containerd up to 1.3.
    Containerd13,
    /// containerd 1.4 to 1.6.24.
    Containerd14,
    /// containerd 1.6.25, 1.7 or newer.
    Containerd17,
    /// containerd 2.0.
    Containerd20,
    /// containerd 2.1 or newer, with the transfer service.
    Containerd21,
    /// containerd, of a version that the words do not tell.
    Containerd,
    /// CRI-O, or another program on the same library, such as Podman.
    CriO,
    /// Docker Engine.
    Docker,
    /// The kubelet itself.
    Kubelet,
}

/// What tells the writers apart, the most telling first.
///
/// Sources: containerd `core/remotes/docker/resolver.go`, `core/remotes/errors/errors.go`, `client/pull.go`,
/// `core/transfer/local/pull.go` and `core/remotes/docker/schema1/converter.go` at the tags v1.3 to v2.2; CRI-O's
/// `vendor/go.podman.io/image/v5`; moby `distribution/errors.go`; kubelet `pkg/kubelet/images/image_manager.go`.
const SIGNS: [(Runtime, &str); 12] = [
    (
        Runtime::Docker,
        r"Error response from daemon|failed to register layer",
    ),
    (
        Runtime::CriO,
        r"initializing source docker://|pinging container registry|copying system image|Source image rejected|unable to retrieve auth token|short-name|[Ee]rror reading manifest|reading manifest \S+ in |choosing an? image|image or OCI artifact|[Ww]riting blob|[Rr]eading signatures|Error determining manifest MIME type|parsing image configuration",
    ),
    (
        Runtime::Containerd20,
        r"disabled by default since containerd v2\.0",
    ),
    (
        Runtime::Containerd21,
        r"failed to resolve image: |schema 1 image manifests are no longer supported|no longer supported since containerd v2\.1",
    ),
    (
        Runtime::Containerd13,
        r#"unexpected status code \[(manifests|blobs) |failed to resolve image ""#,
    ),
    (
        Runtime::Containerd17,
        r"unexpected status from [A-Z]+ request to ",
    ),
    (
        Runtime::Containerd14,
        r"pulling from host \S+ failed with status code|unexpected status code https?://|(authorize|token): unexpected status: \d",
    ),
    (
        Runtime::Containerd,
        r"failed to pull and unpack image|failed to unpack image on snapshotter|httpReadSeeker|failed to resolve reference|failed to extract layer|no match for platform in manifest|containerd|get converter for|failed to resolve ref |rejecting \S+ byte manifest|failed commit on ref|extraction snapshot|number of layers and diffIDs|image verifier \S+ (blocked|rejected)",
    ),
    (
        Runtime::Docker,
        r"CannotPullContainerError|pull access denied for|no matching manifest for|manifest for \S+ not found|error pulling image configuration|in the manifest list entries",
    ),
    (
        Runtime::CriO,
        r"no image found in (manifest list|image index)|A signature was required",
    ),
    (
        Runtime::Kubelet,
        r"pull QPS exceeded|is not present with pull policy of Never|Failed to apply default image tag|because the (registry is unavailable|signature validation failed)|Unable to retrieve some image pull secrets",
    ),
    (
        Runtime::Kubelet,
        r"^\s*(ImagePullBackOff: )?(Back-off pulling image|Error: (ErrImage|ImagePull|InvalidImageName))|^(ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName|ImageInspectError)$",
    ),
];

/// The signs, compiled. The test below builds them, so the empty set never stands in.
static SET: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new(SIGNS.iter().map(|(_, sign)| *sign)).unwrap_or_else(|_| RegexSet::empty())
});

impl Runtime {
    /// The writer of `text`.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let first = SET.matches(text.as_bytes()).iter().next()?;
        SIGNS.get(first).map(|(runtime, _)| *runtime)
    }

    /// The words of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Containerd13 => "containerd up to 1.3",
            Self::Containerd14 => "containerd 1.4 to 1.6.24",
            Self::Containerd17 => "containerd 1.6.25 or newer",
            Self::Containerd20 => "containerd 2.0",
            Self::Containerd21 => "containerd 2.1 or newer",
            Self::Containerd => "containerd",
            Self::CriO => "CRI-O",
            Self::Docker => "Docker",
            Self::Kubelet => "kubelet",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_a_regular_expression() {
        RegexSet::new(SIGNS.iter().map(|(_, sign)| *sign)).expect("the signs compile");
    }

    #[test]
    fn generations_of_containerd_are_told_apart() {
        for (text, runtime) in [
            (
                "failed to resolve image \"r\": unexpected status code [manifests 1.0]: 401 Unauthorized",
                Runtime::Containerd13,
            ),
            (
                "failed to resolve reference \"r\": pulling from host h failed with status code [manifests 1]: 403 Forbidden",
                Runtime::Containerd14,
            ),
            (
                "failed to resolve reference \"r\": unexpected status from HEAD request to https://h/v2/: 403 Forbidden",
                Runtime::Containerd17,
            ),
            (
                "deprecated and disabled by default since containerd v2.0",
                Runtime::Containerd20,
            ),
            (
                "failed to pull and unpack image \"r\": failed to resolve image: r: not found",
                Runtime::Containerd21,
            ),
            ("Error response from daemon: denied", Runtime::Docker),
            (
                "rejecting 5000000 byte manifest for docker.io/x/y:1: not found",
                Runtime::Containerd,
            ),
            (
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/library/x:1",
                Runtime::Containerd,
            ),
            (
                "ImagePullBackOff: Back-off pulling image \"x\"",
                Runtime::Kubelet,
            ),
        ] {
            assert_eq!(Runtime::of(text), Some(runtime), "{text}");
        }
        assert_eq!(Runtime::of("hello"), None);
    }
}
