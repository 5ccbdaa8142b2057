use std::collections::BTreeSet;

use super::arm_nodes::why_on_arm;
use super::event::{Pull, Wording};
use super::older_tag::older_tag;
use super::{Finding, Subject, declare_rule};
use crate::cluster::NodePool;
use crate::facts::{Depth, Found};
use crate::finding::{Event, Severity};
use crate::oci::{Platform, Reference};

declare_rule! {
    /// ## What it does
    /// Reports an image whose index has no entry for the platform of a node pool on which the pod can land. Labels, taints,
    /// tolerations and affinities count: a pool that the scheduler would not choose is left out. Without node pools the rule
    /// is silent.
    ///
    /// ## Why it matters
    /// The pod runs on one pool and not on the other. It may work for months, until the scheduler chooses the other.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`: ``failed to pull and unpack image "…": no match for platform in manifest: not found``.
    ///
    /// ## How to fix it
    /// Use the older tag that has the platform, where the finding names one. Build for all platforms, `docker buildx build --platform linux/amd64,linux/arm64 --push`, or keep the pod on the nodes
    /// for which there is an image: `nodeSelector: {kubernetes.io/arch: amd64}`.
    id: "missing-platform",
    summary: "the index has no image for a node pool on which the pod can land",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    // An index without images is `not-an-image`'s.
    if !found.is_index() || found.images.is_empty() {
        return vec![];
    }
    let (served, missing): (Vec<_>, Vec<_>) = subject
        .targets()
        .partition(|(pool, _)| found.image_on(pool).is_some());
    let Some((_, first)) = missing.first() else {
        return vec![];
    };
    let pools: Vec<&NodePool> = missing.iter().map(|(pool, _)| *pool).collect();
    let platforms: BTreeSet<&Platform> = missing.iter().map(|(_, platform)| *platform).collect();
    let served: BTreeSet<&Platform> = served.iter().map(|(_, platform)| *platform).collect();
    vec![
        RULE.finding(
            subject,
            format!(
                "{reference} has no image for {}: it has {}{}",
                list(&platforms),
                offered(found),
                if served.is_empty() {
                    ""
                } else {
                    why_on_arm(&pools)
                }
            ),
        )
        .help(help(&platforms, &served) + &older_tag(reference, found))
        .event(event(subject, reference, found, &pools, first))
        .on_pools(&pools),
    ]
}

fn list(platforms: &BTreeSet<&Platform>) -> String {
    let names: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    names.join(" and ")
}

/// What the index has, for a person.
fn offered(found: &Found) -> String {
    let mut names: Vec<String> = Vec::new();
    for platform in found
        .images
        .iter()
        .filter_map(|image| image.declared.as_ref())
    {
        let name = platform.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    format!("{} only", names.join(", "))
}

fn help(missing: &BTreeSet<&Platform>, served: &BTreeSet<&Platform>) -> String {
    let build: Vec<String> = served
        .union(missing)
        .map(|platform| match &platform.variant {
            Some(variant) => format!("{}/{}/{variant}", platform.os, platform.architecture),
            None => format!("{}/{}", platform.os, platform.architecture),
        })
        .collect();
    let build = format!("docker buildx build --platform {}", build.join(","));
    match selector(missing, served) {
        Some(selector) => format!(
            "Keep the pod on nodes for which there is an image with `nodeSelector: {{{selector}}}`, or build for all of them: `{build}`."
        ),
        None => format!("Build for the platforms of the nodes: `{build}`."),
    }
}

/// The node label that keeps the pod where its image runs: that of the architecture, or of the operating system where that
/// is what differs. None where no pool is served, or where one label does not tell the served ones from the others.
fn selector(missing: &BTreeSet<&Platform>, served: &BTreeSet<&Platform>) -> Option<String> {
    let differs = |word: fn(&Platform) -> &str| {
        let wanted: BTreeSet<&str> = served.iter().map(|platform| word(platform)).collect();
        match wanted.into_iter().collect::<Vec<_>>().as_slice() {
            [only] if missing.iter().all(|platform| word(platform) != *only) => {
                Some((*only).to_owned())
            }
            _ => None,
        }
    };
    differs(|platform| &platform.architecture)
        .map(|architecture| format!("kubernetes.io/arch: {architecture}"))
        .or_else(|| differs(|platform| &platform.os).map(|os| format!("kubernetes.io/os: {os}")))
}

fn event(
    subject: &Subject<'_>,
    reference: &Reference,
    found: &Found,
    pools: &[&NodePool],
    platform: &Platform,
) -> Event {
    let pull = Pull::new(subject, reference, pools.iter().copied());
    match pull.wording() {
        Wording::Containerd => {
            pull.failed_to_unpack("NotFound", "no match for platform in manifest: not found")
        }
        // The transfer service fetches nothing then, and the lookup of the config fails.
        Wording::TransferService => pull.failed(
            "NotFound",
            &format!(
                "get image config descriptor: no match for platform in manifest {}: not found",
                found.digest
            ),
        ),
        Wording::CriO => {
            let variant = match platform.architecture.as_str() {
                "arm64" => "v8",
                _ => platform.variant.as_deref().unwrap_or_default(),
            };
            pull.failed(
                "Unknown",
                &format!(
                    "choosing image instance: no image found in image index for architecture \"{}\", variant \"{variant}\", OS \"{}\"",
                    platform.architecture, platform.os
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::RuntimeKind;
    use crate::facts::Answer;
    use crate::rule::subject_for_tests::Case;
    use crate::workload::Role;

    fn amd64_only() -> Case {
        Case::image("registry.example.com/app:1").index(&[("linux/amd64", &[1])])
    }

    #[test]
    fn the_pool_and_the_way_out_are_named() {
        let finding = amd64_only()
            .pool("general", "linux/amd64")
            .pool("arm", "linux/arm64")
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:1 has no image for linux/arm64: it has linux/amd64 only"
        );
        assert_eq!(finding.node_pools, ["arm"]);
        assert_eq!(
            finding.help.as_deref(),
            Some(
                "Keep the pod on nodes for which there is an image with `nodeSelector: {kubernetes.io/arch: amd64}`, or \
                 build for all of them: `docker buildx build --platform linux/amd64,linux/arm64`."
            )
        );
        assert_eq!(
            finding.event.map(|event| event.message).as_deref(),
            Some(
                "Failed to pull image \"registry.example.com/app:1\": rpc error: code = NotFound desc = failed to pull and \
                 unpack image \"registry.example.com/app:1\": no match for platform in manifest: not found"
            )
        );
    }

    #[test]
    fn without_a_pool_that_it_fits_only_a_build_helps() {
        let help = amd64_only()
            .pool("arm", "linux/arm64")
            .only_finding(&RULE)
            .help
            .unwrap_or_default();
        assert!(!help.contains("nodeSelector"), "{help}");
        assert!(help.contains("--platform linux/arm64"), "{help}");
    }

    #[test]
    fn the_older_tag_that_had_the_platform_is_offered() {
        let mut case = amd64_only().pool("arm", "linux/arm64");
        if let Some(Answer::Found(found)) = case.lookup.as_mut() {
            found.older_tag = Some("0.9".to_owned());
        }
        let help = case.only_finding(&RULE).help.unwrap_or_default();
        assert!(
            help.ends_with(" The older registry.example.com/app:0.9 has it."),
            "{help}"
        );
    }

    #[test]
    fn another_operating_system_is_kept_away_by_its_label() {
        let help = amd64_only()
            .pool("linux", "linux/amd64")
            .pool("windows", "windows/amd64")
            .only_finding(&RULE)
            .help
            .unwrap_or_default();
        assert!(
            help.contains("nodeSelector: {kubernetes.io/os: linux}"),
            "{help}"
        );
    }

    #[test]
    fn cri_o_and_the_transfer_service_have_words_of_their_own() {
        let event = |kind, major, minor| {
            Case::image("app:1")
                .index(&[("linux/arm64", &[1])])
                .pool_with_runtime("pool", kind, major, minor)
                .only_finding(&RULE)
                .event
                .map(|event| event.message)
                .unwrap_or_default()
        };
        assert!(event(RuntimeKind::CriO, 1, 33).ends_with(
            "no image found in image index for architecture \"amd64\", variant \"\", OS \"linux\""
        ));
        assert!(
            event(RuntimeKind::Containerd, 2, 2)
                .contains("get image config descriptor: no match for platform in manifest sha256:")
        );
    }

    #[test]
    fn a_volume_is_pulled_as_well() {
        let case = amd64_only().pool("arm", "linux/arm64").role(Role::Volume);
        assert_eq!(case.findings(&RULE).len(), 1);
    }

    #[test]
    fn what_every_pool_can_pull_is_silent() {
        amd64_only().has_no_finding(&RULE);
        amd64_only()
            .pool("general", "linux/amd64")
            .has_no_finding(&RULE);
        Case::image("app:1")
            .index(&[])
            .pool("arm", "linux/arm64")
            .has_no_finding(&RULE);
        // A single manifest is pulled whatever it holds: `wrong-platform` judges it.
        Case::image("app:1")
            .single(&[("linux/amd64", &[1])])
            .pool("arm", "linux/arm64")
            .has_no_finding(&RULE);
    }
}
