//! The instructions behind layers, read from the build history.

use super::installers::{Kind, does, installed_from};
use crate::facts::{BaseImages, PlatformImage};
use crate::oci::{Bytes, shell_of, steps};

/// One instruction of the image's own Dockerfile.
pub struct BuildStep<'a> {
    /// The instruction in the Dockerfile's words.
    pub instruction: String,
    /// The instruction in the builder's words, with the build arguments.
    pub written: &'a str,
    /// Its layer; none for an instruction without content.
    pub layer: Option<Layer>,
}

/// The layer that an instruction made.
#[derive(Debug, Clone, Copy)]
pub struct Layer {
    /// Counted from the base, from 1.
    pub number: usize,
    /// As it is transferred.
    pub bytes: Bytes,
}

/// The steps after the base image, lowest first; none where the history does not fit the layers, or nothing tells where the
/// base image ends: then each step may be somebody else's work. The history tells it, and so does another image of the run
/// that is the base.
pub fn own_steps<'a>(
    image: &'a PlatformImage,
    bases: &BaseImages<'_>,
) -> Option<Vec<BuildStep<'a>>> {
    let config = image.config()?;
    let layers = image.layers()?;
    let steps = steps(config, layers.len())?;
    let start = bases.first_own_step(image, &steps)?;
    let own = steps
        .into_iter()
        .zip(&config.history)
        .skip(start)
        .map(|(step, entry)| BuildStep {
            layer: step.layer.and_then(|index| {
                Some(Layer {
                    number: index + 1,
                    bytes: layers.get(index)?.size,
                })
            }),
            instruction: step.instruction,
            written: entry.created_by.as_deref().unwrap_or_default(),
        })
        .collect();
    Some(own)
}

/// Said where a part of what is found may be somebody else's work.
pub const UNKNOWN_BASE: &str =
    "Nothing tells where the base image ends, so a part of it may be the base image's";

/// The instruction that made a layer, counted from the base from 0, as a short line; none where the history does not tell.
pub fn instruction_of(image: &PlatformImage, layer: usize) -> Option<String> {
    let layers = image.layers()?.len();
    steps(image.config()?, layers)?
        .into_iter()
        .find(|step| step.layer == Some(layer))
        .map(|step| shortened(&step.instruction))
}

/// An instruction on one line that fits into a sentence.
pub fn shortened(instruction: &str) -> String {
    const LONGEST: usize = 72;
    let line = instruction.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    let start: String = line.chars().take(LONGEST - 1).collect();
    format!("{}…", start.trim_end())
}

impl BuildStep<'_> {
    /// The number of its layer.
    pub fn number(&self) -> Option<usize> {
        self.layer.map(|layer| layer.number)
    }

    /// What stays the same of its instruction from build to build: the classic builder writes the checksum of what it
    /// copied.
    pub fn key(&self) -> String {
        let words = self.instruction.split_whitespace().map(|word| {
            let kinds = ["dir:", "file:", "multi:"];
            let kind = kinds
                .into_iter()
                .find(|kind| self.copies() && word.starts_with(kind));
            kind.unwrap_or(word)
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Whether it copies one of these files by name.
    pub fn brings(&self, files: &str) -> bool {
        let mut words = self.instruction.split(['/', ' ', '"', ',', '[', ']']);
        self.copies()
            && words.any(|word| {
                let mut names = files.split(' ').filter_map(|file| file.rsplit('/').next());
                names.any(|name| !name.is_empty() && matches_name(word, name))
            })
    }

    /// The bytes of its layer, zero without one.
    pub fn bytes(&self) -> Bytes {
        self.layer.map_or(Bytes(0), |layer| layer.bytes)
    }

    /// Whether it copies the whole build context, or a whole folder where the builder did not write down which.
    pub fn copies_everything(&self) -> bool {
        let mut words = self.instruction.split_whitespace();
        let is_copy = matches!(words.next(), Some("COPY" | "ADD"));
        let sources: Vec<&str> = words.filter(|word| !word.starts_with("--")).collect();
        is_copy
            && !self.instruction.contains("--from=")
            && sources.first().is_some_and(|source| {
                matches!(*source, "." | "./" | "./.") || source.starts_with("dir:")
            })
    }

    /// Whether it copies into the system, where what stands behind it may find its settings, keys and programs: all but the
    /// folders where applications are.
    pub fn copies_into_the_system(&self) -> bool {
        const SYSTEM: [&str; 7] = ["/etc", "/usr", "/bin", "/sbin", "/lib", "/root", "/var/lib"];
        const OF_APPLICATIONS: [&str; 3] = ["/usr/src", "/usr/share/nginx", "/usr/share/app"];
        let holds = |folders: &[&str], path: &str| {
            folders.iter().any(|folder| {
                path.strip_prefix(folder)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let target = self.instruction.split_whitespace().next_back();
        let target = target
            .unwrap_or_default()
            .trim_matches(['"', ']', '[', ',']);
        self.copies() && holds(&SYSTEM, target) && !holds(&OF_APPLICATIONS, target)
    }

    /// Whether it builds the source besides what it installs.
    pub fn builds(&self) -> bool {
        let command = self.instruction.strip_prefix("RUN ");
        command.is_some_and(|command| does(command, Kind::Build))
    }

    /// Whether the builder wrote down a checksum in place of what it copied.
    pub fn hides_its_source(&self) -> bool {
        [" dir:", " file:", " multi:"]
            .iter()
            .any(|mark| self.instruction.contains(mark))
    }

    /// Whether it copies anything from the build context.
    pub fn copies(&self) -> bool {
        self.instruction.starts_with("COPY ") || self.instruction.starts_with("ADD ")
    }

    /// Where it fetches dependencies that do not depend on the source: the files that it reads, empty for packages that it
    /// names.
    pub fn installs_from(&self) -> Option<String> {
        installed_from(self.instruction.strip_prefix("RUN ")?)
    }

    /// Names and values of the build arguments that `BuildKit` and the classic builder write before a command:
    /// `|2 GIT_SHA=1 B=2 /bin/sh -c make`; or those that an `ENV` or `ARG` sets.
    pub fn variables(&self) -> Vec<(&str, &str)> {
        let text = self.written.strip_prefix("RUN ").unwrap_or(self.written);
        let assignments = match text.strip_prefix('|') {
            Some(arguments) => {
                let starts = arguments.match_indices(' ').map(|(at, _)| at + 1);
                let end = starts
                    .into_iter()
                    .find(|at| shell_of(&arguments[*at..]).is_some())
                    .unwrap_or(arguments.len());
                &arguments[..end]
            }
            None => ["ENV ", "ARG "]
                .iter()
                .find_map(|word| self.instruction.strip_prefix(word))
                .unwrap_or_default(),
        };
        assignments
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

/// Whether a name and a file are the same, either of which may be a pattern such as `package*.json`.
fn matches_name(name: &str, file: &str) -> bool {
    let matches = |pattern: &str, text: &str| {
        let (start, end) = pattern.split_once('*')?;
        let end = end.trim_matches('*');
        Some(
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
        )
    };
    matches(name, file)
        .or_else(|| matches(file, name))
        .unwrap_or(name == file)
}

/// Whether a variable of this name has another value in nearly every build, such as `GIT_SHA` or `BUILD_DATE`. Names that
/// pin what is fetched, such as `NODE_VERSION` or `JQ_SHA256`, do not.
pub fn changes_with_each_build(name: &str) -> bool {
    const ALONE: [&str; 8] = [
        "COMMIT",
        "COMMIT_SHA",
        "COMMIT_HASH",
        "REVISION",
        "TIMESTAMP",
        "CACHEBUST",
        "CACHE_BUST",
        "SHA",
    ];
    const OF: [&str; 8] = [
        "GIT", "CI", "VCS", "BUILD", "APP", "SOURCE", "GITHUB", "IMAGE",
    ];
    const WHAT: [&str; 17] = [
        "BRANCH",
        "COMMIT",
        "CREATED",
        "DATE",
        "DESCRIBE",
        "HASH",
        "ID",
        "NUMBER",
        "REF",
        "REV",
        "REVISION",
        "SHA",
        "SHORT",
        "TAG",
        "TIME",
        "TIMESTAMP",
        "VERSION",
    ];
    let name = name.to_ascii_uppercase();
    if ALONE.contains(&name.as_str()) {
        return true;
    }
    let mut words = name.split('_');
    let of = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    OF.contains(&of)
        && !rest.is_empty()
        && rest
            .iter()
            .all(|word| WHAT.contains(word) || OF.contains(word))
        && rest.iter().any(|word| WHAT.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(instruction: &'static str) -> BuildStep<'static> {
        BuildStep {
            instruction: instruction.to_owned(),
            written: instruction,
            layer: None,
        }
    }

    #[test]
    fn copies_of_everything_are_told_from_copies_of_something() {
        for (instruction, expected) in [
            ("COPY . /app", true),
            ("COPY --chown=node:node . .", true),
            ("ADD ./ /src", true),
            ("COPY dir:0123 in /app", true),
            ("COPY --from=build . /app", false),
            ("COPY package.json ./", false),
            ("COPY src /app/src", false),
            ("COPY file:0123 in /app", false),
            ("RUN cp . /app", false),
        ] {
            assert_eq!(
                step(instruction).copies_everything(),
                expected,
                "{instruction}"
            );
        }
    }

    #[test]
    fn installations_name_what_they_read() {
        for (instruction, reads) in [
            (
                "RUN npm ci --omit=dev",
                Some("package.json package-lock.json"),
            ),
            (
                "RUN pip install --no-cache-dir -r requirements.txt",
                Some("requirements.txt"),
            ),
            ("RUN apt-get update && apt-get install -y curl", Some("")),
            (
                "RUN DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y curl",
                Some(""),
            ),
            ("RUN apk --no-cache add git", Some("")),
            (
                "RUN python -m pip install -r requirements.txt",
                Some("requirements.txt"),
            ),
            ("RUN echo apt-get && install -d /app", None),
            (
                "RUN pip install -r deploy/requirements-prod.txt",
                Some("deploy/requirements-prod.txt"),
            ),
            ("RUN pip install numpy==2.0", Some("")),
            ("RUN npm install -g pm2", Some("")),
            (
                "RUN npm install --prefix /srv",
                Some("package.json package-lock.json"),
            ),
            ("RUN yarn --frozen-lockfile", Some("package.json yarn.lock")),
            ("RUN yarn build", None),
            ("RUN R -e \"install.packages('dplyr')\"", Some("")),
            ("RUN Rscript -e 'renv::restore()'", Some("renv.lock")),
            (
                "RUN cargo chef cook --release --recipe-path recipe.json",
                Some("recipe.json"),
            ),
            ("RUN ./mvnw -B dependency:go-offline", Some("pom.xml")),
            ("RUN cargo install --path .", None),
            ("RUN pip install .", None),
            ("RUN pip install -e .[dev] && true", None),
            ("RUN npm run build", None),
            ("COPY npm install", None),
        ] {
            assert_eq!(
                step(instruction).installs_from().as_deref(),
                reads,
                "{instruction}"
            );
        }
    }

    #[test]
    fn a_copy_brings_files_by_name_and_by_pattern() {
        for (instruction, files, expected) in [
            (
                "COPY package*.json ./",
                "package.json package-lock.json",
                true,
            ),
            ("COPY src/Shop.csproj src/", "*.csproj *.sln", true),
            ("COPY *.sln ./", "*.csproj *.sln", true),
            ("COPY [\"go.mod\",\"./\"]", "go.mod go.sum", true),
            ("COPY deploy/prod.txt ./", "deploy/prod.txt", true),
            (
                "COPY build.gradle.kts ./",
                "build.gradle* settings.gradle*",
                true,
            ),
            ("COPY src ./src", "go.mod go.sum", false),
            ("COPY notes.txt /", "*.csproj", false),
            ("RUN cat go.mod", "go.mod", false),
        ] {
            assert_eq!(step(instruction).brings(files), expected, "{instruction}");
        }
    }

    #[test]
    fn long_instructions_are_cut() {
        let long = format!("RUN apt-get install -y {}", "package ".repeat(40));
        let short = shortened(&long);
        assert!(
            short.ends_with('…') && short.chars().count() <= 72,
            "{short}"
        );
        assert_eq!(shortened("COPY\n  a b"), "COPY a b");
    }

    #[test]
    fn names_that_change_are_told_from_names_that_pin() {
        for name in [
            "GIT_SHA",
            "BUILD_DATE",
            "CI_COMMIT_SHA",
            "VCS_REF",
            "APP_VERSION",
            "git_commit",
            "COMMIT",
        ] {
            assert!(changes_with_each_build(name), "{name}");
        }
        for name in [
            "NODE_VERSION",
            "JQ_SHA256",
            "VERSION",
            "BUILD_TYPE",
            "GIT",
            "LIBFOO_COMMIT",
            "CI",
            "APP_HOME",
            "PATH",
        ] {
            assert!(!changes_with_each_build(name), "{name}");
        }
    }

    #[test]
    fn variables_are_read_from_arguments_and_from_the_environment() {
        let arguments = step("RUN |2 GIT_SHA=abc EMPTY= /bin/sh -c make A=b # buildkit");
        assert_eq!(arguments.variables(), [("GIT_SHA", "abc")]);
        assert_eq!(
            step("ENV BUILD_DATE=2026-01-01").variables(),
            [("BUILD_DATE", "2026-01-01")]
        );
        assert!(step("RUN make A=b").variables().is_empty());
    }
}
