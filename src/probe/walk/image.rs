//! The upper stages: what the registry says about an image, and the host that serves its content.

use std::time::Instant;

use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder, Response, Url};

use super::Walk;
use crate::oci::Reference;
use crate::probe::connect;
use crate::probe::fault::Fault;
use crate::probe::web::{self, Failed, Next, authority};
use crate::probe::words::described;
use crate::registry::Admission;

impl Walk {
    /// Credentials, token, manifest and config.
    pub(super) async fn image(&mut self, image: &Reference, api: &Response) {
        self.name_identity();
        let mut authorization = self.authorize(api, image).await;
        let path = format!("{}/manifests/{}", image.repository(), image.tag_or_digest());
        if authorization.is_none()
            && api.status().is_success()
            && let Some(challenge) = self.challenge_of(&path).await
        {
            authorization = self.authorize(&challenge, image).await;
        }
        let authorization = authorization.as_ref();
        if self
            .ask("manifest", Method::HEAD, &path, authorization, image)
            .await
            .is_none()
        {
            return;
        }
        let Some(config) = self.config_of(image, authorization).await else {
            return;
        };
        let path = format!("{}/blobs/{config}", image.repository());
        let blob = self
            .ask("blob", Method::GET, &path, authorization, image)
            .await;
        if let Some(target) = blob.as_ref().and_then(web::redirect) {
            self.second_host(&target).await;
        }
    }

    /// Notes who asks.
    fn name_identity(&mut self) {
        let words = match (self.sign_in.origin(), self.sign_in.trouble()) {
            (Some(origin), _) => format!("from {origin}"),
            (None, Some(trouble)) => format!("none, asked as anybody: {trouble}"),
            (None, None) => "none found, asked as anybody".to_owned(),
        };
        let host = self.target.authority();
        self.add("credentials", &host, Instant::now(), Ok(words));
    }

    /// The refusal of a registry that has let us in and then wants to know who asks.
    async fn challenge_of(&self, path: &str) -> Option<Response> {
        let url = self.url(path)?;
        let answer = web::send(&self.client, Method::HEAD, &url, None).await;
        answer.ok().filter(|answer| answer.status() == 401)
    }

    /// The value of `Authorization` that meets the challenge of `answer`, for which a token service may have to be asked.
    async fn authorize(&mut self, answer: &Response, image: &Reference) -> Option<HeaderValue> {
        let start = Instant::now();
        let host = self.target.authority();
        match self.sign_in.meet(answer, image.repository(), &self.client) {
            Admission::Nothing => None,
            Admission::Header(header) => Some(header),
            Admission::Token(request) => self.token(*request, image).await,
            Admission::Unsafe(words) => {
                self.fail("token", &host, start, (words, Fault::Answer(host.clone())));
                None
            }
        }
    }

    /// A token, for the credentials or for anybody.
    async fn token(&mut self, request: RequestBuilder, image: &Reference) -> Option<HeaderValue> {
        let start = Instant::now();
        let request = request.build().ok()?;
        let host = authority(request.url());
        let failed = match self.client.execute(request).await {
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

    /// One question about the image. The answer, where it is a good one or a redirect.
    async fn ask(
        &mut self,
        stage: &'static str,
        method: Method,
        path: &str,
        authorization: Option<&HeaderValue>,
        image: &Reference,
    ) -> Option<Response> {
        let url = self.url(path)?;
        let start = Instant::now();
        match web::send(&self.client, method, &url, authorization).await {
            Ok(answer) if answer.status().is_success() || answer.status().is_redirection() => {
                self.add(
                    stage,
                    url.path(),
                    start,
                    Ok(format!("status {}", answer.status())),
                );
                Some(answer)
            }
            Ok(answer) => {
                let failed = self.refused(&answer, &self.target.authority(), image);
                self.fail(stage, url.path(), start, failed);
                None
            }
            Err(failed) => {
                self.fail(stage, url.path(), start, failed);
                None
            }
        }
    }

    /// The digest of the image's config; of the first image where there are several.
    async fn config_of(
        &self,
        image: &Reference,
        authorization: Option<&HeaderValue>,
    ) -> Option<String> {
        let mut tag_or_digest = image.tag_or_digest().to_owned();
        for _ in 0..2 {
            let url = self.url(&format!("{}/manifests/{tag_or_digest}", image.repository()))?;
            let answer = web::send(&self.client, Method::GET, &url, authorization)
                .await
                .ok()?;
            match web::next_digest(answer).await? {
                Next::Config(digest) => return Some(digest),
                Next::Manifest(digest) => tag_or_digest = digest,
            }
        }
        None
    }

    /// The host that serves the content, which firewalls forget: its name, its connections, and what it answers.
    async fn second_host(&mut self, url: &Url) {
        let host = authority(url);
        let is_reached = self.proxy.is_some() || self.reach_second(url).await;
        let start = Instant::now();
        if !is_reached {
            self.add_skipped("redirect", &host);
            return;
        }
        let fault = Fault::Redirect(host.clone());
        match web::send(&self.client, Method::GET, url, None).await {
            Ok(answer) if answer.status().is_success() => {
                let words = format!("serves the content, status {}", answer.status());
                self.add("redirect", &host, start, Ok(words));
            }
            Ok(answer) => {
                let words = format!("status {}", answer.status());
                self.fail("redirect", &host, start, (words, fault));
            }
            Err((detail, _)) => self.fail("redirect", &host, start, (detail, fault)),
        }
    }

    /// Whether the second host has an address that takes a connection. Behind a proxy, only the proxy can tell.
    async fn reach_second(&mut self, url: &Url) -> bool {
        let fault = Fault::Redirect(authority(url));
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let start = Instant::now();
        match connect::resolve(&host, port, self.limit).await {
            Ok(addresses) => {
                self.add("dns", &host, start, Ok(described(&addresses)));
                let (stream, _) = self.try_all(&addresses).await;
                if stream.is_none() {
                    self.fault.get_or_insert(fault);
                }
                stream.is_some()
            }
            Err(detail) => {
                self.fail("dns", &host, start, (detail, fault));
                false
            }
        }
    }

    fn refused(&self, answer: &Response, host: &str, image: &Reference) -> Failed {
        let host = host.to_owned();
        let image = image.to_string();
        let origin = self.sign_in.origin().map(ToOwned::to_owned);
        let fault = match answer.status().as_u16() {
            401 => Fault::Credentials { image, origin },
            403 => Fault::Forbidden { image, origin },
            404 => Fault::NotFound(image),
            429 => Fault::RateLimit(host),
            status => Fault::Registry { host, status },
        };
        (format!("status {}", answer.status()), fault)
    }
}
