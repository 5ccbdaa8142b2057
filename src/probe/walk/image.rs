//! The upper stages: what the registry says about an image, and the host that serves its content.

use std::time::Instant;

use reqwest::{Method, Response, Url};

use super::Walk;
use crate::oci::Reference;
use crate::probe::connect;
use crate::probe::fault::Fault;
use crate::probe::web::{self, Failed, Next, authority};
use crate::probe::words::described;

impl Walk {
    /// Token, manifest and config, as anybody gets them.
    pub(super) async fn image(&mut self, image: &Reference, api: &Response) {
        let token = match web::token_address(api, image.repository()) {
            Some(url) => self.token(&url, image).await,
            None => None,
        };
        let token = token.as_deref();
        let path = format!("{}/manifests/{}", image.repository(), image.tag_or_digest());
        if self
            .ask("manifest", Method::HEAD, &path, token, image)
            .await
            .is_none()
        {
            return;
        }
        let Some(config) = self.config_of(image, token).await else {
            return;
        };
        let path = format!("{}/blobs/{config}", image.repository());
        let blob = self.ask("blob", Method::GET, &path, token, image).await;
        if let Some(target) = blob.as_ref().and_then(web::redirect) {
            self.second_host(&target).await;
        }
    }

    /// A token for anybody.
    async fn token(&mut self, url: &Url, image: &Reference) -> Option<String> {
        let host = authority(url);
        let start = Instant::now();
        match web::send(&self.client, Method::GET, url, None).await {
            Ok(answer) if answer.status().is_success() => {
                let token = web::token(answer).await;
                if token.is_some() {
                    self.add("token", &host, start, Ok("a token for anybody".to_owned()));
                } else {
                    let words = "an answer without a token".to_owned();
                    self.fail("token", &host, start, (words, Fault::Answer(host.clone())));
                }
                token
            }
            Ok(answer) => {
                let failed = refused(&answer, &host, image);
                self.fail("token", &host, start, failed);
                None
            }
            Err(failed) => {
                self.fail("token", &host, start, failed);
                None
            }
        }
    }

    /// One question about the image. The answer, where it is a good one or a redirect.
    async fn ask(
        &mut self,
        stage: &'static str,
        method: Method,
        path: &str,
        token: Option<&str>,
        image: &Reference,
    ) -> Option<Response> {
        let url = self.url(path)?;
        let start = Instant::now();
        match web::send(&self.client, method, &url, token).await {
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
                let failed = refused(&answer, &self.target.authority(), image);
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
    async fn config_of(&self, image: &Reference, token: Option<&str>) -> Option<String> {
        let mut tag_or_digest = image.tag_or_digest().to_owned();
        for _ in 0..2 {
            let url = self.url(&format!("{}/manifests/{tag_or_digest}", image.repository()))?;
            let answer = web::send(&self.client, Method::GET, &url, token)
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
}

fn refused(answer: &Response, host: &str, image: &Reference) -> Failed {
    let host = host.to_owned();
    let fault = match answer.status().as_u16() {
        401 => Fault::Credentials(image.to_string()),
        403 => Fault::Forbidden(image.to_string()),
        404 => Fault::NotFound(image.to_string()),
        429 => Fault::RateLimit(host),
        status => Fault::Registry { host, status },
    };
    (format!("status {}", answer.status()), fault)
}
