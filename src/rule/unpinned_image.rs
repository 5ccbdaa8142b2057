use super::{Finding, Subject, declare_rule};
use crate::facts::Depth;

declare_rule! {
    /// ## What it does
    /// Reports images without a digest. The rule is off unless you turn it on: many teams release by tags that never move.
    ///
    /// ## Why it matters
    /// A tag can be pushed again, and the registry's owner decides whether it may. A digest names one content for ever, so
    /// that what was tested is what runs.
    ///
    /// ## What the cluster would show
    /// Nothing: the pod runs what the tag points to when its node pulls.
    ///
    /// ## How to fix it
    /// Add the digest behind the tag, as `image: nginx:1.27.3@sha256:…`. Nodes then pull by the digest, and the tag stays as
    /// a word for people.
    id: "unpinned-image",
    summary: "the image has no digest",
    severity: None,
    needs: Depth::Reference,
    event: None,
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(reference) = subject.reference() else {
        return vec![];
    };
    if reference.digest().is_some() {
        return vec![];
    }
    let help = match subject.found() {
        Some((_, found)) => format!("Today it is `{reference}@{}`.", found.digest),
        None => "Add `@sha256:…` behind the tag.".to_owned(),
    };
    vec![
        RULE.finding(
            subject,
            format!("{reference} is not pinned: its tag can be pushed again"),
        )
        .help(help),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    #[test]
    fn the_digest_of_today_is_offered_where_it_is_known() {
        let finding = Case::image("nginx:1").only_finding(&RULE);
        assert_eq!(
            finding.help.as_deref(),
            Some("Add `@sha256:…` behind the tag.")
        );
        let finding = Case::image("nginx:1")
            .single(&[("linux/amd64", &[10])])
            .only_finding(&RULE);
        let help = finding.help.unwrap_or_default();
        assert!(
            help.starts_with("Today it is `docker.io/library/nginx:1@sha256:"),
            "{help}"
        );
    }

    #[test]
    fn a_digest_is_enough() {
        Case::image(&format!("nginx@sha256:{}", "0".repeat(64))).has_no_finding(&RULE);
    }
}
