//! How a message becomes ranked causes: rows of data, and one function that reads them.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::class::{Cause, Class, Confidence};
use super::clues::Clues;
use super::family::{Family, is_blob_storage, is_public_storage};
use super::patterns;

/// One row: words that a message has, and what they mean.
#[derive(Debug)]
pub(super) struct Pattern {
    /// A regular expression over the shape of the text (see [`super::shape`]); upper and lower case are one.
    pub text: &'static str,
    /// What else must hold; all of it.
    pub when: &'static [When],
    /// The causes, the first one first.
    pub causes: &'static [(Class, Confidence)],
    /// Who writes these words, or who says what they mean.
    #[allow(dead_code, reason = "read by people, and by the tests")]
    pub source: &'static str,
}

/// A condition on the clues of a message.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    /// The image's registry belongs to one of the families.
    From(&'static [Family]),
    /// The image's registry is known, and belongs to none of the families.
    NotFrom(&'static [Family]),
    /// The image's registry, or the host that was asked, has a certificate that every system trusts.
    Public,
    /// The failing request went to another host than the image names.
    Elsewhere,
    /// The failing request went to the host that the image names, as far as the text tells.
    SameHost,
    /// The failing request went to a host that stores blobs.
    BlobStorage,
    /// The failing request went to a host from which a public registry gives content to everybody.
    PublicStorage,
    /// The image is named by digest.
    ByDigest,
    /// The image is named by digest, and the manifest that was asked for has another one: an index lists it.
    ListedManifest,
    /// The image is named by tag.
    ByTag,
    /// The name has no host and no path, and is no official image of Docker Hub.
    LocalName,
    /// The publisher is known to have taken images away here.
    Removed,
    /// The name holds what a template should have replaced.
    Template,
    /// The name is known, and no template.
    NoTemplate,
    /// The tag is one that signatures, SBOMs and attestations have.
    ArtifactTag,
    /// What arrived has the digest of nothing at all.
    Empty,
    /// What arrived is longer than was announced, or shorter by a few bytes only.
    WrongSize,
    /// The tag is what an unset variable becomes, such as `undefined`.
    UnsetTag,
    /// The image is a base image of Windows.
    WindowsBase,
    /// The message is about the sandbox image of the node.
    Sandbox,
}

/// The causes of a message, the most probable first; none where the words are not known.
///
/// Beside a cause that the text says itself, others are only possible. A text that does not speak of pulls has at best possible
/// causes.
#[must_use]
pub(super) fn causes_of(clues: &Clues, shape: &str) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for pattern in matching(clues, shape) {
        for &(class, confidence) in pattern.causes {
            let known = causes.iter().position(|cause| cause.class == class);
            if known.is_some_and(|at| causes[at].confidence >= confidence) {
                continue;
            }
            // What a row is more certain of ranks where that row stands.
            causes.retain(|cause| cause.class != class);
            causes.push(Cause { class, confidence });
        }
    }
    let is_sure = causes
        .iter()
        .any(|cause| cause.confidence == Confidence::Sure);
    let is_known_better = causes.iter().any(|cause| {
        cause.confidence >= Confidence::Likely && MORE_THAN_A_TAG.contains(&cause.class)
    });
    let speaks_of_pulls = speaks_of_pulls(clues.text.as_bytes());
    for cause in &mut causes {
        let is_outdone = match cause.class {
            Class::TagNotFound => is_known_better,
            _ => is_sure && cause.confidence == Confidence::Likely,
        };
        if !speaks_of_pulls || is_outdone {
            cause.confidence = Confidence::Possible;
        }
    }
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.confidence));
    causes.truncate(MAX_CAUSES);
    causes
}

/// The conditions that hold for a message, one bit each: two messages with the same words and the same conditions have the
/// same causes.
#[must_use]
pub(super) fn conditions_of(clues: &Clues) -> u32 {
    const PLAIN: [When; 16] = [
        When::Public,
        When::Elsewhere,
        When::BlobStorage,
        When::PublicStorage,
        When::ByDigest,
        When::ListedManifest,
        When::ByTag,
        When::LocalName,
        When::Removed,
        When::Template,
        When::ArtifactTag,
        When::Empty,
        When::WrongSize,
        When::UnsetTag,
        When::WindowsBase,
        When::Sandbox,
    ];
    let family = clues.family().map_or(0, |family| family as u32 + 1);
    PLAIN.iter().fold(family, |bits, condition| {
        bits << 1 | u32::from(condition.holds(clues))
    })
}

/// Causes whose messages say "not found" too, of something else than the tag.
const MORE_THAN_A_TAG: [Class; 7] = [
    Class::BlobMissing,
    Class::DanglingTag,
    Class::NeverPullAbsent,
    Class::PlatformMismatch,
    Class::RegistryCorrupt,
    Class::RuntimePlatformBug,
    Class::WindowsVersionMismatch,
];

/// The most causes that one message is given.
const MAX_CAUSES: usize = 4;

/// Whether a text speaks of pulls, or of the start of what was pulled.
#[must_use]
pub(super) fn speaks_of_pulls(text: &[u8]) -> bool {
    CONTEXT
        .as_ref()
        .is_some_and(|context| context.is_match(text))
}

/// Words without which a line is about something else: those of pulls, of the programs that pull, and of their requests. The bare
/// words image, layer and registry stand in the logs of many an application.
const CONTEXT_WORDS: &str = r#"pull|image (name|reference|tag)|manifest|container registry|docker|containerd|cri-?o\b|podman|buildah|skopeo|crictl|nerdctl|kaniko|buildkit|buildx|kubelet|/v2/\S+/(manifests|blobs|tags)|/v2/?["':\s]|/v2/?$|exec format error|httpreadseeker|toomanyrequests|sandbox|k8s binaries|computesystem|short-name|build container|HTTP \d+ response body|unexpected HTTP status|(oauth|anonymous|authorization) token|size validation|s3aws|operating system version|application/vnd\.|whiteout|verification failed for digest|diff ?id|failed to (copy|resolve|authorize|unpack|extract|register|fetch)|(register|extract|extracting|apply) layer|layer sha|snapshotter|extraction snapshot|ghcr\.io|quay\.io|gcr\.io|pkg\.dev|azurecr\.io|\.ecr\.|docker\.io|rpc error|imagestream|ErrImage|InvalidImage|ImageInspect|invalid reference format|@sha256:|StartContainer|unpack platform|blob[ -](sha|unknown)|container image|image (\S+ )?(was )?not found|imagePullSecret|image verif|image (operating|os)|source image|signature was required|amount of images|exist in the registry|image with reference|incompatible with a \S+ host|artifactregistry\.|vpcServiceControls|(writing|reading|copying) blob|invalid rootfs|no such image|unqualified-search|max depth exceeded|missing signature key|unknown type application|containers/(policy|registries)|ephemeral-storage|DiskPressure|Downloading \[|Download failed, retrying|response from daemon"#;

static CONTEXT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    RegexBuilder::new(CONTEXT_WORDS)
        .case_insensitive(true)
        .unicode(false)
        .build()
        .ok()
});

/// The rows that hold for a message, in the order of the table.
fn matching(clues: &Clues, shape: &str) -> impl Iterator<Item = &'static Pattern> {
    patterns::AREAS
        .iter()
        .zip(SETS.iter())
        .flat_map(|(rows, set)| {
            let matches = set.matches(shape.as_bytes());
            rows.iter()
                .enumerate()
                .filter(move |(row, _)| matches.matched(*row))
        })
        .map(|(_, pattern)| pattern)
        .filter(|pattern| pattern.when.iter().all(|condition| condition.holds(clues)))
}

/// One automaton for each area: one for all of them would have far more states. The test below builds them, so that no
/// area is left out.
static SETS: LazyLock<Vec<RegexSet>> = LazyLock::new(|| {
    patterns::AREAS
        .iter()
        .map(|rows| build_set(rows).unwrap_or_else(|_| RegexSet::empty()))
        .collect()
});

fn build_set(rows: &[Pattern]) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(rows.iter().map(|pattern| pattern.text))
        .case_insensitive(true)
        .unicode(false)
        .size_limit(32 << 20)
        .dfa_size_limit(16 << 20)
        .build()
}

impl When {
    fn holds(self, clues: &Clues) -> bool {
        let reference = clues.reference.as_ref();
        match self {
            Self::From(families) => clues
                .family()
                .is_some_and(|family| families.contains(&family)),
            Self::NotFrom(families) => clues
                .family()
                .is_some_and(|family| !families.contains(&family)),
            Self::Public => {
                clues.family().is_some_and(Family::is_public)
                    || clues.host.as_deref().is_some_and(is_blob_storage)
            }
            Self::Elsewhere => clues.went_elsewhere(),
            Self::SameHost => !clues.went_elsewhere(),
            Self::BlobStorage => clues.asked_storage(),
            Self::PublicStorage => clues.host.as_deref().is_some_and(is_public_storage),
            Self::ByDigest => {
                clues.is_named
                    && clues
                        .image
                        .as_deref()
                        .is_some_and(|image| image.contains("@sha256:"))
            }
            Self::ListedManifest => clues.asked_for_another_manifest(),
            Self::ByTag => reference.is_some_and(|reference| reference.digest().is_none()),
            Self::LocalName => reference.is_some_and(|reference| {
                patterns::is_local_name(reference.registry(), reference.repository())
            }),
            Self::Removed => {
                reference.is_some_and(|reference| patterns::is_removed(&reference.name()))
            }
            Self::Template => clues.image.as_deref().is_some_and(is_template),
            Self::NoTemplate => clues
                .image
                .as_deref()
                .is_some_and(|image| !is_template(image)),
            Self::ArtifactTag => {
                reference.is_some_and(|reference| reference.tag().is_some_and(is_artifact))
                    || clues.text.split([' ', '/', ':', '"']).any(is_artifact)
            }
            Self::Empty => clues.text.contains("digest sha256:e3b0c44298fc1c14"),
            Self::WrongSize => is_wrong_size(&clues.text),
            Self::UnsetTag => reference.is_some_and(|reference| is_unset(reference.tag())),
            Self::WindowsBase => {
                clues.text.contains("nanoserver")
                    || clues.text.contains("servercore")
                    || clues.text.contains("/windows")
            }
            Self::Sandbox => clues.text.contains("sandbox") || clues.text.contains("/pause"),
        }
    }
}

/// Whether the two sizes in bytes that containerd holds against each other, what arrived first, differ as a broken connection does not
/// make them.
fn is_wrong_size(text: &str) -> bool {
    const FEW_BYTES: u64 = 64;
    let sizes = SIZES.as_ref().and_then(|sizes| sizes.captures(text));
    let size = |group| sizes.as_ref()?.get(group)?.as_str().parse::<u64>().ok();
    match (size(1), size(2)) {
        (Some(arrived), Some(announced)) => arrived.saturating_add(FEW_BYTES) > announced,
        _ => false,
    }
}

/// Sources: containerd `core/content/helpers.go`, `plugins/content/local/writer.go`.
static SIZES: LazyLock<Option<regex::Regex>> = LazyLock::new(|| {
    regex::Regex::new(
        r"(?:failed size validation: |unexpected commit size )(\d{1,19})(?: != |, expected )(\d{1,19})",
    )
    .ok()
});

/// Whether an image text holds what a template, a shell or a build step should have replaced, or what stays when it was
/// replaced by nothing.
fn is_template(image: &str) -> bool {
    const MARKS: [&str; 14] = [
        "$", "#{", "%!s", "%s", "ko://", "[[", "@@", "{{", "e+0", "//", "/:", "-:", "..", "map[",
    ];
    let tag = image
        .rsplit('/')
        .next()
        .and_then(|name| name.split_once(':'))
        .map(|(_, tag)| tag);
    MARKS.iter().any(|mark| image.contains(mark)) && !image.contains("://") && !image.is_empty()
        || image.starts_with("ko://")
        || (image.contains('<') && image.contains('>'))
        || (image.contains('{') && image.contains('}'))
        || (image.matches('%').count() >= 2)
        || image.starts_with(['/', ':', '-'])
        || image.split(['/', ':', '@']).any(is_placeholder)
        || is_unset(tag)
}

/// Whether a part of a name is one word in capitals, such as `IMAGE_NAME` and `__TAG__`.
fn is_placeholder(part: &str) -> bool {
    let letters = part.bytes().filter(u8::is_ascii_uppercase).count();
    letters >= 3
        && part
            .bytes()
            .all(|b| b.is_ascii_uppercase() || matches!(b, b'_' | b'-' | b'.'))
        && part.contains('_') | !matches!(part, "LATEST" | "SNAPSHOT" | "RELEASE")
}

/// Whether a tag names a signature, an SBOM or an attestation, as cosign does. Source: cosign `specs/SIGNATURE_SPEC.md`.
fn is_artifact(tag: &str) -> bool {
    tag.strip_prefix("sha256-")
        .and_then(|rest| rest.get(..64))
        .is_some_and(|digest| digest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a tag is what an unset variable becomes.
fn is_unset(tag: Option<&str>) -> bool {
    matches!(
        tag,
        Some(
            "" | "undefined"
                | "null"
                | "None"
                | "nil"
                | "NaN"
                | "unset"
                | "<no"
                | "no"
                | "TAG"
                | "VERSION"
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_compiles_and_has_causes_and_a_source() {
        for rows in patterns::AREAS {
            build_set(rows).expect("the rows compile");
        }
        for pattern in patterns::AREAS.into_iter().flatten() {
            assert!(!pattern.causes.is_empty(), "{}", pattern.text);
            assert!(pattern.source.len() > 5, "{}", pattern.text);
        }
        assert!(CONTEXT.is_some() && SIZES.is_some());
    }

    #[test]
    fn every_class_is_the_cause_of_some_row() {
        for class in Class::ALL {
            assert!(
                patterns::AREAS
                    .into_iter()
                    .flatten()
                    .any(|pattern| pattern.causes.iter().any(|(known, _)| known == class)),
                "{class}"
            );
        }
    }

    #[test]
    fn templates_are_recognised() {
        for image in [
            "${REGISTRY}/app:1",
            "app:{{ .Tag }}",
            "app:undefined",
            "ko://example.com/cmd",
            "repo/app:",
            "<registry>/app",
        ] {
            assert!(is_template(image), "{image}");
        }
        for image in ["nginx", "ghcr.io/Team/app:1", "host:5000/app@sha256:00"] {
            assert!(!is_template(image), "{image}");
        }
    }

    #[test]
    fn a_wrong_size_is_told_from_a_broken_connection() {
        for (text, is_wrong) in [
            (
                "failed size validation: 894478743 != 894478744: failed",
                true,
            ),
            ("unexpected commit size 2048, expected 1024: failed", true),
            ("failed size validation: 6239 != 45123123: failed", false),
            ("failed size validation: # != #", false),
        ] {
            assert_eq!(is_wrong_size(text), is_wrong, "{text}");
        }
    }

    #[test]
    fn what_does_not_speak_of_pulls_is_never_more_than_possible() {
        for text in [
            "dial tcp 10.0.0.1:80: i/o timeout",
            "WARN thumbnailer: rate limit exceeded while fetching image https://cdn.example.com/a.png",
            "HTTP 429 Too Many Requests from https://api.example.com/v2/users",
            "could not write image cache: no space left on device",
        ] {
            let causes = causes_of(&Clues::of(text, None, None), text);
            assert!(
                causes
                    .iter()
                    .all(|cause| cause.confidence == Confidence::Possible),
                "{text}: {causes:?}"
            );
        }
    }

    /// The messages of the tables, with their clues and shapes.
    #[allow(clippy::disallowed_methods, reason = "a test reads its cases")]
    fn messages() -> Vec<(Clues, String)> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/events");
        let tables = ["seen.tsv", "rows.tsv"]
            .map(|name| std::fs::read_to_string(folder.join(name)).expect("a table of messages"));
        let rows = tables.iter().flat_map(|table| table.lines().skip(1));
        rows.filter_map(|row| row.split('\t').next())
            .map(|message| {
                let clues = Clues::of(message, None, None);
                let shape = crate::event::shape::shape(&clues);
                (clues, shape)
            })
            .collect()
    }

    #[test]
    fn every_row_is_met_by_a_message() {
        let messages = messages();
        for (rows, set) in patterns::AREAS.iter().zip(SETS.iter()) {
            let mut is_met = vec![false; rows.len()];
            for (clues, shape) in &messages {
                for row in set.matches(shape.as_bytes()) {
                    is_met[row] |= rows[row].when.iter().all(|when| when.holds(clues));
                }
            }
            for (pattern, is_met) in rows.iter().zip(is_met) {
                assert!(
                    is_met,
                    "no message in tests/suite/events shows `{}` when {:?}",
                    pattern.text, pattern.when
                );
            }
        }
    }
}
