use super::event::{Pull, Wording};
use super::subject::of_platform;
use super::{Finding, Subject, declare_rule};
use crate::facts::{Answer, Depth, FaultyBlob, PlatformImage, RefusalReason};
use crate::finding::Severity;
use crate::oci::{Bytes, Reference};

declare_rule! {
    /// ## What it does
    /// Reports images of which the registry has the name and not the content: the index points at a manifest, or a manifest
    /// at a config, that is not there. With `verify-blobs`, and with `--deep`, each manifest, config and layer is asked for,
    /// without its content, and its size is held against the manifest. With a target, only what the nodes would pull is
    /// looked at.
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
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let missing = subject
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
                    "{reference} is incomplete: {} ({}{}) is not in {}",
                    part.name,
                    part.digest.short(),
                    part.size.map(|size| format!(", {size}")).unwrap_or_default(),
                    reference.registry()
                ),
            )
            .help("Push the image again with all its platforms, or copy it whole (`crane copy`, `skopeo copy --all`).")
            .event(event)
        });
    let pulled = subject.pulled(found);
    let cut = pulled.iter().flat_map(|pulled| {
        let blobs = pulled.image.faulty_blobs.iter();
        blobs.filter_map(|blob| {
            let Answer::Found(size) = blob.size else {
                return None;
            };
            Some(of_another_size(
                subject,
                reference,
                pulled.image,
                blob,
                size,
            ))
        })
    });
    missing.chain(cut).collect()
}

/// A blob that is there with another size than the manifest declares: what is stored is not what was pushed.
fn of_another_size(
    subject: &Subject<'_>,
    reference: &Reference,
    image: &PlatformImage,
    blob: &FaultyBlob,
    size: Bytes,
) -> Finding {
    let declared = &blob.descriptor;
    RULE.finding(
        subject,
        format!(
            "{reference} is incomplete: {}{} ({}) has {} bytes in {} and should have {}",
            blob.part,
            of_platform(image),
            declared.digest.short(),
            size.0,
            reference.registry(),
            declared.size.0
        ),
    )
    .help("Push the image again: a registry does not replace a blob that it believes to have, so delete it there first.")
    .event(
        Pull::new(subject, reference, subject.pools.iter().copied()).failed_to_unpack(
            "FailedPrecondition",
            &format!(
                "failed commit on ref \"layer-{}\": unexpected commit size {}, expected {}: failed precondition",
                declared.digest, size.0, declared.size.0
            ),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{BlobPart, Identity, Missing};
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

    fn with_blob(size: Answer<Bytes>) -> Case {
        Case::image("registry.example.com/app:1")
            .single(&[("linux/amd64", &[1, 3_600_000])])
            .change(|case| {
                let image = case.first_image();
                let descriptor = image.layers().expect("layers")[1].clone();
                image.faulty_blobs = vec![FaultyBlob {
                    part: BlobPart::Layer { number: 2, of: 2 },
                    descriptor,
                    size,
                }];
            })
    }

    #[test]
    fn a_missing_layer_is_named_with_its_number_and_size() {
        let no = refusal(RefusalReason::NotFound(Missing::Blob), Identity::Anonymous);
        let finding = with_blob(Answer::Refused(no)).only_finding(&RULE);
        assert!(
            finding.message.contains("layer 2 of 2 (sha256:")
                && finding.message.contains(", 3.6 MB) is not in"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn a_layer_of_another_size_is_named_with_both() {
        let finding = with_blob(Answer::Found(Bytes(17))).only_finding(&RULE);
        assert!(
            finding
                .message
                .ends_with("has 17 bytes in registry.example.com and should have 3600000"),
            "{}",
            finding.message
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
