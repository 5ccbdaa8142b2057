//! Content from a registry host or a layout folder, verified.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use bytes::Bytes;

use super::host::Wire;
use super::layout::Layout;
use super::request::Question;
use super::schema1::signed_payload;
use super::setback::Setback;
use super::shelf::{Shelf, Stored};
use super::tag_list::TagList;
use super::transport::Reply;
use super::ways::Ways;
use super::wording::one_line;
use crate::facts::{FailureReason, Identity, RefusalReason};
use crate::oci::{self, Descriptor, Digest, MAX_MANIFEST_BYTES, Manifest, Reference};

/// The most bytes of a config. The largest in the wild, with thousands of history entries, have some hundred kilobytes.
const MAX_CONFIG_BYTES: usize = 8 * 1024 * 1024;

/// Where the content of a reference is.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// On the hosts that answer for a registry.
    Hosts(&'a Ways, &'a Wire, &'a Shelf<'a>),
    /// In a layout folder.
    Layout(&'a Layout),
}

/// A manifest that is what its digest says.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub body: Bytes,
    /// The `Content-Type` as sent, empty where there was none.
    pub content_type: String,
    pub digest: Digest,
    /// Who asked.
    pub identity: Identity,
}

impl Place<'_> {
    /// The manifest that `reference` names.
    pub async fn manifest(self, reference: &Reference) -> Result<Document, Setback> {
        match self {
            Self::Layout(layout) => layout.manifest(reference),
            Self::Hosts(ways, wire, kept) => {
                if let Some(document) = unchanged(ways, wire, kept, reference).await {
                    return Ok(document);
                }
                let question = Question::Manifest {
                    repository: reference.repository(),
                    tag_or_digest: reference.tag_or_digest(),
                };
                fetch(ways, wire, kept, &question, reference.digest()).await
            }
        }
    }

    /// The manifest that an index lists. `asks_all` is for whoever wants to know that it is still there, and not only what it
    /// says.
    pub async fn child(
        self,
        repository: &str,
        descriptor: &Descriptor,
        asks_all: bool,
    ) -> Result<Document, Setback> {
        let document = match self {
            Self::Layout(layout) => layout.child(descriptor)?,
            Self::Hosts(ways, wire, kept) => {
                let digest = &descriptor.digest;
                let head = Question::ManifestHead {
                    repository,
                    tag_or_digest: digest.as_str(),
                };
                let stored = kept.content(digest, MAX_MANIFEST_BYTES);
                if let Some(stored) = still_there(stored, ways, wire, &head, asks_all).await {
                    Document {
                        body: kept.take(digest, stored),
                        content_type: descriptor.media_type.clone(),
                        digest: digest.clone(),
                        identity: Identity::Anonymous,
                    }
                } else {
                    let question = Question::Manifest {
                        repository,
                        tag_or_digest: digest.as_str(),
                    };
                    fetch(ways, wire, kept, &question, Some(digest)).await?
                }
            }
        };
        check_size(&document.body, descriptor)?;
        Ok(document)
    }

    /// The config that a manifest points to.
    pub async fn config(self, repository: &str, descriptor: &Descriptor) -> Result<Bytes, Setback> {
        let digest = &descriptor.digest;
        let body = match self {
            Self::Layout(layout) => layout.blob(digest, MAX_CONFIG_BYTES)?,
            Self::Hosts(ways, wire, kept) => {
                let head = Question::BlobHead { repository, digest };
                let stored = kept.content(digest, MAX_CONFIG_BYTES);
                if let Some(stored) = still_there(stored, ways, wire, &head, false).await {
                    // It was verified when it was read.
                    let body = kept.take(digest, stored);
                    check_size(&body, descriptor)?;
                    return Ok(body);
                }
                let question = Question::Blob {
                    repository,
                    digest,
                    limit: MAX_CONFIG_BYTES,
                };
                ways.ask(wire, &question).await?.body
            }
        };
        if !digest.verifies(&body) {
            return Err(another_digest(&body, digest));
        }
        check_size(&body, descriptor)?;
        if let Self::Hosts(_, _, kept) = self {
            kept.keep(digest, &body);
        }
        Ok(body)
    }

    /// The size of a blob, without its content; none where the registry does not tell it.
    ///
    /// Nodes never send `HEAD` for a blob, and some registries and mirrors answer it wrongly or not at all. So what it says is
    /// believed where it is good news; else the beginning of the answer to a node's own question decides.
    pub async fn blob_size(
        self,
        repository: &str,
        descriptor: &Descriptor,
    ) -> Result<Option<oci::Bytes>, Setback> {
        let digest = &descriptor.digest;
        match self {
            Self::Layout(layout) => layout.blob_size(digest).map(Some),
            Self::Hosts(ways, wire, _) => {
                let head = Question::BlobHead { repository, digest };
                match ways.ask(wire, &head).await {
                    Ok(reply) if length(&reply).is_none_or(|size| size == descriptor.size) => {
                        return Ok(length(&reply));
                    }
                    Err(setback) if !may_be_of_head(&setback) => return Err(setback),
                    _ => {}
                }
                let question = Question::Layer {
                    repository,
                    digest,
                    from: 0,
                };
                ways.ask(wire, &question).await.map(|reply| length(&reply))
            }
        }
    }

    /// The digest that a tag has now; none where it is not told.
    pub async fn tag_digest(self, reference: &Reference, tag: &str) -> Option<Digest> {
        match self {
            Self::Layout(layout) => {
                let document = layout.manifest(&reference.with_tag(tag)).ok()?;
                Some(document.digest)
            }
            Self::Hosts(ways, wire, _) => {
                let question = Question::ManifestHead {
                    repository: reference.repository(),
                    tag_or_digest: tag,
                };
                let reply = ways.ask(wire, &question).await.ok()?;
                reply.header("docker-content-digest")?.parse().ok()
            }
        }
    }

    /// The tags of the repository.
    pub async fn tags(self, reference: &Reference) -> TagList {
        match self {
            Self::Layout(layout) => TagList {
                names: layout.tags(reference),
                is_whole: true,
            },
            Self::Hosts(ways, wire, _) => TagList::ask(ways, wire, reference.repository()).await,
        }
    }
}

/// The manifest of an earlier run, if the registry says that the reference still has its digest. Anything else but a plain
/// yes decides nothing: some registries answer `HEAD` wrongly, and then the manifest itself is asked for.
async fn unchanged(
    ways: &Ways,
    wire: &Wire,
    kept: &Shelf<'_>,
    reference: &Reference,
) -> Option<Document> {
    let last = kept.last_digest()?;
    let stored = kept.content(last, MAX_MANIFEST_BYTES)?;
    let question = Question::ManifestHead {
        repository: reference.repository(),
        tag_or_digest: reference.tag_or_digest(),
    };
    let (host, reply) = ways.ask_any(wire, &question).await.ok()?;
    let digest = match reference.digest() {
        Some(digest) => digest.as_str(),
        None => reply.header("docker-content-digest")?,
    };
    (digest == last.as_str()).then(|| {
        ways.settle(host);
        Document {
            body: kept.take(last, stored),
            content_type: content_type(&reply),
            digest: last.clone(),
            identity: reply.identity,
        }
    })
}

/// Content of an earlier run that the repository surely has: it was read there before, or a question without a body says so.
/// Anything else but a plain yes decides nothing.
async fn still_there(
    stored: Option<Stored>,
    ways: &Ways,
    wire: &Wire,
    head: &Question<'_>,
    asks_all: bool,
) -> Option<Stored> {
    let stored = stored?;
    let is_there = stored.was_here && !asks_all || ways.ask(wire, head).await.is_ok();
    is_there.then_some(stored)
}

/// How long the body is, as the header says.
fn length(reply: &Reply) -> Option<oci::Bytes> {
    let length = reply.header("content-length")?;
    length.parse().ok().map(oci::Bytes)
}

/// Whether a question might only have failed because it was a `HEAD`.
fn may_be_of_head(setback: &Setback) -> bool {
    match setback {
        Setback::Refused(refusal) => matches!(
            refusal.reason,
            RefusalReason::NotFound(_) | RefusalReason::Unsupported
        ),
        Setback::Undetermined(failure) => matches!(
            failure.reason,
            FailureReason::ServerError | FailureReason::Malformed
        ),
        Setback::Unreachable(_) => false,
    }
}

/// Asks for a manifest.
async fn fetch(
    ways: &Ways,
    wire: &Wire,
    kept: &Shelf<'_>,
    question: &Question<'_>,
    asked: Option<&Digest>,
) -> Result<Document, Setback> {
    let (host, reply) = ways.ask_any(wire, question).await?;
    if !is_document(&reply.body) {
        return Err(Setback::malformed(&format!(
            "{} answered with {} in place of a manifest",
            reply.host,
            what_came(&reply)
        )));
    }
    let digest = verify(&reply.body, asked, reply.header("docker-content-digest"))?;
    kept.keep(&digest, &reply.body);
    ways.settle(host);
    Ok(Document {
        content_type: content_type(&reply),
        body: reply.body,
        digest,
        identity: reply.identity,
    })
}

fn content_type(reply: &Reply) -> String {
    one_line(reply.header("content-type").unwrap_or_default())
}

/// The digest of a manifest: the one that was asked for, else the promised one (`Docker-Content-Digest`), else the one it
/// has. For signed schema 1 it covers the payload.
pub(super) fn verify(
    body: &[u8],
    asked: Option<&Digest>,
    promised: Option<&str>,
) -> Result<Digest, Setback> {
    let expected = match (asked, promised) {
        (Some(asked), _) => Some(asked.clone()),
        (None, Some(promised)) => Some(promised.parse::<Digest>().map_err(|error| {
            Setback::malformed(&format!(
                "{promised:?} in the header Docker-Content-Digest is no digest: {error}"
            ))
        })?),
        (None, None) => None,
    };
    match expected {
        Some(expected) if expected.verifies(body) => Ok(expected),
        // A registry signs schema 1 anew for each answer, and documents that were stored with a signature come back with
        // two. The digest can't be held against that, and no node that takes schema 1 does.
        Some(expected) if is_schema1(body) => Ok(expected),
        Some(expected) => Err(another_digest(body, &expected)),
        None => Ok(signed_payload(body).map_or_else(
            || Digest::sha256_of(body),
            |payload| Digest::sha256_of(&payload),
        )),
    }
}

/// Whether a body can be a manifest at all, however damaged, and is no page of a server between here and the registry.
fn is_document(body: &[u8]) -> bool {
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    text.trim_ascii_start().starts_with(b"{")
}

fn what_came(reply: &Reply) -> String {
    match content_type(reply).as_str() {
        _ if reply.body.is_empty() => "nothing".to_owned(),
        "" => format!("{} bytes of no type", reply.body.len()),
        content_type => format!("{} bytes of {content_type}", reply.body.len()),
    }
}

fn is_schema1(body: &[u8]) -> bool {
    matches!(Manifest::parse(body, None), Ok(Manifest::Schema1(_)))
}

fn another_digest(body: &[u8], expected: &Digest) -> Setback {
    Setback::damaged(&format!(
        "the content has the digest {} and should have {expected}",
        Digest::sha256_of(body)
    ))
}

fn check_size(body: &[u8], descriptor: &Descriptor) -> Result<(), Setback> {
    if body.len() as u64 == descriptor.size.0 {
        return Ok(());
    }
    Err(Setback::damaged(&format!(
        "{} has {} bytes and is declared with {}",
        descriptor.digest,
        body.len(),
        descriptor.size.0
    )))
}

/// The content of a file of at most `limit` bytes.
pub(super) fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?
        .take(limit + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_that_was_asked_for_is_held_against_the_body() {
        let digest = Digest::sha256_of(b"{}");
        let other = Digest::sha256_of(b"{ }");
        assert_eq!(verify(b"{}", None, None).expect("none asked"), digest);
        assert_eq!(
            verify(b"{}", Some(&digest), Some(other.as_str())).expect("the asked one"),
            digest
        );
        assert!(verify(b"{}", Some(&other), None).is_err());
        assert!(verify(b"{}", None, Some(other.as_str())).is_err());
        assert!(verify(b"{}", None, Some("hello")).is_err());
    }
}
