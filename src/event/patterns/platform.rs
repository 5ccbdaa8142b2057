//! Platforms, formats and schema versions.

use super::Pattern;
use crate::event::class::Class::{
    ArtifactNotImage, AttestationManifest, PlatformMismatch, RuntimePlatformBug, Schema1,
    WindowsVersionMismatch, WrongArchBinary,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::pattern::When;

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"Schema 1 images have been deprecated|schema 1 image manifests are no longer supported|v1\+prettyjws|distribution\.manifest\.v1\+(jws|json)|schema 1 not supported|manifest version 2, schema 1|Image Format v1|schema ?(version )?v?1 (manifest|image)s?|unsupported schema version 1|schemaVersion:? ?1\b",
        when: &[],
        causes: &[(Schema1, Sure)],
        source: "containerd v2.0 core/remotes/docker/schema1, v2.1 core/transfer/local/pull.go; moby distribution/errors.go",
    },
    Pattern {
        text: r"in-toto|unknown/unknown|attestation-manifest|architecture .?unknown.?, (variant .{0,12})?OS .?unknown",
        when: &[],
        causes: &[(AttestationManifest, Likely)],
        source: "BuildKit docs/attestations/attestation-storage.md",
    },
    Pattern {
        text: r"in-toto\+json.*(no processor|not supported|unsupported|unknown)|(unsupported|no processor|unknown|unexpected) .*in-toto|(duplicate|multiple|no match|no image found|unsupported) .*unknown/unknown",
        when: &[],
        causes: &[(AttestationManifest, Sure)],
        source: "containerd issue 8243",
    },
    Pattern {
        text: r"must support amd64/linux|manifest, config or layer media type for the source image",
        when: &[],
        causes: &[(PlatformMismatch, Likely), (AttestationManifest, Likely)],
        source: "Cloud Run and AWS Lambda: what they answer to an index with attestations",
    },
    Pattern {
        text: r"no match for platform in manifest sha256:",
        when: &[When::Sandbox],
        causes: &[(RuntimePlatformBug, Likely), (PlatformMismatch, Likely)],
        source: "containerd issue 2943: old versions match Arm variants wrongly; the pause image has all platforms",
    },
    Pattern {
        text: r"container operating system does not match the host|0xc0370101|incompatible with a .{0,40}host|no matching manifest for unknown in|Windows version .*(incompatible|not supported|mismatch)|CreateComputeSystem.*(does not match|0xc037)",
        when: &[],
        causes: &[(WindowsVersionMismatch, Sure)],
        source: "Windows HCS errors; moby distribution/pull_v2_windows.go",
    },
    Pattern {
        text: r"no matching manifest for windows|no match for platform in manifest|image found in (manifest list|image index) for architecture",
        when: &[When::WindowsBase],
        causes: &[(WindowsVersionMismatch, Likely), (PlatformMismatch, Likely)],
        source: "moby distribution/pull_v2_windows.go: base images of Windows run on their own build only",
    },
    Pattern {
        text: r"wanted linux/arm64(/v8)?, actual: linux/arm64|wanted linux/arm(/v\d)?, actual: linux/arm\b|wanted linux/amd64(/v\d)?, actual: linux/amd64",
        when: &[],
        causes: &[(RuntimePlatformBug, Sure)],
        source: "moby issue 42732: the same platform, written in two ways, was not taken for the same",
    },
    Pattern {
        text: r"no matching manifest for windows",
        when: &[],
        causes: &[
            (PlatformMismatch, Likely),
            (WindowsVersionMismatch, Possible),
        ],
        source: "moby distribution/pull_v2_windows.go",
    },
    Pattern {
        text: r"no match for platform in manifest: |no image found in (manifest list|image index) for|no matching manifest for (linux|darwin)|does not match the specified platform|cannot be used on this platform|no child with platform|no matching platform|unsupported platform|no (image )?manifest (found )?for platform|does not provide the specified platform|does not provide any platform|image operating system .{0,30}(cannot|not)",
        when: &[],
        causes: &[(PlatformMismatch, Sure)],
        source: "containerd core/images/image.go; containers/image internal/manifest; moby distribution/pull_v2.go",
    },
    Pattern {
        text: r"no match for platform in manifest sha256:",
        when: &[],
        causes: &[(PlatformMismatch, Likely), (RuntimePlatformBug, Possible)],
        source: "containerd up to 1.3 core/images/image.go, and the transfer service of 2.1; containerd issue 2943",
    },
    Pattern {
        text: r"exec format error|Exec format error|cannot execute binary file|rosetta error: failed to open elf|qemu-\S+: Could not open|exec user process caused.{0,20}no such file or directory.{0,20}ld-linux",
        when: &[],
        causes: &[(WrongArchBinary, Likely)],
        source: "Linux execve(2), ENOEXEC",
    },
    Pattern {
        text: r"does not match the (detected host|expected) platform",
        when: &[],
        causes: &[(WrongArchBinary, Likely), (PlatformMismatch, Likely)],
        source: "moby daemon/create.go",
    },
    Pattern {
        text: r"invalid rootfs|mismatched image rootfs and manifest layers|number of layers and diffIDs don't match|unsupported image-specific operation on artifact|encountered unknown type|encountered remote .*when fetching|cncf\.helm|cosign\.|dev\.sigstore|vnd\.wasm|oci\.empty|buildkit\.cacheconfig|docker\.plugin|(unsupported|invalid|unexpected) (config )?media ?type .{0,6}application/vnd\.(cncf|oci\.(artifact|empty)|dev|docker\.plugin|unknown)|is not an image|not a (runnable|container) image|unknown config media ?type|invalid image config|OCI artifact, not (an )?image|artifact ?type",
        when: &[],
        causes: &[(ArtifactNotImage, Likely)],
        source: "containerd core/unpack/unpacker.go, core/images; containers/image internal/manifest/errors.go; moby distribution/pull_v2.go",
    },
    Pattern {
        text: r"mismatched image rootfs and manifest layers|number of layers and diffIDs don't match",
        when: &[],
        causes: &[(AttestationManifest, Possible)],
        source: "containerd core/unpack/unpacker.go",
    },
];
