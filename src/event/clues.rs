//! What a message says besides its cause: which image, which registry, which host was asked.

use std::sync::LazyLock;

use regex::Regex;

use super::family::{Family, is_blob_storage};
use crate::oci::Reference;

/// The longest text that is read for clues and causes, in bytes. What stands behind it is ignored.
pub(super) const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The length of a digest in bytes, with its algorithm.
const DIGEST_LENGTH: usize = "sha256:".len() + 64;

/// What a message says, in plain pieces. Every piece is as the text has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clues {
    /// The text with nested quotes unfolded and white space joined.
    pub(super) text: String,
    /// The image as the message names it, in the fullest form.
    pub(super) image: Option<String>,
    /// Whether the message names the image itself, rather than a request that was made for it.
    pub(super) is_named: bool,
    /// The same, where it is a valid image name.
    pub(super) reference: Option<Reference>,
    /// The host of the last request that the message speaks of, with its port.
    pub(super) host: Option<String>,
    /// The address that a connection went to.
    pub(super) address: Option<String>,
    /// The pull secrets that the message names.
    pub(super) secrets: Option<String>,
    /// The repository of Artifact Registry that the message or its record names.
    pub(super) artifacts: Option<Artifacts>,
}

/// A repository of Artifact Registry, by the parts of its full name `projects/…/locations/…/repositories/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Artifacts {
    pub project: String,
    pub location: String,
    pub repository: String,
}

/// Where messages name the image, the fullest form first. Group 1 is the image.
///
/// Sources: kubelet `pkg/kubelet/images/image_manager.go`; containerd `client/pull.go`,
/// `internal/cri/server/images/image_pull.go`; moby `distribution/errors.go`; containers/image `docker/docker_image_src.go`.
const IMAGE_FORMS: [&str; 22] = [
    r#"pull and unpack image "([^"\s]+)""#,
    r#"resolve (?:reference|image) "([^"\s]+)""#,
    r#"couldn't parse image (?:name|reference) "([^"]*)""#,
    r#"(?:[Pp]ull(?:ing)?|sandbox|Container|inspect|apply default) image (?:tag )?"([^"]*)""#,
    r#"PullImage "([^"]+)""#,
    r#"(?:invalid tag|fetch image|invalid image name|parse reference|invalid reference) "([^"]*)""#,
    r"\btag (\S+): invalid reference",
    r"(?:unable to get image|image) '([^'\s]+)'",
    r"no such image: (\S+): invalid reference",
    r"Pulling repository (\S+)",
    r"initializing source docker://([^\s:]+(?::[0-9]+/[^\s:]+)?(?::[\w][\w.-]*)?(?:@sha256:[0-9a-f]+)?)",
    r#"reading image "([^"\s]+)""#,
    r#"docker://([^\s:"]+(?::[0-9]+/[^\s:"]+)?(?::[\w][\w.-]*)?(?:@sha256:[0-9a-f]+)?)"#,
    r"pull access denied for ([^\s,]+)",
    r"manifest for (\S+?):? not found",
    r"failed to resolve ref (\S+?):?(?:\s|$)",
    r"repository (\S+) not found: does not exist",
    r"(?:source metadata for|[Ii]mage|Tag) ([\w.-]+(?::\d+)?/[\w./-]+(?::[\w][\w.-]*)?(?:@sha256:[0-9a-f]+)?)",
    r#"parsing reference:? "([^"]*)""#,
    r#"\bimage="([^"\s]+)""#,
    r#"(?:pull(?:ing)? image|image pull failed for) ([a-zA-Z0-9][^\s",;]*[:/.][^\s",;]*[a-zA-Z0-9])"#,
    r"([a-z0-9][\w.-]*(?::\d+)?/[a-z0-9][\w./-]*(?::[\w][\w.-]*)?@sha256:(?:[0-9a-f]{64}|[0-9a-f]{6,}(?:…|\.\.\.)))",
];

static IMAGES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    IMAGE_FORMS
        .iter()
        .filter_map(|form| Regex::new(form).ok())
        .collect()
});

/// A request in a message: host, then name and tag or digest where it is one of the registry API.
static REQUEST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"https?://([A-Za-z0-9.\-_\[\]:<>]+)(?:/v2/([a-z0-9][a-z0-9._/\-]*?)/(?:manifests|blobs)/([A-Za-z0-9_][\w.:\-]*))?",
    )
    .ok()
});
static NAMED_HOST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:lookup|from host|container registry|wanted to match|is valid for [^\s,]+(?:, [^\s,]+)*, not) ([A-Za-z0-9][A-Za-z0-9.\-]*[A-Za-z0-9](?::[0-9]+)?)",
    )
    .ok()
});
static ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"dial tcp (\[[0-9a-fA-F:]+\]:\d+|[0-9.]+:\d+)").ok());
static READING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"reading manifest (\S+) in ([^\s:]+(?::[0-9]+/[^\s:]+)?)").ok());
static ARTIFACTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"projects/([\w.:-]+)/locations/([\w-]+)/repositories/([\w.-]+)").ok()
});
static SECRETS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"image pull secrets \(([a-z0-9.,\- ]+)\)").ok());

impl Clues {
    /// Reads the clues of `message`. `hint` is the image that stands beside it, such as the one of a container status, and
    /// `resource` the full name of a resource of Google Cloud.
    #[must_use]
    pub(super) fn of(message: &str, hint: Option<&str>, resource: Option<&str>) -> Self {
        let text = unfold(message);
        let named = image_of(&text).or_else(|| hint.map(ToOwned::to_owned));
        let is_named = named.is_some();
        let image = named.or_else(|| image_of_request(&text));
        Self {
            is_named,
            ..Self::about(image, text, resource)
        }
    }

    /// The clues of a message whose image is known already.
    pub(super) fn of_image(image: Option<&str>, message: &str, resource: Option<&str>) -> Self {
        Self::about(image.map(ToOwned::to_owned), unfold(message), resource)
    }

    fn about(image: Option<String>, text: String, resource: Option<&str>) -> Self {
        Self {
            is_named: image.is_some(),
            reference: image.as_deref().and_then(|image| image.parse().ok()),
            image,
            host: host_of(&text),
            address: first_group(&ADDRESS, &text),
            secrets: first_group(&SECRETS, &text),
            artifacts: artifacts_of(&text).or_else(|| artifacts_of(resource?)),
            text,
        }
    }

    /// The registry that the image names; the host of the request where there is no image.
    pub(super) fn registry(&self) -> Option<&str> {
        self.reference
            .as_ref()
            .map(Reference::registry)
            .or_else(|| self.named_registry())
            .or(self.host.as_deref())
    }

    /// The registry of an image that is no valid name, as placeholders such as `<id>.dkr.ecr…` leave it.
    fn named_registry(&self) -> Option<&str> {
        let (first, _) = self.image.as_deref()?.split_once('/')?;
        first.contains('.').then_some(first)
    }

    /// Whose registry it is.
    pub(super) fn family(&self) -> Option<Family> {
        let by_host = self.registry().map(Family::of);
        by_host.or_else(|| self.artifacts.as_ref().map(|_| Family::ArtifactRegistry))
    }

    /// Whether the failing request went to a host that stores blobs for a registry: a known one, or one that was asked
    /// for a file of the reference registry's storage or with a signed address.
    pub(super) fn asked_storage(&self) -> bool {
        self.host.as_deref().is_some_and(is_blob_storage)
            || ["/docker/registry/v2/blobs/", "X-Amz-", "X-Goog-Signature"]
                .iter()
                .any(|sign| self.text.contains(sign))
    }

    /// Whether the image is named by digest, and the text speaks of a manifest with another digest.
    pub(super) fn asked_for_another_manifest(&self) -> bool {
        let own = self
            .image
            .as_deref()
            .and_then(|image| Some(image.split_once('@')?.1));
        let Some(own) = own.filter(|own| own.len() == DIGEST_LENGTH && self.is_named) else {
            return false;
        };
        ["/manifests/", "content descriptor ", "reading manifest "]
            .iter()
            .flat_map(|before| self.text.split(before).skip(1))
            .filter_map(|rest| rest.trim_start_matches('"').get(..DIGEST_LENGTH))
            .any(|asked| asked.starts_with("sha256:") && asked != own)
    }

    /// Whether the failing request went to another host than the one that the image names.
    pub(super) fn went_elsewhere(&self) -> bool {
        let (Some(registry), Some(host)) = (
            self.reference.as_ref().map(Reference::registry),
            self.host.as_deref(),
        ) else {
            return self.asked_storage();
        };
        if self.text.contains("?ns=") {
            return true;
        }
        let home = Family::of(registry);
        host != registry && (home == Family::Other || Family::of(host) != home)
    }
}

/// The text with nested quotes unfolded, escapes of line breaks read, and white space joined, cut to a bounded length.
pub(super) fn unfold(message: &str) -> String {
    let mut end = message.len().min(MAX_TEXT_BYTES);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    if is_plain(&message[..end]) {
        return message[..end].trim().to_owned();
    }
    let mut text = String::with_capacity(end);
    let mut characters = message[..end].chars().peekable();
    while let Some(character) = characters.next() {
        let plain = match (character, characters.peek()) {
            ('\\', Some('"' | '\\' | '\'')) => continue,
            ('\\', Some('n' | 't' | 'r')) if !text.ends_with(':') => {
                characters.next();
                ' '
            }
            ('\u{201c}' | '\u{201d}' | '\u{201e}', _) => '"',
            ('\u{2019}', _) => '\'',
            (other, _) if other.is_control() || other.is_whitespace() => ' ',
            (other, _) => other,
        };
        if plain != ' ' || !text.ends_with(' ') {
            text.push(plain);
        }
    }
    text.trim().to_owned()
}

/// Whether there is nothing to unfold.
fn is_plain(text: &str) -> bool {
    let is_ordinary = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'\\';
    text.as_bytes().iter().all(is_ordinary) && !text.contains("  ")
}

fn image_of(text: &str) -> Option<String> {
    let named = IMAGES
        .iter()
        .find_map(|form| Some(form.captures(text)?.get(1)?.as_str()))
        .filter(|image| !image.is_empty());
    named
        .map(|image| image.trim_start_matches("docker://").to_owned())
        .or_else(|| image_of_reading(text))
}

/// The image of CRI-O's `reading manifest TAG in NAME`.
fn image_of_reading(text: &str) -> Option<String> {
    let found = READING.as_ref()?.captures(text)?;
    Some(join(found.get(2)?.as_str(), found.get(1)?.as_str()))
}

/// A name with its tag or digest.
fn join(name: &str, tag_or_digest: &str) -> String {
    let separator = if tag_or_digest.contains(':') {
        '@'
    } else {
        ':'
    };
    format!("{name}{separator}{tag_or_digest}")
}

/// The image of the first request of the registry API in the text.
fn image_of_request(text: &str) -> Option<String> {
    REQUEST.as_ref()?.captures_iter(text).find_map(|request| {
        let (host, name, end) = (request.get(1)?, request.get(2)?, request.get(3)?);
        let host = match host.as_str() {
            "registry-1.docker.io" => "docker.io",
            host => host,
        };
        Some(join(&format!("{host}/{}", name.as_str()), end.as_str()))
    })
}

fn host_of(text: &str) -> Option<String> {
    let looked_up = first_group(&NAMED_HOST, text);
    looked_up.or_else(|| {
        let hosts = REQUEST.as_ref()?.captures_iter(text);
        let host = hosts
            .filter_map(|request| request.get(1))
            .map(|host| host.as_str().trim_end_matches([':', '.']))
            .filter(|host| !is_documentation(host))
            .last()?;
        Some(host.to_owned())
    })
}

/// Hosts of links that messages give for further reading.
fn is_documentation(host: &str) -> bool {
    matches!(
        host,
        "www.docker.com" | "docs.docker.com" | "github.com" | "aka.ms" | "access.redhat.com"
    )
}

fn artifacts_of(text: &str) -> Option<Artifacts> {
    let found = ARTIFACTS.as_ref()?.captures(text)?;
    let group = |index: usize| Some(found.get(index)?.as_str().to_owned());
    Some(Artifacts {
        project: group(1)?,
        location: group(2)?,
        repository: group(3)?,
    })
}

fn first_group(form: &LazyLock<Option<Regex>>, text: &str) -> Option<String> {
    let found = form.as_ref()?.captures(text)?;
    Some(found.get(1)?.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_a_regular_expression() {
        assert_eq!(IMAGES.len(), IMAGE_FORMS.len());
        assert!(
            REQUEST.is_some()
                && NAMED_HOST.is_some()
                && ADDRESS.is_some()
                && SECRETS.is_some()
                && ARTIFACTS.is_some()
                && READING.is_some()
        );
    }

    #[test]
    fn nested_quotes_are_unfolded() {
        assert_eq!(
            unfold(r#"err="failed to \"StartContainer\" with \\\"x\\\"\n: y""#),
            r#"err="failed to "StartContainer" with "x" : y""#
        );
    }

    #[test]
    fn the_full_form_of_the_image_is_preferred() {
        let clues = Clues::of(
            "Failed to pull image \"app:1\": failed to pull and unpack image \"docker.io/library/app:1\": x",
            None,
            None,
        );
        assert_eq!(clues.image.as_deref(), Some("docker.io/library/app:1"));
        assert_eq!(clues.registry(), Some("docker.io"));
    }

    #[test]
    fn a_request_names_the_image_where_nothing_else_does() {
        let clues = Clues::of(
            "Head \"https://registry-1.docker.io/v2/team/app/manifests/1.0\": denied",
            None,
            None,
        );
        assert_eq!(clues.image.as_deref(), Some("docker.io/team/app:1.0"));
    }

    #[test]
    fn a_request_to_a_second_host_is_noticed() {
        let elsewhere = |text: &str| Clues::of(text, None, None).went_elsewhere();
        assert!(elsewhere(
            "Failed to pull image \"registry.k8s.io/pause:3.9\": Head \"https://us-west2-docker.pkg.dev/v2/x/manifests/1\": dial tcp 1.2.3.4:443: i/o timeout"
        ));
        assert!(!elsewhere(
            "Failed to pull image \"nginx\": Head \"https://registry-1.docker.io/v2/library/nginx/manifests/latest\": dial tcp 1.2.3.4:443: i/o timeout"
        ));
    }

    #[test]
    fn a_manifest_of_an_index_is_told_from_the_index() {
        let (own, other) = ("a".repeat(64), "b".repeat(64));
        let elsewhere = |image: &str, asked: &str| {
            let text = format!(
                "Failed to pull image \"ghcr.io/team/app{image}\": content at https://ghcr.io/v2/team/app/manifests/sha256:{asked} not found"
            );
            Clues::of(&text, None, None).asked_for_another_manifest()
        };
        assert!(elsewhere(&format!("@sha256:{own}"), &other));
        assert!(!elsewhere(&format!("@sha256:{own}"), &own));
        assert!(!elsewhere(&format!("@sha256:{own}"), "bbbb..."));
        assert!(!elsewhere(":1", &other));
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let text = "ä".repeat(MAX_TEXT_BYTES);
        assert!(unfold(&text).len() <= MAX_TEXT_BYTES);
    }
}
