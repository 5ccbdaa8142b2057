//! What the build history lets expect of each release.

use super::build_steps::{BuildStep, changes_with_each_build, shortened};
use super::installers::{Kind, does};
use crate::oci::{Bytes, Reference};

/// How much larger than the source must be what is copied above it.
const MUCH_LARGER: u64 = 10;

/// What is wrong with an order, and the better one.
pub struct Advice {
    /// What the image does.
    what: String,
    /// What lets the layers above change.
    when: &'static str,
    /// The bytes from there on, which are fetched again.
    again: Bytes,
    /// The position of the step at fault.
    pub at: usize,
    /// What to do.
    pub better: String,
}

/// All that is wrong with the order of an image's own steps. `floor` is what is worth a word.
pub fn advice(steps: &[BuildStep<'_>], floor: Bytes) -> Vec<Advice> {
    let judges = [source_first, changing_argument, moving_packages];
    let advice: Vec<Advice> = judges
        .iter()
        .filter_map(|judge| judge(steps, floor))
        .collect();
    if advice.is_empty() {
        return large_copy_above(steps, floor).into_iter().collect();
    }
    advice
}

/// First what the installation reads, then the installation, then the rest. What builds the source in the same step needs the
/// source, and stays behind it.
pub fn better_order(install: &BuildStep<'_>, copy: &BuildStep<'_>) -> String {
    let run = shortened(&install.instruction);
    let copy = shortened(&copy.instruction);
    let reads = install.installs_from().filter(|reads| !reads.is_empty());
    if install.builds() {
        let before = reads.map_or_else(
            || "the installation".to_owned(),
            |reads| format!("`COPY {reads} ./` and the installation"),
        );
        return format!(
            "Split `{run}`: {before} first, then `{copy}`, then what builds the source."
        );
    }
    match reads {
        None => format!("Better order: `{run}`, then `{copy}`."),
        Some(reads) => format!("Better order: `COPY {reads} ./`, `{run}`, then `{copy}`."),
    }
}

impl Advice {
    /// In one sentence.
    pub fn message(&self, reference: &Reference) -> String {
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
    let number = step.number().unwrap_or_default();
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
    Some(Advice {
        what: format!(
            "copies its source in {} before {} installs dependencies",
            named(copy),
            named(largest)
        ),
        when: "each change of the source",
        again: sum(above),
        at,
        better: better_order(largest, copy),
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
        at,
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
        let is_upgrade = does(command, Kind::Upgrade);
        let only_lists = does(command, Kind::Lists) && !does(command, Kind::Install);
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
        at,
        better: better.to_owned(),
    })
}

/// The whole source is copied, and then something large that does not come out of it. Whether such a copy has another digest
/// when a layer below it changed depends on the builder; nodes unpack it again in any case
/// (containerd `core/unpack/unpacker.go`: a snapshot belongs to the chain of all layers below it).
fn large_copy_above(steps: &[BuildStep<'_>], floor: Bytes) -> Option<Advice> {
    let is_source = |step: &BuildStep<'_>| step.layer.is_some() && step.copies_everything();
    let at = steps.iter().position(is_source)?;
    let copy = &steps[at];
    if copy.hides_its_source() {
        return None;
    }
    let is_of_its_own = |step: &&BuildStep<'_>| {
        step.copies() && !step.copies_everything() && !step.instruction.contains("--from=")
    };
    let large = steps[at + 1..]
        .iter()
        .filter(is_of_its_own)
        .max_by_key(|step| step.bytes())?;
    if large.bytes() < floor || large.bytes().0 < copy.bytes().0.saturating_mul(MUCH_LARGER) {
        return None;
    }
    Some(Advice {
        what: format!(
            "copies its source in {} below {}",
            named(copy),
            named(large)
        ),
        when: "each change of the source",
        again: sum(&steps[at..]),
        at,
        better: better_order(large, copy),
    })
}
