//! One registry host: what it is known to want, and how a question to it goes.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::Client;
use reqwest::header::HeaderMap;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::cache::Cache;
use super::conversation::Conversation;
use super::credentials::Keyring;
use super::demands::Demands;
use super::pace::Pace;
use super::request::{Endpoint, Question};
use super::setback::{Setback, failure};
use super::token::Tokens;
use super::transport::{Patience, Reply, Transport};
use super::way::Way;
use crate::facts::{Failure, FailureReason};

/// How long everybody waits for the first answer of a host.
const FIRST_CONTACT: Duration = Duration::from_secs(5);

/// What all hosts share.
#[derive(Debug)]
pub(super) struct Wire {
    pub transport: Arc<Transport>,
    pub tokens: Tokens,
    pub keyring: Keyring,
    pub cache: Option<Arc<Cache>>,
    pub timeout: Duration,
    pub retries: u32,
}

impl Wire {
    /// The same, with another keyring and the tokens that it gets.
    pub fn with_keyring(&self, keyring: Keyring) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            tokens: Tokens::default(),
            keyring,
            cache: self.cache.clone(),
            timeout: self.timeout,
            retries: self.retries,
        }
    }
}

/// A registry host.
#[derive(Debug)]
pub(super) struct Host {
    /// The registry as references name it: `docker.io`, not `registry-1.docker.io`.
    registry: String,
    /// `host` or `host:port` of the API.
    authority: String,
    /// How it is asked, where the settings say.
    way: Way,
    /// Whether it answers in place of the registry itself.
    is_mirror: bool,
    /// The registry that it answers for, where it is a mirror that is told so.
    namespace: Option<String>,
    /// Whether TLS is spoken.
    pub tls: AtomicBool,
    /// Whether plain HTTP is only a guess.
    ambiguous: bool,
    permits: Semaphore,
    /// How many permits there are.
    at_once: u32,
    pace: Pace,
    /// Holds everybody but the first back until the first has an answer, so that one learns for all whether there is a
    /// connection and what the host wants. It is closed as a semaphore when it is open as a gate.
    pub gate: Semaphore,
    /// Whether there was ever an answer.
    pub answered: AtomicBool,
    /// Why no connection comes about. Nobody waits for the same failure twice.
    down: OnceLock<Failure>,
    demands: Mutex<Demands>,
}

impl Host {
    /// A host that gets at most `permits` requests at a time.
    ///
    /// Plain HTTP is spoken with the hosts that are listed, and with loopback addresses. containerd tries TLS first on a
    /// loopback port other than 80 and 443 and falls back to plain HTTP (`core/remotes/docker/config/hosts.go`,
    /// `ConfigureHosts`); here plain HTTP comes first, without credentials, and TLS follows where the port wants it. The
    /// outcome is the same, but a certificate is verified, and a plain server is not kept waiting for a greeting that it
    /// does not know.
    pub fn new(registry: &str, authority: &str, plain_http: &[String], permits: usize) -> Self {
        let listed = plain_http.iter().any(|host| host == authority);
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let guessed = !listed && is_loopback(authority) && !matches!(port, None | Some("443"));
        Self {
            registry: registry.to_owned(),
            authority: authority.to_owned(),
            way: Way::own(),
            is_mirror: false,
            namespace: None,
            tls: AtomicBool::new(!listed && !guessed),
            ambiguous: guessed && port != Some("80"),
            permits: Semaphore::new(permits.max(1)),
            at_once: u32::try_from(permits.max(1)).unwrap_or(u32::MAX),
            pace: Pace::default(),
            gate: Semaphore::new(1),
            answered: AtomicBool::new(false),
            down: OnceLock::new(),
            demands: Mutex::default(),
        }
    }

    /// The host that answers for `registry`, whose API is at `authority`, on one way. It is the registry itself, or a
    /// mirror, which has credentials of its own and is told in `ns` whose content is wanted.
    pub fn on(
        way: Way,
        registry: &str,
        authority: &str,
        plain_http: &[String],
        permits: usize,
    ) -> Self {
        let Some(address) = way.address.clone() else {
            return Self {
                way,
                ..Self::new(registry, authority, plain_http, permits)
            };
        };
        let itself = address.authority == authority;
        let name = if itself { registry } else { &address.authority };
        Self {
            is_mirror: !itself,
            namespace: (!itself && way.tells_namespace).then(|| registry.to_owned()),
            way,
            tls: AtomicBool::new(address.tls),
            ambiguous: false,
            ..Self::new(name, &address.authority, &[], permits)
        }
    }

    /// Whether the host may be asked this.
    pub fn serves(&self, question: &Question<'_>) -> bool {
        self.way.pulls && (self.way.resolves || !question.resolves())
    }

    /// Where its API begins.
    pub fn endpoint(&self, tls: bool) -> Endpoint {
        let address = self.way.address.as_ref();
        Endpoint {
            tls,
            authority: self.authority.clone(),
            path: address.map_or_else(|| "/v2".to_owned(), |address| address.path.clone()),
            namespace: self.namespace.clone(),
        }
    }

    /// The client with the host's own trust.
    pub const fn client(&self) -> Option<&Client> {
        self.way.client.as_ref()
    }

    /// What the host is sent with each request.
    pub const fn headers(&self) -> &HeaderMap {
        &self.way.headers
    }

    /// The good reply to a question.
    pub async fn ask(&self, wire: &Wire, question: &Question<'_>) -> Result<Reply, Setback> {
        let _permit = self.permits.acquire().await;
        let _first = timeout(FIRST_CONTACT, self.gate.acquire()).await;
        if let Some(down) = self.down.get() {
            return Err(Setback::Unreachable(down.clone()));
        }
        let patience = Patience {
            deadline: Instant::now() + wire.timeout,
            retries: wire.retries,
            breaks: true,
            pace: &self.pace,
            longest_gap: wire.timeout / 2 / self.at_once,
        };
        let conversation = Conversation {
            host: self,
            wire,
            question,
            patience,
        };
        let result = timeout_at(patience.deadline, Box::pin(conversation.hold()))
            .await
            .unwrap_or_else(|_| {
                let seconds = wire.timeout.as_secs_f32();
                let words = format!("no whole answer from {} within {seconds} s", self.authority);
                Err(failure(FailureReason::Timeout, &words).into())
            });
        let result = result.map_err(|setback| self.explain(setback));
        if let Err(Setback::Unreachable(failure)) = &result
            && !self.answered.load(Ordering::Relaxed)
        {
            let _ = self.down.set(failure.clone());
        }
        self.gate.close();
        result
    }

    /// Adds to a TLS failure that a node would not have noticed it.
    fn explain(&self, setback: Setback) -> Setback {
        match (setback, &self.way.unverified_by) {
            (Setback::Unreachable(mut failure), Some(by))
                if failure.reason == FailureReason::Tls =>
            {
                failure.detail = format!(
                    "{}; {} has {}, which nodes heed and this program does not: name its authority with --ca-file",
                    failure.detail,
                    by.file.display(),
                    by.key
                );
                Setback::Unreachable(failure)
            }
            (setback, _) => setback,
        }
    }

    /// `host` or `host:port` of a mirror; none of the registry itself.
    pub fn mirror(&self) -> Option<&str> {
        self.is_mirror.then_some(self.authority.as_str())
    }

    /// The registry as references name it.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Whether TLS is spoken, as far as is known.
    pub fn speaks_tls(&self) -> bool {
        self.tls.load(Ordering::Relaxed)
    }

    /// Whether that is only a guess.
    pub fn is_ambiguous(&self) -> bool {
        self.ambiguous && !self.answered.load(Ordering::Relaxed)
    }

    /// Whether plain HTTP is worth a try where TLS is not spoken.
    pub fn may_be_plain(&self) -> bool {
        self.way.may_be_plain() && !self.answered.load(Ordering::Relaxed)
    }

    /// What is known of what the host wants.
    pub fn demands(&self) -> MutexGuard<'_, Demands> {
        self.demands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `localhost`, `127.0.0.0/8` and `::1` (containerd `core/remotes/docker/registry.go`, `IsLocalhost`).
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(authority: &str, plain: &[&str]) -> &'static str {
        let plain: Vec<String> = plain.iter().map(|&host| host.to_owned()).collect();
        let host = Host::new(authority, authority, &plain, 1);
        match (host.tls.into_inner(), host.ambiguous) {
            (true, _) => "https",
            (false, true) => "http or https",
            (false, false) => "http",
        }
    }

    #[test]
    fn plain_http_is_spoken_only_where_told_and_on_loopback() {
        for (authority, plain, expected) in [
            ("registry.example.com", &[][..], "https"),
            ("registry.example.com:5000", &[], "https"),
            (
                "registry.example.com:5000",
                &["registry.example.com"],
                "https",
            ),
            (
                "registry.example.com:5000",
                &["registry.example.com:5000"],
                "http",
            ),
            ("localhost", &[], "https"),
            ("localhost:443", &[], "https"),
            ("localhost:80", &[], "http"),
            ("127.0.0.2:5000", &[], "http or https"),
            ("[::1]:5000", &[], "http or https"),
            ("127.0.0.1.example.com:5000", &[], "https"),
        ] {
            assert_eq!(scheme(authority, plain), expected, "{authority} {plain:?}");
        }
    }
}
