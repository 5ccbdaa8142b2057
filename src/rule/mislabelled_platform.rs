use super::program_fault::program_fault;
use super::subject::Pulled;
use super::{Finding, Subject, declare_rule};
use crate::facts::Depth;
use crate::finding::{Event, Severity};
use crate::oci::{Platform, Reference};

declare_rule! {
    /// ## What it does
    /// Reports an index entry that promises one platform and leads to an image whose config says another. With a target, only
    /// entries that the nodes would pull are looked at.
    ///
    /// A deep run (`--deep`) also reads the first bytes of the entrypoint, of what it starts (`CMD` behind a script, the program
    /// behind `tini` or `sh -c`), of their interpreters and of the shell: a program of another machine, a 32-bit one in a 64-bit
    /// image, one whose interpreter is not in the image, and one that says it needs x86-64-v3 or v4 where the platform does
    /// not. Other programs may be for any machine. Only where none of these can be told do most programs in the folders of
    /// `PATH` decide.
    ///
    /// ## Why it matters
    /// Nodes choose by the promise and run the content. Tools that copy or join images by hand make such entries, and so
    /// does a build stage that is pinned to the builder's platform.
    ///
    /// ## What the cluster would show
    /// `CrashLoopBackOff`: the pull succeeds, and the container's log says `exec format error`, or `no such file or directory`
    /// where an interpreter is missing.
    ///
    /// ## How to fix it
    /// Build the index anew from images of the right platforms: `docker buildx build --platform linux/amd64,linux/arm64
    /// --push`. In the Dockerfile, no final stage may say `FROM --platform=$BUILDPLATFORM`.
    id: "mislabelled-platform",
    summary: "the index promises another platform than the image is built for",
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
    subject
        .pulled(found)
        .into_iter()
        .filter_map(|pulled| {
            let built_for = pulled.image.config()?.platform.as_ref()?;
            let promised = pulled.image.declared.as_ref();
            // Variants are left out: many configs do not say theirs.
            let is_other = |promised: &&Platform| {
                promised.os != built_for.os || promised.architecture != built_for.architecture
            };
            let Some(promised) = promised.filter(is_other) else {
                return by_content(subject, reference, &pulled, built_for);
            };
            Some(
                RULE.finding(
                    subject,
                    format!(
                        "{reference} promises {promised} and delivers {built_for}: {} is built for the wrong platform",
                        pulled.image.digest.short()
                    ),
                )
                .help(format!(
                    "Build the index anew: `docker buildx build --platform …,{promised} --push`, without `--platform=$BUILDPLATFORM` in the last stage."
                ))
                .event((promised.os == built_for.os).then(|| Event {
                    reason: "CrashLoopBackOff",
                    message: "exec …: exec format error".to_owned(),
                }))
                .on_pools(&pulled.pools),
            )
        })
        .collect()
}

/// What the programs of an image say, where they were read.
fn by_content(
    subject: &Subject<'_>,
    reference: &Reference,
    pulled: &Pulled<'_>,
    platform: &Platform,
) -> Option<Finding> {
    let files = pulled.image.files()?;
    let fault = program_fault(files, platform)?;
    let finding = RULE
        .finding(
            subject,
            format!("{reference} is labelled {platform}, and {}", fault.message),
        )
        .severity(fault.severity)
        .help(fault.help)
        .event(Event {
            reason: "CrashLoopBackOff",
            message: fault.log,
        });
    Some(finding.on_pools(&pulled.pools))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Answer;
    use crate::rule::subject_for_tests::{Case, config};

    fn mislabelled() -> Case {
        Case::image("registry.example.com/app:1")
            .index(&[("linux/arm64", &[1]), ("linux/amd64", &[1])])
            .change(|case| {
                case.first_image().config = Some(Answer::Found(config("linux/amd64", 1)));
            })
    }

    #[test]
    fn promise_and_content_are_both_named() {
        let finding = mislabelled().only_finding(&RULE);
        assert!(
            finding.message.starts_with(
                "registry.example.com/app:1 promises linux/arm64 and delivers linux/amd64"
            ),
            "{}",
            finding.message
        );
    }

    #[test]
    fn with_a_target_only_what_its_nodes_pull_counts() {
        mislabelled().pool("a", "linux/amd64").has_no_finding(&RULE);
        let finding = mislabelled().pool("a", "linux/arm64").only_finding(&RULE);
        assert_eq!(finding.node_pools, ["a"]);
    }

    #[test]
    fn a_variant_that_the_config_leaves_out_is_no_lie() {
        Case::image("app:1")
            .index(&[("linux/arm/v6", &[1])])
            .change(|case| {
                case.first_image().config = Some(Answer::Found(config("linux/arm", 1)));
            })
            .has_no_finding(&RULE);
        Case::image("app:1")
            .single(&[("linux/arm64", &[1])])
            .has_no_finding(&RULE);
    }
}
