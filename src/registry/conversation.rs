//! One question to a registry, from its first request to its outcome.

use std::sync::atomic::Ordering;

use oci_client::secrets::RegistryAuth;
use reqwest::StatusCode;

use super::challenge::{Challenge, Challenged};
use super::classify::is_no_http;
use super::credentials::{Credential, CredentialKind};
use super::host::{Host, Wire};
use super::judge::{Asked, judge};
use super::request::Question;
use super::setback::{Setback, failure};
use super::token::{Applicant, identity};
use super::transport::{Patience, Reply};
use crate::facts::{FailureReason, RefusalReason};

/// How often one question is asked because a token was not taken: none, an old one, a new one.
const MAX_ROUNDS: usize = 3;

/// One question, from its first request to its outcome.
pub(super) struct Conversation<'a> {
    pub host: &'a Host,
    pub wire: &'a Wire,
    pub question: &'a Question<'a>,
    pub patience: Patience<'a>,
}

/// A challenge, and what the registry said along with it to somebody without credentials.
struct Demand {
    challenge: Challenge,
    unauthorized: Option<Setback>,
}

impl Conversation<'_> {
    /// Asks without credentials until the registry wants some, then with the ones at hand, and at last, where they are
    /// refused, as nobody: an expired login must not hide a public image.
    pub async fn hold(&self) -> Result<Reply, Setback> {
        let repository = self.question.repository();
        let known = self.host.demands().of(repository);
        if let Some(challenge) = known {
            return self.meet(challenge.into()).await;
        }
        let guess = self.host.demands().guess(repository);
        match guess {
            Some(guess) if self.can_meet(&guess).await => {
                let answer = self.meet(guess.into()).await;
                let is_confirmed = self.host.demands().of(repository).is_some();
                if is_confirmed || !answer.as_ref().err().is_some_and(is_denial) {
                    return answer;
                }
            }
            _ => {}
        }
        let reply = self.send(&RegistryAuth::Anonymous).await?;
        let challenged = challenged(&reply);
        let is_unauthorized = is_challenge(&reply);
        let refused = match judge(reply, self.asked(None, challenged.error.as_deref())) {
            Err(refused) if is_unauthorized => refused,
            answer => return answer,
        };
        let Some(challenge) = challenged.challenge else {
            return Err(if challenged.is_too_long {
                Setback::malformed(
                    "the registry wants a login, and says in too many words which one",
                )
            } else {
                explain(
                    refused,
                    "it does not say how to log in, so that no credentials were sent",
                )
            });
        };
        self.host.demands().remember(repository, &challenge);
        self.host.gate.close();
        self.meet(Demand {
            challenge,
            unauthorized: Some(refused),
        })
        .await
    }

    /// Whether a guess is worth a request: there is a token, or a password.
    async fn can_meet(&self, guess: &Challenge) -> bool {
        let keyring = &self.wire.keyring;
        let found = keyring
            .find(self.host.registry(), self.question.repository())
            .await;
        let credential = found.credential.as_ref().filter(|found| fits(found, guess));
        match guess {
            Challenge::Basic => credential.is_some(),
            Challenge::Bearer(_) => self
                .authorize(self.applicant(credential), guess)
                .await
                .is_ok(),
        }
    }

    /// Meets what the registry wants. A node does not ask as nobody where its pod has a login, and so a pod is not either.
    async fn meet(&self, demand: Demand) -> Result<Reply, Setback> {
        let Demand {
            challenge,
            unauthorized,
        } = demand;
        let keyring = &self.wire.keyring;
        let found = keyring
            .find(self.host.registry(), self.question.repository())
            .await;
        let explained = |answer: Result<Reply, Setback>| match &found.trouble {
            Some(trouble) => answer.map_err(|no| without_credentials(no, trouble)),
            None => answer,
        };
        let is_basic = challenge == Challenge::Basic;
        let fitting = found
            .credential
            .as_ref()
            .filter(|found| fits(found, &challenge));
        let refused = match fitting {
            None => None,
            Some(credential) => match self.ask_as(Some(credential), challenge.clone()).await {
                Err(denial) if is_denial(&denial) && !keyring.is_of_pod() => Some(denial),
                answer => return answer,
            },
        };
        // To ask for the same as nobody again would only repeat the first request.
        let as_nobody = match unauthorized {
            Some(refused) if is_basic => Err(refused),
            _ => self.ask_as(None, challenge).await,
        };
        match (as_nobody, refused) {
            (Err(_), Some(refused)) => Err(refused),
            (answer, _) => explained(answer),
        }
    }

    /// Asks with a credential or as nobody.
    async fn ask_as(
        &self,
        credential: Option<&Credential>,
        mut challenge: Challenge,
    ) -> Result<Reply, Setback> {
        let repository = self.question.repository();
        let applicant = self.applicant(credential);
        let mut rounds = 1;
        loop {
            let (authorization, may_be_stale) = self.authorize(applicant, &challenge).await?;
            let reply = self.send(&authorization).await?;
            if !is_challenge(&reply) {
                self.host.demands().prove(repository, &challenge);
                let reply = Reply {
                    identity: identity(credential),
                    ..reply
                };
                return judge(reply, self.asked(credential, None));
            }
            let challenged = challenged(&reply);
            let again = match (&challenge, &challenged.challenge) {
                _ if rounds == MAX_ROUNDS => None,
                (known, Some(other)) if known != other => Some(other.clone()),
                (Challenge::Bearer(bearer), _) if may_be_stale => {
                    self.wire.tokens.forget(bearer, applicant, &authorization);
                    Some(challenge.clone())
                }
                _ => None,
            };
            if let Some(own) = &challenged.challenge {
                self.host.demands().remember(repository, own);
            }
            let Some(next) = again else {
                return judge(reply, self.asked(credential, challenged.error.as_deref()));
            };
            challenge = next;
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
                let tokens = &self.wire.tokens;
                tokens
                    .get(&self.wire.transport, bearer, applicant, self.patience)
                    .await
            }
            (Challenge::Basic, Some(CredentialKind::Password { username, password })) => Ok((
                RegistryAuth::Basic(username.reveal().to_owned(), password.reveal().to_owned()),
                false,
            )),
            (Challenge::Basic, _) => Ok((RegistryAuth::Anonymous, false)),
        }
    }

    fn applicant<'c>(&'c self, credential: Option<&'c Credential>) -> Applicant<'c> {
        Applicant {
            credential,
            client: self.host.client(),
            only_tls: self.host.speaks_tls(),
        }
    }

    /// Sends the question, over TLS or not. On a port where that is only a guess, the first answer decides.
    async fn send(&self, authorization: &RegistryAuth) -> Result<Reply, Setback> {
        let tls = self.host.speaks_tls();
        let once = Patience {
            breaks: false,
            ..self.patience
        };
        if tls && self.host.may_be_plain() {
            let reply = self.send_over(true, authorization, once).await;
            if !matches!(reply, Err(Setback::Unreachable(_))) || is_certificate_trouble(&reply) {
                return reply;
            }
            let plain = self.send_over(false, authorization, once).await;
            if plain.is_err() {
                return reply;
            }
            self.host.tls.store(false, Ordering::Relaxed);
            return plain;
        }
        if tls || !self.host.is_ambiguous() {
            return self.send_over(tls, authorization, self.patience).await;
        }
        let reply = self.send_over(false, authorization, once).await;
        if !wants_tls(&reply) {
            return reply;
        }
        let encrypted = self.send_over(true, authorization, self.patience).await;
        let is_encrypted = !matches!(encrypted, Err(Setback::Unreachable(_)));
        if is_encrypted || is_certificate_trouble(&encrypted) {
            self.host.tls.store(true, Ordering::Relaxed);
            return encrypted;
        }
        self.send_over(false, authorization, self.patience).await
    }

    async fn send_over(
        &self,
        tls: bool,
        authorization: &RegistryAuth,
        patience: Patience<'_>,
    ) -> Result<Reply, Setback> {
        let mut request = self.question.request(&self.host.endpoint(tls))?;
        request.client = self.host.client().cloned();
        request.headers = self.host.headers().clone();
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

impl From<Challenge> for Demand {
    fn from(challenge: Challenge) -> Self {
        Self {
            challenge,
            unauthorized: None,
        }
    }
}

/// Whether the registry wants a login. What a host wants that a redirect led to is not met: its challenge could name a token
/// service of its own for the registry's password.
fn is_challenge(reply: &Reply) -> bool {
    reply.status == StatusCode::UNAUTHORIZED && !reply.is_elsewhere
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

/// Whether another identity might fare better.
fn is_denial(setback: &Setback) -> bool {
    matches!(setback, Setback::Refused(refusal)
        if matches!(refusal.reason, RefusalReason::Unauthorized | RefusalReason::Forbidden))
}

/// Adds to a refusal why the credentials that should have been sent were not.
fn explain(setback: Setback, trouble: &str) -> Setback {
    match setback {
        Setback::Refused(mut refusal) => {
            refusal.message = match refusal.message.as_str() {
                "" => trouble.to_owned(),
                message => format!("{message} ({trouble})"),
            };
            Setback::Refused(refusal)
        }
        setback => setback,
    }
}

/// What a refusal means where credentials are configured and could not be had: nothing. Registries hide from nobody what is
/// private, as forbidden or as missing.
fn without_credentials(setback: Setback, trouble: &str) -> Setback {
    match setback {
        Setback::Refused(refusal) if refusal.reason != RefusalReason::Unsupported => {
            failure(FailureReason::Credentials, trouble).into()
        }
        setback => setback,
    }
}

/// What servers say to plain HTTP on a TLS port: Go's `net/http` and nginx answer 400, others hang up or answer in TLS.
fn wants_tls(reply: &Result<Reply, Setback>) -> bool {
    match reply {
        Ok(reply) => speaks_tls_only(reply),
        Err(Setback::Undetermined(failure)) => {
            failure.reason == FailureReason::Connect || is_no_http(failure)
        }
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
