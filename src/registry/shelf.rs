//! What the cache has for one lookup, and what the lookup leaves there.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::bundle::Bundle;
use super::cache::Cache;
use super::statistics::Counters;
use crate::oci::{Digest, Reference};

/// Content of an earlier run.
#[derive(Debug)]
pub(super) struct Stored {
    /// Verified.
    pub body: Bytes,
    /// Whether it was read for this very reference, so that its repository had it. Other content may be there or not, for
    /// what one repository has says nothing about another.
    pub was_here: bool,
}

/// The part of the cache that one reference needs.
#[derive(Debug)]
pub(super) struct Shelf<'a> {
    cache: Option<&'a Cache>,
    counters: &'a Counters,
    reference: &'a Reference,
    /// What an earlier run read for the reference.
    known: Bundle,
    used: Mutex<Used>,
}

/// What this lookup read.
#[derive(Debug, Default)]
struct Used {
    documents: Vec<(Digest, Bytes)>,
    /// Whether some of it is not in the bundle.
    is_new: bool,
}

impl<'a> Shelf<'a> {
    /// What there is for a reference.
    pub fn open(
        cache: Option<&'a Cache>,
        counters: &'a Counters,
        reference: &'a Reference,
    ) -> Self {
        let known = cache.and_then(|cache| cache.bundle(reference));
        Self {
            cache,
            counters,
            reference,
            known: known.unwrap_or_default(),
            used: Mutex::default(),
        }
    }

    /// The digest that the reference had in an earlier run.
    pub fn last_digest(&self) -> Option<&Digest> {
        self.known.manifest()
    }

    /// The content with this digest, verified.
    pub fn content(&self, digest: &Digest, limit: usize) -> Option<Stored> {
        let bundled = self.known.content(digest);
        let was_here = bundled.is_some();
        let body = bundled.or_else(|| self.cache?.content(digest, limit))?;
        Some(Stored { body, was_here })
    }

    /// Notes that content of an earlier run is used, and is still there.
    pub fn take(&self, digest: &Digest, stored: Stored) -> Bytes {
        self.counters.cache_hit();
        self.note(digest, &stored.body, !stored.was_here);
        stored.body
    }

    /// Keeps content for later runs.
    pub fn keep(&self, digest: &Digest, content: &Bytes) {
        if self.cache.is_some_and(|cache| cache.keep(digest, content)) {
            self.note(digest, content, true);
        }
    }

    fn note(&self, digest: &Digest, content: &Bytes, is_new: bool) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.is_new |= is_new;
        used.documents.push((digest.clone(), content.clone()));
    }

    /// Leaves what was read as the bundle of the reference, whose manifest has `digest`.
    pub fn close(self, digest: &Digest) {
        let used = self
            .used
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut documents = used.documents;
        documents.sort_by_key(|(own, _)| own != digest);
        let has_manifest = documents.first().is_some_and(|(own, _)| own == digest);
        if let (Some(cache), true, true) = (self.cache, used.is_new, has_manifest) {
            cache.bind(self.reference, &documents);
        }
    }
}
