use super::event::{Pull, Wording};
use super::{Finding, Subject, declare_rule};
use crate::cluster::{NodePool, RuntimeKind};
use crate::facts::{Depth, Found, PlatformImage};
use crate::finding::Severity;
use crate::oci::{Descriptor, Reference};

declare_rule! {
    /// ## What it does
    /// Reports images with a layer of a kind that nodes unpack with a plugin only: encrypted layers, Nydus blobs, and other
    /// types than plain, gzip and zstd tar files. zstd counts too where a node pool's runtime is too old for it: containerd
    /// reads it from 1.5 on, and under the Docker media type, which buildx writes without `oci-mediatypes=true`, from 2.0 on;
    /// Docker Engine reads it from 23.0 on.
    ///
    /// ## Why it matters
    /// The image is fetched whole, and then the unpacking fails. It happens when a build with lazy loading or encryption
    /// switched on is deployed to a cluster that knows nothing of it.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`: ``failed to extract layer sha256:…: failed to get stream processor for …: no processor for media-type:
    /// unknown``.
    ///
    /// ## How to fix it
    /// Build without it: `docker buildx build --output type=image,compression=gzip,push=true`. If the nodes do have the plugin,
    /// switch the rule off.
    id: "unsupported-layer",
    summary: "a layer is of a kind that nodes cannot unpack without a plugin",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

/// The layer types that containerd unpacks by itself (containerd `core/images/mediatypes.go` and `core/diff/stream.go`),
/// without what they add for compression.
const SUPPORTED: [&str; 4] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let unsupported = subject.pulled(found).into_iter().find_map(|pulled| {
        let (index, layer) = unsupported_layer(pulled.image)?;
        Some((pulled, index, layer))
    });
    let Some((pulled, index, layer)) = unsupported else {
        return too_old_for_zstd(subject, reference, found)
            .into_iter()
            .collect();
    };
    let pull = Pull::new(subject, reference, pulled.pools.iter().copied());
    let diff_id = pulled
        .image
        .config()
        .and_then(|config| config.diff_ids.get(index))
        .map_or("…", String::as_str);
    let event = (pull.wording() != Wording::CriO).then(|| {
        pull.failed_to_unpack(
            "Unknown",
            &format!(
                "failed to extract layer {diff_id}: failed to get stream processor for {}: no processor for media-type: \
                 unknown",
                layer.media_type
            ),
        )
    });
    vec![
        RULE.finding(
            subject,
            format!(
                "layer {} of {reference} is {}, which nodes cannot unpack without a plugin",
                index + 1,
                kind(&layer.media_type)
            ),
        )
        .help("Build it without, or switch this rule off if the nodes have the plugin.")
        .event(event)
        .on_pools(&pulled.pools),
    ]
}

/// Nodes whose runtime is known to be older than its zstd. One that is not known is taken for a current one.
fn too_old_for_zstd(
    subject: &Subject<'_>,
    reference: &Reference,
    found: &Found,
) -> Option<Finding> {
    subject.pulled(found).into_iter().find_map(|pulled| {
        let layers = pulled.image.layers()?;
        let (index, layer) = layers
            .iter()
            .enumerate()
            .find(|(_, layer)| layer.media_type.ends_with("zstd"))?;
        let mut pools = pulled.pools;
        pools.retain(|pool| is_too_old(pool, &layer.media_type));
        let oldest = pools.first()?;
        let pull = Pull::new(subject, reference, [*oldest]);
        let cause = format!(
            "failed to get stream processor for {}: no processor for media-type: unknown",
            layer.media_type
        );
        Some(
            RULE.finding(
                subject,
                format!(
                    "layer {} of {reference} is compressed with zstd ({}), which the runtime of these nodes does not read",
                    index + 1,
                    layer.media_type
                ),
            )
            .help(
                "Push it with gzip (`docker buildx build --output \
                 type=image,push=true,compression=gzip,force-compression=true`), or give the nodes a current runtime.",
            )
            .event(pull.failed_to_unpack("Unknown", &format!("failed to extract layer …: {cause}")))
            .on_pools(&pools),
        )
    })
}

/// Sources: releases of containerd v1.5.0 and moby v23.0.0; containerd pull request 9859 for the Docker media type, which no
/// 1.x release has. CRI-O reads both.
fn is_too_old(pool: &NodePool, media_type: &str) -> bool {
    let is_docker_type = media_type.starts_with("application/vnd.docker.");
    pool.container_runtime().is_some_and(|runtime| {
        let version = (runtime.major, runtime.minor);
        match runtime.kind {
            RuntimeKind::Containerd if is_docker_type => version < (2, 0),
            RuntimeKind::Containerd => version < (1, 5),
            RuntimeKind::Docker => version < (23, 0),
            RuntimeKind::CriO => false,
        }
    })
}

/// The first layer that needs a plugin, and its index from the base. A type that is not declared says nothing.
fn unsupported_layer(image: &PlatformImage) -> Option<(usize, &Descriptor)> {
    image
        .layers()?
        .iter()
        .enumerate()
        .find(|(_, layer)| !layer.media_type.is_empty() && !is_supported(&layer.media_type))
}

fn is_supported(media_type: &str) -> bool {
    SUPPORTED.iter().any(|base| {
        media_type.strip_prefix(base).is_some_and(|compression| {
            matches!(compression, "" | "+gzip" | "+zstd" | ".gzip" | ".zstd")
        })
    })
}

fn kind(media_type: &str) -> String {
    let kind = if media_type.ends_with("+encrypted") {
        "encrypted"
    } else if media_type.contains("nydus") {
        "a Nydus blob"
    } else {
        "of another kind than tar"
    };
    format!("{kind} ({media_type})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::RuntimeKind;
    use crate::facts::Answer;
    use crate::oci::Manifest;
    use crate::rule::subject_for_tests::{Case, digest};

    fn with_layer(media_type: &str) -> Case {
        Case::image("registry.example.com/app:1")
            .single(&[("linux/amd64", &[10, 20])])
            .change(|case| {
                if let Some(Answer::Found(Manifest::Image(image))) =
                    &mut case.first_image().manifest
                {
                    media_type.clone_into(&mut image.layers[1].media_type);
                }
            })
    }

    #[test]
    fn a_layer_that_needs_a_plugin_is_named_with_the_event_of_its_unpacking() {
        let finding =
            with_layer("application/vnd.oci.image.layer.v1.tar+gzip+encrypted").only_finding(&RULE);
        assert_eq!(
            finding.message,
            "layer 2 of registry.example.com/app:1 is encrypted \
             (application/vnd.oci.image.layer.v1.tar+gzip+encrypted), which nodes cannot unpack without a plugin"
        );
        let event = finding.event.map(|event| event.message).unwrap_or_default();
        assert!(
            event.ends_with(&format!(
                "failed to extract layer {}: failed to get stream processor for \
                 application/vnd.oci.image.layer.v1.tar+gzip+encrypted: no processor for media-type: unknown",
                digest("diff 1")
            )),
            "{event}"
        );
    }

    #[test]
    fn the_words_of_other_runtimes_are_not_made_up() {
        let finding = with_layer("application/vnd.oci.image.layer.nydus.blob.v1")
            .pool_with_runtime("pool", RuntimeKind::CriO, 1, 33)
            .only_finding(&RULE);
        assert_eq!(finding.event, None);
    }

    #[test]
    fn zstd_counts_where_the_runtime_is_too_old() {
        const OCI: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
        const DOCKER: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";
        for (media_type, kind, major, minor, fails) in [
            (OCI, RuntimeKind::Containerd, 1, 4, true),
            (OCI, RuntimeKind::Containerd, 1, 5, false),
            (OCI, RuntimeKind::Docker, 20, 10, true),
            (OCI, RuntimeKind::Docker, 23, 0, false),
            (DOCKER, RuntimeKind::Containerd, 1, 7, true),
            (DOCKER, RuntimeKind::Containerd, 2, 0, false),
            (DOCKER, RuntimeKind::CriO, 1, 20, false),
        ] {
            let case = with_layer(media_type)
                .pool_with_runtime("new", RuntimeKind::Containerd, 2, 1)
                .pool_with_runtime("old", kind, major, minor);
            let pools: Vec<_> = case
                .findings(&RULE)
                .into_iter()
                .flat_map(|finding| finding.node_pools)
                .collect();
            let wanted: &[&str] = if fails { &["old"] } else { &[] };
            assert_eq!(pools, wanted, "{media_type} {kind:?} {major}.{minor}");
        }
    }

    #[test]
    fn every_compression_of_a_tar_file_is_fine() {
        for media_type in [
            "",
            "application/vnd.oci.image.layer.v1.tar",
            "application/vnd.oci.image.layer.v1.tar+zstd",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        ] {
            with_layer(media_type).has_no_finding(&RULE);
        }
    }
}
