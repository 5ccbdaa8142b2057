//! One registry host: what it is known to want, and how a question to it goes.

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
use super::registry_host::RegistryHost;
use super::request::{Endpoint, Question};
use super::setback::{Setback, failure};
use super::token::Tokens;
use super::transport::{Patience, Reply, Transport};
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
    /// Which host it is, and how it is asked.
    is: RegistryHost,
    /// Whether TLS is spoken.
    pub tls: AtomicBool,
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
    pub fn new(is: RegistryHost, permits: usize) -> Self {
        Self {
            tls: AtomicBool::new(is.tls),
            is,
            permits: Semaphore::new(permits.max(1)),
            at_once: u32::try_from(permits.max(1)).unwrap_or(u32::MAX),
            pace: Pace::default(),
            gate: Semaphore::new(1),
            answered: AtomicBool::new(false),
            down: OnceLock::new(),
            demands: Mutex::default(),
        }
    }

    /// Whether the host may be asked this.
    pub fn serves(&self, question: &Question<'_>) -> bool {
        self.is.pulls() && (self.is.resolves() || !question.resolves())
    }

    /// Whether a node that has got the manifest here asks no other host for the rest.
    pub const fn serves_alone(&self) -> bool {
        self.is.serves_alone()
    }

    /// Where its API begins.
    pub fn endpoint(&self, tls: bool) -> Endpoint {
        self.is.endpoint(tls)
    }

    /// The client with the host's own trust.
    pub const fn client(&self) -> Option<&Client> {
        self.is.way.client.as_ref()
    }

    /// What the host is sent with each request.
    pub const fn headers(&self) -> &HeaderMap {
        self.is.headers()
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
                let words = format!(
                    "no whole answer from {} within {seconds} s",
                    self.is.authority()
                );
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
        match (setback, self.is.file(), self.is.unverified_by()) {
            (Setback::Unreachable(mut failure), Some(file), Some(key))
                if failure.reason == FailureReason::Tls =>
            {
                failure.detail = format!(
                    "{}; {} has {key}, which nodes heed and this program does not: name its authority with --ca-file",
                    failure.detail,
                    file.display()
                );
                Setback::Unreachable(failure)
            }
            (setback, ..) => setback,
        }
    }

    /// `host` or `host:port` of a mirror; none of the registry itself.
    pub fn mirror(&self) -> Option<&str> {
        self.is.is_mirror().then(|| self.is.authority())
    }

    /// The registry as references name it.
    pub fn registry(&self) -> &str {
        self.is.registry()
    }

    /// Whether TLS is spoken, as far as is known.
    pub fn speaks_tls(&self) -> bool {
        self.tls.load(Ordering::Relaxed)
    }

    /// Whether that is only a guess.
    pub fn is_ambiguous(&self) -> bool {
        self.is.is_ambiguous && !self.answered.load(Ordering::Relaxed)
    }

    /// Whether plain HTTP is worth a try where TLS is not spoken.
    pub fn may_be_plain(&self) -> bool {
        self.is.is_insecure() && !self.answered.load(Ordering::Relaxed)
    }

    /// What is known of what the host wants.
    pub fn demands(&self) -> MutexGuard<'_, Demands> {
        self.demands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
