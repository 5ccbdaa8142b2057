//! Meets the challenge of a registry for whoever asks it by other means than [`Registry`](super::Registry), with the same
//! credentials and the same caution. No secret is handed out but inside of what is sent.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder, Response};

use super::challenge::{Challenge, Challenged};
use super::credentials::{Credential, CredentialKind, Keyring};
use super::request::{TokenRequest, secret_header};
use super::{CredentialSources, RegistryError};
use crate::facts::Identity;

/// The credential at hand for one repository, if there is one.
#[derive(Debug)]
pub struct SignIn {
    credential: Option<Credential>,
    trouble: Option<String>,
}

/// What answers a challenge.
pub enum Admission {
    /// The registry wants nothing, or nothing that the credential could meet.
    Nothing,
    /// The value of `Authorization`, which is never shown.
    Header(HeaderValue),
    /// The request to a token service.
    Token(Box<RequestBuilder>),
    /// The registry names a token service that must not be trusted with a credential; in words.
    Unsafe(String),
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Header(_) => "Header",
            Self::Token(_) => "Token",
            Self::Unsafe(_) => "Unsafe",
        })
    }
}

impl SignIn {
    /// Looks for a credential for `repository` at `registry`.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Credentials`] for a file that cannot be used.
    pub async fn find(
        sources: &CredentialSources,
        registry: &str,
        repository: &str,
    ) -> Result<Self, RegistryError> {
        let found = Keyring::read(sources, Duration::MAX)?
            .find(registry, repository)
            .await;
        Ok(Self {
            credential: found.credential,
            trouble: found.trouble,
        })
    }

    /// Nobody's, and why.
    #[must_use]
    pub fn withheld(why: &str) -> Self {
        Self {
            credential: None,
            trouble: Some(why.to_owned()),
        }
    }

    /// Where the credential comes from: the file, with the key in it or the helper that it names.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        match &self.credential.as_ref()?.identity {
            Identity::Credential { origin } => Some(origin),
            _ => None,
        }
    }

    /// Why a credential that should be there is not.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// What meets the challenge of `answer`, to pull from `repository`. A token is asked for by `client`.
    #[must_use]
    pub fn meet(&self, answer: &Response, repository: &str, client: &Client) -> Admission {
        let headers = answer.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenged = Challenged::read(headers.filter_map(|header| header.to_str().ok()));
        let kind = self.credential.as_ref().map(|credential| &credential.kind);
        let mut bearer = match (challenged.challenge, kind) {
            (Some(Challenge::Bearer(bearer)), _) => bearer,
            (Some(Challenge::Basic), Some(CredentialKind::Password { username, password })) => {
                let pair = format!("{}:{}", username.reveal(), password.reveal());
                return header("Basic", &STANDARD.encode(pair));
            }
            _ => return Admission::Nothing,
        };
        bearer.scope = Some(format!("repository:{repository}:pull"));
        let how = match kind {
            Some(CredentialKind::RegistryToken(token)) => return header("Bearer", token.reveal()),
            Some(CredentialKind::IdentityToken(token)) => TokenRequest::Refresh {
                identity_token: token.reveal(),
            },
            _ => TokenRequest::Get,
        };
        let Ok(request) = how.request(&bearer, answer.url().scheme() == "https") else {
            return Admission::Unsafe(format!(
                "{} is no safe address of a token service",
                bearer.realm
            ));
        };
        let asked = client.request(request.method, request.url);
        Admission::Token(Box::new(match (request.form, kind) {
            (Some(form), _) => asked
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form),
            (None, Some(CredentialKind::Password { username, password })) => {
                asked.basic_auth(username.reveal(), Some(password.reveal()))
            }
            (None, _) => asked,
        }))
    }
}

fn header(scheme: &str, value: &str) -> Admission {
    secret_header(&format!("{scheme} {value}")).map_or(Admission::Nothing, Admission::Header)
}
