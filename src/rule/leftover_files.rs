use super::build_steps::UNKNOWN_BASE;
use super::{Finding, Subject, declare_rule};
use crate::facts::{Depth, Leftover};
use crate::finding::Severity;
use crate::oci::Bytes;

declare_rule! {
    /// ## What it does
    /// Reports what package managers and builds left behind in an image, if it has more than 5 MB (the budget `leftovers`):
    /// package lists and caches of apt, apk, dnf, pip, npm, Yarn, Cargo, Go, Maven and others, `.git`, build output, temporary
    /// files. What the base image brought does not count. Layers are read in deep runs only (`--deep`).
    ///
    /// ## Why it matters
    /// Each node fetches and stores what no program will read. A `.git` folder also holds everything that was ever committed
    /// and deleted again, passwords among it.
    ///
    /// ## What the cluster would show
    /// Nothing: the image works, and is larger than it must be.
    ///
    /// ## How to fix it
    /// Clean up in the same instruction, as in `RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*`, or
    /// keep caches out of the image by `RUN --mount=type=cache,target=…`. List `.git` in the `.dockerignore` file.
    id: "leftover-files",
    summary: "package lists, caches or build output were left in the image",
    severity: Some(Severity::Warning),
    needs: Depth::Layers,
    event: None,
}

/// How many folders a message names.
const NAMED: usize = 4;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let findings = subject.pulled(found).into_iter().filter_map(|pulled| {
        let known_base = subject.bases.base_layers(pulled.image);
        let base = known_base.unwrap_or(0);
        let files = pulled.image.files()?;
        let own: Vec<&Leftover> = files
            .leftovers
            .iter()
            .filter(|leftover| leftover.layer >= base)
            .collect();
        let bytes: Bytes = own.iter().map(|leftover| leftover.bytes).sum();
        if bytes <= subject.budgets.leftovers {
            return None;
        }
        let named: Vec<String> = own
            .iter()
            .take(NAMED)
            .map(|leftover| told(leftover))
            .collect();
        let more = match own.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let mut message = format!(
            "{reference} keeps {bytes} that its build left behind: {}{more}",
            named.join(", ")
        );
        if known_base.is_none() {
            message = format!("{message}. {UNKNOWN_BASE}");
        }
        Some(
            RULE.finding(subject, message)
                .help(remedies(&own))
                .on_pools(&pulled.pools),
        )
    });
    // The images of an index are built alike: one of them tells enough.
    findings.take(1).collect()
}

fn told(leftover: &Leftover) -> String {
    format!(
        "{} in {} ({}, layer {})",
        leftover.what,
        leftover.path,
        leftover.bytes,
        leftover.layer + 1
    )
}

fn remedies(leftovers: &[&Leftover]) -> String {
    let mut remedies: Vec<String> = Vec::new();
    for leftover in leftovers.iter().take(NAMED) {
        let remedy = format!("Against {}: {}.", leftover.what, leftover.remedy);
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    remedies.join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::facts::{Content, Files, LayerContent, LayerSummary};
    use crate::rule::subject_for_tests::Case;

    const MB: u64 = 1_000_000;

    fn case(leftovers: &[(&str, u64, usize)]) -> Case {
        let leftovers = leftovers
            .iter()
            .map(|(path, megabytes, layer)| Leftover {
                what: "package lists of apt",
                remedy: "`rm -rf /var/lib/apt/lists/*`",
                path: (*path).to_owned(),
                files: 3,
                bytes: Bytes(megabytes * MB),
                layer: *layer,
            })
            .collect();
        Case::image("registry.example.com/app:1")
            .history(&[
                ("ADD rootfs /", 30 * MB),
                ("CMD [\"sh\"]", 0),
                ("RUN make", 40 * MB),
            ])
            .change(|case| {
                case.first_image().content = Some(Arc::new(Content {
                    layers: vec![LayerContent::Read(LayerSummary::default()); 2],
                    files: Some(Files {
                        leftovers,
                        ..Files::default()
                    }),
                }));
            })
    }

    #[test]
    fn folders_layers_and_remedies_are_told() {
        let finding = case(&[("var/lib/apt/lists", 40, 1)]).only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:1 keeps 40.0 MB that its build left behind: package lists of apt in var/lib/apt/lists \
             (40.0 MB, layer 2)"
        );
        assert_eq!(
            finding.help.as_deref(),
            Some("Against package lists of apt: `rm -rf /var/lib/apt/lists/*`.")
        );
    }

    #[test]
    fn the_base_image_and_small_leftovers_are_silent() {
        case(&[("var/lib/apt/lists", 40, 0)]).has_no_finding(&RULE);
        case(&[("a", 2, 1), ("b", 3, 1)]).has_no_finding(&RULE);
        case(&[("a", 3, 1), ("b", 3, 1)]).only_finding(&RULE);
    }

    #[test]
    fn what_may_be_the_base_images_is_said_to_be_so() {
        let finding = case(&[("var/lib/apt/lists", 40, 0)])
            .change(|case| {
                if let Some(crate::facts::Answer::Found(config)) = &mut case.first_image().config {
                    config.history.retain(|entry| !entry.empty_layer);
                }
            })
            .only_finding(&RULE);
        assert!(
            finding.message.ends_with(
                ". Nothing tells where the base image ends, so a part of it may be the base image's"
            ),
            "{}",
            finding.message
        );
    }
}
