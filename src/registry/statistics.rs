//! What a run cost.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;

/// How many hosts' limits are kept. A redirect may lead to any number of hosts.
const MAX_LIMITS: usize = 100;

/// What a run cost so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// HTTP requests sent, with redirects, tokens and repeated tries.
    pub requests: u64,
    /// Bytes of response bodies received.
    pub bytes_downloaded: u64,
    /// Answers that needed no request, because the same content was asked for before.
    pub cache_hits: u64,
    /// What hosts last said about their limits, by host.
    pub rate_limits: BTreeMap<String, RateLimit>,
}

/// What a host says about its limit, such as Docker Hub with each manifest:
/// <https://docs.docker.com/docker-hub/usage/pulls/#view-pull-rate-and-limit>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many pulls are left.
    pub remaining: u64,
    /// How many there are in the window; none where it is not said.
    pub limit: Option<u64>,
    /// The window.
    pub window: Option<Duration>,
}

impl RateLimit {
    /// Reads `ratelimit-remaining` and `ratelimit-limit`, of the form `100;w=21600`.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let field = |name: &str| {
            let text = headers.get(name)?.to_str().ok()?;
            let (number, rest) = text.split_once(';').unwrap_or((text, ""));
            let window = rest.split(';').find_map(|part| {
                let seconds = part.trim().strip_prefix("w=")?.parse().ok()?;
                Some(Duration::from_secs(seconds))
            });
            Some((number.trim().parse().ok()?, window))
        };
        let (remaining, window) = field("ratelimit-remaining")?;
        let limit = field("ratelimit-limit");
        Some(Self {
            remaining,
            limit: limit.map(|(number, _)| number),
            window: window.or(limit.and_then(|(_, window)| window)),
        })
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.remaining)?;
        if let Some(limit) = self.limit {
            write!(f, " of {limit}")?;
        }
        f.write_str(" pulls left")?;
        match self.window.map(|window| window.as_secs()) {
            Some(seconds) if seconds % 3600 == 0 => write!(f, " per {} h", seconds / 3600),
            Some(seconds) => write!(f, " per {seconds} s"),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    bytes_downloaded: AtomicU64,
    cache_hits: AtomicU64,
    rate_limits: Mutex<BTreeMap<String, RateLimit>>,
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

    /// Notes what a host says about its limit. Answers overtake each other, and the smallest number is the latest.
    pub fn rate_limit(&self, host: &str, headers: &HeaderMap) {
        let Some(read) = RateLimit::read(headers) else {
            return;
        };
        let mut limits = self
            .rate_limits
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if limits.len() < MAX_LIMITS || limits.contains_key(host) {
            let known = limits.entry(host.to_owned()).or_insert(read);
            if read.remaining < known.remaining {
                *known = read;
            }
        }
    }

    pub fn snapshot(&self) -> Statistics {
        let rate_limits = self
            .rate_limits
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Statistics {
            requests: self.requests.load(Ordering::Relaxed),
            bytes_downloaded: self.bytes_downloaded.load(Ordering::Relaxed),
            cache_hits: self.cache_hits.load(Ordering::Relaxed),
            rate_limits: rate_limits.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(limit: &str, remaining: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("ratelimit-limit", limit),
            ("ratelimit-remaining", remaining),
        ] {
            if !value.is_empty() {
                headers.insert(name, value.parse().expect("a header"));
            }
        }
        RateLimit::read(&headers).map(|limit| limit.to_string())
    }

    #[test]
    fn the_limit_of_docker_hub_is_read() {
        for (limit, remaining, shown) in [
            (
                "100;w=21600",
                "76;w=21600",
                Some("76 of 100 pulls left per 6 h"),
            ),
            ("", "0;w=90", Some("0 pulls left per 90 s")),
            ("10", "3", Some("3 of 10 pulls left")),
            ("100;w=21600", "", None),
            ("100;w=21600", "many", None),
        ] {
            assert_eq!(
                read(limit, remaining).as_deref(),
                shown,
                "{limit} {remaining}"
            );
        }
    }

    #[test]
    fn of_answers_that_overtook_each_other_the_smallest_is_the_latest() {
        let counters = Counters::default();
        for remaining in ["7", "5", "6"] {
            let mut headers = HeaderMap::new();
            headers.insert("ratelimit-remaining", remaining.parse().expect("a header"));
            counters.rate_limit("a.example", &headers);
        }
        assert_eq!(counters.snapshot().rate_limits["a.example"].remaining, 5);
    }
}
