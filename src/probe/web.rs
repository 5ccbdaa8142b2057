//! The upper stages: one request at a time, without retries.

use std::error::Error;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, Url};
use serde_json::Value;

use super::fault::Fault;
use crate::oci::media_type;

/// The most bytes of a token service's answer that are read.
const MAX_TOKEN_BYTES: usize = 1024 * 1024;

/// A stage that failed: what was seen, and what it means.
pub(super) type Failed = (String, Fault);

/// Sends one request, with `headers` for this host alone.
pub(super) async fn send(
    client: &Client,
    method: Method,
    url: &Url,
    headers: &HeaderMap,
    authorization: Option<&HeaderValue>,
) -> Result<Response, Failed> {
    let mut request = client
        .request(method, url.clone())
        .headers(headers.clone())
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
    let (is_connect, is_late) = (error.is_connect(), error.is_timeout());
    let words = innermost(&error.without_url());
    // The words of a proxy's refusal: `hyper-util` `client/legacy/connect/proxy/tunnel.rs`, `TunnelError`.
    let fault = if words.starts_with("tunnel error") {
        Fault::Proxy(host)
    } else if is_connect && !is_late {
        Fault::Connection {
            host,
            silent: false,
        }
    } else {
        Fault::Answer(host)
    };
    (words, fault)
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
    let body: Value = serde_json::from_slice(&body(answer, MAX_TOKEN_BYTES).await.ok()?).ok()?;
    let named = |name: &str| body.get(name)?.as_str().filter(|token| !token.is_empty());
    let token = named("token").or_else(|| named("access_token"))?;
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Where a redirect leads, of those that Go's `net/http` follows, and so a node.
pub(super) fn redirect(answer: &Response) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    let url = answer.url().join(location).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Why there is no whole body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is longer than what may come.
    TooLong,
    /// It did not come in time; so many bytes did.
    Late(usize),
    /// The connection broke off after so many bytes.
    Off(usize),
}

/// A whole body of at most `limit` bytes.
pub(super) async fn body(mut answer: Response, limit: usize) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(Broken::TooLong),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(Broken::Late(body.len())),
            Err(_) => return Err(Broken::Off(body.len())),
        }
    }
}
