use super::build_steps::instruction_of;
use super::{Finding, Subject, declare_rule};
use crate::facts::Depth;
use crate::finding::Severity;
use crate::oci::Descriptor;

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
    subject
        .pulled(found)
        .into_iter()
        .filter_map(|pulled| {
            let total = pulled.image.compressed_bytes()?;
            let layers = pulled.image.layers()?;
            let (index, layer) = largest(layers)?;
            let share = u128::from(layer.size.0) * 2;
            if layer.size <= budget || layers.len() == 1 || share <= u128::from(total.0) {
                return None;
            }
            let made_by = instruction_of(pulled.image, index)
                .map(|instruction| format!(" (`{instruction}`)"))
                .unwrap_or_default();
            Some(
                RULE.finding(
                    subject,
                    format!(
                        "layer {} of {} of {reference} has {} of its {total}{}, over the budget of {budget} for one layer",
                        index + 1,
                        layers.len(),
                        layer.size,
                        made_by,
                    ),
                )
                .help("Split it by how often its parts change: one `RUN` or `COPY` for each group.")
                .on_pools(&pulled.pools),
            )
        })
        .collect()
}

fn largest(layers: &[Descriptor]) -> Option<(usize, &Descriptor)> {
    layers
        .iter()
        .enumerate()
        .max_by_key(|(_, layer)| layer.size)
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
            "layer 2 of 2 of registry.example.com/app:1 has 600.0 MB of its 700.0 MB (`RUN make world`), over the budget of 500.0 MB for one layer"
        );
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
