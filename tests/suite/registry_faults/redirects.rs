//! Redirects that lead round, away, or nowhere.

use super::answer::{Answer, issued, redirect, unauthorized, wants_token, whole};
use super::server::Request;
use super::{FOUND, NOT_FOUND, faults, registry, unknown};

/// A manifest is redirected to `location`; everything else is sound.
fn to(request: &Request, location: &str) -> Answer {
    match request.manifest() {
        Some("1") => redirect(location),
        _ => request.good(),
    }
}

/// So many redirects, one after the other.
fn chain(request: &Request, length: usize) -> Answer {
    let at = request.manifest().and_then(|tag| tag.strip_prefix('h'));
    let next = match (request.manifest(), at) {
        (Some("1"), _) => 1,
        (_, Some(at)) => at.parse::<usize>().expect("a number") + 1,
        _ => return request.good(),
    };
    if next > length {
        request.good()
    } else {
        redirect(&format!("/v2/app/manifests/h{next}"))
    }
}

/// Only with a login, and then from another host.
fn elsewhere(request: &Request, location: &str) -> Answer {
    if request.is_elsewhere {
        request.good()
    } else if request.authorization().is_empty() {
        unauthorized("Basic realm=\"r\"")
    } else {
        to(request, location)
    }
}

faults! {
    /// To itself.
    redirloop: unknown("malformed").saying("redirects more than 10 times"),
        registry(|request| redirect(&request.path));
    /// Five times, and then to the image.
    redirchain: FOUND, registry(|request| chain(request, 5));
    /// Ten times, as far as nodes follow.
    redirchain_10: FOUND, registry(|request| chain(request, 10));
    /// Eleven times.
    redirchain_11: unknown("malformed"), registry(|request| chain(request, 11));
    /// To another host, which may not get the login.
    redirother: FOUND, registry(|request| {
        elsewhere(request, &format!("{}{}", request.elsewhere, request.path))
    });
    /// To another host, which wants a login with a token service of its own.
    redirtoken: unknown("server-error").saying("redirects to"), registry(|request| {
        match (request.is_elsewhere, request.is_token()) {
            (true, true) => issued("stolen"),
            (true, false) => wants_token(&format!("{}/token", request.elsewhere)),
            (false, _) => elsewhere(request, &format!("{}{}", request.elsewhere, request.path)),
        }
    });
    /// The same, of a registry that wants no login itself.
    redirtoken_open: unknown("server-error"), registry(|request| {
        match (request.is_elsewhere, request.is_token()) {
            (true, true) => issued("stolen"),
            (true, false) => wants_token(&format!("{}/token", request.elsewhere)),
            (false, _) => to(request, &format!("{}{}", request.elsewhere, request.path)),
        }
    });
    /// To another host, which wants the login itself.
    redirbasic: unknown("server-error"), registry(|request| {
        if request.is_elsewhere {
            unauthorized("Basic realm=\"r\"")
        } else {
            to(request, &format!("{}{}", request.elsewhere, request.path))
        }
    });
    /// To another host, which forbids it, as storage does with an address that has expired.
    redirforbidden: unknown("server-error"), registry(|request| {
        if request.is_elsewhere {
            whole(403)
        } else {
            to(request, &format!("{}{}", request.elsewhere, request.path))
        }
    });
    /// To another host and back, where the login was asked for.
    redirback: unknown("server-error"), registry(|request| {
        let there = format!("{}/there", request.elsewhere);
        match (request.is_elsewhere, request.path.as_str()) {
            (true, _) => redirect(&format!("{}/v2/app/manifests/back", request.registry)),
            (false, "/v2/app/manifests/back") if request.authorization().is_empty() => {
                unauthorized("Basic realm=\"r\"")
            }
            _ => elsewhere(request, &there),
        }
    });
    /// To a file.
    redirfile: unknown("malformed"), registry(|request| to(request, "file:///etc/passwd"));
    /// To nowhere.
    redirnoloc: unknown("malformed"), registry(|_| whole(307));
    /// To what is no address.
    redirjunk: unknown("malformed"), registry(|request| to(request, "http://[::1"));
    /// To an address relative to this one.
    redirrel: FOUND, registry(|request| to(request, "latest"));
    /// To where clouds give out the credentials of the machine.
    redirmeta: unknown("malformed").saying("link-local"),
        registry(|request| to(request, "http://169.254.169.254/latest/meta-data"));
    /// To a path of the registry that is called like that.
    redirmeta_path: unknown("malformed"), registry(|request| {
        if request.path.starts_with("/169.254.169.254") {
            whole(200).body("secret")
        } else {
            to(request, "/169.254.169.254/latest/meta-data")
        }
    });
    /// To a host without a name.
    redirdns: unknown("dns").saying("the name storage.invalid does not resolve"), registry(|request| to(request, "http://storage.invalid/blob"));
    /// To a place where the image is not.
    redirgone: NOT_FOUND, registry(|request| {
        if request.path == "/gone" { whole(404) } else { to(request, "/gone") }
    });
}
