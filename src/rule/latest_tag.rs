use super::{Finding, Subject, declare_rule};
use crate::facts::Depth;
use crate::finding::Severity;

declare_rule! {
    /// ## What it does
    /// Reports images with the tag `latest`, and images with neither tag nor digest, which mean the same.
    ///
    /// ## Why it matters
    /// The tag moves. Two nodes that pull at different times run different programs, a rollback pulls what is newest, and
    /// `imagePullPolicy` becomes `Always`, so that every start of a pod needs the registry.
    ///
    /// ## What the cluster would show
    /// Nothing: the pod starts with whatever the tag points to at that moment.
    ///
    /// ## How to fix it
    /// Name the version that you tested, as `image: nginx:1.27.3`, or pin the digest, as `image: nginx@sha256:…`.
    id: "latest-tag",
    summary: "the tag is `latest`, or there is neither tag nor digest",
    severity: Some(Severity::Warning),
    needs: Depth::Reference,
    event: None,
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(reference) = subject.reference() else {
        return vec![];
    };
    if reference.digest().is_some() || reference.tag() != Some("latest") {
        return vec![];
    }
    let message = if subject.occurrence.value.ends_with(":latest") {
        format!("{reference} moves: the tag `latest` is whatever was pushed last")
    } else {
        format!("{reference} moves: no tag is written, which means `latest`")
    };
    vec![
        RULE.finding(subject, message)
            .help("Name the version that you tested, or pin the digest with `@sha256:…`."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    #[test]
    fn a_name_without_a_tag_means_latest() {
        let finding = Case::image("nginx").only_finding(&RULE);
        assert_eq!(
            finding.message,
            "docker.io/library/nginx:latest moves: no tag is written, which means `latest`"
        );
        assert_eq!(finding.event, None);
    }

    #[test]
    fn a_tag_that_is_written_is_named() {
        let finding = Case::image("ghcr.io/team/app:latest").only_finding(&RULE);
        assert!(finding.message.contains("the tag `latest` is"));
    }

    #[test]
    fn versions_and_digests_are_silent() {
        let digest = format!("nginx:latest@sha256:{}", "0".repeat(64));
        for image in ["nginx:1.27", "nginx:latest-alpine", &digest, "Invalid"] {
            Case::image(image).has_no_finding(&RULE);
        }
    }
}
