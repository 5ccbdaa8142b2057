use super::build_steps::instruction_of;
use super::{Finding, Subject, declare_rule};
use crate::cluster::NodePool;
use crate::facts::{Depth, PlatformImage};
use crate::finding::Severity;
use crate::oci::Bytes;

declare_rule! {
    /// ## What it does
    /// Reports a layer that is larger than the budget for one layer and makes up more than half of its image. The budget is
    /// half a gigabyte unless the config file says otherwise.
    ///
    /// ## Why it matters
    /// Nodes fetch several layers at a time, and one layer by one connection; up to containerd 2.1 they also unpack one after
    /// the other. A layer of this size keeps the others waiting, and each change in it is transferred whole.
    ///
    /// ## What the cluster would show
    /// Nothing but a slow start, mostly. Where the pull stalls: `ErrImagePull`, with `context canceled`.
    ///
    /// ## How to fix it
    /// Split what is in the layer by how often it changes: one `RUN` or `COPY` for each group. If the size is wanted, raise
    /// the budget: `layer = "2 GB"` under `[budgets]`.
    id: "oversized-layer",
    summary: "one layer is over the budget and most of its image",
    severity: Some(Severity::Warning),
    needs: Depth::Manifest,
    event: None,
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let budget = subject.budgets.layer;
    let oversized: Vec<_> = subject
        .pulled(found)
        .into_iter()
        .filter(|pulled| dominant(pulled.image).is_some_and(|(_, size)| size > budget))
        .collect();
    let Some(first) = oversized.first() else {
        return vec![];
    };
    let Some((index, size)) = dominant(first.image) else {
        return vec![];
    };
    let pools: Vec<&NodePool> = oversized
        .iter()
        .flat_map(|pulled| pulled.pools.iter().copied())
        .collect();
    let made_by = instruction_of(first.image, index)
        .map(|instruction| format!(", `{instruction}`,"))
        .unwrap_or_default();
    vec![
        RULE.finding(
            subject,
            format!(
                "layer {} of {reference}{made_by} has {size} alone, over the budget of {budget} for one layer",
                index + 1,
            ),
        )
        .help("Split it by how often its parts change: one `RUN` or `COPY` for each group.")
        .on_pools(&pools),
    ]
}

/// The layer that has more than half of the bytes of an image of several layers: its index from the base, and its size.
fn dominant(image: &PlatformImage) -> Option<(usize, Bytes)> {
    let layers = image.layers()?;
    let (index, layer) = layers
        .iter()
        .enumerate()
        .max_by_key(|(_, layer)| layer.size)?;
    let others: Bytes = layers
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index)
        .map(|(_, layer)| layer.size)
        .sum();
    (layers.len() > 1 && layer.size > others).then_some((index, layer.size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    const MB: u64 = 1_000_000;

    #[test]
    fn the_layer_is_named_with_its_instruction() {
        let finding = Case::image("registry.example.com/app:1")
            .history(&[
                ("ADD rootfs.tar.gz /", 100 * MB),
                ("RUN make world # buildkit", 600 * MB),
            ])
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "layer 2 of registry.example.com/app:1, `RUN make world`, has 600.0 MB alone, over the budget of 500.0 MB for one layer"
        );
    }

    #[test]
    fn platforms_with_the_same_trouble_are_one_finding() {
        let sizes: &[u64] = &[MB, 600 * MB];
        let case = Case::image("app:1").index(&[("linux/amd64", sizes), ("linux/arm64", sizes)]);
        let case = case
            .pool("general", "linux/amd64")
            .pool("arm", "linux/arm64");
        assert_eq!(case.only_finding(&RULE).node_pools, ["general", "arm"]);
    }

    #[test]
    fn a_large_layer_among_large_ones_is_silent() {
        Case::image("app:1")
            .single(&[("linux/amd64", &[600 * MB, 600 * MB])])
            .has_no_finding(&RULE);
        Case::image("app:1")
            .single(&[("linux/amd64", &[600 * MB])])
            .has_no_finding(&RULE);
        Case::image("app:1")
            .single(&[("linux/amd64", &[MB, 400 * MB])])
            .has_no_finding(&RULE);
    }
}
