//! The upper stages: one request each, without redirects, retries or credentials.

use std::error::Error;

use http_auth::parser::ChallengeParser;
use reqwest::header::{ACCEPT, AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
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
    token: Option<&str>,
) -> Result<Response, Failed> {
    let mut request = client
        .request(method, url.clone())
        .header(ACCEPT, media_type::ACCEPT);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.send().await.map_err(|error| no_answer(error, url))
}

fn no_answer(error: reqwest::Error, url: &Url) -> Failed {
    let host = authority(url);
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

/// Where a token is to be had for pulling from `repository`; none where the registry wants none, or a password.
pub(super) fn token_address(answer: &Response, repository: &str) -> Option<Url> {
    let headers = answer.headers().get_all(WWW_AUTHENTICATE).iter();
    let bearer = headers
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| ChallengeParser::new(header).map_while(Result::ok))
        .find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"))?;
    let parameter = |name: &str| {
        let found = bearer
            .params
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(found.1.to_unescaped())
    };
    let mut url = Url::parse(&parameter("realm")?)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))?;
    if let Some(service) = parameter("service") {
        url.query_pairs_mut().append_pair("service", &service);
    }
    url.query_pairs_mut()
        .append_pair("scope", &format!("repository:{repository}:pull"));
    Some(url)
}

/// The token in the answer of a token service.
pub(super) async fn token(answer: Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&body(answer, MAX_TOKEN_BYTES).await?).ok()?;
    let token = body.get("token").or_else(|| body.get("access_token"))?;
    token.as_str().map(ToOwned::to_owned)
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
