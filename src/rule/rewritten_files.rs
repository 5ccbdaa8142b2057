use super::build_steps::{UNKNOWN_BASE, instruction_of};
use super::{Finding, Subject, declare_rule};
use crate::facts::{Depth, Files, PlatformImage, RewrittenPath};
use crate::finding::Severity;
use crate::oci::{Bytes, Reference};

declare_rule! {
    /// ## What it does
    /// Reports bytes that one layer stores and a later one hides: files that are stored again, such as by `chown` or an
    /// update, and files that are deleted. Each copy but the last counts. What the base image hides by itself is told apart.
    /// Layers are read in deep runs only (`--deep`). Reported is what exceeds both budgets, `waste` (20 MB) and
    /// `waste-percent` (10 % of all unpacked bytes). What dive counts is given too: of a file that is stored twice, dive counts
    /// both copies, and it does not know opaque whiteouts.
    ///
    /// ## Why it matters
    /// A layer never gets smaller. Each node fetches, unpacks and stores bytes that no container can see.
    ///
    /// ## What the cluster would show
    /// Nothing: the image works, and is larger than it must be.
    ///
    /// ## How to fix it
    /// Delete in the same instruction that creates: `RUN curl … && tar … && rm archive.tar.gz`. Set owners while copying: `COPY
    /// --chown=app:app . /app`. Build in a stage of its own, and copy only the result.
    id: "rewritten-files",
    summary: "layers store bytes that later layers hide",
    severity: Some(Severity::Warning),
    needs: Depth::Layers,
    event: None,
}

/// How many paths a message names.
const NAMED: usize = 3;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let findings = subject.pulled(found).into_iter().filter_map(|pulled| {
        let files = pulled.image.files()?;
        let unpacked = pulled.image.unpacked_bytes()?;
        let finding = finding(subject, reference, pulled.image, files, unpacked)?;
        Some(finding.on_pools(&pulled.pools))
    });
    // The images of an index are built alike: one of them tells enough.
    findings.take(1).collect()
}

fn finding(
    subject: &Subject<'_>,
    reference: &Reference,
    image: &PlatformImage,
    files: &Files,
    unpacked: Bytes,
) -> Option<Finding> {
    let rewritten = &files.rewritten;
    let known_base = subject.bases.base_layers(image);
    let base = known_base.unwrap_or(0);
    let own = rewritten.hidden_from(base);
    let of_base = Bytes(rewritten.hidden_from(0).0.saturating_sub(own.0));
    let budgets = subject.budgets;
    let limit = u128::from(unpacked.0) * u128::from(budgets.waste_percent);
    if own <= budgets.waste || u128::from(own.0) * 100 <= limit {
        return None;
    }
    let share = u128::from(own.0) * 100 / u128::from(unpacked.0.max(1));
    let mut message =
        format!("{reference} stores {own} that no container can see, {share} % of its {unpacked}");
    let own_paths = rewritten.paths.iter().filter(|path| path.hidden_by >= base);
    let named: Vec<String> = own_paths
        .take(NAMED)
        .map(|path| told(image, path))
        .collect();
    if !named.is_empty() {
        message = format!("{message}: {}", named.join("; "));
    }
    if of_base.0 > 0 {
        message = format!("{message}. The base image hides {of_base} of its own besides");
    }
    if known_base.is_none() {
        message = format!("{message}. {UNKNOWN_BASE}");
    }
    let dive = rewritten.as_dive;
    let efficiency = u128::from(dive.smallest.0) * 1000 / u128::from(dive.discovered.0.max(1));
    message = format!(
        "{message} (dive counts {}, an efficiency of {}.{} %)",
        dive.wasted,
        efficiency / 10,
        efficiency % 10
    );
    Some(RULE.finding(subject, message).help(
        "Delete files in the RUN that creates them, set owners and modes by `COPY --chown=… --chmod=…`, and build in a stage of its own.",
    ))
}

fn told(image: &PlatformImage, path: &RewrittenPath) -> String {
    let by = match instruction_of(image, path.hidden_by) {
        Some(instruction) => format!("layer {} (`{instruction}`)", path.hidden_by + 1),
        None => format!("layer {}", path.hidden_by + 1),
    };
    let files = match path.files {
        1 => String::new(),
        files => format!(" in {files} files"),
    };
    let verb = if path.deleted {
        "deleted"
    } else {
        "stored again"
    };
    format!(
        "{} ({}{files} of layer {}, {verb} by {by})",
        path.path,
        path.bytes,
        path.stored_in + 1
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::facts::{Content, DiveFigure, LayerContent, LayerSummary, Rewritten};
    use crate::rule::subject_for_tests::Case;

    const MB: u64 = 1_000_000;

    /// An image of a base layer and two own ones, with so many bytes hidden by the base and by the last layer.
    fn case(by_base: u64, by_last: u64) -> Case {
        let layer = LayerContent::Read(LayerSummary {
            unpacked: Bytes(100 * MB),
            ..LayerSummary::default()
        });
        let path = RewrittenPath {
            path: "opt/sdk".to_owned(),
            files: 12,
            bytes: Bytes(by_last),
            stored_in: 1,
            hidden_by: 2,
            deleted: true,
        };
        Case::image("registry.example.com/app:1")
            .history(&[
                ("ADD rootfs /", 30 * MB),
                ("CMD [\"sh\"]", 0),
                ("COPY sdk /opt/sdk", 40 * MB),
                ("RUN rm -rf /opt/sdk", 1),
            ])
            .change(|case| {
                case.first_image().content = Some(Arc::new(Content {
                    layers: vec![layer.clone(), layer.clone(), layer],
                    files: Some(Files {
                        rewritten: Rewritten {
                            by_layers: BTreeMap::from([
                                ((0, 0), Bytes(by_base)),
                                ((1, 2), Bytes(by_last)),
                            ]),
                            paths: vec![path],
                            as_dive: DiveFigure {
                                wasted: Bytes(80 * MB),
                                smallest: Bytes(900),
                                discovered: Bytes(1000),
                            },
                        },
                        ..Files::default()
                    }),
                }));
            })
    }

    #[test]
    fn paths_layers_and_the_bases_share_are_told() {
        let finding = case(5 * MB, 40 * MB).only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:1 stores 40.0 MB that no container can see, 13 % of its 300.0 MB: opt/sdk (40.0 MB in \
             12 files of layer 2, deleted by layer 3 (`RUN rm -rf /opt/sdk`)). The base image hides 5.0 MB of its own \
             besides (dive counts 80.0 MB, an efficiency of 90.0 %)"
        );
    }

    #[test]
    fn both_budgets_must_be_exceeded() {
        case(0, 30 * MB).has_no_finding(&RULE);
        case(90 * MB, 0).has_no_finding(&RULE);
        case(0, 31 * MB).only_finding(&RULE);
        case(0, 31 * MB)
            .change(|case| case.budgets.waste = Bytes(50 * MB))
            .has_no_finding(&RULE);
        case(0, 2 * MB)
            .change(|case| {
                case.budgets.waste = Bytes(MB);
                case.budgets.waste_percent = 0;
            })
            .only_finding(&RULE);
    }

    #[test]
    fn what_may_be_the_base_images_is_said_to_be_so() {
        let finding = case(0, 40 * MB)
            .change(|case| {
                if let Some(crate::facts::Answer::Found(config)) = &mut case.first_image().config {
                    config.history.retain(|entry| !entry.empty_layer);
                }
            })
            .only_finding(&RULE);
        assert!(
            finding
                .message
                .contains(". Nothing tells where the base image ends"),
            "{}",
            finding.message
        );
    }
}
