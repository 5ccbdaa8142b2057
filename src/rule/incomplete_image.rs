use super::event::{Pull, Wording};
use super::{Finding, Subject, declare_rule};
use crate::facts::{Depth, RefusalReason};
use crate::finding::Severity;

declare_rule! {
    /// ## What it does
    /// Reports images of which the registry has the name and not the content: the index points at a manifest, or a manifest
    /// at a config, that is not there. With a target, only what the nodes would pull is looked at.
    ///
    /// ## Why it matters
    /// The name resolves, so everything seems fine until a node fetches the missing part. It happens when a clean-up takes
    /// the images of an index, when a copy took one platform only, and when a push broke off.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`: ``failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:… (…) from
    /// remote: not found``.
    ///
    /// ## How to fix it
    /// Push the image again with all its platforms, as `docker buildx build --push` does, or copy it whole, as
    /// `crane copy` or `skopeo copy --all` does.
    id: "incomplete-image",
    summary: "the image points at a manifest or config that is not there",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, _)) = subject.found() else {
        return vec![];
    };
    subject
        .missing_parts()
        .into_iter()
        .filter(|part| {
            part.refusal.is_some_and(|refusal| {
                matches!(
                    refusal.reason,
                    RefusalReason::NotFound(_) | RefusalReason::Unsupported
                )
            })
        })
        .map(|part| {
            let pull = Pull::new(subject, reference, subject.pools.iter().copied());
            let event = match pull.wording() {
                Wording::CriO => pull.failed(
                    "Unknown",
                    &format!(
                        "reading manifest {} in {}: manifest unknown",
                        part.digest,
                        reference.name()
                    ),
                ),
                _ => pull.failed_to_unpack(
                    "NotFound",
                    &format!(
                        "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor {} ({}) from \
                         remote: not found",
                        part.digest, part.media_type
                    ),
                ),
            };
            RULE.finding(
                subject,
                format!(
                    "{reference} is incomplete: {} ({}) is not in {}",
                    part.name,
                    part.digest.short(),
                    reference.registry()
                ),
            )
            .help("Push the image again with all its platforms, or copy it whole (`crane copy`, `skopeo copy --all`).")
            .event(event)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Identity, Missing};
    use crate::rule::subject_for_tests::{Case, digest, refusal};

    fn without_arm() -> Case {
        Case::image("registry.example.com/app:1")
            .index(&[("linux/arm64", &[1]), ("linux/amd64", &[1])])
            .change(|case| {
                case.first_image().manifest = Some(Answer::Refused(refusal(
                    RefusalReason::NotFound(Missing::Manifest),
                    Identity::Layout,
                )));
            })
    }

    #[test]
    fn the_missing_part_is_named_with_the_event_of_its_pull() {
        let finding = without_arm().only_finding(&RULE);
        let missing = digest("linux/arm64");
        assert_eq!(
            finding.message,
            format!(
                "registry.example.com/app:1 is incomplete: the manifest for linux/arm64 ({}) is not in registry.example.com",
                missing.short()
            )
        );
        let event = finding.event.map(|event| event.message).unwrap_or_default();
        assert!(
            event.ends_with(&format!(
                "could not fetch content descriptor {missing} (application/vnd.oci.image.manifest.v1+json) from remote: not found"
            )),
            "{event}"
        );
    }

    #[test]
    fn what_no_node_pulls_does_not_count() {
        without_arm().pool("a", "linux/amd64").has_no_finding(&RULE);
        assert_eq!(
            without_arm().pool("a", "linux/arm64").findings(&RULE).len(),
            1
        );
    }

    #[test]
    fn a_whole_image_is_silent() {
        Case::image("app:1")
            .single(&[("linux/amd64", &[1])])
            .has_no_finding(&RULE);
        Case::image("app:1").has_no_finding(&RULE);
    }
}
