//! Whether what came is what was asked for, as a node judges it.

use super::fault::Fault;
use super::web::Failed;
use crate::oci::{
    Config, Descriptor, Digest, Index, IndexEntry, Manifest, Platform, Reference, media_type,
};

/// Why a body cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// What came is a page or something else of another server. What it is.
    Page(String),
    /// It is not what its digest or its type says.
    Damaged(String),
    /// The format that nodes no longer take.
    Schema1,
}

impl Trouble {
    /// What was seen, and what it means for `image`.
    pub fn failed(self, host: &str, image: &Reference) -> Failed {
        let host = host.to_owned();
        match self {
            Self::Page(what) => (format!("{what}, not what was asked for"), Fault::Page(host)),
            Self::Damaged(words) => (
                words,
                Fault::Damaged {
                    host,
                    image: image.to_string(),
                },
            ),
            Self::Schema1 => (
                "a Docker schema 1 manifest".to_owned(),
                Fault::Schema1(image.to_string()),
            ),
        }
    }
}

/// Reads a manifest. It must have the digest that was asked for, else the one that the registry promises.
pub(super) fn manifest(
    body: &[u8],
    content_type: Option<&str>,
    asked: Option<&Digest>,
    promised: Option<&str>,
) -> Result<Manifest, Trouble> {
    no_page(body, content_type)?;
    let read = Manifest::parse(body, content_type);
    if let Ok(Manifest::Schema1(_)) = read {
        return Err(Trouble::Schema1);
    }
    match (asked, promised.map(str::parse::<Digest>)) {
        (Some(asked), _) => verify(body, asked)?,
        (None, Some(Ok(promised))) => verify(body, &promised)?,
        (None, Some(Err(error))) => {
            let words = format!("the header Docker-Content-Digest is no digest: {error}");
            return Err(Trouble::Damaged(words));
        }
        (None, None) => {}
    }
    read.map_err(|error| Trouble::Damaged(error.to_string()))
}

/// Whether a config is what its descriptor says.
pub(super) fn blob(
    body: &[u8],
    content_type: Option<&str>,
    descriptor: &Descriptor,
) -> Result<(), Trouble> {
    if descriptor.digest.verifies(body) && body.len() as u64 == descriptor.size.0 {
        return Ok(());
    }
    no_page(body, content_type)?;
    verify(body, &descriptor.digest)?;
    Err(Trouble::Damaged(format!(
        "{} bytes, and {} are declared",
        body.len(),
        descriptor.size.0
    )))
}

/// Reads a config.
pub(super) fn config(body: &[u8]) -> Result<Config, Trouble> {
    Config::parse(body).map_err(|error| Trouble::Damaged(error.to_string()))
}

/// The entry of an index that a node takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// This one.
    Found(&'a IndexEntry),
    /// None; the platforms that there are, in words.
    Missing(String),
}

/// The entry that serves a node of `platform` best.
pub(super) fn entry_for<'a>(index: &'a Index, platform: &Platform) -> Entry<'a> {
    let ranked = index.images().filter_map(|entry| match &entry.platform {
        Some(found) => Some((found.rank_on(platform)?, entry)),
        // containerd takes it for any platform, where there is no better one.
        None => Some((usize::MAX, entry)),
    });
    if let Some((_, entry)) = ranked.min_by_key(|(rank, _)| *rank) {
        return Entry::Found(entry);
    }
    let platforms: Vec<String> = index
        .images()
        .filter_map(|entry| Some(entry.platform.as_ref()?.to_string()))
        .collect();
    Entry::Missing(match platforms.as_slice() {
        [] => "no image".to_owned(),
        _ => platforms.join(", "),
    })
}

fn verify(body: &[u8], digest: &Digest) -> Result<(), Trouble> {
    if digest.verifies(body) {
        return Ok(());
    }
    Err(Trouble::Damaged(format!(
        "{} bytes with the digest {}, not {}",
        body.len(),
        Digest::sha256_of(body).short(),
        digest.short()
    )))
}

/// Tells a document, however damaged, from what another server says in the registry's place.
fn no_page(body: &[u8], content_type: Option<&str>) -> Result<(), Trouble> {
    if body.is_empty() {
        return Err(Trouble::Damaged("an empty answer".to_owned()));
    }
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    if text.trim_ascii_start().starts_with(b"{") {
        return Ok(());
    }
    let kind = content_type.map(media_type::essence).unwrap_or_default();
    let words = match kind.as_str() {
        "" => format!("{} bytes of no type", body.len()),
        kind => format!("{} bytes of {kind}", body.len()),
    };
    // The type of a manifest or blob on what is none: the registry, or what it stores, is damaged.
    if kind.contains("manifest") || kind.contains("index") || kind == "application/octet-stream" {
        return Err(Trouble::Damaged(format!("{words}, and no JSON")));
    }
    Err(Trouble::Page(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
        {"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "platform":{"os":"unknown","architecture":"unknown"}},
        {"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
         "platform":{"os":"linux","architecture":"386"}},
        {"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
         "platform":{"os":"linux","architecture":"amd64"}}]}"#;

    #[test]
    fn the_entry_of_the_node_s_platform_is_taken_and_no_attestation() {
        let Ok(Manifest::Index(index)) = manifest(INDEX.as_bytes(), None, None, None) else {
            panic!("an index");
        };
        let digest = |platform: &str| match entry_for(&index, &platform.parse().expect("one")) {
            Entry::Found(entry) => entry.descriptor.digest.hex()[..1].to_owned(),
            Entry::Missing(has) => has,
        };
        assert_eq!(digest("linux/amd64"), "c");
        assert_eq!(digest("linux/386"), "b");
        assert_eq!(digest("linux/arm64"), "linux/386, linux/amd64");
    }

    #[test]
    fn what_no_node_takes_is_told_apart() {
        let read = |body: &str, kind: &str| manifest(body.as_bytes(), Some(kind), None, None);
        assert_eq!(
            read("<html>", "text/html; charset=utf-8"),
            Err(Trouble::Page("6 bytes of text/html".to_owned()))
        );
        assert_eq!(
            read("", "text/html"),
            Err(Trouble::Damaged("an empty answer".to_owned()))
        );
        let damaged = |read| matches!(read, Err(Trouble::Damaged(_)));
        assert!(damaged(read("<html>", media_type::OCI_MANIFEST)));
        assert!(damaged(read("{", media_type::OCI_MANIFEST)));
        assert!(damaged(read("{}", media_type::OCI_MANIFEST)));
        let schema1 = r#"{"schemaVersion":1,"fsLayers":[],"history":[]}"#;
        assert_eq!(read(schema1, media_type::SCHEMA1), Err(Trouble::Schema1));
    }

    #[test]
    fn the_digest_that_was_asked_for_is_held_against_the_body() {
        let own = Digest::sha256_of(INDEX.as_bytes());
        let other = Digest::sha256_of(b"other");
        let read = |asked, promised| manifest(INDEX.as_bytes(), None, asked, promised).is_ok();
        assert!(read(Some(&own), None));
        assert!(read(Some(&own), Some(other.as_str())));
        assert!(!read(Some(&other), Some(own.as_str())));
        assert!(!read(None, Some(other.as_str())));
        assert!(!read(None, Some("no digest")));
    }
}
