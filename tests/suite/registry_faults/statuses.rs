//! Statuses, and how long they last.

use std::time::{Duration, SystemTime};

use super::answer::{Answer, error, whole};
use super::server::Request;
use super::{FORBIDDEN, FOUND, NOT_FOUND, faults, registry, unknown};

/// The first `times` requests for the same get `answer`.
fn at_first(request: &Request, times: usize, answer: Answer) -> Answer {
    if request.before < times {
        answer
    } else {
        request.good()
    }
}

fn too_many(wait: &str) -> Answer {
    error(429, "TOOMANYREQUESTS").header("Retry-After", wait)
}

/// The date of the next second, as HTTP writes dates.
fn soon() -> String {
    httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(1))
}

faults! {
    /// 403 DENIED.
    status_403: FORBIDDEN, registry(|_| error(403, "DENIED"));
    /// 404 MANIFEST_UNKNOWN.
    status_404: NOT_FOUND.saying("has no tag 1"), registry(|_| error(404, "MANIFEST_UNKNOWN"));
    /// 404 NAME_UNKNOWN.
    status_404_name: NOT_FOUND.saying("no repository"), registry(|_| error(404, "NAME_UNKNOWN"));
    /// 404 with a page.
    status_404_html: NOT_FOUND, registry(|_| whole(404).page("Not found"));
    /// 404 because the registry gives the document out under another type alone.
    status_404_accept: super::Expected { rule: Some("image-not-found"), ..super::Expected::new("refused", Some("unsupported"), None) },
        registry(|_| whole(404).json(&serde_json::json!({"errors": [{"code": "MANIFEST_UNKNOWN",
            "message": "OCI index found, but accept header does not support OCI indexes"}]})));
    /// 410.
    status_410: NOT_FOUND, registry(|_| whole(410));
    /// 400.
    status_400: unknown("server-error"), registry(|_| error(400, "UNSUPPORTED"));
    /// 418 with a page.
    status_418: unknown("server-error"), registry(|_| whole(418).page("Teapot"));
    /// 206 with all of it.
    status_206: unknown("server-error"), registry(|request| {
        let (_, body) = request.good().parts("1.1", None);
        whole(206).body(body)
    });
    /// 204.
    status_204: unknown("malformed"), registry(|_| super::answer::bytes("HTTP/1.1 204 No Content\r\n\r\n"));
    /// 429 twice with one second to wait, then good.
    status_429: FOUND, registry(|request| at_first(request, 2, too_many("1")));
    /// 429 once with a date to wait for, then good.
    status_429_date: FOUND, registry(|request| at_first(request, 1, too_many(&soon())));
    /// 429 twice without a time to wait, then good.
    status_429_none: FOUND,
        registry(|request| at_first(request, 2, error(429, "TOOMANYREQUESTS")));
    /// 429 twice with a time to wait that is none, then good.
    status_429_junk: FOUND, registry(|request| at_first(request, 2, too_many("soon")));
    /// 429 for ever, with one second to wait.
    status_429_forever: unknown("rate-limited"), registry(|_| too_many("1"));
    /// 429 with a day to wait.
    status_429_long: unknown("rate-limited").saying("in 24 h"), registry(|_| too_many("86400"));
    /// 429 once, with no pull left for six hours.
    status_429_used_up: unknown("rate-limited").saying("in 6 h"), registry(|request| {
        let none_left = error(429, "TOOMANYREQUESTS").header("RateLimit-Remaining", "0;w=21600");
        at_first(request, 1, none_left)
    });
    /// 429 with more seconds to wait than there are.
    status_429_overflow: unknown("rate-limited"),
        registry(|_| too_many("18446744073709551615"));
    /// 500 twice, then good.
    status_500: FOUND, registry(|request| at_first(request, 2, whole(500)));
    /// 502 twice with a page, then good.
    status_502: FOUND, registry(|request| at_first(request, 2, whole(502).page("Bad gateway")));
    /// 503 twice with one second to wait, then good.
    status_503: FOUND,
        registry(|request| at_first(request, 2, whole(503).header("Retry-After", "1")));
    /// 503 with a day to wait.
    status_503_long: unknown("server-error"),
        registry(|_| whole(503).header("Retry-After", "86400"));
    /// 500 for ever.
    status_500_forever: unknown("server-error"), registry(|_| whole(500));
}
