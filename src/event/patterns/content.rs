//! What arrives, and what it is made of: layers, digests, sizes.

use super::Pattern;
use crate::event::class::Class::{
    BlobBackendError, BlobMissing, CredentialsNotUsed, DiskFull, DnsFailure, LayerCorruptOrFormat,
    RedirectTargetUnreachable, Registry5xx, RegistryCorrupt, RuntimePlatformBug,
    TlsInterceptingProxy, TlsUnknownCa, TokenExpired, TooManyLayers, TruncatedDownload,
    ZstdUnsupported,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::pattern::When;

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"max depth exceeded|too many layers|maximum number of layers|layers? (count )?limit|mount options (is |are )?too long|mount label .{0,40}too large|label key and value greater than maximum size|exceeds? .{0,20}layers|more than \d+ layers|layers? exceed",
        when: &[],
        causes: &[(TooManyLayers, Sure)],
        source: "moby layer/layer.go, ErrMaxDepthExceeded; containerd core/mount",
    },
    Pattern {
        text: r"layer\.v1\.tar\+zstd.*(no processor|unsupported|not supported|unknown|invalid)|(no processor|unsupported|not supported|unknown|invalid) .*zstd|zstd.*(unsupported|unknown|not supported|no processor|not implemented)",
        when: &[],
        causes: &[(ZstdUnsupported, Sure)],
        source: "containerd core/diff/stream.go; containers/image manifest/docker_schema2.go",
    },
    Pattern {
        text: r"tar\+zstd|diff\.tar\.zstd|\bzstd\b|\.zst\b|28b52ffd",
        when: &[],
        causes: &[(ZstdUnsupported, Likely), (LayerCorruptOrFormat, Possible)],
        source: "OCI image specification, layer media types; RFC 8878: the first bytes of a zstd frame",
    },
    Pattern {
        text: r"failed to register layer: .*invalid tar header",
        when: &[],
        causes: &[(ZstdUnsupported, Likely), (LayerCorruptOrFormat, Likely)],
        source: "moby before 23.0 reads a zstd layer as tar; aws/amazon-ecs-agent issue 4179",
    },
    Pattern {
        text: r"invalid tar header|gzip: invalid|flate: corrupt|bzip2 data invalid|wrong diff id calculated|archive/tar: |duplicates of file paths|unpigz|crc32 mismatch|magic number mismatch|failed to (decompress|get stream processor)|no processor for media-type|invalid diffID|diffID .{0,90}(does not|doesn't) match|unrecognized archive format|unknown compression|unexpected layer media ?type|unexpected magic|incorrect (data|header) check|zlib: invalid|invalid checksum|ApplyLayer exit status 1.*unexpected EOF|Untar re-exec error.*unexpected EOF",
        when: &[],
        causes: &[
            (LayerCorruptOrFormat, Likely),
            (RegistryCorrupt, Possible),
            (TruncatedDownload, Possible),
        ],
        source: "Go archive/tar, compress; containerd core/diff/apply, core/unpack/unpacker.go, core/snapshots",
    },
    Pattern {
        text: r#"layer "?\d+"? unavailable"#,
        when: &[],
        causes: &[
            (TokenExpired, Possible),
            (CredentialsNotUsed, Possible),
            (RedirectTargetUnreachable, Possible),
        ],
        source: "soci-snapshotter issue 1084: a snapshotter that fetches by itself, with credentials of its own",
    },
    Pattern {
        text: r"(register|extract|apply|unpack) .*input/output error",
        when: &[],
        causes: &[(DiskFull, Likely), (LayerCorruptOrFormat, Possible)],
        source: "Linux errno(3), EIO: the disk of the node fails, and the closest that can be done is to look at it",
    },
    Pattern {
        text: r"whiteout|not a directory|file exists|invalid cross-device|failed to Lchown|lchown .*(invalid argument|operation not permitted)|insufficient UIDs|potentially insufficient|unlinkat|hcsshim::(Import|Prepare)Layer|failed to mount .{0,80}(invalid argument|no such device)|operation not permitted: unknown|error creating overlay mount|failed to create snapshot|parent snapshot .* does not exist|missing parent .* bucket|layer not known|failed to stat parent|Error pulling image \(.*no such file or directory|failed to register layer: .*(no such file or directory|invalid argument|permission denied|operation not permitted|exit status)",
        when: &[],
        causes: &[
            (LayerCorruptOrFormat, Likely),
            (RuntimePlatformBug, Possible),
            (DiskFull, Possible),
        ],
        source: "containerd core/diff/apply, core/snapshots; moby layer: the content was verified, and the node could not unpack it",
    },
    Pattern {
        text: r"invalid tar header|magic number mismatch|unrecognized archive format|unknown compression|unexpected magic",
        when: &[],
        causes: &[(ZstdUnsupported, Possible)],
        source: "a runtime without zstd takes such a layer for a damaged archive",
    },
    Pattern {
        text: r"(fetching|reading|downloading|copying) (blob|config)\S*: .*((Status ?Code:? ?|status |registry )4\d\d|denied|forbidden)",
        when: &[],
        causes: &[(BlobBackendError, Likely)],
        source: "containers/image docker/body_reader.go: the storage refuses the rest of a blob",
    },
    Pattern {
        text: r"unexpected commit digest",
        when: &[When::Empty],
        causes: &[
            (TruncatedDownload, Likely),
            (RuntimePlatformBug, Possible),
            (RegistryCorrupt, Possible),
        ],
        source: "containerd core/remotes/docker: nothing at all arrived, from the registry or from a runtime that went on with an old download",
    },
    Pattern {
        text: r#"failed commit on ref "(manifest|index|config)-.*unexpected commit digest"#,
        when: &[],
        causes: &[
            (RegistryCorrupt, Likely),
            (TruncatedDownload, Possible),
            (TlsInterceptingProxy, Possible),
        ],
        source: "containerd core/content/helpers.go: a short document that arrived whole, or an empty one, is another one",
    },
    Pattern {
        text: r"(failed to (register|extract|apply) layer|processing tar file|apply layer).*unexpected EOF",
        when: &[],
        causes: &[
            (LayerCorruptOrFormat, Likely),
            (TruncatedDownload, Likely),
            (DiskFull, Possible),
        ],
        source: "moby and containerd check the digest before they unpack, so what breaks off is the layer itself",
    },
    Pattern {
        text: r"failed size validation|unexpected commit size",
        when: &[When::WrongSize],
        causes: &[
            (RegistryCorrupt, Likely),
            (TruncatedDownload, Likely),
            (TlsInterceptingProxy, Possible),
        ],
        source: "containerd core/content/helpers.go and local/writer.go: a connection that breaks leaves more than a few bytes out",
    },
    Pattern {
        text: r"unexpected EOF|short read|failed size validation|unexpected commit (size|digest)|failed to read expected number of bytes|http2: (server sent GOAWAY|client connection lost|response body closed)|stream error: stream ID|use of closed network connection|broken pipe|unexpected end of (file|stream|data)|invalid response size|happened during read|transfer closed with|bad record MAC|connection closed before|content-length mismatch|error reading from remote|incomplete (read|download)|premature|body size",
        when: &[],
        causes: &[(TruncatedDownload, Likely)],
        source: "Go io.ErrUnexpectedEOF; containerd core/content/helpers.go and issue 3974; moby distribution/pull_v2.go",
    },
    Pattern {
        text: r"filesystem layer verification failed",
        when: &[],
        causes: &[
            (RegistryCorrupt, Likely),
            (TruncatedDownload, Likely),
            (LayerCorruptOrFormat, Possible),
        ],
        source: "moby distribution/pull_v2.go: a layer that arrived whole has another digest",
    },
    Pattern {
        text: r"layers? from manifest don't match image configuration|target image not consistent with the config",
        when: &[],
        causes: &[(RegistryCorrupt, Likely), (LayerCorruptOrFormat, Likely)],
        source: "moby distribution/pull_v2.go, errRootFSMismatch and errRootFSInvalid",
    },
    Pattern {
        text: r"(error pulling image configuration|download failed(, retrying| after attempts)).*(x509|certificate)",
        when: &[],
        causes: &[(TlsInterceptingProxy, Likely), (TlsUnknownCa, Likely)],
        source: "moby distribution/xfer/download.go: the registry was trusted, the host that stores the content is not",
    },
    Pattern {
        text: r"(error pulling image configuration|download failed(, retrying| after attempts)).*lookup ",
        when: &[],
        causes: &[(DnsFailure, Likely), (RedirectTargetUnreachable, Likely)],
        source: "moby distribution/xfer/download.go: the registry was found, the host that stores the content was not",
    },
    Pattern {
        text: r"unexpected commit digest|failed size validation|unexpected commit size|unexpected EOF|Download failed",
        when: &[],
        causes: &[
            (RegistryCorrupt, Possible),
            (TlsInterceptingProxy, Possible),
            (DiskFull, Possible),
        ],
        source: "containerd issue 3974: a proxy cut the answer, or the registry serves other bytes",
    },
    Pattern {
        text: r"manifest verification failed|image (config )?verification failed for digest|config verification failed|digest mismatch|(manifest|digest|config|content) (\S+ )?does ?n[o']t match (\S+ )?(digest|content|provided|expected)|digests? did not match|Digest did not match|MANIFEST_INVALID|manifest (is )?invalid|rejecting \S+ byte manifest|unexpected end of JSON input|cannot unmarshal|(invalid|malformed|corrupt\S*) (image )?(manifest|index)|error (unmarshall?ing|decoding|parsing) (content|manifest|image|index)|DIGEST_INVALID|provided digest did not match|content size of zero|checksum (mismatch|does not match)|missing digest|invalid digest|corrupted|unexpected size|size mismatch|unsupported schema version",
        when: &[],
        causes: &[
            (RegistryCorrupt, Likely),
            (TruncatedDownload, Possible),
            (TlsInterceptingProxy, Possible),
        ],
        source: "moby distribution/pull_v2.go; containers/image image/docker_schema2.go; containerd core/remotes/docker/resolver.go",
    },
    Pattern {
        text: r"error pulling image configuration: .*(HTTP status: 5\d\d|\b50[0234] )",
        when: &[],
        causes: &[(Registry5xx, Likely), (BlobBackendError, Likely)],
        source: "moby distribution/xfer/download.go: the registry, or the storage behind it, failed",
    },
    Pattern {
        text: r"(error parsing HTTP \d+ response body|invalid character '<').*(AccessDenied|NoSuchKey|<Error><Code>|does not have permission to get URL|/blobs/|xml version|CloudFront)|<Error><Code>|</Code>|s3aws: |NoSuchBucket|RequestTimeTooSkewed|SignatureDoesNotMatch|AuthorizationQueryParametersError|error pulling image configuration: .*(error parsing|received unexpected|unexpected HTTP|unknown: |403|denied)|(filesystem|gcs|azure|swift|s3): .{0,80}(path|error|status)|input/output error|driver\.",
        when: &[],
        causes: &[
            (BlobBackendError, Likely),
            (RedirectTargetUnreachable, Possible),
            (TlsInterceptingProxy, Possible),
            (BlobMissing, Possible),
        ],
        source: "moby distribution/xfer/download.go; what S3 and Cloud Storage answer; distribution registry/storage/driver",
    },
    Pattern {
        text: r"(error pulling image configuration|download failed after attempts).*(dial tcp|i/o timeout|connection refused|handshake timeout|awaiting (response )?headers|no route to host|EOF|reset by peer)",
        when: &[],
        causes: &[(RedirectTargetUnreachable, Likely)],
        source: "moby distribution/xfer/download.go: the manifest was read, the host that stores the content gave no answer",
    },
    Pattern {
        text: r"error pulling image configuration: (Get|download)",
        when: &[],
        causes: &[
            (RedirectTargetUnreachable, Possible),
            (BlobBackendError, Possible),
            (TruncatedDownload, Possible),
        ],
        source: "moby distribution/xfer/download.go: a message cut off before the reason",
    },
    Pattern {
        text: r"download failed after attempts|Download failed, retrying",
        when: &[],
        causes: &[(BlobBackendError, Possible), (TruncatedDownload, Possible)],
        source: "moby distribution/xfer/download.go",
    },
    Pattern {
        text: r"\b403\b|AccessDenied|\bForbidden\b",
        when: &[When::PublicStorage],
        causes: &[
            (RedirectTargetUnreachable, Likely),
            (BlobBackendError, Likely),
            (TlsInterceptingProxy, Possible),
        ],
        source: "what a public registry gives to everybody is refused on the way, by a firewall, a proxy or for a country",
    },
    Pattern {
        text: r"(httpReadSeeker|unexpected status|status code|HTTP status|failed open|StatusCode).*[ :](4[01]\d|5\d\d)\b",
        when: &[When::BlobStorage],
        causes: &[
            (BlobBackendError, Likely),
            (RedirectTargetUnreachable, Possible),
            (TlsInterceptingProxy, Possible),
        ],
        source: "the host stores blobs for a registry, so the registry itself has answered",
    },
    Pattern {
        text: r"(GET request to|status code|open:?|Get) \S*/blobs/sha256:\S+ ?:? (400|401|403|405|409|416)\b|fetching blob: .*(400|401|403|405)|(reading|fetching|downloading) (blob|config|layer) .*(403|401|400|denied)",
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
        text: r"invalid character '<' looking for|text/html|<!doctype html|<html|unexpected content-?type|unexpected media type text/",
        when: &[],
        causes: &[
            (TlsInterceptingProxy, Likely),
            (Registry5xx, Possible),
            (BlobBackendError, Possible),
        ],
        source: "a web page where a registry should answer: a proxy, a firewall or a log-in page",
    },
    Pattern {
        text: r"failed to extract layer|failed to register layer|processing tar file|failed to prepare extraction snapshot|failed to unpack image on snapshotter|applyLayer|error applying layer|failed to apply layer|writing blob|adding layer with blob",
        when: &[],
        causes: &[(LayerCorruptOrFormat, Possible)],
        source: "containerd core/unpack/unpacker.go; moby distribution/xfer/download.go",
    },
];
