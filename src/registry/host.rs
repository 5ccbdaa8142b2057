//! One registry host: what it is known to want, and how a question to it goes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use oci_client::secrets::RegistryAuth;
use reqwest::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::challenge::{Bearer, Challenge, Challenged};
use super::credentials::{Credential, CredentialKind, Keyring};
use super::judge::{Asked, judge};
use super::request::{Endpoint, Question};
use super::setback::{Setback, failure};
use super::token::{Applicant, Tokens, identity};
use super::transport::{Patience, Reply, Transport};
use crate::facts::{Failure, FailureReason, RefusalReason};

/// How often one question is asked because a token was not taken: none, an old one, a new one.
const MAX_ROUNDS: usize = 3;
/// How long everybody waits for the first answer of a host.
const FIRST_CONTACT: Duration = Duration::from_secs(5);

/// What all hosts share.
#[derive(Debug)]
pub(super) struct Wire {
    pub transport: Transport,
    pub tokens: Tokens,
    pub keyring: Keyring,
    pub timeout: Duration,
    pub retries: u32,
}

/// A registry host.
#[derive(Debug)]
pub(super) struct Host {
    /// The registry as references name it: `docker.io`, not `registry-1.docker.io`.
    registry: String,
    /// `host` or `host:port` of the API.
    authority: String,
    /// Whether TLS is spoken.
    tls: AtomicBool,
    /// Whether plain HTTP is only a guess.
    ambiguous: bool,
    permits: Semaphore,
    /// Holds everybody but the first back until the first has an answer, so that one learns for all whether there is a
    /// connection and what the host wants. It is closed as a semaphore when it is open as a gate.
    gate: Semaphore,
    /// Whether there was ever an answer.
    answered: AtomicBool,
    /// Why no connection comes about. Nobody waits for the same failure twice.
    down: OnceLock<Failure>,
    challenges: Mutex<Challenges>,
}

#[derive(Debug, Default)]
struct Challenges {
    by_repository: HashMap<String, Challenge>,
    /// What the host wants of repositories that were not asked about yet. A scope is left out: it follows from the name.
    usual: Option<Challenge>,
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
            tls: AtomicBool::new(!listed && !guessed),
            ambiguous: guessed && port != Some("80"),
            permits: Semaphore::new(permits.max(1)),
            gate: Semaphore::new(1),
            answered: AtomicBool::new(false),
            down: OnceLock::new(),
            challenges: Mutex::default(),
        }
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
        if let Err(Setback::Unreachable(failure)) = &result
            && !self.answered.load(Ordering::Relaxed)
        {
            let _ = self.down.set(failure.clone());
        }
        self.gate.close();
        result
    }

    /// What is wanted for `repository`, as far as it is known before it is asked.
    fn challenge(&self, repository: &str) -> Option<Challenge> {
        let challenges = self.lock();
        let usual = || match challenges.usual.clone()? {
            Challenge::Bearer(bearer) => Some(Challenge::Bearer(Bearer {
                scope: Some(pull_scope(repository)),
                ..bearer
            })),
            Challenge::Basic => Some(Challenge::Basic),
        };
        challenges
            .by_repository
            .get(repository)
            .cloned()
            .or_else(usual)
    }

    fn remember(&self, repository: &str, challenge: &Challenge) {
        let mut challenges = self.lock();
        challenges.usual = match challenge {
            Challenge::Basic => Some(Challenge::Basic),
            Challenge::Bearer(bearer)
                if bearer.scope.as_deref() == Some(&pull_scope(repository)) =>
            {
                Some(Challenge::Bearer(Bearer {
                    scope: None,
                    ..bearer.clone()
                }))
            }
            Challenge::Bearer(_) => challenges.usual.take(),
        };
        challenges
            .by_repository
            .insert(repository.to_owned(), challenge.clone());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Challenges> {
        self.challenges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One question, from its first request to its outcome.
struct Conversation<'a> {
    host: &'a Host,
    wire: &'a Wire,
    question: &'a Question<'a>,
    patience: Patience,
}

impl Conversation<'_> {
    /// Asks without credentials until the registry wants some, then with the ones at hand, and at last, where they are
    /// refused, as nobody: an expired login must not hide a public image.
    async fn hold(&self) -> Result<Reply, Setback> {
        let repository = self.question.repository();
        let mut unauthorized = None;
        let challenge = if let Some(challenge) = self.host.challenge(repository) {
            challenge
        } else {
            let reply = self.send(&RegistryAuth::Anonymous).await?;
            let challenged = challenged(&reply);
            let is_unauthorized = reply.status == StatusCode::UNAUTHORIZED;
            let refused = match judge(reply, self.asked(None, challenged.error.as_deref())) {
                Err(refused) if is_unauthorized => refused,
                answer => return answer,
            };
            let Some(challenge) = challenged.challenge else {
                return Err(refused);
            };
            self.host.remember(repository, &challenge);
            self.host.gate.close();
            unauthorized = Some(refused);
            challenge
        };
        let found = self
            .wire
            .keyring
            .find(&self.host.registry, repository)
            .await;
        let Some(credential) = found
            .credential
            .as_ref()
            .filter(|found| fits(found, &challenge))
        else {
            let answer = match (unauthorized, &challenge) {
                (Some(refused), Challenge::Basic) => Err(refused),
                _ => self.ask_as(None, challenge).await,
            };
            return answer.map_err(|setback| explain(setback, found.trouble.as_deref()));
        };
        let refused = match self.ask_as(Some(credential), challenge.clone()).await {
            Err(Setback::Refused(refused))
                if matches!(
                    refused.reason,
                    RefusalReason::Unauthorized | RefusalReason::Forbidden
                ) =>
            {
                Setback::Refused(refused)
            }
            answer => return answer,
        };
        if unauthorized.is_some() && challenge == Challenge::Basic {
            return Err(refused);
        }
        self.ask_as(None, challenge).await.map_err(|_| refused)
    }

    /// Asks with a credential or as nobody.
    async fn ask_as(
        &self,
        credential: Option<&Credential>,
        mut challenge: Challenge,
    ) -> Result<Reply, Setback> {
        let applicant = Applicant {
            credential,
            only_tls: self.host.tls.load(Ordering::Relaxed),
        };
        let mut rounds = 1;
        loop {
            let (authorization, may_be_stale) = self.authorize(applicant, &challenge).await?;
            let reply = self.send(&authorization).await?;
            let challenged = challenged(&reply);
            let again = match (&challenge, challenged.challenge) {
                _ if reply.status != StatusCode::UNAUTHORIZED || rounds == MAX_ROUNDS => None,
                (known, Some(other)) if *known != other => Some(other),
                (Challenge::Bearer(bearer), _) if may_be_stale => {
                    self.wire.tokens.forget(bearer, applicant, &authorization);
                    Some(challenge.clone())
                }
                _ => None,
            };
            match again {
                Some(next) => challenge = next,
                None => return judge(reply, self.asked(credential, challenged.error.as_deref())),
            }
            self.host.remember(self.question.repository(), &challenge);
            rounds += 1;
        }
    }

    /// What to send so that `challenge` is met, and whether it may be out of date.
    async fn authorize(
        &self,
        applicant: Applicant<'_>,
        challenge: &Challenge,
    ) -> Result<(RegistryAuth, bool), Setback> {
        let kind = applicant.credential.map(|found| &found.kind);
        match (challenge, kind) {
            (Challenge::Bearer(bearer), _) => {
                let Wire {
                    tokens, transport, ..
                } = self.wire;
                tokens
                    .get(transport, bearer, applicant, self.patience)
                    .await
            }
            (Challenge::Basic, Some(CredentialKind::Password { username, password })) => Ok((
                RegistryAuth::Basic(username.reveal().to_owned(), password.reveal().to_owned()),
                false,
            )),
            (Challenge::Basic, _) => Ok((RegistryAuth::Anonymous, false)),
        }
    }

    async fn send(&self, authorization: &RegistryAuth) -> Result<Reply, Setback> {
        let tls = self.host.tls.load(Ordering::Relaxed);
        let is_first = !self.host.answered.load(Ordering::Relaxed);
        if tls || !is_first || !self.host.ambiguous {
            return self.send_over(tls, authorization, self.patience).await;
        }
        let plain = Patience {
            breaks: false,
            ..self.patience
        };
        let reply = self.send_over(false, authorization, plain).await;
        if !wants_tls(&reply) {
            return reply;
        }
        let encrypted = self.send_over(true, authorization, self.patience).await;
        if encrypted.is_ok() || is_certificate_trouble(&encrypted) {
            self.host.tls.store(true, Ordering::Relaxed);
            return encrypted;
        }
        self.send_over(false, authorization, self.patience).await
    }

    async fn send_over(
        &self,
        tls: bool,
        authorization: &RegistryAuth,
        patience: Patience,
    ) -> Result<Reply, Setback> {
        let endpoint = Endpoint {
            tls,
            authority: self.host.authority.clone(),
        };
        let request = self.question.request(&endpoint)?;
        let transport = &self.wire.transport;
        let reply = transport.send(&request, authorization, patience).await?;
        if !speaks_tls_only(&reply) {
            self.host.answered.store(true, Ordering::Relaxed);
        }
        Ok(reply)
    }

    fn asked<'e>(&self, credential: Option<&Credential>, error: Option<&'e str>) -> Asked<'e> {
        Asked {
            identity: identity(credential),
            token_service: false,
            error,
            missing: self.question.missing(),
        }
    }
}

fn pull_scope(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

fn challenged(reply: &Reply) -> Challenged {
    let headers = reply.headers.get_all("www-authenticate");
    Challenged::read(headers.iter().filter_map(|value| value.to_str().ok()))
}

/// Whether a credential can meet a challenge. Basic takes a password and nothing else.
const fn fits(credential: &Credential, challenge: &Challenge) -> bool {
    matches!(challenge, Challenge::Bearer(_))
        || matches!(credential.kind, CredentialKind::Password { .. })
}

/// Adds to a refusal why the credentials that should have been sent were not.
fn explain(setback: Setback, trouble: Option<&str>) -> Setback {
    match (setback, trouble) {
        (Setback::Refused(mut refusal), Some(trouble)) => {
            refusal.message = match refusal.message.as_str() {
                "" => trouble.to_owned(),
                message => format!("{message} ({trouble})"),
            };
            Setback::Refused(refusal)
        }
        (setback, _) => setback,
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

/// What servers say to plain HTTP on a TLS port: Go's `net/http` and nginx answer 400, others hang up.
fn wants_tls(reply: &Result<Reply, Setback>) -> bool {
    match reply {
        Ok(reply) => speaks_tls_only(reply),
        Err(Setback::Undetermined(failure)) => failure.reason == FailureReason::Connect,
        Err(_) => false,
    }
}

fn speaks_tls_only(reply: &Reply) -> bool {
    let body = String::from_utf8_lossy(&reply.body);
    reply.status == StatusCode::BAD_REQUEST
        && (body.contains("HTTP request to an HTTPS server")
            || body.contains("plain HTTP request was sent to HTTPS port"))
}

/// Whether TLS was spoken, and the certificate is the trouble.
fn is_certificate_trouble(reply: &Result<Reply, Setback>) -> bool {
    matches!(reply, Err(Setback::Unreachable(failure))
        if failure.reason == FailureReason::Tls && failure.detail.starts_with("no trusted"))
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

    #[test]
    fn what_a_host_wants_is_known_for_its_other_repositories() {
        let host = Host::new("a.io", "a.io", &[], 1);
        let bearer = |scope: Option<&str>| {
            Challenge::Bearer(Bearer {
                realm: "https://a.io/token".to_owned(),
                service: None,
                scope: scope.map(ToOwned::to_owned),
            })
        };
        assert_eq!(host.challenge("x"), None);
        host.remember("x", &bearer(Some("repository:x:pull")));
        assert_eq!(
            host.challenge("team/y"),
            Some(bearer(Some("repository:team/y:pull")))
        );
        host.remember("z", &bearer(Some("odd")));
        assert_eq!(host.challenge("z"), Some(bearer(Some("odd"))));
    }
}
