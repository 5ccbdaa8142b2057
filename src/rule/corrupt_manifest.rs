use super::event::Pull;
use super::{Finding, Subject, declare_rule};
use crate::facts::{Answer, Depth, Failure, FailureReason};
use crate::finding::Severity;

declare_rule! {
    /// ## What it does
    /// Reports images of which a document is not what it must be: content that does not have the digest by which it is named,
    /// a manifest that is none or is two kinds at once, a config that cannot be read, one that counts other layers than the
    /// manifest, or one that names no architecture.
    ///
    /// ## Why it matters
    /// Container runtimes refuse such content, on every node and at every try. Mostly a proxy, a broken push or a tool that
    /// edits manifests made it. A config without an architecture is no node's: containerd unpacks only what names its own. Docker takes
    /// it for one of its own.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`, with `unexpected commit digest …, expected …`, `media-type: expected … but found …`, or `number of
    /// layers and diffIDs don't match`.
    ///
    /// ## How to fix it
    /// Fetch the manifest past every proxy, as with `crane manifest IMAGE`, to see whether registry or proxy is at fault; then
    /// build and push the image again.
    id: "corrupt-manifest",
    summary: "a manifest or config is damaged or ambiguous",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

const HELP: &str = "Build and push the image again; if it is fine at its origin, look for a proxy or mirror that changes it.";

const HELP_ARCHITECTURE: &str = "Build the image again with a tool that fills in `os` and `architecture` of the config, or with `--platform`.";

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, answer)) = subject.answer() else {
        return vec![];
    };
    let pull = Pull::new(subject, reference, subject.pools.iter().copied());
    let damaged = |what: &str, failure: &Failure| {
        // Only these words are the runtime's own.
        let event = failure
            .detail
            .find("media-type: ")
            .map(|at| pull.failed_to_unpack("Unknown", &failure.detail[at..]));
        RULE.finding(subject, format!("{what} is damaged: {}", failure.detail))
            .help(HELP)
            .event(event)
    };
    if let Answer::Undetermined(failure) = answer {
        return if is_damaged(failure) {
            vec![damaged(&reference.to_string(), failure)]
        } else {
            vec![]
        };
    }
    let parts = subject.missing_parts();
    let mut findings: Vec<Finding> = parts
        .iter()
        .filter_map(|part| {
            let failure = part.failure.filter(|failure| is_damaged(failure))?;
            Some(damaged(&format!("{} of {reference}", part.name), failure))
        })
        .collect();
    if let Some((layers, diff_ids)) = miscounts(subject) {
        findings.push(
            RULE.finding(
                subject,
                format!(
                    "{reference} is damaged: its manifest lists {layers} layers, and its config {diff_ids}"
                ),
            )
            .help(HELP)
            .event(pull.failed_to_unpack(
                "Unknown",
                &format!("number of layers and diffIDs don't match: {layers} != {diff_ids}"),
            )),
        );
    }
    if lacks_architecture(subject) {
        findings.push(
            RULE.finding(
                subject,
                format!(
                    "{reference} is damaged: its config names no architecture, so containerd does not unpack it on any node"
                ),
            )
            .help(HELP_ARCHITECTURE),
        );
    }
    findings
}

fn is_damaged(failure: &Failure) -> bool {
    failure.reason == FailureReason::Damaged
}

/// Whether an image of layers for containers has a config that names no architecture, which is required (OCI image-spec `config.md`;
/// containerd `core/unpack/unpacker.go`: the platform of the config decides, whatever an index says).
fn lacks_architecture(subject: &Subject<'_>) -> bool {
    let Some((_, found)) = subject.found() else {
        return false;
    };
    subject.pulled(found).into_iter().any(|pulled| {
        let has_layers = pulled
            .image
            .layers()
            .is_some_and(|layers| !layers.is_empty());
        let config = pulled.image.config();
        has_layers && config.is_some_and(|config| !config.names_architecture)
    })
}

/// Layers of the manifest and of the config, where they differ (containerd `core/unpack/unpacker.go`).
fn miscounts(subject: &Subject<'_>) -> Option<(usize, usize)> {
    let (_, found) = subject.found()?;
    subject.pulled(found).into_iter().find_map(|pulled| {
        let layers = pulled.image.layers()?.len();
        let diff_ids = pulled.image.config()?.diff_ids.len();
        (layers != diff_ids).then_some((layers, diff_ids))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::{Case, config, failure};

    const IMAGE: &str = "registry.example.com/app:1";

    #[test]
    fn a_damaged_manifest_says_what_is_wrong() {
        let finding = Case::image(IMAGE)
            .undetermined(
                FailureReason::Damaged,
                "the digest is sha256:1 and not sha256:2",
            )
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:1 is damaged: the digest is sha256:1 and not sha256:2"
        );
        assert_eq!(finding.event, None);
    }

    #[test]
    fn an_ambiguous_manifest_has_containerds_words() {
        let finding = Case::image(IMAGE)
            .undetermined(
                FailureReason::Damaged,
                "media-type: expected manifest but found index",
            )
            .only_finding(&RULE);
        let event = finding.event.map(|event| event.message).unwrap_or_default();
        assert!(
            event.ends_with("\": media-type: expected manifest but found index"),
            "{event}"
        );
    }

    #[test]
    fn a_damaged_config_of_one_platform_is_found() {
        let finding = Case::image(IMAGE)
            .index(&[("linux/arm64", &[1])])
            .change(|case| {
                case.first_image().config = Some(Answer::Undetermined(failure(
                    FailureReason::Damaged,
                    "no JSON",
                )));
            })
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "the config for linux/arm64 of registry.example.com/app:1 is damaged: no JSON"
        );
    }

    #[test]
    fn manifest_and_config_must_count_alike() {
        let finding = Case::image(IMAGE)
            .single(&[("linux/amd64", &[1, 2])])
            .change(|case| {
                case.first_image().config = Some(Answer::Found(config("linux/amd64", 1)));
            })
            .only_finding(&RULE);
        assert!(
            finding
                .message
                .ends_with("lists 2 layers, and its config 1")
        );
        let event = finding.event.map(|event| event.message).unwrap_or_default();
        assert!(event.ends_with("number of layers and diffIDs don't match: 2 != 1"));
    }

    #[test]
    fn a_config_must_name_an_architecture() {
        let finding = Case::image(IMAGE)
            .single(&[("linux/amd64", &[1])])
            .change(|case| {
                let mut config = config("linux/amd64", 1);
                config.platform = None;
                config.names_architecture = false;
                case.first_image().config = Some(Answer::Found(config));
            })
            .only_finding(&RULE);
        assert!(finding.message.contains("names no architecture"));
    }

    #[test]
    fn sound_images_and_outages_are_silent() {
        Case::image(IMAGE)
            .single(&[("linux/amd64", &[1])])
            .has_no_finding(&RULE);
        for outage in [FailureReason::Timeout, FailureReason::Malformed] {
            Case::image(IMAGE)
                .undetermined(outage, "")
                .has_no_finding(&RULE);
        }
    }
}
