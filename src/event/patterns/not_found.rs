//! What is not there.

use super::Pattern;
use crate::event::class::Class::{
    BlobMissing, DanglingTag, DigestGone, ImageRemovedUpstream, LocalImageNotPushed,
    RegistryCorrupt, RepoMissingOrPrivate, TagNotFound,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::family::Family;
use crate::event::pattern::When;

/// A manifest is not there, in the wordings of all runtimes and registries.
const NO_MANIFEST: &str = r#"failed to resolve (reference|image)[^|]*: not found|[\w.:-]+/[\w./:@-]+"?: not found\s*"?$|manifest for \S+ not found|manifest unknown|MANIFEST_UNKNOWN|manifest tagged by .* is not found|Requested image not found|Failed to fetch "|tag (\S+ )?(does not exist|not found|unknown)|manifests?/?\S* ?:? ?404|status code \[manifests [^\]]*\]: 404|No such image|image (\S+ )?not found|unexpected status from HEAD request to \S+: 404|Tag \S+ was deleted or has expired|reading manifest \S+ in \S+: .{0,40}not found|404 not found"#;

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"content descriptor \S+ \(application/vnd\.(oci\.image\.(manifest|index)|docker\.distribution\.manifest)\S*\)( from remote)?: not found|/manifests/sha256:[0-9a-f]+ not found|/manifests/sha256:\S+ ?:? 404",
        when: &[When::ByTag],
        causes: &[(DanglingTag, Likely), (DigestGone, Possible)],
        source: "containerd core/remotes/docker/fetcher.go: the tag was resolved, its manifest is gone",
    },
    Pattern {
        text: r"(from manifest list|choosing (an )?image).*reading manifest sha256:\S+ in .*(unknown|not found|404)",
        when: &[],
        causes: &[(DanglingTag, Likely), (RegistryCorrupt, Possible)],
        source: "containers/image copy/multiple.go: the index was read, one of its manifests is gone",
    },
    Pattern {
        text: r"content descriptor \S+ \(application/vnd\.(oci\.image\.(config|layer)|docker\.(container|image))\S*\)( from remote)?: not found|/blobs/sha256:\S+ (not found|:? ?404)|blob unknown|BLOB_UNKNOWN|unknown blob|fetching blob: .*404|blob \S+ (was )?not found|error pulling image configuration: .*(unknown blob|404|not found)",
        when: &[],
        causes: &[(BlobMissing, Sure)],
        source: "containerd core/remotes/docker/fetcher.go; distribution registry/api/errcode, BLOB_UNKNOWN",
    },
    Pattern {
        text: r"could not fetch content descriptor \S+ from remote: not found",
        when: &[],
        causes: &[(BlobMissing, Likely), (DanglingTag, Likely)],
        source: "containerd core/remotes/docker/fetcher.go; GKE, Troubleshoot image pulls",
    },
    Pattern {
        text: r"content digest sha256:[0-9a-f]+: not found|failed to get reader from content store",
        when: &[],
        causes: &[(BlobMissing, Possible), (RegistryCorrupt, Possible)],
        source: "containerd core/content: the node's own store lost it, or it was never fetched",
    },
    Pattern {
        text: r"name unknown|NAME_UNKNOWN|repository name not known|repository with name .* does not exist|project \S+ not found|repository \S+ not found|repository does not exist|repo(sitory)? not found|RepositoryNotFound|artifact \S+ not found",
        when: &[When::NotFrom(&[Family::Ecr])],
        causes: &[(RepoMissingOrPrivate, Likely)],
        source: "distribution registry/api/errcode, NAME_UNKNOWN; Harbor",
    },
    Pattern {
        text: r"name unknown|NAME_UNKNOWN|repository with name .* does not exist|RepositoryNotFound",
        when: &[],
        causes: &[(RepoMissingOrPrivate, Sure)],
        source: "Amazon ECR; distribution registry/api/errcode, NAME_UNKNOWN",
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
        causes: &[(DigestGone, Likely)],
        source: "OCI distribution specification, section Pulling manifests",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::LocalName],
        causes: &[(LocalImageNotPushed, Likely)],
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
        text: r"was deleted or has expired|revive via time machine",
        when: &[],
        causes: &[(TagNotFound, Likely), (ImageRemovedUpstream, Likely)],
        source: "quay.io, on tags that were deleted",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::From(&[
            Family::DockerHub,
            Family::GitHub,
            Family::Quay,
            Family::Open,
        ])],
        causes: &[(ImageRemovedUpstream, Possible)],
        source: "public images go away without notice",
    },
    Pattern {
        text: NO_MANIFEST,
        when: &[When::From(&[Family::Localhost, Family::Other])],
        causes: &[(RegistryCorrupt, Possible), (DanglingTag, Possible)],
        source: "distribution issue 3254: garbage collection of a self-hosted registry",
    },
];
