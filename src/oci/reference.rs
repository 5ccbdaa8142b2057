//! Image names, as the kubelet and the container runtimes read them.
//!
//! Source: the grammar of `distribution/reference` (`reference.go`, `regexp.go`, `normalize.go`), the library that the
//! kubelet, containerd and CRI-O share.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{Digest, DigestError};

/// The host that a name without a host means.
const DEFAULT_REGISTRY: &str = "docker.io";
/// The name space that a one-part name on Docker Hub means.
const DEFAULT_NAMESPACE: &str = "library";
/// The tag that the kubelet adds to a name with neither tag nor digest.
const DEFAULT_TAG: &str = "latest";
/// The longest repository path, in bytes.
const MAX_REPOSITORY_BYTES: usize = 255;
/// The longest tag, in bytes.
const MAX_TAG_BYTES: usize = 128;

/// A valid image name in its full form: host, repository, tag and digest. Two spellings of one image are equal; the
/// spelling itself is kept where the name occurs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is no image name. Where the Go library has words for it, these are its words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// There is no text.
    #[error("the image name is empty")]
    Empty,
    /// Blanks stand before, behind or in the name.
    #[error("an image name has no blanks")]
    Blank,
    /// A URL scheme stands in front.
    #[error("an image name has no scheme: leave \"{0}\" away")]
    Scheme(String),
    /// The repository has upper-case letters.
    #[error("repository name ({0}) must be lowercase")]
    UpperCase(String),
    /// The name is 64 hexadecimal digits, which means an image id.
    #[error(
        "invalid repository name ({0}), cannot specify 64-byte hexadecimal strings: they are image ids"
    )]
    ImageId(String),
    /// The repository is too long.
    #[error("repository name must not be more than 255 characters, this one has {0}")]
    TooLong(usize),
    /// The host is none.
    #[error("\"{0}\" is no registry host")]
    Registry(String),
    /// A part of the repository path breaks the grammar.
    #[error(
        "\"{0}\" is no part of a repository name: use a-z and 0-9, joined by one '.', one or two '_', or any number of '-'"
    )]
    Component(String),
    /// The tag breaks the grammar.
    #[error("\"{0}\" is no tag: use up to 128 of A-Z a-z 0-9 _ . -, and begin with none of . -")]
    Tag(String),
    /// The digest is none.
    #[error("\"{text}\" is no digest: {reason}")]
    Digest {
        /// The text behind the `@`.
        text: String,
        /// What is wrong with it.
        reason: DigestError,
    },
}

impl Reference {
    /// The registry as written, `docker.io` for Docker Hub.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The host that answers the registry's API: `registry-1.docker.io` for Docker Hub, else the registry itself.
    #[must_use]
    pub fn api_host(&self) -> &str {
        if self.registry == DEFAULT_REGISTRY {
            "registry-1.docker.io"
        } else {
            &self.registry
        }
    }

    /// The path of the repository, without the host.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` where the text has neither tag nor digest.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest.
    #[must_use]
    pub const fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What the registry is asked for: the digest where there is one, as containerd drops the tag then
    /// (`ParseDockerRef`), else the tag.
    #[must_use]
    pub fn tag_or_digest(&self) -> &str {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.as_str(),
            (None, Some(tag)) => tag,
            (None, None) => DEFAULT_TAG,
        }
    }

    /// The same repository with another tag and no digest.
    #[must_use]
    pub fn with_tag(&self, tag: &str) -> Self {
        Self {
            tag: Some(tag.to_owned()),
            digest: None,
            ..self.clone()
        }
    }

    /// The name without tag and digest: `docker.io/library/nginx`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.contains(char::is_whitespace) {
            return Err(ReferenceError::Blank);
        }
        if let Some(end) = text.find("://") {
            return Err(ReferenceError::Scheme(text[..end + 3].to_owned()));
        }
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ReferenceError::ImageId(text.to_owned()));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(parse_digest(digest)?)),
            None => (text, None),
        };
        let (registry, rest) = split_registry(rest);
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        check_registry(registry)?;
        if path.is_empty() {
            return Err(ReferenceError::Component(String::new()));
        }
        let repository = if registry == DEFAULT_REGISTRY && !path.contains('/') {
            format!("{DEFAULT_NAMESPACE}/{path}")
        } else {
            path.to_owned()
        };
        check_repository(&repository)?;
        if let Some(tag) = tag {
            check_tag(tag)?;
        }
        let tag = match (tag, &digest) {
            (Some(tag), _) => Some(tag.to_owned()),
            (None, Some(_)) => None,
            (None, None) => Some(DEFAULT_TAG.to_owned()),
        };
        Ok(Self {
            registry: registry.to_owned(),
            repository,
            tag,
            digest,
        })
    }
}

/// `splitDockerDomain` of `normalize.go`: the first part is a host if it is `localhost`, has a dot or a colon, or has
/// upper-case letters, which no repository may have.
fn split_registry(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some(("index.docker.io", rest)) => (DEFAULT_REGISTRY, rest),
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.contains(|c: char| c.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => (DEFAULT_REGISTRY, text),
    }
}

/// `DomainRegexp`: labels joined by dots, or an IPv6 address in brackets, then an optional port.
fn check_registry(registry: &str) -> Result<(), ReferenceError> {
    let fail = || Err(ReferenceError::Registry(registry.to_owned()));
    let (host, port) = if let Some(rest) = registry.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return fail();
        };
        let is_address =
            !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
        match (is_address, port) {
            (false, _) => return fail(),
            (true, "") => return Ok(()),
            (true, port) => match port.strip_prefix(':') {
                Some(port) => ("ip", Some(port)),
                None => return fail(),
            },
        }
    } else {
        match registry.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (registry, None),
        }
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if host.split('.').all(is_label) && port.is_none_or(is_port) {
        Ok(())
    } else {
        fail()
    }
}

fn check_repository(repository: &str) -> Result<(), ReferenceError> {
    if repository.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(ReferenceError::UpperCase(repository.to_owned()));
    }
    if let Some(component) = repository.split('/').find(|part| !is_component(part)) {
        return Err(ReferenceError::Component(component.to_owned()));
    }
    if repository.len() > MAX_REPOSITORY_BYTES {
        return Err(ReferenceError::TooLong(repository.len()));
    }
    Ok(())
}

/// `path-component`: runs of letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_component(component: &str) -> bool {
    let is_alphanumeric = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9');
    let bytes = component.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    is_alphanumeric(first)
        && is_alphanumeric(last)
        && component
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|separator| {
                matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
            })
}

fn check_tag(tag: &str) -> Result<(), ReferenceError> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let valid = tag.len() <= MAX_TAG_BYTES
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|b| is_word(b) || matches!(b, b'.' | b'-'));
    if valid {
        Ok(())
    } else {
        Err(ReferenceError::Tag(tag.to_owned()))
    }
}

fn parse_digest(text: &str) -> Result<Digest, ReferenceError> {
    text.parse().map_err(|reason| ReferenceError::Digest {
        text: text.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        match text.parse::<Reference>() {
            Ok(reference) => reference.to_string(),
            Err(error) => format!("invalid: {error}"),
        }
    }

    #[test]
    fn a_short_name_is_on_docker_hub() {
        assert_eq!(canonical("nginx"), "docker.io/library/nginx:latest");
        assert_eq!(canonical("team/app:1"), "docker.io/team/app:1");
        assert_eq!(
            canonical("index.docker.io/nginx:1"),
            "docker.io/library/nginx:1"
        );
        assert_eq!(canonical("myhost/app"), "docker.io/myhost/app:latest");
    }

    #[test]
    fn the_first_part_is_a_host_if_it_looks_like_one() {
        assert_eq!(canonical("localhost/app"), "localhost/app:latest");
        assert_eq!(canonical("MyHost/app"), "MyHost/app:latest");
        assert_eq!(canonical("host:5000/app"), "host:5000/app:latest");
        assert_eq!(
            canonical("[2001:db8::1]:5000/a"),
            "[2001:db8::1]:5000/a:latest"
        );
    }

    #[test]
    fn a_digest_leaves_no_default_tag() {
        let digest = Digest::sha256_of(b"");
        assert_eq!(
            canonical(&format!("nginx@{digest}")),
            format!("docker.io/library/nginx@{digest}")
        );
        assert_eq!(
            canonical(&format!("nginx:1@{digest}")),
            format!("docker.io/library/nginx:1@{digest}")
        );
    }

    #[test]
    fn a_name_that_is_none_says_why() {
        for (text, why) in [
            ("", "empty"),
            (" nginx", "no blanks"),
            ("https://ghcr.io/team/app", "leave \"https://\" away"),
            (
                "ghcr.io/Team/app",
                "repository name (Team/app) must be lowercase",
            ),
            ("ee::::", "\":::\" is no tag"),
            ("nginx:", "\"\" is no tag"),
            ("nginx@sha256:12", "64 hexadecimal digits, this one has 2"),
            ("a//b", "\"\" is no part"),
            ("a.-b/c", "\"a.-b\" is no registry host"),
            ("a___b", "\"a___b\" is no part"),
            ("nginx:ünï", "\"ünï\" is no tag"),
            ("host:port/app", "\"host:port\" is no registry host"),
            ("/nginx", "\"\" is no part"),
        ] {
            let shown = canonical(text);
            assert!(shown.contains(why), "{text}: {shown}");
        }
    }

    #[test]
    fn only_the_path_counts_for_the_length() {
        let path = format!("{}/{}", "a".repeat(127), "b".repeat(127));
        assert!(
            format!("registry.example.com/{path}")
                .parse::<Reference>()
                .is_ok()
        );
        assert_eq!(
            format!("registry.example.com/{path}c").parse::<Reference>(),
            Err(ReferenceError::TooLong(256))
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,80}") {
            let _ = text.parse::<Reference>();
        }

        #[test]
        fn the_full_form_reads_back_as_itself(
            text in "([a-z]{1,8}(\\.[a-z]{2,3}){0,2}(:[0-9]{2,4})?/)?[a-z0-9]{1,6}([._-][a-z0-9]{1,4}){0,2}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,8})?"
        ) {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>(), Ok(reference));
            }
        }
    }
}
