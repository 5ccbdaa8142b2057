//! Media types of manifests, configs and layers.
//!
//! Sources: OCI image-spec `media-types.md`; Docker `manifest-v2-1.md` and `manifest-v2-2.md`.

pub use oci_client::manifest::{
    IMAGE_CONFIG_MEDIA_TYPE as OCI_CONFIG, IMAGE_DOCKER_CONFIG_MEDIA_TYPE as DOCKER_CONFIG,
    IMAGE_MANIFEST_LIST_MEDIA_TYPE as DOCKER_LIST, IMAGE_MANIFEST_MEDIA_TYPE as DOCKER_MANIFEST,
    OCI_IMAGE_INDEX_MEDIA_TYPE as OCI_INDEX, OCI_IMAGE_MEDIA_TYPE as OCI_MANIFEST,
};

/// A layer of Docker that is not compressed, as archives hold it (moby `image/spec/v1.2.md`).
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";

/// A signed Docker schema 1 manifest.
pub const SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
/// A Docker schema 1 manifest without signatures.
pub const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// What containerd treats as schema 1 too, because `registry.access.redhat.com` sent it
/// (containerd `core/remotes/docker/resolver.go`, `getManifestMediaType`).
pub const SCHEMA1_QUIRK: &str = "text/plain";
/// The config type that manifests written by `docker push` before 2016 have (distribution issue 1622); containerd
/// still takes it for an image.
pub const LEGACY_CONFIG: &str = "application/octet-stream";
/// The config of a Helm chart.
pub const HELM_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// The empty config that OCI artifacts carry (OCI image-spec `manifest.md`, "Guidance for an Empty Descriptor").
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// What containerd asks for when it pulls (containerd `core/remotes/docker/resolver.go`). A registry that is asked for
/// less converts: Docker's distribution 2.8 then makes schema 1 out of newer manifests.
pub const ACCEPT: &str = "application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json, */*";

/// Whether a config of this type belongs to a runnable image.
#[must_use]
pub fn is_image_config(media_type: &str) -> bool {
    matches!(media_type, OCI_CONFIG | DOCKER_CONFIG | LEGACY_CONFIG)
}

/// Whether a layer of this type is part of a file system. A type that is not given counts as one, because old clients left
/// it away.
#[must_use]
pub fn is_image_layer(media_type: &str) -> bool {
    media_type.is_empty()
        || media_type.starts_with("application/vnd.oci.image.layer.")
        || media_type.starts_with("application/vnd.docker.image.rootfs.")
        || media_type.starts_with("application/vnd.docker.container.image.rootfs.")
}

/// A media type without its parameters, in lower case: `application/json; charset=utf-8` is `application/json`.
#[must_use]
pub fn essence(media_type: &str) -> String {
    media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}
