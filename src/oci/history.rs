//! From the build history to the layers.

use super::{Config, HistoryEntry};

/// One instruction of the build, base first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The instruction in the words of a Dockerfile, without the builder's wrapping; in the builder's own words where no
    /// Dockerfile stands behind it.
    pub instruction: String,
    /// Which layer of the manifest it made, counted from the base; none for an instruction without content.
    pub layer: Option<usize>,
    /// What wrote the entry; none where it can't be told.
    pub builder: Option<Builder>,
}

/// A program that builds images, told by what it writes into the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Builder {
    /// `docker build` with the classic builder, and buildah, which writes the same words
    /// (moby `daemon/builder/dockerfile/internals.go`; buildah `add.go`).
    Docker,
    /// `BuildKit` (`frontend/dockerfile/dockerfile2llb/convert.go`, `commitToHistory`).
    BuildKit,
    /// kaniko (`pkg/executor/build.go`): the raw text of the Dockerfile.
    Kaniko,
    /// ko (`pkg/build/gobuild.go`).
    Ko,
    /// Jib (`BuildImageStep.java`).
    Jib,
    /// Bazel's rules for images.
    Bazel,
    /// Cloud Native Buildpacks (lifecycle, platform API 0.12 and later).
    Buildpacks,
}

impl Builder {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker build or buildah",
            Self::BuildKit => "BuildKit",
            Self::Kaniko => "kaniko",
            Self::Ko => "ko",
            Self::Jib => "Jib",
            Self::Bazel => "Bazel",
            Self::Buildpacks => "buildpacks",
        }
    }

    /// Whether what it writes are the instructions of a Dockerfile, in their order.
    #[must_use]
    pub const fn reads_dockerfiles(self) -> bool {
        matches!(self, Self::Docker | Self::BuildKit | Self::Kaniko)
    }

    fn of(entry: &HistoryEntry) -> Option<Self> {
        let is = |field: &Option<String>, text: &str| field.as_deref() == Some(text);
        let written = entry.created_by.as_deref().unwrap_or_default().trim();
        let starts = |starts: &[&str]| starts.iter().any(|start| written.starts_with(start));
        let comment = entry.comment.as_deref().unwrap_or_default();
        if is(&entry.author, "kaniko") {
            Some(Self::Kaniko)
        } else if is(&entry.author, "ko") || starts(&["ko build ", "ko publish "]) {
            Some(Self::Ko)
        } else if is(&entry.author, "Jib") || starts(&["jib-"]) {
            Some(Self::Jib)
        } else if starts(&["bazel build"]) || is(&entry.author, "Bazel") {
            Some(Self::Bazel)
        } else if starts(&BUILDPACKS) {
            Some(Self::Buildpacks)
        } else if comment.starts_with("buildkit.") || written.ends_with("# buildkit") {
            Some(Self::BuildKit)
        } else if shell_of(written).is_some() || written.starts_with('|') {
            Some(Self::Docker)
        } else {
            None
        }
    }
}

/// How entries of buildpacks begin (lifecycle `phase/exporter.go`, `layers`).
const BUILDPACKS: [&str; 6] = [
    "Buildpacks Launcher Config",
    "Buildpacks Application Launcher",
    "Buildpacks Process Types",
    "Application Layer",
    "Software Bill-of-Materials",
    "Layer: '",
];

/// The build steps of a config whose manifest has `layers` layers.
///
/// `None` where the history does not name exactly one instruction for each layer: then nothing may be concluded from it.
/// Source: OCI image-spec `config.md`, `history`: entries without `empty_layer` stand for the layers in their order.
#[must_use]
pub fn steps(config: &Config, layers: usize) -> Option<Vec<Step>> {
    let with_content = config.history.iter().filter(|entry| !entry.empty_layer);
    if layers == 0 || with_content.count() != layers {
        return None;
    }
    let mut next = 0;
    let steps = config
        .history
        .iter()
        .map(|entry| {
            let builder = Builder::of(entry);
            Step {
                instruction: instruction(entry, builder),
                layer: (!entry.empty_layer).then(|| {
                    next += 1;
                    next - 1
                }),
                builder,
            }
        })
        .collect();
    Some(steps)
}

/// How many steps are those of the base image, as far as the history itself tells: buildah marks the first step of its own
/// with a comment, builders without a Dockerfile put their entries behind those of the base, and base images mostly end with
/// `CMD` or `ENTRYPOINT`.
#[must_use]
pub fn base_steps(config: &Config, steps: &[Step]) -> usize {
    let comments = config.history.iter().map(|entry| entry.comment.as_deref());
    let marked = comments
        .map(|comment| comment.is_some_and(|comment| comment.starts_with("FROM ")))
        .collect::<Vec<_>>();
    // The comment names the base of the step that it stands at.
    if let Some(first) = marked.iter().rposition(|is_marked| *is_marked) {
        return first;
    }
    let last = steps.last().and_then(|step| step.builder);
    let is_own = |step: &Step| step.builder == last;
    let others = match last {
        Some(Builder::Kaniko | Builder::Ko | Builder::Jib | Builder::Buildpacks) => steps
            .iter()
            .rposition(|step| !is_own(step))
            .map_or(0, |at| at + 1),
        _ => 0,
    };
    let Some(top) = steps.iter().rposition(|step| step.layer.is_some()) else {
        return 0;
    };
    let ends_an_image = |step: &Step| {
        ["CMD", "ENTRYPOINT"]
            .iter()
            .any(|word| step.instruction.starts_with(word))
    };
    let ended = steps[..top].iter().rposition(ends_an_image);
    others.max(ended.map_or(0, |at| at + 1))
}

fn instruction(entry: &HistoryEntry, builder: Option<Builder>) -> String {
    let written = entry.created_by.as_deref().unwrap_or_default().trim();
    match builder {
        Some(Builder::Docker | Builder::BuildKit | Builder::Kaniko) => of_dockerfile(written),
        // The comment tells their layers apart.
        Some(Builder::Ko | Builder::Jib) => {
            let comment = entry.comment.as_deref().unwrap_or_default();
            [written, comment].join(" ").trim().to_owned()
        }
        Some(Builder::Bazel | Builder::Buildpacks) | None => written.to_owned(),
    }
}

/// The Dockerfile's words behind what a builder wrote: `/bin/sh -c #(nop) COPY …` of the classic builder and of buildah,
/// `RUN |1 A=b /bin/sh -c … # buildkit` of `BuildKit`, plain instructions of kaniko.
fn of_dockerfile(written: &str) -> String {
    let text = written.strip_suffix("# buildkit").unwrap_or(written).trim();
    let (is_run, mut rest) = match text.strip_prefix("RUN ") {
        Some(rest) => (true, rest.trim_start()),
        None => (text.starts_with('|') || shell_of(text).is_some(), text),
    };
    if let Some(after) = rest.strip_prefix('|') {
        rest = behind_build_arguments(after);
    }
    if let Some(command) = shell_of(rest) {
        rest = command;
    }
    if let Some(after) = rest.strip_prefix("#(nop)") {
        return after.trim().to_owned();
    }
    if is_run {
        format!("RUN {rest}")
    } else {
        text.to_owned()
    }
}

/// The command behind the shell that runs it: `/bin/sh -c`, `/bin/bash -eo pipefail -c`, `cmd /S /C`, `powershell -Command`.
pub(crate) fn shell_of(text: &str) -> Option<&str> {
    const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "zsh", "busybox"];
    if let Some(command) = text.strip_prefix("cmd /S /C") {
        return Some(command.trim_start());
    }
    let (program, mut rest) = text.split_once(' ')?;
    let name = program.rsplit('/').next().unwrap_or(program);
    if name == "powershell" {
        return rest
            .split_once("-Command ")
            .map(|(_, command)| command.trim_start());
    }
    if !SHELLS.contains(&name) || !program.starts_with('/') {
        return None;
    }
    // Options come before the command, and one of them may have a word of its own: `-o pipefail`.
    for _ in 0..6 {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        if word.starts_with('-') && word.ends_with('c') {
            return Some(after.trim_start());
        }
        rest = after;
    }
    None
}

/// What follows `N A=b C=d`: the arguments' values may hold blanks, so the shell marks their end where there is one.
fn behind_build_arguments(text: &str) -> &str {
    let starts = text.match_indices(" /").map(|(at, _)| at + 1);
    for at in starts.chain(text.match_indices("cmd /S").map(|(at, _)| at)) {
        if shell_of(&text[at..]).is_some() {
            return &text[at..];
        }
    }
    text.trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(created_by: &str, author: &str, comment: &str) -> HistoryEntry {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        HistoryEntry {
            created_by: some(created_by),
            author: some(author),
            comment: some(comment),
            ..HistoryEntry::default()
        }
    }

    fn empty(created_by: &str) -> HistoryEntry {
        HistoryEntry {
            empty_layer: true,
            ..entry(created_by, "", "")
        }
    }

    fn config(history: Vec<HistoryEntry>) -> Config {
        Config {
            history,
            ..Config::default()
        }
    }

    fn all_steps(config: &Config) -> Vec<Step> {
        let layers = config.history.iter().filter(|entry| !entry.empty_layer);
        steps(config, layers.count()).expect("one instruction for each layer")
    }

    #[test]
    fn every_builders_words_become_the_dockerfiles() {
        for (written, shown) in [
            (
                "/bin/sh -c #(nop) COPY dir:abc in /app ",
                "COPY dir:abc in /app",
            ),
            ("/bin/sh -c #(nop)  CMD [\"sh\"]", "CMD [\"sh\"]"),
            ("/bin/sh -c apk add curl", "RUN apk add curl"),
            ("RUN /bin/sh -c npm ci # buildkit", "RUN npm ci"),
            ("RUN |2 SHA=1 B=x y /bin/sh -c make # buildkit", "RUN make"),
            ("|1 A=b /bin/sh -c make", "RUN make"),
            (
                "RUN /bin/bash -eo pipefail -c make | tee log # buildkit",
                "RUN make | tee log",
            ),
            (
                "RUN |1 P=/usr/bin /bin/bash -exc make # buildkit",
                "RUN make",
            ),
            ("COPY . /app # buildkit", "COPY . /app"),
            ("cmd /S /C dir", "RUN dir"),
            ("COPY . /app", "COPY . /app"),
            ("WORKDIR /app", "WORKDIR /app"),
            (
                "/bin/sh echo something > last",
                "/bin/sh echo something > last",
            ),
            ("bazel build ...", "bazel build ..."),
            ("", ""),
        ] {
            let entry = entry(written, "", "");
            assert_eq!(instruction(&entry, Builder::of(&entry)), shown, "{written}");
        }
    }

    #[test]
    fn steps_name_the_layer_they_made() {
        let config = config(vec![
            entry("/bin/sh -c #(nop) ADD file:1 in / ", "", ""),
            empty("ENV A=b"),
            entry("COPY . /app # buildkit", "", ""),
        ]);
        let layers: Vec<Option<usize>> = all_steps(&config)
            .into_iter()
            .map(|step| step.layer)
            .collect();
        assert_eq!(layers, [Some(0), None, Some(1)]);
    }

    #[test]
    fn a_history_of_another_length_is_not_used() {
        let one = config(vec![entry("COPY . /app", "", "")]);
        assert_eq!(steps(&one, 2), None);
        assert_eq!(steps(&Config::default(), 0), None);
    }

    /// As the builders write them, above a base of two steps.
    #[test]
    fn each_builder_is_told_with_its_layers_and_its_base() {
        let base = || {
            vec![
                entry("/bin/sh -c #(nop) ADD file:01 in / ", "", ""),
                empty("/bin/sh -c #(nop)  CMD [\"sh\"]"),
            ]
        };
        let cases = [
            (
                Builder::Kaniko,
                vec![
                    entry("COPY . /app", "kaniko", ""),
                    entry("RUN npm ci", "kaniko", ""),
                ],
                ["COPY . /app", "RUN npm ci"],
            ),
            (
                Builder::Ko,
                vec![
                    entry(
                        "ko build ko://example.com/app",
                        "ko",
                        "kodata contents, at $KO_DATA_PATH",
                    ),
                    entry(
                        "ko build ko://example.com/app",
                        "ko",
                        "go build output, at /ko-app/app",
                    ),
                ],
                [
                    "ko build ko://example.com/app kodata contents, at $KO_DATA_PATH",
                    "ko build ko://example.com/app go build output, at /ko-app/app",
                ],
            ),
            (
                Builder::Jib,
                vec![
                    entry("jib-maven-plugin:3.4.0", "Jib", "dependencies"),
                    entry("jib-maven-plugin:3.4.0", "Jib", "classes"),
                ],
                [
                    "jib-maven-plugin:3.4.0 dependencies",
                    "jib-maven-plugin:3.4.0 classes",
                ],
            ),
            (
                Builder::Buildpacks,
                vec![
                    entry(
                        "Layer: 'jre', Created by buildpack: paketo-buildpacks/bellsoft-liberica@10.5.1",
                        "",
                        "",
                    ),
                    entry("Application Layer", "", ""),
                ],
                [
                    "Layer: 'jre', Created by buildpack: paketo-buildpacks/bellsoft-liberica@10.5.1",
                    "Application Layer",
                ],
            ),
            (
                Builder::BuildKit,
                vec![
                    entry("COPY . /app # buildkit", "", "buildkit.dockerfile.v0"),
                    entry(
                        "RUN /bin/sh -c npm ci # buildkit",
                        "",
                        "buildkit.dockerfile.v0",
                    ),
                ],
                ["COPY . /app", "RUN npm ci"],
            ),
        ];
        for (builder, own, instructions) in cases {
            let config = config([base(), own].concat());
            let steps = all_steps(&config);
            let base = base_steps(&config, &steps);
            assert_eq!(base, 2, "{builder:?}");
            for (step, instruction) in steps[base..].iter().zip(instructions) {
                assert_eq!(
                    (step.builder, step.instruction.as_str()),
                    (Some(builder), instruction)
                );
            }
        }
    }

    #[test]
    fn buildah_names_its_base_exactly() {
        let config = config(vec![
            entry("/bin/sh -c #(nop) ADD file:01 in / ", "", ""),
            entry("/bin/sh -c dnf install -y python", "", ""),
            entry(
                "/bin/sh -c #(nop) COPY dir:02 in /app ",
                "",
                "FROM registry.example.com/python:3",
            ),
            entry("/bin/sh -c pip install -r requirements.txt", "", ""),
        ]);
        assert_eq!(base_steps(&config, &all_steps(&config)), 2);
    }
}
