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
        .enumerate()
        .map(|(at, entry)| {
            let builder = Builder::of(entry);
            Step {
                instruction: joined(&config.history, at)
                    .unwrap_or_else(|| instruction(entry, builder)),
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
/// `CMD` or `ENTRYPOINT`. None where nothing tells it: then any layer may be the base's.
#[must_use]
pub fn base_steps(config: &Config, steps: &[Step]) -> Option<usize> {
    if let Some(first) = marked_base_steps(config) {
        return Some(first);
    }
    let last = steps.last().and_then(|step| step.builder);
    let is_others = |step: &Step| match last {
        Some(Builder::Kaniko | Builder::Ko | Builder::Jib | Builder::Buildpacks) => {
            step.builder != last
        }
        // What a Dockerfile is built upon may come from elsewhere.
        Some(Builder::Docker | Builder::BuildKit) => step
            .builder
            .is_some_and(|builder| !builder.reads_dockerfiles()),
        _ => false,
    };
    let others = steps.iter().rposition(is_others);
    let top = steps.iter().rposition(|step| step.layer.is_some())?;
    let ends_an_image = |step: &Step| {
        ["CMD", "ENTRYPOINT"]
            .iter()
            .any(|word| step.instruction.starts_with(word))
    };
    let ended = steps[..top].iter().rposition(ends_an_image);
    others.max(ended).map(|at| at + 1)
}

/// How many steps are those of the base image, where the builder wrote it down: that is buildah alone.
///
/// It comments the layers that it commits with `FROM` and what they stand upon (buildah `image.go`,
/// `containerImageRef.NewImageSource`). Where each instruction is a layer (`--layers`), that is the base image for the first,
/// and the shortened ID of an image without a name for each of the others.
#[must_use]
pub fn marked_base_steps(config: &Config) -> Option<usize> {
    let bases: Vec<Option<&str>> = config
        .history
        .iter()
        .map(|entry| entry.comment.as_deref()?.strip_prefix("FROM "))
        .collect();
    let mut names = bases.iter().copied();
    let is_named = |base: Option<&str>| base.is_some_and(|base| !is_short_id(base));
    if let Some(named) = names.rposition(is_named) {
        return Some(named);
    }
    // The base has no name either: the first of the steps at the top that are marked.
    let last = bases.iter().rposition(Option::is_some)?;
    let unmarked = bases[..last].iter().rposition(Option::is_none);
    Some(unmarked.map_or(0, |at| at + 1))
}

/// Whether a name is the first twelve digits of an image's ID.
fn is_short_id(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The instructions behind the layer of the entry at `at`, where there are several: by default, buildah commits once, and
/// marks all entries but the last one as empty.
fn joined(history: &[HistoryEntry], at: usize) -> Option<String> {
    const WITHOUT_CONTENT: [&str; 11] = [
        "ARG ",
        "CMD ",
        "ENTRYPOINT ",
        "ENV ",
        "EXPOSE ",
        "HEALTHCHECK ",
        "LABEL ",
        "SHELL ",
        "STOPSIGNAL ",
        "USER ",
        "VOLUME ",
    ];
    let entry = history.get(at).filter(|entry| !entry.empty_layer)?;
    let words = |entry: &HistoryEntry| {
        let builder = Builder::of(entry).filter(|builder| *builder == Builder::Docker);
        builder.map(|_| instruction(entry, builder))
    };
    let has_content =
        |words: &String| !WITHOUT_CONTENT.iter().any(|start| words.starts_with(start));
    let own = words(entry)?;
    let is_marked = entry
        .comment
        .as_deref()
        .is_some_and(|comment| comment.starts_with("FROM "));
    if has_content(&own) && !is_marked {
        return None;
    }
    let below = history[..at].iter().rev();
    let mut all: Vec<String> = below
        .take_while(|entry| entry.empty_layer)
        .filter_map(words)
        .filter(has_content)
        .collect();
    all.reverse();
    all.extend(Some(own).filter(has_content));
    (!all.is_empty()).then(|| all.join("; "))
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
            assert_eq!(base, Some(2), "{builder:?}");
            for (step, instruction) in steps[2..].iter().zip(instructions) {
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
        assert_eq!(base_steps(&config, &all_steps(&config)), Some(2));
    }

    /// As buildah 1.28.2 wrote them for one Dockerfile: by `--layers`, by default, and by `--squash`.
    #[test]
    fn each_way_of_buildah_to_commit_is_read() {
        const COPY: &str = "/bin/sh -c #(nop) COPY file:02 in /y ";
        const FOLDER: &str = "/bin/sh -c #(nop) COPY dir:03 in /src ";
        const ENV: &str = "/bin/sh -c #(nop) ENV C=d";
        let base = || {
            vec![
                empty("/bin/sh -c #(nop) COPY file:01 in /f "),
                entry(
                    "/bin/sh -c #(nop) CMD [\"x\"]",
                    "",
                    "FROM example.com/lower:1",
                ),
            ]
        };
        let layers = config(
            [
                base(),
                vec![
                    HistoryEntry {
                        empty_layer: true,
                        ..entry(ENV, "", "FROM example.com/base:1")
                    },
                    entry(COPY, "", "FROM e762732b8f4c"),
                    entry(FOLDER, "", "FROM 756a8627c1d3"),
                ],
            ]
            .concat(),
        );
        let steps = all_steps(&layers);
        assert_eq!(base_steps(&layers, &steps), Some(2));
        assert_eq!(steps[1].instruction, "COPY file:01 in /f");
        assert_eq!(steps[3].instruction, "COPY file:02 in /y");
        let once = config(
            [
                base(),
                vec![
                    empty(COPY),
                    empty(FOLDER),
                    entry(ENV, "", "FROM example.com/base:1"),
                ],
            ]
            .concat(),
        );
        let steps = all_steps(&once);
        let own = &steps[base_steps(&once, &steps).expect("a mark")..];
        let own: Vec<_> = own
            .iter()
            .map(|step| (step.layer, step.instruction.as_str()))
            .collect();
        assert_eq!(own, [(Some(1), "COPY file:02 in /y; COPY dir:03 in /src")]);
        let squashed = config(vec![entry(ENV, "", "FROM 78ece888988e")]);
        assert_eq!(base_steps(&squashed, &all_steps(&squashed)), Some(0));
        let nameless = config(vec![
            entry(COPY, "", ""),
            entry(FOLDER, "", "FROM 1c03f013b0ab"),
            entry(COPY, "", "FROM 8fc013b69837"),
        ]);
        assert_eq!(base_steps(&nameless, &all_steps(&nameless)), Some(1));
    }

    #[test]
    fn a_history_without_a_mark_does_not_tell_where_the_base_ends() {
        let unmarked = config(vec![
            entry("ADD rootfs / # buildkit", "", ""),
            entry("COPY . /app # buildkit", "", ""),
            empty("CMD [\"node\"]"),
        ]);
        assert_eq!(base_steps(&unmarked, &all_steps(&unmarked)), None);
        let upon_bazel = config(vec![
            entry("bazel build ...", "Bazel", ""),
            entry("COPY . /app # buildkit", "", ""),
        ]);
        assert_eq!(base_steps(&upon_bazel, &all_steps(&upon_bazel)), Some(1));
    }
}
