use super::event::Pull;
use super::{Finding, Subject, declare_rule};
use crate::facts::Depth;
use crate::finding::Severity;

declare_rule! {
    /// ## What it does
    /// Reports images with more layers than the budget of one hundred. Above 127 it is an error.
    ///
    /// ## Why it matters
    /// An overlay file system ends at 128 layers, the container's own included. Below that, each layer costs a request, a
    /// directory and a step of unpacking.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`, with `max depth exceeded`, once the limit is passed.
    ///
    /// ## How to fix it
    /// Join instructions that belong together: one `RUN a && b` makes one layer. An image that is built upon its own last
    /// version grows without end: build it from its base.
    id: "too-many-layers",
    summary: "the number of layers is near or over the runtime's limit",
    severity: Some(Severity::Warning),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

/// The overlay driver takes 128 layers with the container's own (moby `daemon/graphdriver/overlay2/overlay.go`).
const MOST_LAYERS: usize = 127;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let budget = subject.budgets.layers;
    let counts = subject
        .pulled(found)
        .into_iter()
        .filter_map(|pulled| Some((pulled.image.layers()?.len(), pulled.pools)));
    let Some((count, pools)) = counts.max_by_key(|(count, _)| *count) else {
        return vec![];
    };
    let help = "Join instructions that belong together, or build from the base image and not from the last version.";
    if count > MOST_LAYERS {
        let pull = Pull::new(subject, reference, pools.iter().copied());
        return vec![
            RULE.finding(
                subject,
                format!("{reference} has {count} layers, and nodes mount {MOST_LAYERS} at most"),
            )
            .severity(Severity::Error)
            .help(help)
            .event(pull.failed("Unknown", "failed to register layer: max depth exceeded"))
            .on_pools(&pools),
        ];
    }
    if count > budget {
        return vec![
            RULE.finding(
                subject,
                format!(
                    "{reference} has {count} layers, over the budget of {budget}; nodes mount {MOST_LAYERS} at most"
                ),
            )
            .help(help)
            .on_pools(&pools),
        ];
    }
    vec![]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    fn with_layers(count: usize) -> Case {
        Case::image("app:1").single(&[("linux/amd64", &vec![1; count])])
    }

    #[test]
    fn near_the_limit_is_a_warning_and_over_it_an_error() {
        let near = with_layers(101).only_finding(&RULE);
        assert_eq!(near.severity, Severity::Warning);
        assert_eq!(near.event, None);
        assert_eq!(
            with_layers(127).only_finding(&RULE).severity,
            Severity::Warning
        );
        let over = with_layers(128).only_finding(&RULE);
        assert_eq!(over.severity, Severity::Error);
        assert!(
            over.event
                .is_some_and(|event| event.message.contains("max depth exceeded"))
        );
    }

    #[test]
    fn within_the_budget_is_silent() {
        with_layers(100).has_no_finding(&RULE);
    }
}
