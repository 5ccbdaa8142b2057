//! Who asks, and the token that the registry wants of them.

use std::time::Instant;

use reqwest::header::HeaderValue;
use reqwest::{Method, Request, Response};

use super::{Other, Walk};
use crate::oci::Reference;
use crate::probe::fault::Fault;
use crate::probe::web::{self, authority};
use crate::registry::Admission;

impl Walk<'_> {
    /// Notes who asks.
    pub(super) fn name_identity(&mut self) {
        let words = match (self.sign_in.origin(), self.sign_in.trouble()) {
            (Some(origin), _) => format!("from {origin}"),
            (None, Some(trouble)) => format!("none, asked as anybody: {trouble}"),
            (None, None) => "none found, asked as anybody".to_owned(),
        };
        let host = self.host.authority().to_owned();
        self.add("credentials", &host, Instant::now(), Ok(words));
    }

    /// The refusal of a registry that has let us in and then wants to know who asks.
    pub(super) async fn challenge_of(&self, path: &str) -> Option<Response> {
        let url = self.url(path)?;
        let headers = self.host.headers();
        let answer = web::send(&self.client, Method::HEAD, &url, headers, None).await;
        answer.ok().filter(|answer| answer.status() == 401)
    }

    /// The value of `Authorization` that meets the challenge of `answer`, for which a token service may have to be asked.
    pub(super) async fn authorize(
        &mut self,
        answer: &Response,
        image: &Reference,
    ) -> Option<HeaderValue> {
        let start = Instant::now();
        let host = self.host.authority().to_owned();
        let repository = self.host.repository(image);
        match self.sign_in.meet(answer, repository, &self.client) {
            Admission::Nothing => None,
            Admission::Header(header) => Some(header),
            Admission::Token(request) => {
                let request = request.build().ok()?;
                let other = self.other(request.url()).await;
                if let Some(Other {
                    is_verified: false, ..
                }) = &other
                    && self.sign_in.origin().is_some()
                {
                    self.keep_credentials_back();
                    self.name_identity();
                    return Box::pin(self.authorize(answer, image)).await;
                }
                self.token(request, other, image).await
            }
            Admission::Unsafe(words) => {
                self.fail("token", &host, start, (words, Fault::Answer(host.clone())));
                None
            }
        }
    }

    /// A token, for the credentials or for anybody. Its service may be at a host of its own.
    async fn token(
        &mut self,
        request: Request,
        other: Option<Other>,
        image: &Reference,
    ) -> Option<HeaderValue> {
        let host = authority(request.url());
        let Some(Other { client, .. }) = other else {
            self.add_skipped("token", &host);
            return None;
        };
        let start = Instant::now();
        let failed = match client.execute(request).await {
            Ok(answer) if answer.status().is_success() => match web::token(answer).await {
                Some(token) => {
                    let whom = match self.sign_in.origin() {
                        Some(_) => "a token for these credentials",
                        None => "a token for anybody",
                    };
                    self.add("token", &host, start, Ok(whom.to_owned()));
                    return Some(token);
                }
                None => (
                    "an answer without a token".to_owned(),
                    Fault::Answer(host.clone()),
                ),
            },
            Ok(answer) => self.refused(&answer, &host, image),
            Err(error) => web::no_answer(error, &host),
        };
        self.fail("token", &host, start, failed);
        None
    }

    /// What it means that the registry, or its token service, refuses.
    pub(super) fn refused(&self, answer: &Response, host: &str, image: &Reference) -> web::Failed {
        let host = host.to_owned();
        let image = image.to_string();
        let origin = self.sign_in.origin().map(ToOwned::to_owned);
        let fault = match answer.status().as_u16() {
            401 => Fault::Credentials { image, origin },
            403 => Fault::Forbidden { image, origin },
            404 => Fault::NotFound(image),
            407 => Fault::Proxy(host),
            429 => Fault::RateLimit(host),
            status => Fault::Registry { host, status },
        };
        (format!("status {}", answer.status()), fault)
    }
}
