//! The upper stages: one request each, without redirects or retries.

use std::error::Error;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, Url};
use serde_json::Value;

use super::fault::Fault;
use crate::oci::{MAX_MANIFEST_BYTES, media_type};

/// The most bytes of a token service's answer that are read.
const MAX_TOKEN_BYTES: usize = 1024 * 1024;

/// A stage that failed: what was seen, and what it means.
pub(super) type Failed = (String, Fault);

/// Sends one request.
pub(super) async fn send(
    client: &Client,
    method: Method,
    url: &Url,
    authorization: Option<&HeaderValue>,
) -> Result<Response, Failed> {
    let mut request = client
        .request(method, url.clone())
        .header(ACCEPT, media_type::ACCEPT);
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    request
        .send()
        .await
        .map_err(|error| no_answer(error, &authority(url)))
}

/// What a request without an answer means for `host`.
pub(super) fn no_answer(error: reqwest::Error, host: &str) -> Failed {
    let host = host.to_owned();
    let fault = if error.is_connect() && !error.is_timeout() {
        Fault::Connection {
            host,
            silent: false,
        }
    } else {
        Fault::Answer(host)
    };
    (innermost(&error.without_url()), fault)
}

/// What lies at the bottom of an error, which is what a person needs.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// The host of an address, with its port where it is not the usual one.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The value of `Authorization` for the token in the answer of a token service.
pub(super) async fn token(answer: Response) -> Option<HeaderValue> {
    let body: Value = serde_json::from_slice(&body(answer, MAX_TOKEN_BYTES).await?).ok()?;
    let named = |name: &str| body.get(name)?.as_str().filter(|token| !token.is_empty());
    let token = named("token").or_else(|| named("access_token"))?;
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The digest of the config that a manifest names, or of the first image that an index lists.
pub(super) async fn next_digest(answer: Response) -> Option<Next> {
    let body: Value = serde_json::from_slice(&body(answer, MAX_MANIFEST_BYTES).await?).ok()?;
    let digest = |value: &Value| value.get("digest")?.as_str().map(ToOwned::to_owned);
    if let Some(config) = body.get("config") {
        return digest(config).map(Next::Config);
    }
    digest(body.get("manifests")?.get(0)?).map(Next::Manifest)
}

/// What a manifest leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// The config of the image.
    Config(String),
    /// A manifest of an index.
    Manifest(String),
}

/// Where a redirect leads.
pub(super) fn redirect(answer: &Response) -> Option<Url> {
    if !answer.status().is_redirection() {
        return None;
    }
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    answer.url().join(location).ok()
}

/// A whole body; none where it is too long or breaks off.
async fn body(mut answer: Response, limit: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if body.len() + chunk.len() > limit {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}
