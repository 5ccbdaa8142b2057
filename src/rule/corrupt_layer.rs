use super::event::Pull;
use super::{Finding, Subject, declare_rule};
use crate::facts::{Damage, Depth, LayerContent, LayerSummary};
use crate::finding::{Event, Severity};

declare_rule! {
    /// ## What it does
    /// Reports layers that are there and that a node could not unpack, by their content: another digest or size than the
    /// manifest says, another diff ID than the config says, gzip or zstd that is cut off or damaged, a tar archive that is none,
    /// or one that expands beyond all measure. Layers are read in deep runs only (`--deep`). Entries that lead out of the
    /// image's root by `..` are a warning: containerd keeps them inside, and Docker refuses such a layer.
    ///
    /// ## Why it matters
    /// The pull fails on every node and at every try, mostly after all layers have come in. A registry does not unpack what
    /// is pushed, so nothing else finds it before.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`, with `unexpected commit digest …`, `wrong diff id calculated on extraction …`, or `failed to extract
    /// layer …`.
    ///
    /// ## How to fix it
    /// Fetch the layer past every proxy, as with `crane blob IMAGE@sha256:… | sha256sum`, to see whether registry or proxy is at
    /// fault; then build and push the image again. A diff ID that does not fit is made by tools that change layers without
    /// changing the config.
    id: "corrupt-layer",
    summary: "a layer is there, and a node could not unpack it",
    severity: Some(Severity::Error),
    needs: Depth::Layers,
    event: Some("ErrImagePull"),
}

const HELP: &str = "Build and push the image again; if it is fine at its origin, look for a proxy or mirror that changes it.";

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let mut findings = Vec::new();
    for pulled in subject.pulled(found) {
        let Some(content) = &pulled.image.content else {
            continue;
        };
        let of = content.layers.len();
        for (number, layer) in (1..).zip(&content.layers) {
            let name = format!("layer {number} of {of} of {reference}");
            let finding = match layer {
                LayerContent::Damaged { digest, damage } => {
                    let pull = Pull::new(subject, reference, pulled.pools.iter().copied());
                    let message = format!("{name} ({}) is damaged: {damage}", digest.short());
                    RULE.finding(subject, message)
                        .help(HELP)
                        .event(event(&pull, digest.as_str(), damage))
                }
                LayerContent::Read(LayerSummary {
                    escaping,
                    first_escaping: Some(first),
                    ..
                }) => RULE
                    .finding(
                        subject,
                        format!(
                            "{name} has {escaping} {} out of the image's root, such as {first}",
                            if *escaping == 1 { "entry that leads" } else { "entries that lead" }
                        ),
                    )
                    .severity(Severity::Warning)
                    .help("Build the layer without `..` in its paths. containerd keeps such entries inside the root, Docker refuses the layer."),
                _ => continue,
            };
            findings.push(finding.on_pools(&pulled.pools));
        }
    }
    // The same layer in the images of several platforms is one finding.
    findings.sort_by(|a, b| a.message.cmp(&b.message));
    findings.dedup_by(|a, b| a.message == b.message);
    findings
}

/// What containerd says (`core/content/helpers.go`, `core/unpack/unpacker.go`, `core/diff/apply`); nothing where its words
/// are not known.
fn event(pull: &Pull<'_>, digest: &str, damage: &Damage) -> Option<Event> {
    Some(match damage {
        Damage::Digest { actual } => pull.failed_to_unpack(
            "FailedPrecondition",
            &format!(
                "failed commit on ref \"layer-{digest}\": unexpected commit digest {actual}, expected {digest}: failed precondition"
            ),
        ),
        Damage::DiffId { actual, .. } => pull.failed_to_unpack(
            "Unknown",
            &format!("wrong diff id calculated on extraction \"{actual}\""),
        ),
        Damage::Archive(words) | Damage::Compression(words) => pull.failed_to_unpack(
            "Unknown",
            &format!("failed to extract layer {digest}: {words}"),
        ),
        Damage::Size { .. } | Damage::Bomb { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::facts::Content;
    use crate::oci::{Bytes, Digest};
    use crate::rule::subject_for_tests::Case;

    fn case(layers: Vec<LayerContent>) -> Case {
        Case::image("registry.example.com/app:1")
            .single(&[("linux/amd64", &[1])])
            .change(|case| {
                case.first_image().content = Some(Arc::new(Content {
                    layers,
                    files: None,
                }));
            })
    }

    #[test]
    fn damage_is_named_with_the_runtimes_words() {
        let digest = Digest::sha256_of(b"a");
        for (damage, words, event) in [
            (
                Damage::Digest {
                    actual: Digest::sha256_of(b"b"),
                },
                "its content has the digest sha256:",
                Some("unexpected commit digest"),
            ),
            (
                Damage::DiffId {
                    declared: "sha256:0".to_owned(),
                    actual: Digest::sha256_of(b"b"),
                },
                "and the config says sha256:0",
                Some("wrong diff id calculated on extraction \"sha256:"),
            ),
            (
                Damage::Compression("unexpected EOF".to_owned()),
                "it cannot be decompressed: unexpected EOF",
                Some("failed to extract layer"),
            ),
            (
                Damage::Bomb {
                    compressed: Bytes(1_000_000),
                    unpacked: Bytes(1_073_741_824),
                },
                "it expands beyond measure: 1.0 MB become more than 1.1 GB",
                None,
            ),
            (
                Damage::Size {
                    declared: Bytes(10),
                    more: true,
                },
                "it has more than the 10 bytes that the manifest declares",
                None,
            ),
        ] {
            let finding = case(vec![LayerContent::Damaged {
                digest: digest.clone(),
                damage,
            }])
            .only_finding(&RULE);
            assert!(
                finding.message.starts_with(&format!(
                    "layer 1 of 1 of registry.example.com/app:1 ({}) is damaged: ",
                    digest.short()
                )),
                "{}",
                finding.message
            );
            assert!(finding.message.contains(words), "{}", finding.message);
            let said = finding.event.map(|event| event.message);
            match event {
                Some(words) => assert!(said.is_some_and(|said| said.contains(words)), "{words}"),
                None => assert_eq!(said, None),
            }
        }
    }

    #[test]
    fn paths_out_of_the_root_are_a_warning() {
        let finding = case(vec![LayerContent::Read(LayerSummary {
            escaping: 2,
            first_escaping: Some("../../etc/cron.d/x".to_owned()),
            ..LayerSummary::default()
        })])
        .only_finding(&RULE);
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(
            finding.message,
            "layer 1 of 1 of registry.example.com/app:1 has 2 entries that lead out of the image's root, such as ../../etc/cron.d/x"
        );
    }

    #[test]
    fn sound_layers_and_runs_that_read_none_are_silent() {
        case(vec![
            LayerContent::Read(LayerSummary::default()),
            LayerContent::Unread,
        ])
        .has_no_finding(&RULE);
        Case::image("app:1")
            .single(&[("linux/amd64", &[1])])
            .has_no_finding(&RULE);
    }
}
