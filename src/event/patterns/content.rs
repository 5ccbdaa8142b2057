//! What arrives, and what it is made of: layers, digests, sizes.

use super::Pattern;
use crate::event::class::Class::{
    BlobBackendError, LayerCorruptOrFormat, RedirectTargetUnreachable, Registry5xx,
    RegistryCorrupt, TlsInterceptingProxy, TooManyLayers, TruncatedDownload, ZstdUnsupported,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::pattern::When;

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"max depth exceeded|too many layers|maximum number of layers|layers? limit|mount options (is |are )?too long",
        when: &[],
        causes: &[(TooManyLayers, Sure)],
        source: "moby layer/layer.go, ErrMaxDepthExceeded",
    },
    Pattern {
        text: r"tar\+zstd|diff\.tar\.zstd|zstd.*(unsupported|unknown|not supported|no processor)|(unsupported|unknown|invalid).*zstd",
        when: &[],
        causes: &[(ZstdUnsupported, Sure)],
        source: "containerd core/diff/stream.go; containers/image manifest/docker_schema2.go",
    },
    Pattern {
        text: r"failed to register layer: .*invalid tar header",
        when: &[],
        causes: &[(ZstdUnsupported, Likely), (LayerCorruptOrFormat, Likely)],
        source: "moby before 23.0 reads a zstd layer as tar; aws/amazon-ecs-agent issue 4179",
    },
    Pattern {
        text: r"invalid tar header|gzip: invalid|flate: corrupt|bzip2 data invalid|wrong diff id calculated|archive/tar: |duplicates of file paths|unpigz|magic number mismatch|failed to (decompress|get stream processor)|no processor for media-type|invalid diffID|layer diffID .*does not match|whiteout|unrecognized archive format|unknown compression|unexpected layer media ?type",
        when: &[],
        causes: &[(LayerCorruptOrFormat, Likely)],
        source: "Go archive/tar, compress; containerd core/diff/apply, core/unpack/unpacker.go",
    },
    Pattern {
        text: r"invalid tar header|magic number mismatch|unrecognized archive format|unknown compression",
        when: &[],
        causes: &[(ZstdUnsupported, Possible)],
        source: "a runtime without zstd takes such a layer for a damaged archive",
    },
    Pattern {
        text: r"(fetching|reading|downloading) blob: .*Status ?Code: 4\d\d",
        when: &[],
        causes: &[(BlobBackendError, Likely)],
        source: "containers/image docker/body_reader.go: the storage refuses the rest of a blob",
    },
    Pattern {
        text: r#"failed commit on ref "(manifest|index|config)-.*unexpected commit digest"#,
        when: &[],
        causes: &[(RegistryCorrupt, Likely), (TlsInterceptingProxy, Possible)],
        source: "containerd core/content/helpers.go: a short document that arrived whole is another one",
    },
    Pattern {
        text: r"(failed to (register|extract|apply) layer|processing tar file).*unexpected EOF",
        when: &[],
        causes: &[(LayerCorruptOrFormat, Likely), (TruncatedDownload, Likely)],
        source: "moby and containerd check the digest before they unpack, so what breaks off is the layer itself",
    },
    Pattern {
        text: r"unexpected EOF|short read|failed size validation|unexpected commit (size|digest)|failed to read expected number of bytes|filesystem layer verification failed|http2: (server sent GOAWAY|client connection lost)|stream error: stream ID|use of closed network connection|broken pipe|unexpected end of (file|stream|data)|invalid response size|happened during read|transfer closed with",
        when: &[],
        causes: &[(TruncatedDownload, Likely)],
        source: "Go io.ErrUnexpectedEOF; containerd core/content/helpers.go and issue 3974; moby distribution/pull_v2.go",
    },
    Pattern {
        text: r"(failed to copy|httpReadSeeker|writing blob|reading blob|copying config).*(connection reset by peer|: EOF\b)|read tcp .*(i/o timeout|connection timed out|connection reset)",
        when: &[],
        causes: &[(TruncatedDownload, Likely)],
        source: "containerd core/remotes/docker/httpreadseeker.go",
    },
    Pattern {
        text: r"filesystem layer verification failed",
        when: &[],
        causes: &[
            (LayerCorruptOrFormat, Possible),
            (RegistryCorrupt, Possible),
        ],
        source: "moby distribution/pull_v2.go",
    },
    Pattern {
        text: r"layers? from manifest don't match image configuration|target image not consistent with the config",
        when: &[],
        causes: &[(RegistryCorrupt, Likely), (LayerCorruptOrFormat, Likely)],
        source: "moby distribution/pull_v2.go, errRootFSMismatch and errRootFSInvalid",
    },
    Pattern {
        text: r"unexpected commit digest|failed size validation|unexpected commit size",
        when: &[],
        causes: &[
            (RegistryCorrupt, Possible),
            (TlsInterceptingProxy, Possible),
        ],
        source: "containerd issue 3974: a proxy cut the answer, or the registry serves other bytes",
    },
    Pattern {
        text: r"manifest verification failed|image (config )?verification failed for digest|config verification failed|digest mismatch|(manifest|digest|config|content) (\S+ )?does ?n[o']t match (\S+ )?(digest|content|provided)|digest did not match|MANIFEST_INVALID|manifest invalid|rejecting \d+ byte manifest|unexpected end of JSON input|cannot unmarshal|invalid manifest|error unmarshalling (content|manifest)|DIGEST_INVALID|provided digest did not match",
        when: &[],
        causes: &[(RegistryCorrupt, Likely)],
        source: "moby distribution/pull_v2.go; containers/image image/docker_schema2.go; containerd core/remotes/docker/resolver.go",
    },
    Pattern {
        text: r"(error parsing HTTP \d+ response body|invalid character '<').*(AccessDenied|NoSuchKey|<Error><Code>|does not have permission to get URL|/blobs/|xml version)|<Error><Code>|</Code>|s3aws: |NoSuchBucket|error pulling image configuration: .*(error parsing|received unexpected|unexpected HTTP|unknown)",
        when: &[],
        causes: &[(BlobBackendError, Likely)],
        source: "moby distribution/xfer/download.go; what S3 and Cloud Storage answer",
    },
    Pattern {
        text: r"(error pulling image configuration|download failed after attempts).*(dial tcp|i/o timeout|connection refused|no such host|handshake timeout|awaiting response headers|no route to host)",
        when: &[],
        causes: &[(RedirectTargetUnreachable, Likely)],
        source: "moby distribution/xfer/download.go: the manifest was read, the host that stores the content gave no answer",
    },
    Pattern {
        text: r"download failed after attempts",
        when: &[],
        causes: &[(BlobBackendError, Possible), (TruncatedDownload, Possible)],
        source: "moby distribution/xfer/download.go",
    },
    Pattern {
        text: r"(httpReadSeeker|unexpected status|status code|HTTP status|failed open).*[ :](4[01]\d|5\d\d)\b",
        when: &[When::BlobStorage],
        causes: &[(BlobBackendError, Sure)],
        source: "the host stores blobs for a registry, so the registry itself has answered",
    },
    Pattern {
        text: r"/blobs/sha256:\S+ ?:? (400|403|405|409)\b|fetching blob: .*(400|403|405)|(reading|fetching|downloading) (blob|config|layer) .*(403|400|denied)",
        when: &[],
        causes: &[(BlobBackendError, Likely)],
        source: "containerd core/remotes/docker/httpreadseeker.go: the manifest was readable, the blob is not",
    },
    Pattern {
        text: r"/blobs/sha256:\S+ ?:? 5\d\d\b|(reading|fetching|downloading) (blob|config|layer)\b.* 5\d\d\b|received unexpected HTTP status: 5\d\d.{0,40}blob",
        when: &[],
        causes: &[(Registry5xx, Likely), (BlobBackendError, Likely)],
        source: "containerd core/remotes/docker/httpreadseeker.go",
    },
    Pattern {
        text: r"invalid character '<' looking for|text/html|<!doctype html|<html|unexpected content-type",
        when: &[],
        causes: &[(TlsInterceptingProxy, Likely), (Registry5xx, Possible)],
        source: "a web page where a registry should answer: a proxy, a firewall or a log-in page",
    },
    Pattern {
        text: r"failed to extract layer|failed to register layer|processing tar file|insufficient UIDs or GIDs|failed to prepare extraction snapshot|hcsshim::ImportLayer|failed to unpack image on snapshotter|applyLayer|error applying layer|failed to apply layer",
        when: &[],
        causes: &[(LayerCorruptOrFormat, Possible)],
        source: "containerd core/unpack/unpacker.go; moby distribution/xfer/download.go",
    },
];
