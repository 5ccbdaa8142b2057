use super::event::Pull;
use super::{Finding, Subject, declare_rule};
use crate::cluster::{NodePool, Provider};
use crate::facts::{Depth, PlatformImage};
use crate::finding::Severity;
use crate::oci::{Bytes, Reference};

/// The kubelet evicts pods where less than 15 % of the disk with the images is free
/// (<https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#hard-eviction-thresholds>).
const USABLE_PERCENT: u64 = 85;

declare_rule! {
    /// ## What it does
    /// Reports images that can't fit the boot disk of a node pool: a node keeps the compressed layers and their unpacked
    /// files, which are at least as large again; a deep run (`--deep`) knows how large. On EKS the compressed layers are thrown away. The kubelet starts to evict
    /// pods at 85 % of the disk.
    ///
    /// ## Why it matters
    /// The pull fills the disk. The node then throws out images and pods, among them those that ran well.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull` with `no space left on device`, or pods that are `Evicted` under `DiskPressure`.
    ///
    /// ## How to fix it
    /// Make the image smaller, or give the pool a larger disk (`--disk-size` on GKE, `diskSize` on EKS).
    id: "image-exceeds-disk",
    summary: "the image does not fit the boot disk of a node pool",
    severity: Some(Severity::Error),
    needs: Depth::Config,
    event: Some("ErrImagePull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let pools = subject
        .pools
        .iter()
        .filter_map(|pool| finding(subject, reference, pool, found.image_on(pool)?));
    pools.collect()
}

fn finding(
    subject: &Subject<'_>,
    reference: &Reference,
    pool: &NodePool,
    image: &PlatformImage,
) -> Option<Finding> {
    let disk = pool.disk.as_ref()?;
    let compressed = image.compressed_bytes()?;
    let (unpacked, at_least) = match image.unpacked_bytes() {
        Some(unpacked) => (unpacked, unpacked.to_string()),
        None => (compressed, format!("at least {compressed}")),
    };
    let usable = Bytes(disk.size.0 / 100 * USABLE_PERCENT);
    let (needed, sum) = if pool.provider == Provider::Eks {
        (unpacked, format!("its unpacked files, {at_least},"))
    } else {
        let files = match image.unpacked_bytes() {
            Some(unpacked) => format!("{unpacked} of unpacked files"),
            None => "at least as much of unpacked files".to_owned(),
        };
        (
            compressed + unpacked,
            format!("{compressed} of layers and {files}"),
        )
    };
    if needed <= usable {
        return None;
    }
    let message = format!(
        "{reference} does not fit the nodes of {}: {sum} on a disk of {}, of which {usable} can be used",
        pool.name, disk.size
    );
    let pull = Pull::new(subject, reference, [pool]);
    Some(
        RULE.finding(subject, message)
            .help("Make the image smaller, or the pool's boot disk larger.")
            .event(pull.failed_to_unpack(
                "Unknown",
                "failed to extract layer: no space left on device",
            ))
            .on_pools(&[pool]),
    )
}
