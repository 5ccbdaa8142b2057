//! What goes wrong on the node itself, before or beside the registry.

use super::Pattern;
use crate::event::class::Class::{
    CredentialsMissing, DiskFull, ImageRemovedUpstream, InvalidReference, KubeletQps,
    LayerCorruptOrFormat, LocalImageNotPushed, NeverPullAbsent, NodeSetupBlocked, PermissionDenied,
    PullTimeout, RegistryUnreachable, ShortName, SignatureEndpointError, SignaturePolicy,
    UnsubstitutedTemplate,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::pattern::When;

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"invalid reference format|couldn't parse image (name|reference)|InvalidImageName|is not a valid repository/tag|could ?n[o']t parse reference|invalid repository name|repository name must be|failed to parse reference",
        when: &[When::Template],
        causes: &[(UnsubstitutedTemplate, Sure), (InvalidReference, Likely)],
        source: "kubelet pkg/kubelet/images/image_manager.go; distribution/reference",
    },
    Pattern {
        text: r"invalid reference format|couldn't parse image (name|reference)|is not a valid repository/tag|could ?n[o']t parse reference|invalid repository name|repository name must (be|not)|failed to parse reference|invalid checksum digest (format|length)|invalid tag format",
        when: &[],
        causes: &[(InvalidReference, Sure)],
        source: "kubelet pkg/kubelet/images/image_manager.go; distribution/reference",
    },
    Pattern {
        text: r"\bInvalidImageName\b",
        when: &[],
        causes: &[
            (InvalidReference, Likely),
            (UnsubstitutedTemplate, Possible),
        ],
        source: "kubelet pkg/kubelet/images/types.go",
    },
    Pattern {
        text: r"not found|manifest unknown|pull access denied|insufficient_scope|unauthorized|denied",
        when: &[When::UnsetTag],
        causes: &[(UnsubstitutedTemplate, Likely)],
        source: "a tag such as undefined or null comes from a variable that was not set",
    },
    Pattern {
        text: r"is not present with pull policy of Never|ErrImageNeverPull",
        when: &[],
        causes: &[(NeverPullAbsent, Sure), (LocalImageNotPushed, Possible)],
        source: "kubelet pkg/kubelet/images/image_manager.go",
    },
    Pattern {
        text: r"pull QPS exceeded",
        when: &[],
        causes: &[(KubeletQps, Sure)],
        source: "kubelet pkg/kubelet/images/puller.go",
    },
    Pattern {
        text: r"no space left on device|disk quota exceeded|not enough (free )?(disk )?space|low on resource: ephemeral-storage|insufficient (disk )?space|There is not enough space on the disk",
        when: &[],
        causes: &[(DiskFull, Sure)],
        source: "Go syscall.ENOSPC; kubelet pkg/kubelet/eviction",
    },
    Pattern {
        text: r"garbage collect required amount of images|DiskPressure|freed \d+ bytes, but",
        when: &[],
        causes: &[(DiskFull, Likely)],
        source: "kubelet pkg/kubelet/images/image_gc_manager.go",
    },
    Pattern {
        text: r"short-name|short name mode|unqualified[- ]search|unqualified image|no registries are defined|ambiguous list",
        when: &[],
        causes: &[(ShortName, Sure)],
        source: "containers/image pkg/shortnames",
    },
    Pattern {
        text: r"(read|fetch|download|gett|retriev)(ing|ed)? (\S+ ){0,3}signatures?\b.*(status|dial tcp|timeout|lookup|x509|EOF|error|unauthorized|denied|refused|invalid)|/extensions/v2/\S*/signatures/|content/sigstore|/signature-\d+",
        when: &[],
        causes: &[(SignatureEndpointError, Sure)],
        source: "containers/image docker/docker_image_src.go, getSignaturesFromLookaside",
    },
    Pattern {
        text: r"Source image rejected|signature was required|Signature(s)? for identity|SignatureValidationFailed|signature validation failed|is rejected by policy|rejected by policy|image verifier \S+ blocked|no matching signatures|no signatures found|cryptographic signature verification failed|invalid signature when validating",
        when: &[],
        causes: &[(SignaturePolicy, Sure)],
        source: "containers/image copy/single.go; CRI-O internal/storage/image.go; containerd pkg/imageverifier",
    },
    Pattern {
        text: r"admission webhook .*(signature|attest|cosign|notary|Binary Authorization)|denied by .*(Binary Authorization|attestor)|failed to verify image|image policy webhook|trust data",
        when: &[],
        causes: &[(SignaturePolicy, Likely)],
        source: "admission controllers that verify images: Kyverno, Binary Authorization, Connaisseur",
    },
    Pattern {
        text: r"registry \S+ is blocked in|blocked by registries\.conf",
        when: &[],
        causes: &[(PermissionDenied, Likely)],
        source: "containers/image pkg/sysregistriesv2",
    },
    Pattern {
        text: r"Failed to start Download and install k8s binaries",
        when: &[],
        causes: &[(NodeSetupBlocked, Sure), (RegistryUnreachable, Possible)],
        source: "GKE, Troubleshoot image pulls",
    },
    Pattern {
        text: r"Unable to retrieve some image pull secrets|FailedToRetrieveImagePullSecret|Couldn't find key \.dockerc|error execing credential provider|external registry credential provider|failed to (get|retrieve|fetch) (\S+ )?credentials",
        when: &[],
        causes: &[(CredentialsMissing, Likely)],
        source: "kubelet pkg/kubelet/kubelet_pods.go; pkg/credentialprovider/plugin",
    },
    Pattern {
        text: r"context deadline exceeded|deadline exceeded while|pull progress timeout|image pull timeout|timed out pulling|operation timed out pulling",
        when: &[],
        causes: &[(PullTimeout, Likely)],
        source: "Go context.DeadlineExceeded; kubelet runtimeRequestTimeout",
    },
    Pattern {
        text: r"context canceled|code = Canceled|operation was canceled",
        when: &[],
        causes: &[(PullTimeout, Likely)],
        source: "containerd internal/cri/server/images/image_pull.go, image_pull_progress_timeout",
    },
    Pattern {
        text: r"Failed to inspect image|ImageInspectError",
        when: &[],
        causes: &[(LayerCorruptOrFormat, Possible)],
        source: "kubelet pkg/kubelet/images/types.go",
    },
    Pattern {
        text: r"docker\.pkg\.github\.com|k8s\.gcr\.io|gcr\.io/google_containers",
        when: &[When::Removed],
        causes: &[(ImageRemovedUpstream, Possible)],
        source: "the notices of the publishers",
    },
];
