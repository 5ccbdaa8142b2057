//! What a run cost.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a run cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// HTTP requests sent, with redirects, tokens and repeated tries.
    pub requests: u64,
    /// Bytes of response bodies received.
    pub bytes_downloaded: u64,
    /// Answers that needed no request, because the same content was asked for before.
    pub cache_hits: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    bytes_downloaded: AtomicU64,
    cache_hits: AtomicU64,
}

impl Counters {
    pub fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub fn downloaded(&self, bytes: usize) {
        self.bytes_downloaded
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn cache_hit(&self) {
        self.cache_hits.fetch_add(1, Ordering::Relaxed);
    }

    pub fn snapshot(&self) -> Statistics {
        Statistics {
            requests: self.requests.load(Ordering::Relaxed),
            bytes_downloaded: self.bytes_downloaded.load(Ordering::Relaxed),
            cache_hits: self.cache_hits.load(Ordering::Relaxed),
        }
    }
}
