//! What goes wrong on the node itself, before or beside the registry.

use super::Pattern;
use crate::event::class::Class::{
    CredentialsMissing, CredentialsNotUsed, DiskFull, ImageRemovedUpstream, InvalidReference,
    KubeletQps, LayerCorruptOrFormat, LocalImageNotPushed, NeverPullAbsent, PermissionDenied,
    PullTimeout, RedirectTargetUnreachable, RuntimePlatformBug, ShortName, SignatureEndpointError,
    SignaturePolicy, TlsInterceptingProxy, TokenExpired, TruncatedDownload, UnsubstitutedTemplate,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::pattern::When;

/// A text that is no image name, in the wordings of all runtimes.
const NO_NAME: &str = r"invalid reference format|couldn't parse image (name|reference)|InvalidImageName|is not a valid repository/tag|could ?n[o']t parse (image )?reference|invalid repository name|repository name (component )?must (be|not|match|contain)|failed to parse (image )?reference|unable to parse (image|reference)|invalid image (name|reference)|(invalid|unsupported) checksum digest|invalid digest format|digest (length|format)|invalid tag format|invalid namespace name|could not parse reference|parsing (image )?(reference|name)|not a valid (docker )?image name|tag .{1,200} invalid|illegal (image|reference)|docker: invalid|invalid tag";

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: NO_NAME,
        when: &[When::Template],
        causes: &[(UnsubstitutedTemplate, Likely), (InvalidReference, Likely)],
        source: "kubelet pkg/kubelet/images/image_manager.go; distribution/reference",
    },
    Pattern {
        text: r"(\{\{|\$\{|\$\(|\$\[\[|\$[A-Z][A-Z0-9_]+|<no value>|%!s\(|variable is not set|to a blank string).*(invalid reference format|parse image|parse reference|invalid image|InvalidImageName|invalid tag|no such image)|(invalid reference format|parse image|parse reference|invalid image|InvalidImageName|invalid tag).*(\{\{|\$\{|\$\(|\$\[\[|\$[A-Z][A-Z0-9_]+|<no value>|%!s\()",
        when: &[],
        causes: &[(UnsubstitutedTemplate, Likely), (InvalidReference, Likely)],
        source: "Go templates, shells and Compose leave these marks where nothing was filled in",
    },
    Pattern {
        text: r"couldn't parse image (name|reference)|invalid reference format: repository name must be lowercase|is not a valid repository/tag|invalid checksum digest (format|length)|repository name must not be longer",
        when: &[When::NoTemplate],
        causes: &[(InvalidReference, Sure)],
        source: "kubelet pkg/kubelet/images/image_manager.go; distribution/reference",
    },
    Pattern {
        text: NO_NAME,
        when: &[],
        causes: &[
            (InvalidReference, Likely),
            (UnsubstitutedTemplate, Possible),
        ],
        source: "distribution/reference; kubelet pkg/kubelet/images/types.go",
    },
    Pattern {
        text: r"not found|manifest unknown|pull access denied|insufficient_scope|unauthorized|denied|no such host|name unknown|does not exist",
        when: &[When::UnsetTag],
        causes: &[(UnsubstitutedTemplate, Likely)],
        source: "a tag such as undefined or null comes from a variable that was not set",
    },
    Pattern {
        text: r"is not present with pull policy of Never|ErrImageNeverPull|NeverPull",
        when: &[],
        causes: &[(NeverPullAbsent, Sure), (LocalImageNotPushed, Possible)],
        source: "kubelet pkg/kubelet/images/image_manager.go",
    },
    Pattern {
        text: r"pull QPS exceeded|ImagePull.{0,10}QPS|registry-?(qps|burst|PullQPS)",
        when: &[],
        causes: &[(KubeletQps, Sure)],
        source: "kubelet pkg/kubelet/images/puller.go",
    },
    Pattern {
        text: r"no space left on device|disk quota exceeded|not enough (free )?(disk )?space|low on resource: ephemeral-storage|(in)?sufficient (free )?(disk )?space|There is not enough space on the disk|\bENOSPC\b|disk (is )?full|out of disk|no free (disk )?space|file system is full|thin pool|write error: No space",
        when: &[],
        causes: &[(DiskFull, Sure)],
        source: "Go syscall.ENOSPC; kubelet pkg/kubelet/eviction",
    },
    Pattern {
        text: r"garbage collect required amount of images|DiskPressure|freed \S+ bytes, but|Wanted to free \S+ bytes|FreeDiskSpaceFailed|ImageGCFailed|EvictionThresholdMet|reclaim ephemeral-storage|disk-pressure|InvalidDiskCapacity",
        when: &[],
        causes: &[(DiskFull, Likely)],
        source: "kubelet pkg/kubelet/images/image_gc_manager.go, pkg/kubelet/eviction",
    },
    Pattern {
        text: r"short-name|short ?name mode|short names?\b|unqualified[- ]search|unqualified image|unqualified-search|no registries are defined|ambiguous list|no (search )?registries (are )?(configured|defined)",
        when: &[],
        causes: &[(ShortName, Sure)],
        source: "containers/image pkg/shortnames; CRI-O internal/storage/image.go",
    },
    Pattern {
        text: r"(read|fetch|download|gett|retriev|pars|access)(ing|ed)? (\S+ ){0,3}signatures?\b.*(status|dial tcp|timeout|lookup|x509|EOF|error|unauthorized|denied|refused|invalid|unrecognized|fail|not found|http)|/extensions/v2/\S*/signatures/|content/sigstore|/signature-\d+|signature .{0,80}(status code|unrecognized|Content-Type)|unable to (fetch|get|read|retrieve) (the )?signature|failed to (fetch|get|read|retrieve|download) (the )?signature|(rekor|fulcio|sigstore|tuf)\S* .{0,80}(timeout|refused|no such host|status|unreachable)",
        when: &[],
        causes: &[
            (SignatureEndpointError, Likely),
            (SignaturePolicy, Possible),
        ],
        source: "containers/image docker/docker_image_src.go, getSignaturesFromLookaside",
    },
    Pattern {
        text: r"Source image rejected|signature was required|Signature(s)? for identity|SignatureValidationFailed|signature validation failed|is rejected by policy|rejected by (policy|signature)|image verifier \S+ (blocked|rejected)|no matching signatures|no (valid )?signatures? (found|exists|were)|signature verification failed|invalid signature when validating|not signed|unsigned image|image is not trusted|policy\.json|Running image .{0,200} is rejected|required signature",
        when: &[],
        causes: &[(SignaturePolicy, Likely)],
        source: "containers/image copy/single.go; CRI-O internal/storage/image.go; containerd pkg/imageverifier; Harbor's policies",
    },
    Pattern {
        text: r"A signature was required, but no signature exists|is rejected by policy|None of the signatures were accepted",
        when: &[],
        causes: &[(SignaturePolicy, Sure)],
        source: "containers/image signature/policy_eval.go",
    },
    Pattern {
        text: r"admission webhook .*(signature|attest|cosign|notary|Binary Authorization|verify|image)|denied by .*(Binary Authorization|attestor)|failed to verify (image|signature)|image policy webhook|trust data|(kyverno|connaisseur|portieris|ratify|gatekeeper).*(image|signature)",
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
        text: r"Unable to retrieve (some image )?pull secrets?|FailedToRetrieveImagePullSecret|Couldn't find key \.dockerc|(image)?pull secrets? .{0,80}(not found|missing|does not exist)|secrets .\S*(regist|pull|docker|cred|[._-][eag]cr|quay|harbor)\S* not found",
        when: &[],
        causes: &[(CredentialsMissing, Likely), (CredentialsNotUsed, Likely)],
        source: "kubelet pkg/kubelet/kubelet_pods.go",
    },
    Pattern {
        text: r"error execing credential provider|external registry credential provider|credential provider|failed to (get|retrieve|fetch) (\S+ )?(credentials|authorization token)|error getting credentials|docker-credential-|unable to load credentials|NoCredentialProviders",
        when: &[],
        causes: &[
            (CredentialsNotUsed, Likely),
            (CredentialsMissing, Likely),
            (TokenExpired, Possible),
        ],
        source: "kubelet pkg/credentialprovider/plugin; docker-credential-helpers",
    },
    Pattern {
        text: r"context deadline exceeded($|[^ ]| [^(])|deadline exceeded while|DeadlineExceeded desc = (context|deadline)|pull progress timeout|image pull timeout|timed out (while )?pulling|operation timed out pulling|no progress (for|in)|pull(ing)? .{0,60}timed out|timed out waiting for .{0,40}(pull|image)|pull timeout",
        when: &[],
        causes: &[
            (PullTimeout, Likely),
            (RedirectTargetUnreachable, Possible),
            (TlsInterceptingProxy, Possible),
        ],
        source: "Go context.DeadlineExceeded; kubelet runtimeRequestTimeout, image-pull-progress-deadline",
    },
    Pattern {
        text: r"context cancell?ed|code = Canceled|operation was canceled|net/http: request canceled($|[^ ]| [^(w])",
        when: &[],
        causes: &[(PullTimeout, Likely), (TruncatedDownload, Possible)],
        source: "containerd internal/cri/server/images/image_pull.go, image_pull_progress_timeout",
    },
    Pattern {
        text: r"\bref \S+ locked\b",
        when: &[],
        causes: &[(PullTimeout, Possible), (RuntimePlatformBug, Possible)],
        source: "containerd core/content/local: another pull of the same layer is under way, or hangs",
    },
    Pattern {
        text: r"Failed to inspect image|ImageInspectError",
        when: &[],
        causes: &[(LayerCorruptOrFormat, Possible), (ShortName, Possible)],
        source: "kubelet pkg/kubelet/images/types.go",
    },
    Pattern {
        text: r"docker\.pkg\.github\.com|k8s\.gcr\.io|gcr\.io/google_containers",
        when: &[When::Removed],
        causes: &[(ImageRemovedUpstream, Possible)],
        source: "the notices of the publishers",
    },
    Pattern {
        text: r"Container Registry (is|has been) (deprecated|shut ?down|turned down)|has been (deprecated|removed|deleted|moved|archived) .{0,80}(registry|image|repository)|registry (has been|is) (frozen|shut ?down|sunset)|project \S+ (has been|was|is) (deleted|scheduled for deletion)",
        when: &[],
        causes: &[(ImageRemovedUpstream, Likely)],
        source: "cloud.google.com/artifact-registry/docs/transition/prepare-gcr-shutdown",
    },
];
