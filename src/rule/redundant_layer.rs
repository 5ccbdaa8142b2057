use super::build_steps::{BuildStep, own_steps, shortened};
use super::{Finding, Subject, declare_rule};
use crate::facts::{Depth, PlatformImage};
use crate::finding::Severity;
use crate::oci::Bytes;

declare_rule! {
    /// ## What it does
    /// Reports layers that hold what is there already: the same layer listed twice, and a `RUN chown -R` or `RUN chmod -R`
    /// whose layer is as large as the copy before it, because a changed owner or mode stores the file again. Less than 1 MB
    /// is not worth a word.
    ///
    /// ## Why it matters
    /// Each node fetches, unpacks and stores the content twice. Image streaming on GKE does not work with duplicate layers.
    ///
    /// ## What the cluster would show
    /// Nothing: the image works, and is larger than it must be.
    ///
    /// ## How to fix it
    /// Set the owner while copying: `COPY --chown=app:app . /app`, and the mode: `COPY --chmod=755 run.sh /`.
    id: "redundant-layer",
    summary: "a layer holds what a layer below it already holds",
    severity: Some(Severity::Note),
    needs: Depth::Config,
    event: None,
}

/// What must be stored twice before it is worth a finding.
const FLOOR: Bytes = Bytes(1_000_000);

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    subject
        .pulled(found)
        .into_iter()
        .map(|pulled| {
            let mut findings = Vec::new();
            if let Some((first, second, bytes)) = duplicate(pulled.image) {
                findings.push(
                    RULE.finding(
                        subject,
                        format!("layers {first} and {second} of {reference} are the same {bytes}"),
                    )
                    .help("Remove the step that copies the same files again."),
                );
            }
            if let Some(step) = permission_copy(pulled.image, subject) {
                let number = step.layer.map_or(0, |layer| layer.number);
                findings.push(
                    RULE.finding(
                        subject,
                        format!(
                            "layer {number} of {reference} (`{}`) stores {} a second time, to change owner or mode",
                            shortened(&step.instruction),
                            step.bytes()
                        ),
                    )
                    .help("Set them while copying: `COPY --chown=… --chmod=…`."),
                );
            }
            findings
        })
        .find(|findings| !findings.is_empty())
        .unwrap_or_default()
}

/// Two equal layers of some size: their numbers from the base, from 1.
fn duplicate(image: &PlatformImage) -> Option<(usize, usize, Bytes)> {
    let layers = image.layers()?;
    layers.iter().enumerate().find_map(|(at, layer)| {
        let earlier = layers[..at]
            .iter()
            .position(|other| other.digest == layer.digest)?;
        (layer.size >= FLOOR).then_some((earlier + 1, at + 1, layer.size))
    })
}

/// The step that changes nothing but owners or modes of what the layer before it brought.
fn permission_copy<'a>(image: &'a PlatformImage, subject: &Subject<'_>) -> Option<BuildStep<'a>> {
    let mut with_layer = own_steps(image, subject.bases)?
        .into_iter()
        .filter(|step| step.layer.is_some());
    let mut before = with_layer.next()?;
    for step in with_layer {
        let changes_permissions = ["RUN chown -R ", "RUN chmod -R "]
            .iter()
            .any(|start| step.instruction.starts_with(start))
            && !step.instruction.contains("&&");
        // A tenth less: compression is not the same twice.
        let is_as_large = step.bytes().0 >= before.bytes().0 / 10 * 9;
        if changes_permissions && before.copies() && is_as_large && step.bytes() >= FLOOR {
            return Some(step);
        }
        before = step;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Answer;
    use crate::oci::Manifest;
    use crate::rule::subject_for_tests::Case;

    const MB: u64 = 1_000_000;

    #[test]
    fn a_copy_for_the_sake_of_permissions_is_named() {
        let finding = Case::image("registry.example.com/app:1")
            .history(&[
                ("ADD rootfs /", 30 * MB),
                ("CMD [\"sh\"]", 0),
                ("COPY . /app # buildkit", 40 * MB),
                ("RUN /bin/sh -c chown -R app /app # buildkit", 39 * MB),
            ])
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "layer 3 of registry.example.com/app:1 (`RUN chown -R app /app`) stores 39.0 MB a second time, to change owner or mode"
        );
    }

    #[test]
    fn a_layer_that_is_listed_twice_is_named() {
        let finding = Case::image("registry.example.com/app:1")
            .single(&[("linux/amd64", &[3 * MB, 2 * MB, 3 * MB])])
            .change(|case| {
                if let Some(Answer::Found(Manifest::Image(image))) =
                    &mut case.first_image().manifest
                {
                    image.layers[2] = image.layers[0].clone();
                }
            })
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "layers 1 and 3 of registry.example.com/app:1 are the same 3.0 MB"
        );
    }

    #[test]
    fn different_content_is_silent() {
        Case::image("app:1")
            .history(&[
                ("ADD rootfs /", 30 * MB),
                ("COPY . /app", 40 * MB),
                ("RUN chown -R app /app/cache", 2 * MB),
                ("RUN make && chmod -R 755 /app", 60 * MB),
            ])
            .has_no_finding(&RULE);
    }
}
