use super::{Finding, Subject, declare_rule};
use crate::cluster::{Disk, NodePool};
use crate::facts::{Depth, PlatformImage};
use crate::finding::Severity;
use crate::oci::{Bytes, Reference};

/// Compressed bytes that a node fetches in a second: a small one, and a large one. Of 728 MB a node with one processor made
/// about 10 MB/s with unpacking, and a desktop 26 MB/s (containerd issue 2886).
const NETWORK: (u64, u64) = (20_000_000, 60_000_000);

/// Bytes that a node unpacks in a second, layer behind layer: a small node (containerd issue 2886), and 32 processors with
/// layers in parallel (containerd issue 8881).
const UNPACK: (u64, u64) = (28_000_000, 135_000_000);

/// Unpacked bytes for ten compressed ones (2.08 GB of 728 MB in containerd issue 2886, and less where files compress badly).
const UNPACKED_TENTHS: u64 = 25;

declare_rule! {
    /// ## What it does
    /// Predicts how long a node of each pool pulls the image when it has none of it, and reports pulls that take more than
    /// a minute (the budget `pull-time`) even at the fast end of the range. The sum is shown: compressed bytes over the
    /// network, and unpacked bytes layer behind layer, no faster than the pool's disk writes by its type and size. How many
    /// bytes come out is a guess, but in deep runs (`--deep`).
    ///
    /// ## Why it matters
    /// A new node, a moved pod and a scaled-up deployment wait for it. Small standard disks are the usual surprise: they
    /// write slower than the network delivers.
    ///
    /// ## What the cluster would show
    /// `Pulling image` for minutes; where nothing arrives for five minutes, `ErrImagePull` with `context canceled`.
    ///
    /// ## How to fix it
    /// Make the image smaller, give the pool a faster or larger disk (`pd-balanced`, `pd-ssd`, `gp3` with more throughput),
    /// or stream images.
    id: "slow-pull",
    summary: "the predicted time of a cold pull on a node pool's disk is over the budget",
    severity: Some(Severity::Warning),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let pools = subject.pools.iter().filter(|pool| !pool.image_streaming);
    pools
        .filter_map(|pool| finding(subject, reference, pool, found.image_on(pool)?))
        .collect()
}

fn finding(
    subject: &Subject<'_>,
    reference: &Reference,
    pool: &NodePool,
    image: &PlatformImage,
) -> Option<Finding> {
    let layers = image.layers()?.len();
    let compressed = image.compressed_bytes()?;
    let known = image.unpacked_bytes();
    let unpacked = known.unwrap_or(Bytes(compressed.0.saturating_mul(UNPACKED_TENTHS) / 10));
    let about = if known.is_some() { "" } else { "about " };
    let ceiling = pool.disk.as_ref().and_then(write_ceiling);
    let unpack_at = |speed: u64| ceiling.map_or(speed, |ceiling| ceiling.0.min(speed)).max(1);
    let (slow_unpack, fast_unpack) = (unpack_at(UNPACK.0), unpack_at(UNPACK.1));
    let fast = (compressed.0 / NETWORK.1).max(unpacked.0 / fast_unpack);
    let slow = (compressed.0 / NETWORK.0).max(unpacked.0 / slow_unpack);
    if fast <= subject.budgets.pull_time.as_secs() {
        return None;
    }
    let speed = match (Bytes(slow_unpack), Bytes(fast_unpack)) {
        (slow, fast) if slow == fast => format!("{fast}/s"),
        (slow, fast) => format!("{slow} to {fast}/s"),
    };
    let disk = match (&pool.disk, ceiling) {
        (Some(disk), Some(ceiling)) if ceiling.0 < UNPACK.1 => format!(
            ", as fast as the {} of {} writes",
            disk.kind.as_deref().unwrap_or("disk"),
            disk.size
        ),
        _ => String::new(),
    };
    let message = format!(
        "{reference} takes {} to pull on a new node of {}: {compressed} compressed at 20 to 60 MB/s, and {about}{unpacked} \
         unpacked, {} at {speed}{disk}",
        range(fast, slow),
        pool.name,
        match layers {
            1 => "in one layer".to_owned(),
            _ => format!("{layers} layers one behind the other"),
        },
    );
    let advice = if disk.is_empty() {
        "Make the image smaller, or let the nodes stream it."
    } else {
        "Make the image smaller, or give the pool a faster or larger disk."
    };
    Some(
        RULE.finding(subject, message)
            .help(advice)
            .on_pools(&[pool]),
    )
}

fn range(fast: u64, slow: u64) -> String {
    match (minutes(fast), minutes(slow)) {
        (fast, slow) if fast == slow => format!("about {fast}"),
        (fast, slow) => format!("{fast} to {slow}"),
    }
}

fn minutes(seconds: u64) -> String {
    if seconds < 120 {
        format!("{seconds} s")
    } else {
        format!("{} min", (seconds + 30) / 60)
    }
}

/// What a disk writes in a second. Google's disks grow with their size
/// (<https://cloud.google.com/compute/docs/disks/performance>); Amazon's gp3 has a base of its own, and gp2 one up to 170 GiB
/// and another beyond (<https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html>). None for a kind that is not known,
/// and for those whose speed is bought apart from their size.
fn write_ceiling(disk: &Disk) -> Option<Bytes> {
    const MEBIBYTE: u64 = 1 << 20;
    let gibibytes = disk.size.0 >> 30;
    let (base, hundredths) = match disk.kind.as_deref()? {
        "pd-standard" => (0, 12),
        "pd-balanced" => (140, 28),
        "pd-ssd" => (240, 48),
        "gp3" => (125, 0),
        "gp2" if gibibytes <= 170 => (128, 0),
        "gp2" => (250, 0),
        _ => return None,
    };
    Some(Bytes(
        base * MEBIBYTE
            + gibibytes
                .saturating_mul(hundredths)
                .saturating_mul(MEBIBYTE)
                / 100,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_write_by_kind_and_size() {
        for (kind, gibibytes, mebibytes) in [
            ("pd-standard", 100, Some(12)),
            ("pd-balanced", 100, Some(168)),
            ("pd-ssd", 100, Some(288)),
            ("gp3", 20, Some(125)),
            ("gp2", 170, Some(128)),
            ("gp2", 171, Some(250)),
            ("hyperdisk-balanced", 100, None),
        ] {
            let disk = Disk {
                kind: Some(kind.to_owned()),
                size: Bytes(gibibytes << 30),
            };
            assert_eq!(
                write_ceiling(&disk).map(|speed| speed.0 >> 20),
                mebibytes,
                "{kind}"
            );
        }
    }
}
