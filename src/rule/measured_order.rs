//! What a release made nodes fetch again without need: measured on the layers of two builds.

use super::build_steps::{BuildStep, own_steps, shortened};
use super::history_order::better_order;
use crate::facts::{BaseImages, LayerChange, PlatformImage};
use crate::oci::{Bytes, Reference};

/// What was fetched again, and why.
pub struct Measured {
    /// What changed, and what nodes fetch again for it.
    pub what: String,
    /// What to do.
    pub better: String,
    /// The number of the lowest layer that changed.
    pub at_fault: usize,
    /// The positions of the layers that are fetched.
    pub fetched: Vec<usize>,
}

/// The reason why layers above were built anew.
enum Cause<'a> {
    /// A step that copies other files than before.
    Copy(&'a BuildStep<'a>),
    /// A variable with another value than before.
    Variable(&'a str),
    /// None that shows: the same command on the same layers gave other bytes.
    Nothing,
}

/// Compares two builds of one image. None where what is fetched again had to be: the base image is another, the build
/// has other steps, or what changed is what the installations read. `since` names the image before, and `floor` is what is
/// worth a word.
pub fn measured(
    [before, now]: [&PlatformImage; 2],
    bases: &BaseImages<'_>,
    since: &Reference,
    floor: Bytes,
) -> Option<Measured> {
    let change = LayerChange::between(before, now)?;
    let earlier = own_steps(before, bases)?;
    let steps = own_steps(now, bases)?;
    let number = change.common + 1;
    let at = steps
        .iter()
        .position(|step| step.number() == Some(number))?;
    let same = earlier.iter().find(|step| step.number() == Some(number))?;
    if same.key() != steps[at].key() {
        return None;
    }
    let cause = match changed_variable(&earlier, &steps[..=at]) {
        Some(name) => Cause::Variable(name),
        None if steps[at].copies() => Cause::Copy(&steps[at]),
        None => Cause::Nothing,
    };
    let again: Vec<&BuildStep<'_>> = steps[at..]
        .iter()
        .filter(|step| {
            let is_fetched = |number| change.fetched.contains(&(number - 1));
            step.number().is_some_and(is_fetched)
                && earlier.iter().any(|other| other.key() == step.key())
                && is_needless(&cause, step)
        })
        .collect();
    let bytes: Bytes = again.iter().map(|step| step.bytes()).sum();
    if bytes < floor {
        return None;
    }
    let largest = again.into_iter().max_by_key(|step| step.bytes())?;
    let [what, better] = said(&cause, largest, since, [bytes, change.fetched_bytes]);
    Some(Measured {
        what,
        better,
        at_fault: number,
        fetched: change.fetched,
    })
}

/// The first variable of the steps whose value is another than it was.
fn changed_variable<'a>(earlier: &[BuildStep<'_>], steps: &'a [BuildStep<'_>]) -> Option<&'a str> {
    let before: Vec<(&str, &str)> = earlier.iter().flat_map(BuildStep::variables).collect();
    steps
        .iter()
        .flat_map(BuildStep::variables)
        .find_map(|(name, value)| {
            let mut same_name = before.iter().filter(|(other, _)| *other == name).peekable();
            let is_known = same_name.peek().is_some();
            (is_known && same_name.all(|(_, other)| *other != value)).then_some(name)
        })
}

/// Whether a step was built anew for that cause and need not have been.
fn is_needless(cause: &Cause<'_>, step: &BuildStep<'_>) -> bool {
    let Some(reads) = step.installs_from() else {
        return false;
    };
    match cause {
        Cause::Copy(copy) => {
            copy.copies_everything() || !(copy.hides_its_source() || copy.brings(&reads))
        }
        Cause::Variable(name) => !step.instruction.contains(name),
        // What reads files may read them from a mount, which leaves no trace in the history.
        Cause::Nothing => reads.is_empty(),
    }
}

/// What happened and what to do, in words. Of the bytes, the first are those that need not be fetched, and the second all that are.
fn said(
    cause: &Cause<'_>,
    largest: &BuildStep<'_>,
    since: &Reference,
    [bytes, all]: [Bytes; 2],
) -> [String; 2] {
    let named = format!(
        "layer {}, `{}`",
        largest.number().unwrap_or_default(),
        shortened(&largest.instruction)
    );
    match cause {
        Cause::Copy(copy) => [
            format!(
                "{} of source changed in layer {} (`{}`) since {since}, and {bytes} of dependencies above it are pulled again \
                 on every node ({named})",
                copy.bytes(),
                copy.number().unwrap_or_default(),
                shortened(&copy.instruction)
            ),
            better_order(largest, copy),
        ],
        Cause::Variable(name) => [
            format!(
                "`{name}` has another value than in {since}, and {bytes} of dependencies behind it are pulled again on every \
                 node ({named})"
            ),
            format!(
                "Declare `{name}` behind the last installation, right before the step that uses it."
            ),
        ],
        Cause::Nothing => [
            format!(
                "nothing below {named}, changed since {since}, and building it again gave other bytes: {all} are pulled again \
                 on every node"
            ),
            "Keep the layers of the last build for the next one: `docker build --cache-from … --cache-to …`; or put the \
                     packages into a base image."
                .to_owned(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::layer_order::RULE;
    use crate::rule::subject_for_tests::Case;

    const MB: u64 = 1_000_000;
    const BASE: [(&str, u64); 2] = [
        ("ADD rootfs.tar.gz / # buildkit", 30 * MB),
        ("CMD [\"node\"]", 0),
    ];

    /// Two builds. Layers of other bytes have other digests.
    fn builds(before: &[(&str, u64)], now: &[(&str, u64)]) -> Case {
        let built =
            |name: &str, steps: &[(&str, u64)]| Case::image(name).history(&[&BASE, steps].concat());
        built("registry.example.com/app:2", now).after(built("registry.example.com/app:1", before))
    }

    #[test]
    fn the_source_that_changed_and_what_is_pulled_again_for_it_are_named() {
        let finding = builds(
            &[
                ("COPY . /app # buildkit", 12_100),
                ("RUN /bin/sh -c npm ci # buildkit", 310 * MB - 1),
            ],
            &[
                ("COPY . /app # buildkit", 12_000),
                ("RUN /bin/sh -c npm ci # buildkit", 310 * MB),
            ],
        )
        .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:2: 12.0 kB of source changed in layer 2 (`COPY . /app`) since \
             registry.example.com/app:1, and 310.0 MB of dependencies above it are pulled again on every node (layer 3, \
             `RUN npm ci`)"
        );
        assert_eq!(
            finding.help.as_deref(),
            Some(
                "Better order: `COPY package.json package-lock.json ./`, `RUN npm ci`, then `COPY . /app`."
            )
        );
    }

    #[test]
    fn dependencies_that_changed_themselves_are_no_fault() {
        for copy in [
            "COPY package.json ./",
            "/bin/sh -c #(nop) COPY multi:01 in /app/ ",
        ] {
            builds(
                &[
                    (copy, 1000),
                    ("RUN npm ci", 80 * MB - 1),
                    ("COPY . .", 2 * MB),
                ],
                &[(copy, 1001), ("RUN npm ci", 80 * MB), ("COPY . .", 3 * MB)],
            )
            .has_no_finding(&RULE);
        }
    }

    #[test]
    fn a_good_order_a_new_step_and_a_new_base_are_no_faults() {
        builds(
            &[
                ("COPY package.json ./", 1000),
                ("RUN npm ci", 80 * MB),
                ("COPY . .", 2 * MB),
            ],
            &[
                ("COPY package.json ./", 1000),
                ("RUN npm ci", 80 * MB),
                ("COPY . .", 3 * MB),
            ],
        )
        .has_no_finding(&RULE);
        builds(
            &[("RUN apk add curl", 30 * MB)],
            &[("RUN apk add curl git", 60 * MB)],
        )
        .has_no_finding(&RULE);
        let other_base = [
            ("ADD rootfs /", 31 * MB),
            ("CMD [\"node\"]", 0),
            ("RUN apk add git", 60 * MB),
        ];
        Case::image("app:2")
            .history(&other_base)
            .after(Case::image("app:1").history(&[
                BASE[0],
                BASE[1],
                ("RUN apk add git", 60 * MB - 1),
            ]))
            .has_no_finding(&RULE);
    }

    #[test]
    fn a_build_argument_that_changed_is_named() {
        let finding = builds(
            &[(
                "RUN |1 RELEASE=1 /bin/sh -c apt-get install -y ffmpeg # buildkit",
                60 * MB - 1,
            )],
            &[(
                "RUN |1 RELEASE=2 /bin/sh -c apt-get install -y ffmpeg # buildkit",
                60 * MB,
            )],
        )
        .only_finding(&RULE);
        assert!(
            finding.message.contains(
                "`RELEASE` has another value than in registry.example.com/app:1, and 60.0 MB of dependencies behind it"
            ),
            "{}",
            finding.message
        );
    }

    #[test]
    fn a_build_without_its_cache_is_told_from_a_bad_order() {
        let finding = builds(
            &[
                (
                    "RUN apt-get update && apt-get install -y ffmpeg",
                    60 * MB - 1,
                ),
                ("COPY . /app", MB),
            ],
            &[
                ("RUN apt-get update && apt-get install -y ffmpeg", 60 * MB),
                ("COPY . /app", 2 * MB),
            ],
        )
        .only_finding(&RULE);
        assert!(
            finding
                .message
                .contains("building it again gave other bytes: 62.0 MB are pulled again"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn what_was_measured_stands_in_place_of_what_the_history_lets_expect() {
        let bad = [("COPY . /app", 2 * MB), ("RUN npm ci", 80 * MB)];
        let expected = builds(&bad, &bad).only_finding(&RULE);
        assert!(
            expected.message.contains("each change of the source"),
            "{}",
            expected.message
        );
    }
}
