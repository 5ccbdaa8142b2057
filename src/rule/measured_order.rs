//! What a release made nodes fetch again without need: measured on the layers of two builds.

use super::build_steps::{BuildStep, own_steps, shortened};
use super::history_order::better_order;
use super::installers::steers_installations;
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

/// Files that say how and from where installations fetch.
const INSTALLER_SETTINGS: &str = ".npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs bunfig.toml pip.conf .netrc .condarc nuget.config \
     NuGet.Config NuGet.config settings.xml gradle.properties auth.json constraints.txt";

/// The reason why layers above were built anew.
enum Cause<'a> {
    /// A step that copies other files than before.
    Copy(&'a BuildStep<'a>),
    /// A variable with another value than before.
    Variable(&'a str),
    /// None that shows: the same step on the same layers gave other bytes.
    Nothing(&'a BuildStep<'a>),
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
    let step = &steps[at];
    // The classic builder writes the checksum of what it copies: where that is the same, only times or owners are others.
    let is_same_copy = step.hides_its_source() && same.instruction == step.instruction;
    let cause = match changed_variable(&earlier, &steps[..=at]) {
        Some(name) => Cause::Variable(name),
        None if step.copies() && !is_same_copy => Cause::Copy(step),
        None => Cause::Nothing(step),
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
            let may_be_needed = copy.hides_its_source()
                || copy.copies_into_the_system()
                || copy.brings(INSTALLER_SETTINGS)
                || copy.brings(&reads);
            copy.copies_everything() || !may_be_needed
        }
        Cause::Variable(name) => !step.instruction.contains(name) && !steers_installations(name),
        // What reads files may read them from a mount, which leaves no trace in the history.
        Cause::Nothing(_) => reads.is_empty(),
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
                "{}{} changed in layer {} (`{}`) since {since}, and {bytes} of dependencies above it are pulled again on every \
                 node ({named})",
                copy.bytes(),
                if copy.instruction.contains("--from=") {
                    ""
                } else {
                    " of source"
                },
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
        Cause::Nothing(step) => {
            let is_itself = step.number() == largest.number();
            let at = format!(
                "layer {}, `{}`",
                step.number().unwrap_or_default(),
                shortened(&step.instruction)
            );
            let behind = if is_itself {
                String::new()
            } else {
                format!("; {bytes} of dependencies above it were installed anew ({named})")
            };
            let keep = "`docker build --cache-from … --cache-to …`";
            let better = if is_itself {
                format!(
                    "Keep the layers of the last build for the next one: {keep}; or put the packages into a base image."
                )
            } else {
                let step = shortened(&step.instruction);
                format!(
                    "Put `{step}` behind the installations that do not need it; or keep the layers of the last build for the \
                     next one: {keep}."
                )
            };
            let what = format!(
                "nothing below {at}, changed since {since}, and building it again gave other bytes: {all} are pulled again on \
                 every node{behind}"
            );
            [what, better]
        }
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
    fn the_step_below_an_installation_that_gave_other_bytes_is_named() {
        let finding = builds(
            &[
                ("RUN date > /built", 200),
                ("RUN apt-get install -y ffmpeg", 60 * MB - 1),
            ],
            &[
                ("RUN date > /built", 201),
                ("RUN apt-get install -y ffmpeg", 60 * MB),
            ],
        )
        .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:2: nothing below layer 2, `RUN date > /built`, changed since \
             registry.example.com/app:1, and building it again gave other bytes: 60.0 MB are pulled again on every node; \
             60.0 MB of dependencies above it were installed anew (layer 3, `RUN apt-get install -y ffmpeg`)"
        );
        let help = finding.help.unwrap_or_default();
        assert!(
            help.starts_with(
                "Put `RUN date > /built` behind the installations that do not need it"
            ),
            "{help}"
        );
    }

    #[test]
    fn a_copy_with_the_same_checksum_did_not_change() {
        let copy = "/bin/sh -c #(nop) COPY file:01ab in /app/";
        let finding = builds(
            &[(copy, 1000), ("RUN apk add ffmpeg", 60 * MB - 1)],
            &[(copy, 1001), ("RUN apk add ffmpeg", 60 * MB)],
        )
        .only_finding(&RULE);
        assert!(
            finding
                .message
                .contains("nothing below layer 2, `COPY file:01ab in /app/`, changed"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn what_an_installation_may_need_is_not_blamed_for_it() {
        for copy in [
            "COPY internal.list /etc/apt/sources.list.d/internal.list # buildkit",
            "COPY --from=uv /uv /usr/local/bin/uv # buildkit",
            "COPY .npmrc ./ # buildkit",
        ] {
            builds(
                &[(copy, 1000), ("RUN apt-get install -y tool", 60 * MB - 1)],
                &[(copy, 1001), ("RUN apt-get install -y tool", 60 * MB)],
            )
            .has_no_finding(&RULE);
        }
        builds(
            &[(
                "RUN |1 PIP_INDEX_URL=https://a /bin/sh -c pip install x # buildkit",
                60 * MB - 1,
            )],
            &[(
                "RUN |1 PIP_INDEX_URL=https://b /bin/sh -c pip install x # buildkit",
                60 * MB,
            )],
        )
        .has_no_finding(&RULE);
    }

    #[test]
    fn a_step_that_installs_and_builds_is_split() {
        let run = "RUN apt-get install -y gcc && make";
        let finding = builds(
            &[("COPY . /app", 1000), (run, 60 * MB - 1)],
            &[("COPY . /app", 1001), (run, 60 * MB)],
        )
        .only_finding(&RULE);
        assert_eq!(
            finding.help.as_deref(),
            Some(
                "Split `RUN apt-get install -y gcc && make`: the installation first, then `COPY . /app`, then what builds \
                 the source."
            )
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
