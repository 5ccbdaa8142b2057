use super::event::{Pull, Wording};
use super::{Finding, Subject, declare_rule};
use crate::facts::{Answer, Depth, Identity, Missing, Refusal, RefusalReason};
use crate::finding::Severity;
use crate::oci::Reference;

declare_rule! {
    /// ## What it does
    /// Reports images that the registry definitely does not have. Where the registry says whether the repository or only the
    /// tag is missing, so does the finding, with the nearest tags that exist. An outage is never reported here: that is
    /// `undetermined-image`. Nor is a refusal: that is `access-denied`.
    ///
    /// ## Why it matters
    /// The pod waits for an image that will not come: a typing error, a tag that was never pushed or was cleaned up, or a
    /// name that means another registry than its writer thought.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`: ``Failed to pull image "…": rpc error: code = NotFound desc = failed to pull and unpack image "…":
    /// failed to resolve reference "…": …: not found``.
    ///
    /// ## How to fix it
    /// Correct the name, or push the image before the deploy. A name without a host means Docker Hub: write the host of your
    /// registry in front, as in `image: registry.example.com/team/app:1.4.2`.
    id: "image-not-found",
    summary: "the registry does not have the image",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, Answer::Refused(refusal))) = subject.answer() else {
        return vec![];
    };
    let message = match refusal.reason {
        RefusalReason::NotFound(missing) => not_found(reference, missing),
        RefusalReason::Unsupported => format!(
            "{} has {reference} only in a form that it does not give to nodes",
            reference.registry()
        ),
        RefusalReason::Unauthorized | RefusalReason::Forbidden => return vec![],
    };
    let finding = RULE
        .finding(subject, message)
        .help(help(subject, reference, refusal));
    if refusal.reason == RefusalReason::Unsupported {
        return vec![finding];
    }
    let pull = Pull::new(subject, reference, subject.pools.iter().copied());
    vec![finding.event(match pull.wording() {
        Wording::CriO => pull.failed(
            "Unknown",
            &format!(
                "initializing source docker://{}: reading manifest {} in {}: manifest unknown",
                pull.image(),
                reference.tag_or_digest(),
                reference.name()
            ),
        ),
        _ => pull.failed_to_resolve("NotFound", &format!("{}: not found", pull.image())),
    })]
}

fn not_found(reference: &Reference, missing: Missing) -> String {
    match (missing, reference.digest(), reference.tag()) {
        (Missing::Repository, ..) => format!(
            "{reference} does not exist: {} has no repository {}",
            reference.registry(),
            reference.repository()
        ),
        (Missing::Manifest, Some(digest), _) => format!(
            "{reference} does not exist: {} has nothing with the digest {}",
            reference.name(),
            digest.short()
        ),
        (Missing::Manifest, None, Some(tag)) => format!(
            "{reference} does not exist: {} has no tag {tag}",
            reference.name()
        ),
        _ => format!(
            "{reference} does not exist: {} does not find it",
            reference.registry()
        ),
    }
}

fn help(subject: &Subject<'_>, reference: &Reference, refusal: &Refusal) -> String {
    let mut parts = Vec::new();
    if !refusal.nearest_tags.is_empty() {
        let tags: Vec<String> = refusal
            .nearest_tags
            .iter()
            .map(|tag| format!("`{tag}`"))
            .collect();
        parts.push(format!("The nearest tags that exist: {}.", tags.join(", ")));
    }
    if names_no_host(&subject.occurrence.value, reference) {
        parts.push(
            "The name has no registry host, so it means Docker Hub: if the image is elsewhere, write its host in front."
                .to_owned(),
        );
    }
    if parts.is_empty() {
        parts.push(
            match refusal.reason {
                RefusalReason::NotFound(Missing::Repository) => {
                    "Check the spelling of the repository, or push the image before the deploy."
                }
                RefusalReason::NotFound(_) if reference.digest().is_some() => {
                    "Look up the digest of the image that you tested: this one was never pushed here, or was cleaned up."
                }
                RefusalReason::Unsupported => {
                    "Build the image again with a current tool and push it: the registry keeps an old format."
                }
                _ => "Check the spelling, or push the image before the deploy.",
            }
            .to_owned(),
        );
    }
    if refusal.identity == Identity::Layout {
        parts.push("An OCI image layout was asked in place of the registry.".to_owned());
    } else if !refusal.message.is_empty() {
        parts.push(format!("The registry says: {}", refusal.message));
    }
    parts.join(" ")
}

fn names_no_host(value: &str, reference: &Reference) -> bool {
    reference.registry() == "docker.io"
        && !value.starts_with("docker.io/")
        && !value.starts_with("index.docker.io/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::RuntimeKind;
    use crate::facts::FailureReason;
    use crate::rule::subject_for_tests::{Case, refusal};
    use crate::workload::PullPolicy;

    const IMAGE: &str = "registry.example.com/shop/web:1.4";

    fn missing(image: &str, missing: Missing) -> Case {
        Case::image(image).refused(RefusalReason::NotFound(missing), Identity::Anonymous)
    }

    #[test]
    fn repository_and_tag_are_told_apart() {
        let message = |what| missing(IMAGE, what).only_finding(&RULE).message;
        assert_eq!(
            message(Missing::Repository),
            "registry.example.com/shop/web:1.4 does not exist: registry.example.com has no repository shop/web"
        );
        assert_eq!(
            message(Missing::Manifest),
            "registry.example.com/shop/web:1.4 does not exist: registry.example.com/shop/web has no tag 1.4"
        );
        assert!(message(Missing::Unsaid).ends_with("registry.example.com does not find it"));
    }

    #[test]
    fn the_nearest_tags_are_offered() {
        let mut refusal = refusal(
            RefusalReason::NotFound(Missing::Manifest),
            Identity::Anonymous,
        );
        refusal.nearest_tags = vec!["1.4.0".to_owned(), "1.3".to_owned()];
        let finding = Case::image(IMAGE).refusal(refusal).only_finding(&RULE);
        assert_eq!(
            finding.help.as_deref(),
            Some("The nearest tags that exist: `1.4.0`, `1.3`.")
        );
    }

    #[test]
    fn a_name_without_a_host_is_said_to_mean_docker_hub() {
        let help = |image| {
            missing(image, Missing::Unsaid)
                .only_finding(&RULE)
                .help
                .unwrap_or_default()
        };
        assert!(help("shop/web:1.4").contains("means Docker Hub"));
        assert!(!help("docker.io/shop/web:1.4").contains("means Docker Hub"));
        assert!(!help(IMAGE).contains("means Docker Hub"));
    }

    #[test]
    fn the_event_is_worded_as_the_pools_runtime_words_it() {
        let event = |kind, major, minor| {
            missing("web:1.4", Missing::Manifest)
                .pool_with_runtime("pool", kind, major, minor)
                .only_finding(&RULE)
                .event
                .map(|event| event.message)
                .unwrap_or_default()
        };
        assert_eq!(
            event(RuntimeKind::Containerd, 2, 0),
            "Failed to pull image \"web:1.4\": rpc error: code = NotFound desc = failed to pull and unpack image \
             \"docker.io/library/web:1.4\": failed to resolve reference \"docker.io/library/web:1.4\": \
             docker.io/library/web:1.4: not found"
        );
        assert_eq!(
            event(RuntimeKind::Containerd, 2, 1),
            "Failed to pull image \"web:1.4\": rpc error: code = NotFound desc = failed to pull and unpack image \
             \"docker.io/library/web:1.4\": failed to resolve image: docker.io/library/web:1.4: not found"
        );
        assert!(event(RuntimeKind::CriO, 1, 33).ends_with("manifest unknown"));
    }

    #[test]
    fn a_tag_beside_a_digest_is_not_in_the_event() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let finding = missing(&format!("web:1.4@{digest}"), Missing::Manifest).only_finding(&RULE);
        let event = finding.event.map(|event| event.message).unwrap_or_default();
        assert!(event.contains(&format!(
            "failed to pull and unpack image \"docker.io/library/web@{digest}\""
        )));
    }

    #[test]
    fn what_is_not_a_definite_no_is_silent() {
        Case::image(IMAGE).has_no_finding(&RULE);
        Case::image(IMAGE)
            .single(&[("linux/amd64", &[1])])
            .has_no_finding(&RULE);
        Case::image(IMAGE)
            .undetermined(FailureReason::Timeout, "slow")
            .has_no_finding(&RULE);
        Case::image(IMAGE)
            .refused(RefusalReason::Forbidden, Identity::Anonymous)
            .has_no_finding(&RULE);
        missing(IMAGE, Missing::Manifest)
            .pull_policy(PullPolicy::Never)
            .has_no_finding(&RULE);
    }
}
