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
    let occurrence = subject.occurrence;
    let Ok(reference) = &occurrence.reference else {
        return vec![];
    };
    if reference.digest().is_some() || reference.tag() != Some("latest") {
        return vec![];
    }
    let message = if occurrence.value.ends_with(":latest") {
        format!("{reference} moves: the tag `latest` is whatever was pushed last")
    } else {
        format!(
            "`{}` has no tag, so it means {reference}, which moves",
            occurrence.value
        )
    };
    vec![
        RULE.finding(subject, message)
            .help("Name the version that you tested, or pin the digest with `@sha256:…`."),
    ]
}
