//! From the build history to the layers.

use super::Config;

/// One instruction of the build, base first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The instruction in the words of a Dockerfile, without the builder's wrapping.
    pub instruction: String,
    /// Which layer of the manifest it made, counted from the base; none for an instruction without content.
    pub layer: Option<usize>,
}

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
        .map(|entry| Step {
            instruction: instruction(entry.created_by.as_deref().unwrap_or_default()),
            layer: (!entry.empty_layer).then(|| {
                next += 1;
                next - 1
            }),
        })
        .collect();
    Some(steps)
}

/// The Dockerfile's words behind what a builder wrote: `/bin/sh -c #(nop) COPY …` of the classic builder and of buildah,
/// `RUN |1 A=b /bin/sh -c … # buildkit` of `BuildKit`, plain instructions of kaniko.
///
/// Sources: moby `daemon/builder/dockerfile/internals.go`; `BuildKit` `frontend/dockerfile/dockerfile2llb/convert.go`;
/// buildah `add.go`; kaniko `pkg/executor/build.go`.
fn instruction(created_by: &str) -> String {
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim();
    let is_run = !starts_with_keyword(text);
    let mut rest = text.strip_prefix("RUN ").unwrap_or(text).trim_start();
    if let Some(after) = rest.strip_prefix('|') {
        rest = behind_build_arguments(after);
    }
    for shell in ["/bin/sh -c", "cmd /S /C", "/bin/bash -c"] {
        if let Some(after) = rest.strip_prefix(shell) {
            rest = after.trim_start();
        }
    }
    if let Some(after) = rest.strip_prefix("#(nop)") {
        return after.trim().to_owned();
    }
    if is_run && rest.is_empty() {
        return String::new();
    }
    if is_run || text.starts_with("RUN ") {
        format!("RUN {rest}")
    } else {
        text.to_owned()
    }
}

fn starts_with_keyword(text: &str) -> bool {
    const KEYWORDS: [&str; 17] = [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
    ];
    let word = text.split_whitespace().next().unwrap_or_default();
    KEYWORDS.contains(&word) || word == "WORKDIR"
}

/// What follows `N A=b C=d`: the arguments' values may hold blanks, so the shell marks their end where there is one.
fn behind_build_arguments(text: &str) -> &str {
    for shell in ["/bin/sh -c", "/bin/bash -c", "cmd /S /C"] {
        if let Some(at) = text.find(shell) {
            return &text[at..];
        }
    }
    text.trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::HistoryEntry;

    fn entry(created_by: &str, empty_layer: bool) -> HistoryEntry {
        HistoryEntry {
            created_by: Some(created_by.to_owned()),
            empty_layer,
            ..HistoryEntry::default()
        }
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
            ("COPY . /app # buildkit", "COPY . /app"),
            ("COPY . /app", "COPY . /app"),
            ("WORKDIR /app", "WORKDIR /app"),
            ("bazel build ...", "RUN bazel build ..."),
            ("", ""),
        ] {
            assert_eq!(instruction(written), shown);
        }
    }

    #[test]
    fn steps_name_the_layer_they_made() {
        let config = Config {
            history: vec![
                entry("/bin/sh -c #(nop) ADD file:1 in / ", false),
                entry("ENV A=b", true),
                entry("COPY . /app # buildkit", false),
            ],
            ..Config::default()
        };
        let layers: Vec<Option<usize>> = steps(&config, 2)
            .expect("one instruction for each layer")
            .into_iter()
            .map(|step| step.layer)
            .collect();
        assert_eq!(layers, [Some(0), None, Some(1)]);
    }

    #[test]
    fn a_history_of_another_length_is_not_used() {
        let config = Config {
            history: vec![entry("COPY . /app", false)],
            ..Config::default()
        };
        assert_eq!(steps(&config, 2), None);
        assert_eq!(steps(&Config::default(), 0), None);
    }
}
