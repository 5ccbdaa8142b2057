use super::build_steps::{BuildStep, changes_with_each_build, own_steps, shortened};
use super::{Finding, Subject, declare_rule};
use crate::facts::Depth;
use crate::finding::Severity;
use crate::oci::{Bytes, Reference};

declare_rule! {
    /// ## What it does
    /// Reports images in whose build something that changes often stands below something large that does not: the whole
    /// source copied before the dependencies are installed, a build argument such as `GIT_SHA` set before them, or a system
    /// upgrade whose result differs from build to build. The build history tells it, without the base image's own steps. Less
    /// than 10 MB is not worth a word, unless it is a quarter of the image.
    ///
    /// ## Why it matters
    /// A changed layer changes all layers above it, so each release makes each node fetch and unpack the same dependencies
    /// again.
    ///
    /// ## What the cluster would show
    /// Nothing but `Successfully pulled image … in 48s` where it could be 2 s.
    ///
    /// ## How to fix it
    /// Put what changes rarely first: `COPY package.json package-lock.json ./`, `RUN npm ci`, and then `COPY . .`. Declare
    /// `ARG GIT_SHA` behind the last installation.
    id: "layer-order",
    summary: "what changes often stands below what is large and does not change",
    severity: Some(Severity::Warning),
    needs: Depth::Config,
    event: None,
}

/// What is always worth a finding when it is fetched again without need.
const MUCH: Bytes = Bytes(10_000_000);
/// In a small image, this part of it is.
const SHARE: u64 = 4;

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    // The platforms of one build share their order: the first that tells is enough.
    subject
        .pulled(found)
        .into_iter()
        .filter_map(|pulled| {
            let share = Bytes(pulled.image.compressed_bytes()?.0 / SHARE);
            Some((own_steps(pulled.image)?, MUCH.min(share)))
        })
        .map(|(steps, floor)| {
            [source_first, changing_argument, moving_packages]
                .into_iter()
                .filter_map(|judge| judge(&steps, floor))
                .map(|advice| {
                    RULE.finding(subject, advice.message(reference))
                        .help(advice.better)
                })
                .collect::<Vec<_>>()
        })
        .find(|findings| !findings.is_empty())
        .unwrap_or_default()
}

/// What is wrong with an order, and the better one.
struct Advice {
    /// What the image does.
    what: String,
    /// What lets the layers above change.
    when: &'static str,
    /// The bytes from there on, which are fetched again.
    again: Bytes,
    better: String,
}

impl Advice {
    fn message(&self, reference: &Reference) -> String {
        format!(
            "{reference} {}: {} makes nodes fetch {} again",
            self.what, self.when, self.again
        )
    }
}

fn sum<'a, 'b: 'a>(steps: impl IntoIterator<Item = &'a BuildStep<'b>>) -> Bytes {
    steps.into_iter().map(BuildStep::bytes).sum()
}

/// `layer 3 (`COPY . /app`, 2.1 MB)`.
fn named(step: &BuildStep<'_>) -> String {
    let number = step.layer.map_or(0, |layer| layer.number);
    format!(
        "layer {number} (`{}`, {})",
        shortened(&step.instruction),
        step.bytes()
    )
}

/// The whole source is copied, and then dependencies are installed that do not need it.
fn source_first(steps: &[BuildStep<'_>], floor: Bytes) -> Option<Advice> {
    let (at, copy) = steps
        .iter()
        .enumerate()
        .find(|(_, step)| step.layer.is_some() && step.copies_everything())?;
    let above = &steps[at + 1..];
    // The builder hid what it copied. If something is copied later, that may be the source.
    if copy.hides_its_source() && above.iter().any(BuildStep::copies) {
        return None;
    }
    let installs: Vec<&BuildStep<'_>> = above
        .iter()
        .filter(|step| step.layer.is_some() && step.installs_from().is_some())
        .collect();
    if sum(installs.iter().copied()) < floor {
        return None;
    }
    let largest = installs.iter().max_by_key(|step| step.bytes())?;
    let reads = largest.installs_from().unwrap_or_default();
    let run = shortened(&largest.instruction);
    Some(Advice {
        what: format!(
            "copies its source in {} before {} installs dependencies",
            named(copy),
            named(largest)
        ),
        when: "each change of the source",
        again: sum(above),
        better: if reads.is_empty() {
            format!(
                "Better order: `{run}`, then `{}`.",
                shortened(&copy.instruction)
            )
        } else {
            format!(
                "Better order: `COPY {reads} ./`, `{run}`, then `{}`.",
                shortened(&copy.instruction)
            )
        },
    })
}

/// A variable with a new value in each build stands before installations that do not use it.
fn changing_argument(steps: &[BuildStep<'_>], floor: Bytes) -> Option<Advice> {
    let (at, name) = steps.iter().enumerate().find_map(|(at, step)| {
        let (name, _) = step
            .variables()
            .into_iter()
            .find(|(name, _)| changes_with_each_build(name))?;
        Some((at, name))
    })?;
    let from = &steps[at..];
    let installs: Vec<&BuildStep<'_>> = from
        .iter()
        .filter(|step| {
            step.layer.is_some()
                && step.installs_from().is_some()
                && !step.instruction.contains(name)
        })
        .collect();
    if sum(installs.iter().copied()) < floor {
        return None;
    }
    let largest = installs.iter().max_by_key(|step| step.bytes())?;
    Some(Advice {
        what: format!(
            "sets `{name}`, which is new in each build, before {}",
            named(largest)
        ),
        when: "each build",
        again: sum(from),
        better: format!(
            "Declare `{name}` behind the last installation, right before the step that uses it."
        ),
    })
}

/// Package lists or upgrades that stand in a layer of their own: they differ whenever they are built.
fn moving_packages(steps: &[BuildStep<'_>], floor: Bytes) -> Option<Advice> {
    let (at, step, is_upgrade) = steps.iter().enumerate().find_map(|(at, step)| {
        step.layer?;
        let command = step.instruction.strip_prefix("RUN ")?;
        let says = |words: &[&str]| words.iter().any(|word| command.contains(word));
        let is_upgrade = says(&[
            "apt-get upgrade",
            "apt-get -y upgrade",
            "apt-get dist-upgrade",
            "apt-get -y dist-upgrade",
            "apt upgrade",
            "apk upgrade",
        ]);
        let only_lists =
            says(&["apt-get update", "apt update"]) && !says(&["install", "build-dep"]);
        (is_upgrade || only_lists).then_some((at, step, is_upgrade))
    })?;
    let again = sum(&steps[at..]);
    if again < floor {
        return None;
    }
    let (what, better) = if is_upgrade {
        (
            "upgrades the system in",
            "Take a newer base image in place of the upgrade; its layers are shared by all images that use it.",
        )
    } else {
        (
            "fetches the package lists alone in",
            "Join it with the installation: `RUN apt-get update && apt-get install -y … && rm -rf /var/lib/apt/lists/*`.",
        )
    };
    Some(Advice {
        what: format!("{what} {}, whose result is another each time", named(step)),
        when: "each rebuild",
        again,
        better: better.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    const MB: u64 = 1_000_000;
    const BASE: [(&str, u64); 2] = [
        ("ADD rootfs.tar.gz / # buildkit", 30 * MB),
        ("CMD [\"node\"]", 0),
    ];

    fn built(steps: &[(&str, u64)]) -> Case {
        Case::image("registry.example.com/app:1").history(&[&BASE, steps].concat())
    }

    #[test]
    fn the_source_before_the_dependencies_is_said_with_layers_and_bytes() {
        let finding = built(&[
            ("COPY . /app # buildkit", 2 * MB),
            ("RUN /bin/sh -c npm ci # buildkit", 80 * MB),
            ("RUN /bin/sh -c npm run build # buildkit", 4 * MB),
        ])
        .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "registry.example.com/app:1 copies its source in layer 2 (`COPY . /app`, 2.0 MB) before layer 3 (`RUN npm ci`, \
             80.0 MB) installs dependencies: each change of the source makes nodes fetch 84.0 MB again"
        );
        assert_eq!(
            finding.help.as_deref(),
            Some(
                "Better order: `COPY package.json package-lock.json ./`, `RUN npm ci`, then `COPY . /app`."
            )
        );
    }

    #[test]
    fn a_good_order_is_silent() {
        built(&[
            ("COPY package.json ./ # buildkit", 1000),
            ("RUN /bin/sh -c npm ci # buildkit", 80 * MB),
            ("COPY . /app # buildkit", 2 * MB),
            ("RUN /bin/sh -c npm run build # buildkit", 40 * MB),
        ])
        .has_no_finding(&RULE);
    }

    #[test]
    fn small_layers_are_not_worth_a_word() {
        built(&[("COPY . /app", 2 * MB), ("RUN npm ci", 9 * MB)]).has_no_finding(&RULE);
    }

    #[test]
    fn the_base_images_order_is_not_the_users() {
        Case::image("app:1")
            .history(&[
                ("ADD rootfs /", 30 * MB),
                ("COPY . /opt", MB),
                ("RUN pip install tool", 90 * MB),
                ("ENTRYPOINT [\"tool\"]", 0),
                ("COPY app.conf /etc", 1000),
            ])
            .has_no_finding(&RULE);
    }

    #[test]
    fn a_folder_of_unknown_name_counts_only_if_nothing_is_copied_later() {
        let folder = ("/bin/sh -c #(nop) COPY dir:01 in /app ", 2 * MB);
        let install = ("/bin/sh -c pip install -r requirements.txt", 50 * MB);
        assert_eq!(built(&[folder, install]).findings(&RULE).len(), 1);
        built(&[
            folder,
            install,
            ("/bin/sh -c #(nop) COPY dir:02 in /app ", MB),
        ])
        .has_no_finding(&RULE);
    }

    #[test]
    fn a_changing_argument_before_an_installation_is_named() {
        let finding = built(&[
            ("RUN |1 GIT_SHA=0a1b /bin/sh -c apt-get update && apt-get install -y ffmpeg # buildkit", 60 * MB),
            ("COPY app /app # buildkit", MB),
        ])
        .only_finding(&RULE);
        assert!(
            finding.message.contains("sets `GIT_SHA`"),
            "{}",
            finding.message
        );
        assert!(
            finding.message.ends_with("fetch 61.0 MB again"),
            "{}",
            finding.message
        );
        built(&[(
            "RUN |1 NODE_VERSION=20 /bin/sh -c apk add nodejs # buildkit",
            60 * MB,
        )])
        .has_no_finding(&RULE);
        built(&[(
            "RUN |1 GIT_SHA=0a1b /bin/sh -c make release # buildkit",
            60 * MB,
        )])
        .has_no_finding(&RULE);
    }

    #[test]
    fn package_lists_alone_and_upgrades_are_named() {
        let lists = built(&[
            ("RUN /bin/sh -c apt-get update # buildkit", 18 * MB),
            ("RUN /bin/sh -c apt-get install -y curl # buildkit", 5 * MB),
        ])
        .only_finding(&RULE);
        assert!(
            lists.message.contains("package lists alone in layer 2"),
            "{}",
            lists.message
        );
        let upgrade =
            built(&[("RUN apt-get update && apt-get upgrade -y", 40 * MB)]).only_finding(&RULE);
        assert!(
            upgrade.message.contains("upgrades the system"),
            "{}",
            upgrade.message
        );
        built(&[("RUN apt-get update && apt-get install -y curl", 40 * MB)]).has_no_finding(&RULE);
    }

    #[test]
    fn a_history_that_does_not_fit_the_layers_proves_nothing() {
        built(&[("COPY . /app", 2 * MB), ("RUN npm ci", 80 * MB)])
            .change(|case| {
                if let Some(crate::facts::Answer::Found(config)) = &mut case.first_image().config {
                    config.history.pop();
                }
            })
            .has_no_finding(&RULE);
    }
}
