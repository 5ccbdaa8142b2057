//! Tokens of token services.

use std::time::Duration;

use oci_client::secrets::RegistryAuth;
use reqwest::Client;
use serde::Deserialize;
use tokio::time::Instant;

use super::challenge::Bearer;
use super::credentials::{Credential, CredentialKind, Secret};
use super::judge::{Asked, judge};
use super::request::{TokenRequest, secret_header};
use super::setback::Setback;
use super::single_flight::SingleFlight;
use super::transport::{Patience, Reply, Transport, authority};
use crate::facts::{Identity, Missing};

/// How long a token is good that does not say (the token specification, `expires_in`).
const DEFAULT_LIFE: Duration = Duration::from_mins(1);
/// The longest that a token is kept, whatever it says.
const LONGEST_LIFE: Duration = Duration::from_hours(1);
/// How long before its end a token is no longer used; of a short-lived one, the last quarter of its life.
const MARGIN: Duration = Duration::from_secs(5);

/// Tokens by what they are good for. Many questions that need one token share one request.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    flights: SingleFlight<Key, Result<Token, Setback>>,
}

/// What a token is good for, and whose it is.
type Key = (Bearer, Identity);

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) value: Secret,
    pub(super) expires: Instant,
}

#[derive(Deserialize)]
struct Issued {
    #[serde(default)]
    token: Option<Secret>,
    #[serde(default)]
    access_token: Option<Secret>,
    #[serde(default)]
    expires_in: Option<f64>,
}

/// How a token is asked for.
#[derive(Clone, Copy)]
pub(super) struct Applicant<'a> {
    pub credential: Option<&'a Credential>,
    /// The client with the registry's own trust, where it has one.
    pub client: Option<&'a Client>,
    /// Whether the registry was asked over TLS, so that its token service must be too.
    pub only_tls: bool,
}

impl Tokens {
    /// The header for a token that meets `bearer`, and whether it is older than this question.
    pub async fn get(
        &self,
        transport: &Transport,
        bearer: &Bearer,
        applicant: Applicant<'_>,
        patience: Patience<'_>,
    ) -> Result<(RegistryAuth, bool), Setback> {
        let key = key(bearer, applicant);
        let now = Instant::now();
        self.flights.forget_if(
            &key,
            |result| matches!(result, Ok(token) if token.expires <= now),
        );
        let work = fetch(transport, bearer, applicant, patience);
        let (result, shared) = self.flights.get_or(key, work).await;
        result.map(|token| {
            (
                RegistryAuth::Bearer(token.value.reveal().to_owned()),
                shared,
            )
        })
    }

    /// Forgets a token that the registry no longer takes.
    pub fn forget(&self, bearer: &Bearer, applicant: Applicant<'_>, refused: &RegistryAuth) {
        self.flights.forget_if(&key(bearer, applicant), |result| {
            matches!((result, refused), (Ok(token), RegistryAuth::Bearer(value))
                if token.value.reveal() == value)
        });
    }
}

fn key(bearer: &Bearer, applicant: Applicant<'_>) -> Key {
    (bearer.clone(), identity(applicant.credential))
}

async fn fetch(
    transport: &Transport,
    bearer: &Bearer,
    applicant: Applicant<'_>,
    patience: Patience<'_>,
) -> Result<Token, Setback> {
    let (how, authorization) = match applicant.credential.map(|found| &found.kind) {
        None => (TokenRequest::Get, RegistryAuth::Anonymous),
        Some(CredentialKind::Password { username, password }) => (
            TokenRequest::Get,
            RegistryAuth::Basic(username.reveal().to_owned(), password.reveal().to_owned()),
        ),
        Some(CredentialKind::IdentityToken(token)) => (
            TokenRequest::Refresh {
                identity_token: token.reveal(),
            },
            RegistryAuth::Anonymous,
        ),
        Some(CredentialKind::RegistryToken(token)) => {
            return Ok(Token {
                value: token.clone(),
                expires: Instant::now() + LONGEST_LIFE,
            });
        }
    };
    let mut request = how.request(bearer, applicant.only_tls)?;
    request.client = applicant.client.cloned();
    let host = authority(&request.url);
    let reply = transport
        .send(&request, &authorization, patience)
        .await
        .map_err(|setback| setback.elsewhere(&host))?;
    let asked = Asked {
        identity: identity(applicant.credential),
        token_service: true,
        error: None,
        missing: Missing::Unsaid,
    };
    judge(reply, asked)
        .and_then(|reply| read(&reply, Instant::now()))
        .map_err(|setback| setback.of(&host))
}

/// The credential as messages show it.
pub(super) fn identity(credential: Option<&Credential>) -> Identity {
    credential.map_or(Identity::Anonymous, |found| found.identity.clone())
}

pub(super) fn read(reply: &Reply, now: Instant) -> Result<Token, Setback> {
    let unusable = || {
        Setback::malformed(&format!(
            "the token service {} answered without a token",
            reply.host
        ))
    };
    let issued: Issued = serde_json::from_slice(&reply.body).map_err(|_| unusable())?;
    let value = [issued.token, issued.access_token]
        .into_iter()
        .flatten()
        .find(|token| !token.reveal().is_empty() && secret_header(token.reveal()).is_some())
        .ok_or_else(unusable)?;
    let life = issued
        .expires_in
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or(DEFAULT_LIFE)
        .min(LONGEST_LIFE);
    Ok(Token {
        value,
        expires: now + life - MARGIN.min(life / 4),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(body: &str) -> Result<(String, Duration), Setback> {
        let now = Instant::now();
        let token = read(&Reply::for_test(200, body), now)?;
        Ok((token.value.reveal().to_owned(), token.expires - now))
    }

    #[test]
    fn both_names_of_a_token_are_read_and_lives_are_bounded() {
        for (body, value, seconds) in [
            (r#"{"token":"a","expires_in":300}"#, "a", 295),
            (r#"{"access_token":"b"}"#, "b", 55),
            (
                r#"{"token":"","access_token":"b","expires_in":-1}"#,
                "b",
                55,
            ),
            (r#"{"token":"a","expires_in":1e300}"#, "a", 55),
            (r#"{"token":"a","expires_in":864000}"#, "a", 3595),
            (r#"{"token":"a","expires_in":4}"#, "a", 3),
        ] {
            let (found, life) = issued(body).expect(body);
            assert_eq!((found.as_str(), life.as_secs()), (value, seconds), "{body}");
        }
    }

    #[test]
    fn an_answer_without_a_token_that_fits_a_header_is_malformed() {
        for body in ["", "{}", "<html>", r#"{"token":"a\nb"}"#, r#"{"token":7}"#] {
            assert!(issued(body).is_err(), "{body}");
        }
    }
}
