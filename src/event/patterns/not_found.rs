//! What is not there.

use super::Pattern;
use crate::event::class::Class::{
    ArtifactNotImage, AttestationManifest, BlobMissing, CredentialsMissing, CredentialsNotUsed,
    DanglingTag, DigestGone, ImageRemovedUpstream, LocalImageNotPushed, NeverPullAbsent,
    RegistryCorrupt, RepoMissingOrPrivate, RuntimePlatformBug, ShortName, TagNotFound,
};
use crate::event::class::Confidence::{Likely, Possible};
use crate::event::family::Family;
use crate::event::pattern::When;

/// A manifest is not there, in the wordings of all runtimes and registries.
const NO_MANIFEST: &str = r#"failed to resolve (reference|image) "?registry/image"?: registry/image:?[\s"]*$|failed to resolve (reference|image)[^|]*: not found|[\w.:-]+/\S+?"?: not found\s*"?$|manifest for \S+ not found|manifest unknown|MANIFEST_UNKNOWN|manifest tagged by .* is not found|Requested image not found|Failed to fetch "|tag (\S+ )?(does not exist|not found|unknown|is missing)|manifests?/?\S* ?:? ?404|manifests?/\S+: (unexpected status code )?404|status code \[manifests [^\]]*\]: 404|No such image|image:? (\S+ )?(was )?(not found|does not exist)|unexpected status from (HEAD|GET) request to \S+: 404|Tag \S+ was deleted or has expired|reading manifest \S+ in \S+: .{0,60}(not found|404)|reading manifest \S+( in \S+)?$|status code 404; body|404:? \(?not found|manifest \S+ not found|manifest not found|no such manifest|does not have a tag|invalid tag or digest|could not find (image|tag|manifest)|(image|tag|manifest) .{0,80}(does not exist|not found)|not found: manifest|StatusCode: 404|status=404"#;
/// The manifest behind a tag is not there: it is asked for by the digest that the tag, or the index behind it, has given.
const NO_MANIFEST_OF_TAG: &str = r"content descriptor \S+ \(application/vnd\.(oci\.image\.(manifest|index)|docker\.distribution\.manifest)\S*\)( from remote)?: not found|/manifests/sha256:\S+ not found|/manifests/sha256:\S+ ?:? 404|content at \S+/manifests/\S+ not found|manifests/sha256:\S+ .{0,20}not found";

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: NO_MANIFEST_OF_TAG,
        when: &[When::ListedManifest],
        causes: &[(DanglingTag, Likely), (RegistryCorrupt, Possible)],
        source: "containerd core/remotes/docker/fetcher.go: the index that the name gives was read, one of its manifests is gone",
    },
    Pattern {
        text: NO_MANIFEST_OF_TAG,
        when: &[When::ByDigest],
        causes: &[
            (DigestGone, Likely),
            (DanglingTag, Likely),
            (RegistryCorrupt, Possible),
        ],
        source: "containerd core/remotes/docker/fetcher.go: the digest in the name, or one that its index lists, is gone",
    },
    Pattern {
        text: NO_MANIFEST_OF_TAG,
        when: &[],
        causes: &[
            (DanglingTag, Likely),
            (DigestGone, Possible),
            (RegistryCorrupt, Possible),
        ],
        source: "containerd core/remotes/docker/fetcher.go: the tag was resolved, its manifest is gone",
    },
    Pattern {
        text: r"(from manifest list|choosing (an )?image|from index|determining manifest MIME type).*reading manifest sha256:\S+ in .*(unknown|not found|404)",
        when: &[],
        causes: &[(DanglingTag, Likely), (RegistryCorrupt, Possible)],
        source: "containers/image copy/multiple.go: the index was read, one of its manifests is gone",
    },
    Pattern {
        text: r"fetching manifest \S+@sha256:\S+: .*(404|MANIFEST_UNKNOWN|not found)|: Pulling from \S+ .{0,240}manifest unknown",
        when: &[],
        causes: &[
            (DanglingTag, Likely),
            (TagNotFound, Likely),
            (RegistryCorrupt, Possible),
        ],
        source: "moby distribution/pull_v2.go: `Pulling from` is printed once the tag has been resolved",
    },
    Pattern {
        text: r"content descriptor \S+ \(application/vnd\.(oci\.image\.(config|layer)|docker\.(container|image))\S*\)( from remote)?: not found|/blobs/sha256:\S+ (not found|:? ?404)|blobs/sha256:\S+: 404|content at \S+/blobs/\S+ not found|blob[ -]unknown|BLOB_UNKNOWN|unknown blob|(fetching|reading|copying|writing) (blob|config)\b.*(404|not found)|blob \S+ (was )?not found|error pulling image configuration: .*(unknown blob|404|not found)|StatusCode: 404.{0,40}blob|NoSuchKey|layer does not exist|missing (layer|blob)s?",
        when: &[],
        causes: &[
            (BlobMissing, Likely),
            (RegistryCorrupt, Possible),
            (DanglingTag, Possible),
        ],
        source: "containerd core/remotes/docker/fetcher.go; distribution registry/api/errcode, BLOB_UNKNOWN",
    },
    Pattern {
        text: r"could not fetch content descriptor \S+ from remote: not found|failed to fetch descriptor .*not found",
        when: &[],
        causes: &[
            (BlobMissing, Likely),
            (DanglingTag, Likely),
            (RegistryCorrupt, Possible),
        ],
        source: "containerd core/remotes/docker/fetcher.go; GKE, Troubleshoot image pulls",
    },
    Pattern {
        text: r"content digest sha256:\S+: not found|failed to get reader from content store|blob not found in content store",
        when: &[],
        causes: &[
            (BlobMissing, Likely),
            (RuntimePlatformBug, Possible),
            (RegistryCorrupt, Possible),
        ],
        source: "containerd core/content: the node's own store lost it, or it was never fetched",
    },
    Pattern {
        text: r"name unknown|NAME_UNKNOWN|repository name not known|repository with name .* does not exist|project \S+ not found|repository \S+ (was )?not found|repository does not exist|repo(sitory)? (was )?not found|RepositoryNotFound|artifact \S+ not found|library/\S+ not found|NAME_INVALID|invalid repository name in|Repository .{1,80} not found",
        when: &[When::Removed],
        causes: &[
            (ImageRemovedUpstream, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "the notices of the publishers",
    },
    Pattern {
        text: r#"unknown manifest name=\S+ revision=|"Revision":"sha256"#,
        when: &[],
        causes: &[
            (RegistryCorrupt, Likely),
            (DanglingTag, Likely),
            (DigestGone, Likely),
        ],
        source: "distribution errors.go, ErrManifestUnknownRevision: the tag is known, or a digest was asked for, and the manifest is not there",
    },
    Pattern {
        text: r"Tag \S+ not found in repository",
        when: &[],
        causes: &[(TagNotFound, Likely), (ImageRemovedUpstream, Possible)],
        source: "Docker before 1.10, registry protocol 1",
    },
    Pattern {
        text: r"\bno such manifest: ",
        when: &[],
        causes: &[
            (TagNotFound, Possible),
            (RepoMissingOrPrivate, Possible),
            (AttestationManifest, Possible),
        ],
        source: "docker manifest, which knows no OCI index",
    },
    Pattern {
        text: r"image library/\S+ not found|repository library/\S+ (was )?not found|name unknown|repository \S+ not found",
        when: &[When::LocalName],
        causes: &[
            (LocalImageNotPushed, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "Docker before 1.10: a name of one part that Docker Hub does not have",
    },
    Pattern {
        text: r"Pulling repository .*image \S+ not found",
        when: &[],
        causes: &[(TagNotFound, Likely), (DanglingTag, Possible)],
        source: "Docker before 1.10, registry protocol 1: the tag, or the image that it names, is not there",
    },
    Pattern {
        text: r"name unknown|NAME_UNKNOWN|repository name not known|repository with name .* does not exist|project \S+ not found|repository \S+ (was )?not found|repository does not exist|repo(sitory)? (was )?not found|RepositoryNotFound|Repository .{1,80} not found|404 page not found|after top-level value",
        when: &[],
        causes: &[(RepoMissingOrPrivate, Likely), (TagNotFound, Possible)],
        source: "distribution registry/api/errcode, NAME_UNKNOWN; Amazon ECR; Harbor",
    },
    Pattern {
        text: r"artifact \S+ not found",
        when: &[],
        causes: &[(TagNotFound, Likely), (RepoMissingOrPrivate, Likely)],
        source: "Harbor src/lib/errors: the tag, or the repository, is not there",
    },
    Pattern {
        text: r"there are no credentials on this request",
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "kubelet before 1.3, pkg/kubelet/dockertools",
    },
    Pattern {
        text: r"determining manifest MIME type .*: Not Found",
        when: &[],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (TagNotFound, Likely),
            (ShortName, Possible),
        ],
        source: "containers/image image/docker_list.go: what the web server of a registry answers to a name that it does not know",
    },
    Pattern {
        text: r"\bNo such image\b",
        when: &[],
        causes: &[(NeverPullAbsent, Possible), (TagNotFound, Possible)],
        source: "moby daemon/images: the image is not on the machine",
    },
    Pattern {
        text: r"Back-off pulling image|ErrImagePull|ImagePullBackOff|Failed to pull image",
        when: &[When::Removed],
        causes: &[(ImageRemovedUpstream, Possible)],
        source: "the notices of the publishers",
    },
    Pattern {
        text: r"was deleted or has expired|revive via time machine",
        when: &[],
        causes: &[(ImageRemovedUpstream, Likely), (TagNotFound, Likely)],
        source: "quay.io, on tags that were deleted",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::Removed],
        causes: &[(ImageRemovedUpstream, Likely)],
        source: "the notices of the publishers",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::ByDigest],
        causes: &[
            (DigestGone, Likely),
            (DanglingTag, Possible),
            (RegistryCorrupt, Possible),
        ],
        source: "OCI distribution specification, section Pulling manifests",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::ArtifactTag],
        causes: &[(ArtifactNotImage, Likely)],
        source: "cosign names signatures, SBOMs and attestations by the digest of the image",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::LocalName],
        causes: &[(LocalImageNotPushed, Likely), (TagNotFound, Likely)],
        source: "a name of one part means an official image of Docker Hub, and there is none of that name",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::ByTag],
        causes: &[(TagNotFound, Likely)],
        source: "OCI distribution specification, section Pulling manifests",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[],
        causes: &[(TagNotFound, Possible)],
        source: "OCI distribution specification, section Pulling manifests",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::From(&[
            Family::DockerHub,
            Family::Quay,
            Family::Open,
            Family::ArtifactRegistry,
            Family::EcrPublic,
        ])],
        causes: &[(ImageRemovedUpstream, Possible), (DanglingTag, Possible)],
        source: "public images go away without notice",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::From(&[Family::GitHub])],
        causes: &[(DanglingTag, Possible), (ImageRemovedUpstream, Possible)],
        source: "clean-up jobs of GitHub packages delete the untagged manifests that an index needs",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::From(&[
            Family::Localhost,
            Family::OpenShift,
            Family::Other,
            Family::GitLab,
            Family::Acr,
            Family::Ecr,
            Family::RedHat,
        ])],
        causes: &[(RegistryCorrupt, Possible), (DanglingTag, Possible)],
        source: "distribution issue 3254: garbage collection of a self-hosted registry",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[],
        causes: &[
            (ImageRemovedUpstream, Possible),
            (DanglingTag, Possible),
            (RegistryCorrupt, Possible),
        ],
        source: "distribution issue 3254; moby distribution/errors.go",
    },
];
