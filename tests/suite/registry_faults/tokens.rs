//! Token services that fail, lie, or send the login elsewhere.

use std::time::Duration;

use serde_json::json;

use super::answer::{Answer, Step, bytes, error, issued, redirect, wants_token, whole};
use super::server::Request;
use super::{FORBIDDEN, FOUND, Stage, UNAUTHORIZED, faults, registry, unknown};

/// A registry whose token service gives `answer`.
fn service(request: &Request, answer: impl FnOnce(&Request) -> Answer) -> Answer {
    if request.is_token() {
        answer(request)
    } else {
        request.with_tokens()
    }
}

/// A login that is an identity token, which is posted.
fn with_identity_token(stage: Stage) -> Stage {
    let folder = stage.folder.path().join(".docker");
    std::fs::create_dir_all(&folder).expect("a folder");
    let auths = json!({"auths": {&stage.host: {"identitytoken": "s3cret-of-ada"}}});
    std::fs::write(folder.join("config.json"), auths.to_string()).expect("a file");
    stage
}

faults! {
    /// 500.
    token500: unknown("server-error"), registry(|request| service(request, |_| whole(500)));
    /// 401.
    token401: UNAUTHORIZED, registry(|request| service(request, |_| error(401, "UNAUTHORIZED")));
    /// 403.
    token403: FORBIDDEN, registry(|request| service(request, |_| error(403, "DENIED")));
    /// 404.
    token404: unknown("server-error"), registry(|request| service(request, |_| whole(404)));
    /// 429 for ever.
    token429: unknown("rate-limited"),
        registry(|request| service(request, |_| error(429, "TOOMANYREQUESTS")));
    /// A page in place of a token.
    tokenhtml: unknown("malformed"),
        registry(|request| service(request, |_| whole(200).page("Sign in")));
    /// A document without a token.
    tokenempty: unknown("malformed"),
        registry(|request| service(request, |_| whole(200).json(&json!({}))));
    /// A token that would end the header and begin another.
    token_of_two_lines: unknown("malformed"),
        registry(|request| service(request, |_| issued("good\r\nX-Injected: 1")));
    /// A token of two megabytes.
    tokenhuge: unknown("malformed"),
        registry(|request| service(request, |_| issued(&"x".repeat(2_000_000))));
    /// A token that was never good.
    token_expired: FOUND, registry(|request| service(request, |_| {
        whole(200).json(&json!({"token": "good", "expires_in": -1}))
    }));
    /// An answer that never ends.
    token_endless: unknown("malformed"), registry(|request| service(request, |_| {
        bytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").then(Step::Flood(vec![b' '; 65536]))
    }));
    /// An answer that does not come in time.
    tokenslow: unknown("timeout"),
        registry(|request| service(request, |_| Answer::Steps(vec![Step::Hold]))).impatient();
    /// An answer that drips.
    tokendrip: unknown("timeout"), registry(|request| service(request, |_| {
        bytes("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
            .then(Step::Drip(vec![b' '; 900], Duration::from_secs(1)))
    })).impatient();
    /// The token service is another host, which gets the login by the protocol, and never the token.
    tokenother: FOUND, registry(|request| {
        if request.is_token() || request.authorization() == "Bearer good" {
            request.with_tokens()
        } else {
            wants_token(&format!("{}/token", request.elsewhere))
        }
    }).logging_in_elsewhere();
    /// The token service redirects to another host, which may not get the login.
    token_redirected: FOUND, registry(|request| service(request, |request| {
        if request.is_elsewhere {
            issued("good")
        } else {
            redirect(&format!("{}{}", request.elsewhere, request.path))
        }
    }));
    /// The token service redirects an identity token to another host.
    identity_token_redirected: unknown("malformed").saying("redirects a login"),
        with_identity_token(registry(|request| service(request, |request| {
            redirect(&format!("{}{}", request.elsewhere, request.path))
        })));
    /// The token service refuses an identity token, and takes nobody.
    identity_token_refused: UNAUTHORIZED,
        with_identity_token(registry(|request| service(request, |_| error(401, "UNAUTHORIZED"))));
}
