//! Platforms, formats and schema versions.

use super::Pattern;
use crate::event::class::Class::{
    ArtifactNotImage, AttestationManifest, DanglingTag, InvalidReference, PlatformMismatch,
    RegistryCorrupt, RuntimePlatformBug, Schema1, TlsInterceptingProxy, WindowsVersionMismatch,
    WrongArchBinary,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::family::Family::Open;
use crate::event::pattern::When;

/// The image has no variant for the node, in the wordings of all runtimes.
const NO_PLATFORM: &str = r"no match for platform in (the )?manifest|no image found in (manifest list|image index)|no matching manifest for|does not match the specified platform|cannot be used on this platform|no child with platform|find a descriptor for platform|unpacker does not support platform|descriptor matching platform|no matching platform|no supported platform|unsupported platform|no (image )?manifests? (was )?(found |matching )?for platform|does not provide the specified platform|does not provide any platform|image operating system .{0,30}(cannot|not)|no suitable image|architecture .{0,20}not (found|supported)|(incompatible|not compatible) with .{0,30}(architecture|platform)|image might be filtered out|platform .{0,40}(is not available|not supported|mismatch)|no image manifest matches|could not find (a )?platform|no.{0,20}manifest .{0,30}linux/";

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"Schema 1 images have been deprecated|schema 1 image manifests are no longer supported|v1\+prettyjws|distribution\.manifest\.v1\+(jws|json)|schema ?1 not supported|manifest v(ersion )?2,? schema 1|Image Format v1|schema ?(version )?v?1 (manifest|image)s?|unsupported schema ?version 1|schemaVersion.{0,3} ?1\b|docker schema ?(v2s1|v1|1)|unsupported manifest schema version: 1|PULL_SCHEMA_1|missing signature key|ctr: no signatures$",
        when: &[],
        causes: &[(Schema1, Sure)],
        source: "containerd v2.0 core/remotes/docker/schema1, v2.1 core/transfer/local/pull.go; moby distribution/errors.go",
    },
    Pattern {
        text: r"in-toto|unknown/unknown|attestation-manifest|attestation|architecture .?unknown.?, (variant .{0,12})?OS .?unknown",
        when: &[],
        causes: &[
            (AttestationManifest, Likely),
            (PlatformMismatch, Possible),
            (ArtifactNotImage, Possible),
        ],
        source: "BuildKit docs/attestations/attestation-storage.md",
    },
    Pattern {
        text: r"in-toto\+json.*(no processor|not supported|unsupported|unknown)|(unsupported|no processor|unknown|unexpected) .*in-toto|(duplicate|multiple|no match|no image found|unsupported) .*unknown/unknown",
        when: &[],
        causes: &[(AttestationManifest, Sure)],
        source: "containerd issue 8243",
    },
    Pattern {
        text: r"must support amd64/linux|manifest, config or layer media type for the source image|image manifest media type .{0,20}not supported",
        when: &[],
        causes: &[
            (AttestationManifest, Likely),
            (PlatformMismatch, Likely),
            (ArtifactNotImage, Possible),
        ],
        source: "Cloud Run and AWS Lambda: what they answer to an index with attestations",
    },
    Pattern {
        text: r"no match for platform in manifest sha256:|no image found in manifest list for architecture",
        when: &[When::Sandbox],
        causes: &[(RuntimePlatformBug, Likely), (PlatformMismatch, Likely)],
        source: "containerd issue 2943: old versions match Arm variants wrongly; the pause image has all platforms",
    },
    Pattern {
        text: r"architecture .?arm64.?, variant .?v8",
        when: &[When::From(&[Open])],
        causes: &[(RuntimePlatformBug, Likely), (PlatformMismatch, Likely)],
        source: "containers/image issue 1100: the images of Kubernetes have arm64 without a variant, which a runtime did not take for v8",
    },
    Pattern {
        text: r"architecture .?arm.?, variant .?v8",
        when: &[],
        causes: &[(RuntimePlatformBug, Likely), (PlatformMismatch, Likely)],
        source: "cri-o issue 3626: no image is labelled arm with variant v8, so a runtime that asks for it misreads its machine",
    },
    Pattern {
        text: r"image diffIDs: manifest sha256:\S+ not found",
        when: &[],
        causes: &[
            (RuntimePlatformBug, Likely),
            (PlatformMismatch, Likely),
            (DanglingTag, Possible),
        ],
        source: "containerd before 1.2, images/image.go: what it says of an index without an image for the machine that it takes itself for",
    },
    Pattern {
        text: r"OCI (index|manifest) found, but accept header does not support OCI",
        when: &[],
        causes: &[
            (AttestationManifest, Likely),
            (RuntimePlatformBug, Likely),
            (ArtifactNotImage, Possible),
        ],
        source: "distribution registry/handlers/manifests.go, to clients that know Docker's media types alone; BuildKit writes an OCI index for attestations",
    },
    Pattern {
        text: r"\btarget is unknown\b|mediaType in manifest should be .{0,80} not",
        when: &[],
        causes: &[
            (RuntimePlatformBug, Likely),
            (ArtifactNotImage, Possible),
            (RegistryCorrupt, Possible),
        ],
        source: "moby distribution/pull_v2.go of 1.13 and of 19.03: media types that a later version takes",
    },
    Pattern {
        text: r"unknown service runtime\.v1(alpha2)?\.",
        when: &[],
        causes: &[(RuntimePlatformBug, Likely)],
        source: "kubernetes cri-api: kubelet, kubeadm or crictl and the runtime speak other versions of the interface",
    },
    Pattern {
        text: r"Cannot overwrite digest|received a manifest list instead of a manifest for a single image",
        when: &[],
        causes: &[
            (RuntimePlatformBug, Likely),
            (PlatformMismatch, Possible),
            (DanglingTag, Possible),
        ],
        source: "moby reference/store.go; containers/image copy/single.go: a tool that mistakes an index for an image",
    },
    Pattern {
        text: r"container operating system does not match the host|0xc0370101|incompatible with a .{0,40}host|Windows version .*(incompatible|not supported|mismatch)|CreateComputeSystem.*(does not match|0xc037)|operating system of the container does not match",
        when: &[],
        causes: &[(WindowsVersionMismatch, Sure)],
        source: "Windows HCS errors; moby distribution/pull_v2_windows.go",
    },
    Pattern {
        text: r"no matching manifest for unknown in",
        when: &[],
        causes: &[(WindowsVersionMismatch, Likely), (PlatformMismatch, Likely)],
        source: "moby distribution/pull_v2_windows.go: a Windows daemon that finds no image of its build, or none of Windows at all",
    },
    Pattern {
        text: NO_PLATFORM,
        when: &[When::WindowsBase],
        causes: &[(WindowsVersionMismatch, Likely), (PlatformMismatch, Likely)],
        source: "moby distribution/pull_v2_windows.go: base images of Windows run on their own build only",
    },
    Pattern {
        text: r"wanted linux/arm64(/v8)?, actual: linux/arm64|wanted linux/arm(/v\d)?, actual: linux/arm\b|wanted linux/amd64(/v\d)?, actual: linux/amd64",
        when: &[],
        causes: &[(RuntimePlatformBug, Likely), (PlatformMismatch, Possible)],
        source: "moby issue 42732: the same platform, written in two ways, was not taken for the same",
    },
    Pattern {
        text: r"does not match the (detected host|expected) platform|can't load \S+ .{0,10}on a \S+.?bit platform|can't load .{0,40} on a .{0,20}platform|wrong ELF class|CPU (does not support|is not supported)|x86-64-v[234]|machine type .{0,20}not supported|ELF: not found|qemu: uncaught target signal|Bad CPU type in executable",
        when: &[],
        causes: &[(WrongArchBinary, Likely), (PlatformMismatch, Possible)],
        source: "moby daemon/create.go; the loaders of Java, glibc and macOS",
    },
    Pattern {
        text: r"no matching manifest for linux/\w+/unknown",
        when: &[],
        causes: &[(RuntimePlatformBug, Likely), (PlatformMismatch, Possible)],
        source: "containerd platforms/cpuinfo_linux.go: the runtime did not find out the variant of its own processor, and no image names that one",
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
        text: r"no unpack platforms? (defined|configured)",
        when: &[],
        causes: &[(RuntimePlatformBug, Likely), (PlatformMismatch, Possible)],
        source: "containerd core/unpack/unpacker.go: the runtime itself is set up for no platform",
    },
    Pattern {
        text: NO_PLATFORM,
        when: &[],
        causes: &[
            (PlatformMismatch, Likely),
            (RuntimePlatformBug, Possible),
            (AttestationManifest, Possible),
        ],
        source: "containerd core/images/image.go; containers/image internal/manifest; moby distribution/pull_v2.go",
    },
    Pattern {
        text: r"exec format error|cannot execute binary file|cannot execute: required file not found|rosetta error: failed to open elf|qemu-\S+: Could not open|Could not open '/lib(64)?/ld-|exec user process caused.{0,20}no such file or directory.{0,20}ld-linux|ENOEXEC|qemu: Unsupported syscall|not a valid Win32 application",
        when: &[],
        causes: &[(WrongArchBinary, Likely), (PlatformMismatch, Possible)],
        source: "Linux execve(2), ENOEXEC",
    },
    Pattern {
        text: r"failed to (register|extract|apply) layer|processing tar file|invalid tar header|unexpected EOF|unsupported|unknown|no processor|mismatch|not found",
        when: &[When::ArtifactTag],
        causes: &[(ArtifactNotImage, Likely), (AttestationManifest, Possible)],
        source: "cosign names signatures, SBOMs and attestations by the digest of the image, with .sig, .sbom and .att",
    },
    Pattern {
        text: r"invalid rootfs|mismatched image rootfs and manifest layers|number of layers and diffIDs don't match|mismatched fs layers|unsupported image-specific operation on artifact|encountered unknown type|encountered remote .*when fetching|cncf\.helm|cosign\.|dev\.sigstore|vnd\.wasm|application/wasm|oci\.empty|buildkit\.cacheconfig|docker\.plugin|(unsupported|invalid|unexpected|unknown) (config |layer )?media ?type .{0,6}application/(vnd\.(cncf|oci\.(artifact|empty)|dev|docker\.(plugin|ai)|unknown|cyclonedx|syft|dsse)|json|octet-stream|spdx)|is not an? (container |docker )?image|not a (runnable|container|valid) image|unknown (config|artifact) ?(media ?)?type|invalid image config|OCI artifact, not (an )?image|artifact ?type|minimum number of descriptors|vnd\.unknown\.(config|artifact)|(is|was) (a )?helm chart|target is plugin|invalid image type|no command specified|does not contain .{0,20}(os|architecture)|invalid (config|manifest) media ?type|no config found|identifier is not an image|payload does not match any of the supported image formats|mixed OCI image with Docker v2s2|not an image manifest|unsupported (docker v2s2|OCI) media type|invalid mediatype|unknown image config|media ?type .{0,90} is not allowed|could not load config with media ?type",
        when: &[],
        causes: &[
            (ArtifactNotImage, Likely),
            (AttestationManifest, Possible),
            (RegistryCorrupt, Possible),
        ],
        source: "containerd core/unpack/unpacker.go, core/images; containers/image internal/manifest/errors.go; moby distribution/pull_v2.go; Helm pkg/registry",
    },
    Pattern {
        text: r"unknown type application/json",
        when: &[],
        causes: &[(ArtifactNotImage, Likely), (Schema1, Possible)],
        source: "containerd core/images: registries send schema 1 as application/json too",
    },
    Pattern {
        text: r"possible OCI artifact",
        when: &[],
        causes: &[(ArtifactNotImage, Possible)],
        source: "CRI-O internal/ociartifact",
    },
    Pattern {
        text: r"(unsupported|unexpected|unknown) (manifest |config )?media ?type",
        when: &[],
        causes: &[
            (ArtifactNotImage, Possible),
            (RegistryCorrupt, Possible),
            (TlsInterceptingProxy, Possible),
        ],
        source: "containerd core/images/handlers.go; moby distribution/pull_v2.go",
    },
    Pattern {
        text: r"https?://\S+: invalid reference format",
        when: &[],
        causes: &[(InvalidReference, Sure)],
        source: "distribution/reference: a name has no scheme",
    },
];
