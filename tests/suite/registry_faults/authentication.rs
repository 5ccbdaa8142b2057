//! What registries ask for with 401, well and badly.

use super::answer::{error, unauthorized, wants_token};
use super::server::Request;
use super::{FORBIDDEN, FOUND, UNAUTHORIZED, faults, registry, unknown};

/// The realm of the registry's own token service.
fn realm(request: &Request) -> String {
    format!("{}/token", request.registry)
}

faults! {
    /// 401 with Basic, whatever is sent.
    status_401: UNAUTHORIZED.saying("does not take the credentials"),
        registry(|_| unauthorized("Basic realm=\"r\""));
    /// 401 that does not say how to log in.
    status_401_bare: UNAUTHORIZED.saying("does not say how to log in"),
        registry(|_| error(401, "UNAUTHORIZED"));
    /// A login by Basic, taken.
    basic: FOUND, registry(|request| {
        if request.authorization().starts_with("Basic ") {
            request.good()
        } else {
            unauthorized("Basic realm=\"r\"")
        }
    });
    /// Tokens that are given out and never taken.
    status_401_loop: UNAUTHORIZED, registry(|request| {
        if request.is_token() {
            super::answer::issued("bad")
        } else {
            wants_token(&realm(request))
        }
    });
    /// Tokens that are given out and taken.
    bearer: FOUND, registry(Request::with_tokens);
    /// Only a token for the very scope is taken.
    bearerscope: FOUND, registry(|request| {
        if request.is_token() {
            let is_scope = request.query.contains("scope=repository%3Aapp%3Apull");
            return super::answer::issued(if is_scope { "good" } else { "bad" });
        }
        request.with_tokens()
    });
    /// A token that is good for one request.
    bearerexp: FOUND, registry(|request| {
        if request.is_token() {
            return super::answer::issued(&format!("{}", request.before));
        }
        // The manifest takes the first, the config the second.
        let wanted = if request.blob().is_some() { "Bearer 1" } else { "Bearer 0" };
        if request.authorization() == wanted {
            request.good()
        } else {
            wants_token(&realm(request))
        }
    });
    /// The token is known and does not reach as far.
    insufficient_scope: FORBIDDEN, registry(|request| {
        if request.is_token() {
            return super::answer::issued("good");
        }
        let challenge = format!(
            "Bearer realm=\"{}\",service=\"s\",scope=\"repository:app:pull\",error=\"insufficient_scope\"",
            realm(request)
        );
        unauthorized(&challenge)
    });
    /// Negotiate beside Bearer.
    negotiate: FOUND, registry(|request| {
        if request.is_token() || request.authorization() == "Bearer good" {
            return request.with_tokens();
        }
        let bearer = format!("Bearer realm=\"{}\"", realm(request));
        unauthorized("Negotiate").and_header("WWW-Authenticate", &bearer)
    });
    /// Negotiate alone.
    negotiate_only: UNAUTHORIZED, registry(|_| unauthorized("Negotiate"));
    /// Bearer without a realm.
    realm_none: UNAUTHORIZED, registry(|_| unauthorized("Bearer service=\"s\""));
    /// The token service is a file.
    realmjunk: unknown("malformed"), registry(|_| wants_token("file:///etc/passwd"));
    /// The token service is where clouds give out credentials.
    realm_metadata: unknown("malformed"),
        registry(|_| wants_token("http://169.254.169.254/latest/api/token"));
    /// The token service is at a port that there is not.
    realm_port: unknown("malformed"),
        registry(|_| wants_token("http://127.0.0.1:99999/token"));
    /// A challenge of sixty kilobytes.
    realmhuge: unknown("malformed"),
        registry(|request| wants_token(&format!("{}?{}", realm(request), "x".repeat(60_000))));
    /// A thousand challenges.
    realm_thousand: FOUND, registry(|request| {
        if request.is_token() || request.authorization() == "Bearer good" {
            return request.with_tokens();
        }
        let many = "Negotiate, ".repeat(500);
        unauthorized(&format!("{many}Bearer realm=\"{}\"", realm(request)))
    });
}
