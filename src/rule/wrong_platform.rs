use super::arm_nodes::why_on_arm;
use super::older_tag::older_tag;
use super::{Finding, Subject, declare_rule};
use crate::cluster::NodePool;
use crate::facts::Depth;
use crate::finding::{Event, Severity};
use crate::oci::Platform;

declare_rule! {
    /// ## What it does
    /// Reports an image without a choice of platforms, built for another platform than that of a node pool on which the pod can
    /// land. Its config tells what it was built for. Without node pools the rule is silent.
    ///
    /// ## Why it matters
    /// No registry and no container runtime stops it: a single manifest is pulled by every node, and then its program does
    /// not start. It happens when an image is built on an Arm laptop and runs on amd64 nodes.
    ///
    /// ## What the cluster would show
    /// `CrashLoopBackOff`: the pull succeeds, and the container's log says `exec format error`.
    ///
    /// ## How to fix it
    /// Build for the nodes: `docker buildx build --platform linux/amd64,linux/arm64 --push`. Or keep the pod on fitting nodes:
    /// `nodeSelector: {kubernetes.io/arch: arm64}`. Where an older tag of the repository runs on the nodes, the finding names it.
    id: "wrong-platform",
    summary: "the image is built for another platform than the nodes'",
    severity: Some(Severity::Error),
    needs: Depth::Config,
    event: Some("CrashLoopBackOff"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    if !subject.occurrence.role.runs() {
        return vec![];
    }
    let mut findings = Vec::new();
    for pulled in subject.pulled(found) {
        // Where the index declares a platform, `missing-platform` and `mislabelled-platform` judge.
        let built_for = match (&pulled.image.declared, pulled.image.config()) {
            (None, Some(config)) => config.platform.as_ref(),
            _ => None,
        };
        let Some(built_for) = built_for else {
            continue;
        };
        let (fitting, wrong): (Vec<&NodePool>, Vec<&NodePool>) =
            pulled.pools.iter().copied().partition(|pool| {
                pool.platform
                    .as_ref()
                    .is_none_or(|node| built_for.runs_on(node))
            });
        if wrong.is_empty() {
            continue;
        }
        let nodes = platforms(&wrong);
        let mut finding = RULE
            .finding(
                subject,
                format!(
                    "{reference} is built for {built_for} only, and not for {nodes}{}",
                    if fitting.is_empty() {
                        ""
                    } else {
                        why_on_arm(&wrong)
                    }
                ),
            )
            .help(help(built_for, &nodes, !fitting.is_empty()) + &older_tag(reference, found))
            .on_pools(&wrong);
        let same_os = wrong.iter().all(|pool| {
            pool.platform
                .as_ref()
                .is_some_and(|node| node.os == built_for.os)
        });
        if same_os {
            finding = finding.event(Event {
                reason: "CrashLoopBackOff",
                message: "exec …: exec format error".to_owned(),
            });
        }
        findings.push(finding);
    }
    findings
}

fn platforms(pools: &[&NodePool]) -> String {
    let mut names: Vec<String> = pools
        .iter()
        .filter_map(|pool| pool.platform.as_ref())
        .map(ToString::to_string)
        .collect();
    names.sort();
    names.dedup();
    names.join(" or ")
}

fn help(built_for: &Platform, nodes: &str, some_fit: bool) -> String {
    let build = format!(
        "docker buildx build --platform {}/{},{}",
        built_for.os,
        built_for.architecture,
        nodes.replace(" or ", ",")
    );
    if some_fit {
        format!(
            "Keep the pod on fitting nodes with `nodeSelector: {{kubernetes.io/arch: {}}}`, or build for all of them: `{build}`.",
            built_for.architecture
        )
    } else {
        format!("Build it for the nodes as well: `{build}`.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;
    use crate::workload::Role;

    fn arm_only() -> Case {
        Case::image("registry.example.com/app:1").single(&[("linux/arm64", &[1])])
    }

    #[test]
    fn the_pools_on_which_it_dies_are_named() {
        let finding = arm_only()
            .pool("general", "linux/amd64")
            .pool("arm", "linux/arm64")
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:1 is built for linux/arm64 only, and not for linux/amd64"
        );
        assert_eq!(finding.node_pools, ["general"]);
        assert!(
            finding
                .help
                .unwrap_or_default()
                .contains("nodeSelector: {kubernetes.io/arch: arm64}")
        );
        assert_eq!(
            finding.event.map(|event| event.reason),
            Some("CrashLoopBackOff")
        );
    }

    #[test]
    fn an_index_entry_that_declares_nothing_is_judged_by_its_config() {
        let case = Case::image("app:1")
            .index(&[("linux/arm64", &[1])])
            .change(|case| case.first_image().declared = None)
            .pool("general", "linux/amd64");
        assert_eq!(case.findings(&RULE).len(), 1);
    }

    #[test]
    fn the_words_of_a_wrong_operating_system_are_not_made_up() {
        let finding = Case::image("app:1")
            .single(&[("windows/amd64", &[1])])
            .pool("general", "linux/amd64")
            .only_finding(&RULE);
        assert_eq!(finding.event, None);
    }

    #[test]
    fn what_runs_is_silent_and_so_is_what_is_only_mounted() {
        arm_only().has_no_finding(&RULE);
        arm_only().pool("arm", "linux/arm64").has_no_finding(&RULE);
        arm_only()
            .pool("general", "linux/amd64")
            .role(Role::Volume)
            .has_no_finding(&RULE);
        Case::image("app:1")
            .index(&[("linux/arm64", &[1])])
            .pool("general", "linux/amd64")
            .has_no_finding(&RULE);
    }
}
