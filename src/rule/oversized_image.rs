use super::build_steps::instruction_of;
use super::{Finding, Subject, declare_rule};
use crate::cluster::NodePool;
use crate::facts::{Depth, PlatformImage};
use crate::finding::Severity;
use crate::oci::Bytes;

declare_rule! {
    /// ## What it does
    /// Reports images whose compressed layers sum up to more than the budget, for each platform of the node pools, or for any
    /// platform where there is no target. The budget is one gigabyte unless the config file says otherwise.
    ///
    /// ## Why it matters
    /// Each new node fetches and unpacks the whole of it before the first pod starts. A small node manages 10 to 20 MB in a
    /// second. containerd gives up on a pull that makes no progress for five minutes.
    ///
    /// ## What the cluster would show
    /// Nothing but a slow start, mostly. Where the pull stalls: `ErrImagePull`, with `context canceled`.
    ///
    /// ## How to fix it
    /// Look at the largest layer, which the finding names. A smaller base image, a build in several stages, and no compilers
    /// or package caches in the last stage help most. If the size is wanted, raise the budget: `image = "2 GB"` under
    /// `[budgets]`.
    id: "oversized-image",
    summary: "the compressed size is over the budget",
    severity: Some(Severity::Warning),
    needs: Depth::Manifest,
    event: None,
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let budget = subject.budgets.image;
    let mut oversized: Vec<(&PlatformImage, Bytes)> = Vec::new();
    let mut pools: Vec<&NodePool> = Vec::new();
    for pulled in subject.pulled(found) {
        if let Some(size) = pulled
            .image
            .compressed_bytes()
            .filter(|size| *size > budget)
        {
            oversized.push((pulled.image, size));
            pools.extend(pulled.pools);
        }
    }
    let Some((largest, _)) = oversized.iter().max_by_key(|(_, size)| *size) else {
        return vec![];
    };
    let sizes: Vec<String> = oversized
        .iter()
        .map(|(image, size)| match image.platform() {
            Some(platform) => format!("{size} for {platform}"),
            None => size.to_string(),
        })
        .collect();
    vec![
        RULE.finding(
            subject,
            format!(
                "{reference} is too large: {} compressed, over the budget of {budget}",
                sizes.join(" and ")
            ),
        )
        .help(help(largest))
        .on_pools(&pools),
    ]
}

fn help(image: &PlatformImage) -> String {
    let advice = "Use a smaller base image, build in several stages, or raise the budget.";
    let layers = image.layers().unwrap_or_default();
    let Some((index, layer)) = layers
        .iter()
        .enumerate()
        .max_by_key(|(_, layer)| layer.size)
    else {
        return advice.to_owned();
    };
    let made_by = instruction_of(image, index)
        .map(|instruction| format!(", made by `{instruction}`"))
        .unwrap_or_default();
    format!(
        "The largest layer is number {} of {} with {}{made_by}. {advice}",
        index + 1,
        layers.len(),
        layer.size
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    const MB: u64 = 1_000_000;

    #[test]
    fn the_size_the_budget_and_the_largest_layer_are_named() {
        let finding = Case::image("registry.example.com/app:1")
            .history(&[
                ("ADD rootfs.tar.gz /", 30 * MB),
                ("COPY model /model # buildkit", 1200 * MB),
            ])
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:1 is too large: 1.2 GB for linux/amd64 compressed, over the budget of 1.0 GB"
        );
        assert!(finding.help.unwrap_or_default().starts_with(
            "The largest layer is number 2 of 2 with 1.2 GB, made by `COPY model /model`."
        ));
    }

    #[test]
    fn only_what_the_pools_pull_counts() {
        let case = || {
            Case::image("app:1")
                .index(&[("linux/amd64", &[2000 * MB]), ("linux/arm64", &[10 * MB])])
        };
        case().pool("arm", "linux/arm64").has_no_finding(&RULE);
        let finding = case()
            .pool("arm", "linux/arm64")
            .pool("general", "linux/amd64")
            .only_finding(&RULE);
        assert_eq!(finding.node_pools, ["general"]);
        assert_eq!(case().findings(&RULE).len(), 1);
    }

    #[test]
    fn the_budget_itself_is_no_excess() {
        Case::image("app:1")
            .single(&[("linux/amd64", &[1000 * MB])])
            .has_no_finding(&RULE);
    }
}
