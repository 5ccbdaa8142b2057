//! Dockerfiles and Containerfiles (<https://docs.docker.com/reference/dockerfile/>).

mod instructions;

use std::collections::{HashMap, HashSet};

use instructions::{Word, instructions};

use super::place::Text;
use super::variables::expand;
use crate::oci::{Platform, Reference};
use crate::workload::Occurrence;

/// Whether a text is a Dockerfile: its first instruction is `FROM`, or `ARG` with a `FROM` behind it.
pub(super) fn is_dockerfile(text: &str) -> bool {
    let mut names = text
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split([' ', '\t']).next().unwrap_or_default());
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    match names.next() {
        Some(name) if is(name, "FROM") => true,
        Some(name) if is(name, "ARG") => names.any(|name| is(name, "FROM")),
        _ => false,
    }
}

/// The images that a build pulls: the bases of its stages, those that it copies or mounts files from, and its frontend.
/// Arguments have their defaults; a name with an argument that has none is left out.
pub(super) fn images(text: Text<'_>) -> Vec<Occurrence> {
    let mut build = Build {
        text,
        arguments: HashMap::new(),
        stages: HashSet::new(),
        has_stage: false,
        occurrences: frontend(text).into_iter().collect(),
    };
    for words in instructions(text.text) {
        let Some((name, words)) = words.split_first() else {
            continue;
        };
        match name.text.to_ascii_uppercase().as_str() {
            "ARG" if !build.has_stage => words.iter().for_each(|word| build.argument(word.text)),
            "FROM" => build.stage(words),
            "COPY" | "ADD" | "RUN" => build.files(words),
            _ => {}
        }
    }
    build.occurrences
}

/// The image of `# syntax=`, which parses the file (<https://docs.docker.com/build/buildkit/frontend/>).
fn frontend(text: Text<'_>) -> Option<Occurrence> {
    let directives = text.text.lines().take_while(|line| line.starts_with('#'));
    let directive = directives.into_iter().find_map(|line| {
        let (key, value) = line.strip_prefix('#')?.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case("syntax")
            .then(|| value.trim())
    })?;
    let start = directive.as_ptr().addr() - text.text.as_ptr().addr();
    text.at(start..start + directive.len(), directive, "syntax")
}

struct Build<'a> {
    text: Text<'a>,
    /// The arguments before the first stage: no others count in a `FROM`.
    arguments: HashMap<String, String>,
    /// The names of the stages so far, in lower case, as they are compared.
    stages: HashSet<String>,
    has_stage: bool,
    occurrences: Vec<Occurrence>,
}

impl Build<'_> {
    fn argument(&mut self, argument: &str) {
        if let Some((name, value)) = argument.split_once('=')
            && let Some(value) = self.expand(value.trim_matches(['"', '\'']))
        {
            self.arguments.insert(name.to_owned(), value);
        }
    }

    fn expand(&self, text: &str) -> Option<String> {
        expand(text, &|name| self.arguments.get(name).cloned())
    }

    fn stage(&mut self, words: &[Word<'_>]) {
        self.has_stage = true;
        let platform = words
            .iter()
            .find_map(|word| word.text.strip_prefix("--platform=")?.parse().ok());
        let mut words = words.iter().filter(|word| !word.text.starts_with("--"));
        let Some(base) = words.next() else { return };
        let written = base.text.trim_matches(['"', '\'']);
        let name = self.expand(written);
        if let Some(name) = name.filter(|name| is_meant(written, name)) {
            self.image(*base, &name, "FROM", platform);
        }
        if words
            .next()
            .is_some_and(|word| word.text.eq_ignore_ascii_case("AS"))
            && let Some(name) = words.next()
        {
            self.stages.insert(name.text.to_ascii_lowercase());
        }
    }

    /// `COPY --from=` and `RUN --mount=…,from=…`. A number there is a stage.
    fn files(&mut self, words: &[Word<'_>]) {
        for word in words.iter().take_while(|word| word.text.starts_with("--")) {
            let Some((option, value)) = word.split_once('=') else {
                continue;
            };
            let from = match option.text {
                "--from" => Some(value),
                "--mount" => value.parts(',').find_map(|part| part.strip_prefix("from=")),
                _ => None,
            };
            if let Some(from) = from
                && from.text.parse::<usize>().is_err()
                && !from.text.contains('$')
            {
                self.image(from, from.text, option.text, None);
            }
        }
    }

    /// An image, for the platform that is asked for. Without one it is that of the machine which builds.
    fn image(&mut self, word: Word<'_>, name: &str, field: &str, platform: Option<Platform>) {
        if name != "scratch" && !self.stages.contains(&name.to_ascii_lowercase()) {
            let found = self.text.at(word.range(), name, field);
            self.occurrences
                .extend(found.map(|found| found.on_platform(platform)));
        }
    }
}

/// Whether a name with the defaults of its arguments is one that the author means: an argument that is empty by default
/// leaves a name that is none, and has to be given.
fn is_meant(written: &str, name: &str) -> bool {
    !written.contains('$') || name.parse::<Reference>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Source, SourceMap};
    use proptest::prelude::*;

    fn read(dockerfile: &str) -> Vec<(String, String)> {
        let mut sources = SourceMap::default();
        let id = sources.add(Source {
            name: "Dockerfile".to_owned(),
            text: dockerfile.to_owned(),
            origin: Origin::File,
        });
        let found = images(Text {
            id,
            text: dockerfile,
        });
        let check = |found: Occurrence| {
            assert_eq!(sources.slice(found.span), found.written);
            (found.written, found.value)
        };
        found.into_iter().map(check).collect()
    }

    fn written(dockerfile: &str) -> Vec<String> {
        read(dockerfile)
            .into_iter()
            .map(|(written, _)| written)
            .collect()
    }

    #[test]
    fn bases_are_images_and_stages_are_none() {
        let dockerfile = "FROM --platform=$BUILDPLATFORM golang:1 AS Build\nFROM build\nFROM scratch\nfrom alpine\n";
        assert_eq!(written(dockerfile), ["golang:1", "alpine"]);
    }

    #[test]
    fn arguments_have_their_defaults() {
        let dockerfile = "ARG TAG=1 REPO=\"a/b\"\nFROM ${REPO}:$TAG\nARG OTHER=2\nFROM c:${OTHER}\nFROM d:${NONE:-3}\nFROM e:${EMPTY:-}\n";
        let found = read(dockerfile);
        let values: Vec<_> = found.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["a/b:1", "d:3"]);
        assert_eq!(found[0].0, "${REPO}:$TAG");
    }

    #[test]
    fn files_of_other_images_are_copied_and_mounted() {
        let dockerfile = "FROM a AS one\nCOPY --chown=1 --from=b:1 /x /y\nCOPY --from=one /x /y\nCOPY --from=0 /x /y\nRUN --mount=type=bind,from=c:2,target=/z make --from=d\n";
        assert_eq!(written(dockerfile), ["a", "b:1", "c:2"]);
    }

    #[test]
    fn the_frontend_is_an_image() {
        assert_eq!(
            written("# syntax=docker/dockerfile:1\nFROM a\n"),
            ["docker/dockerfile:1", "a"]
        );
    }

    #[test]
    fn lines_go_on_and_heredocs_are_no_instructions() {
        let dockerfile = "FROM \\\n# comment\n  a:1 \\\n  AS x\nRUN <<EOF\nFROM no\nEOF\nRUN echo \\\nFROM no\nFROM b:2\r\n";
        assert_eq!(written(dockerfile), ["a:1", "b:2"]);
    }

    #[test]
    fn a_dockerfile_is_known_by_its_first_instruction() {
        assert!(is_dockerfile("# x\n\nARG A\nFROM a"));
        assert!(!is_dockerfile("from: a\n"));
        assert!(!is_dockerfile("kind: Pod\nFROM a"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(FROM |ARG |COPY --from=|RUN |<<EOF|EOF|\\\\|\n|[a$={}\"# ,ä]){0,30}") {
            read(&text);
        }
    }
}
