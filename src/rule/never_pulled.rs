use super::{Finding, Subject, declare_rule};
use crate::facts::Depth;
use crate::finding::{Event, Severity};

declare_rule! {
    /// ## What it does
    /// Reports `imagePullPolicy: Never`, by which a node takes an image that it already has, or none.
    ///
    /// ## Why it matters
    /// It fits a laptop's cluster, into which images are loaded by hand. On other clusters new nodes do not have the image,
    /// and old ones lose it when their disk fills up. What the registry holds does not matter then, so that no other rule can
    /// say whether the pod starts.
    ///
    /// ## What the cluster would show
    /// `ErrImageNeverPull`: `Container image "…" is not present with pull policy of Never`, on each node without the image.
    ///
    /// ## How to fix it
    /// Write `imagePullPolicy: IfNotPresent`, unless the images are loaded onto every node before its first pod.
    id: "never-pulled",
    summary: "`imagePullPolicy: Never` starts the pod only where the image already is",
    severity: Some(Severity::Note),
    needs: Depth::Reference,
    event: Some("ErrImageNeverPull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(reference) = subject.reference() else {
        return vec![];
    };
    if !subject.is_never_pulled() {
        return vec![];
    }
    let written = &subject.occurrence.value;
    vec![
        RULE.finding(
            subject,
            format!("{reference} is never pulled: a node without it does not start the pod"),
        )
        .help("Write `imagePullPolicy: IfNotPresent`, unless every node gets the image in another way.")
        .event(Event {
            reason: "ErrImageNeverPull",
            message: format!(
                "Container image \"{written}\" is not present with pull policy of Never"
            ),
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;
    use crate::workload::PullPolicy;

    #[test]
    fn never_is_named_with_the_event_of_a_node_without_the_image() {
        let finding = Case::image("app:1")
            .pull_policy(PullPolicy::Never)
            .only_finding(&RULE);
        assert_eq!(
            finding.event.map(|event| event.message).as_deref(),
            Some("Container image \"app:1\" is not present with pull policy of Never")
        );
    }

    #[test]
    fn the_other_policies_are_silent() {
        Case::image("app:1").has_no_finding(&RULE);
        Case::image("app:1")
            .pull_policy(PullPolicy::Always)
            .has_no_finding(&RULE);
    }
}
