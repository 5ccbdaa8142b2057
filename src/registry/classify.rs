//! At which stage a connection failed.

use std::error::Error;
use std::io;

use super::setback::{Setback, failure};
use crate::facts::{Failure, FailureReason};

/// What is said of a server that breaks the rules of HTTP.
const NO_HTTP: &str = "does not speak HTTP";

/// The stage at which a request to `host` failed, and the words of the deepest cause.
///
/// The HTTP libraries type only some of their errors, so the chain of sources is walked: rustls and the operating system
/// have types there, the name resolution and the HTTP parser have words (`hyper-util` `client/legacy/connect/http.rs`,
/// `hyper` `error.rs`).
pub(super) fn classify(error: &reqwest::Error, host: &str) -> Setback {
    let mut reason = None;
    let mut deepest = String::new();
    for cause in causes(error) {
        deepest = cause.to_string();
        reason = stage(cause).or(reason);
    }
    if error.is_timeout() {
        reason = Some(FailureReason::Timeout);
    }
    let reason = reason.unwrap_or_else(|| {
        if breaks_http(&deepest) {
            FailureReason::Malformed
        } else {
            FailureReason::Connect
        }
    });
    let detail = match reason {
        FailureReason::Dns => format!("the name of {host} could not be resolved: {deepest}"),
        FailureReason::Tls if speaks_no_tls(error) => format!(
            "{host} does not speak TLS; if it is meant to be asked over plain HTTP, pass --plain-http {host}"
        ),
        FailureReason::Tls => format!("no trusted TLS connection to {host}: {deepest}"),
        FailureReason::Timeout if error.is_connect() => format!("no connection to {host} in time"),
        FailureReason::Timeout => format!("{host} did not answer in time"),
        FailureReason::Malformed => format!("{host} {NO_HTTP}: {deepest}"),
        _ if error.is_connect() => match proxy_trouble(&deepest) {
            Some(trouble) => format!("no way to {host}: {trouble}"),
            None => format!("cannot connect to {host}: {deepest}"),
        },
        _ => format!("the connection to {host} broke: {deepest}"),
    };
    let failure = failure(reason, &detail);
    if error.is_connect() {
        Setback::Unreachable(failure)
    } else {
        Setback::Undetermined(failure)
    }
}

fn stage(cause: &(dyn Error + 'static)) -> Option<FailureReason> {
    if tls_error(cause).is_some() {
        return Some(FailureReason::Tls);
    }
    cause
        .to_string()
        .starts_with("dns error")
        .then_some(FailureReason::Dns)
}

/// What a proxy said to the wish for a connection (`hyper-util` `client/legacy/connect/proxy/tunnel.rs`, `TunnelError`).
fn proxy_trouble(words: &str) -> Option<&'static str> {
    Some(match words.strip_prefix("tunnel error: ")? {
        "proxy authorization required" => {
            "the proxy wants a login (407); HTTPS_PROXY takes one as http://USER:PASSWORD@HOST:PORT"
        }
        "unsuccessful" => "the proxy refuses to connect to it",
        "failed to create underlying connection" => "the proxy cannot be reached",
        _ => "the proxy does not answer as a proxy does",
    })
}

/// Words of the HTTP parser (`hyper` `error.rs`, `Parse` and `Header`, and `proto/h1/decode.rs` for chunks).
fn breaks_http(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    [
        "invalid http",
        "invalid content-length",
        "invalid transfer-encoding",
        "unexpected transfer-encoding",
        "message head is too large",
        "invalid chunk",
        "chunk extensions",
        "chunk trailers",
    ]
    .iter()
    .any(|known| words.contains(known))
}

/// Whether what came back was no HTTP.
pub(super) fn is_no_http(failure: &Failure) -> bool {
    failure.reason == FailureReason::Malformed && failure.detail.contains(NO_HTTP)
}

fn speaks_no_tls(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        matches!(
            tls_error(cause),
            Some(rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. })
        )
    })
}

/// The TLS error of one cause. An I/O error hides the error that it wraps from the chain, and may wrap another.
fn tls_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = cause;
    while let Some(wrapped) = cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        cause = wrapped;
    }
    cause.downcast_ref()
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}
