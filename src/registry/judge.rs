//! What a status and an error document mean.

use oci_client::errors::{OciEnvelope, OciErrorCode};
use reqwest::StatusCode;
use serde::Deserialize;

use super::setback::{Setback, failure};
use super::transport::Reply;
use super::wording::one_line;
use crate::facts::{FailureReason, Identity, Missing, Refusal, RefusalReason};

/// Who asked, and whom.
pub(super) struct Asked<'a> {
    pub identity: Identity,
    /// Whether the answer is a token service's.
    pub token_service: bool,
    /// The `error` word of the challenge.
    pub error: Option<&'a str>,
    /// What is missing where the answer does not say.
    pub missing: Missing,
}

/// The error document of a token service: each has its own key for a person's words.
#[derive(Deserialize)]
struct TokenServiceError {
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// A good reply, or what it means that it is not.
///
/// Source: OCI distribution-spec, "Error Codes"; the statuses of distribution's `registry/api/errcode/register.go`.
pub(super) fn judge(reply: Reply, asked: Asked<'_>) -> Result<Reply, Setback> {
    // A part is no answer, but to who asked for one and reads it as it comes.
    let is_part = reply.status == StatusCode::PARTIAL_CONTENT && reply.unread.is_none();
    if reply.status.is_success() && !is_part {
        return Ok(reply);
    }
    let (code, message) = error_document(&reply.body);
    // It was shown no credentials, and says nothing about those that the registry took.
    let denies = matches!(
        reply.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    );
    if denies && reply.is_elsewhere {
        return Err(unexpected(&reply, &message));
    }
    let reason = match (reply.status, code.as_ref()) {
        (StatusCode::UNAUTHORIZED, _)
            if asked.error == Some("insufficient_scope")
                && asked.identity != Identity::Anonymous =>
        {
            RefusalReason::Forbidden
        }
        (StatusCode::UNAUTHORIZED, _) => RefusalReason::Unauthorized,
        (StatusCode::FORBIDDEN, _) => RefusalReason::Forbidden,
        // distribution 2.8 has it, and refuses to give it to this `Accept`.
        (StatusCode::NOT_FOUND, _) if message.contains("accept header does not support") => {
            RefusalReason::Unsupported
        }
        (StatusCode::NOT_FOUND | StatusCode::GONE, code) if !asked.token_service => {
            RefusalReason::NotFound(missing(code).unwrap_or(asked.missing))
        }
        (StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_ACCEPTABLE, _) => {
            RefusalReason::Unsupported
        }
        _ => return Err(unexpected(&reply, &message)),
    };
    Err(Refusal {
        reason,
        status: Some(reply.status.as_u16()),
        message,
        identity: asked.identity,
        by_token_service: asked.token_service,
        nearest_tags: Vec::new(),
    }
    .into())
}

fn missing(code: Option<&OciErrorCode>) -> Option<Missing> {
    match code? {
        OciErrorCode::NameUnknown => Some(Missing::Repository),
        OciErrorCode::ManifestUnknown => Some(Missing::Manifest),
        OciErrorCode::BlobUnknown | OciErrorCode::ManifestBlobUnknown => Some(Missing::Blob),
        _ => None,
    }
}

fn unexpected(reply: &Reply, message: &str) -> Setback {
    let words = if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    };
    let redirected = if reply.is_elsewhere {
        ", where the registry redirects to,"
    } else {
        ""
    };
    let said = format!(
        "{}{redirected} answered {}{words}",
        reply.host, reply.status
    );
    let mut unexpected = failure(FailureReason::ServerError, &said);
    unexpected.respondent = reply.is_elsewhere.then(|| reply.host.clone());
    unexpected.into()
}

/// The code and the words of an error document; nothing of a body that is none, such as a web page.
pub(super) fn error_document(body: &[u8]) -> (Option<OciErrorCode>, String) {
    if let Ok(envelope) = serde_json::from_slice::<OciEnvelope>(body) {
        let Some(first) = envelope.errors.into_iter().next() else {
            return (None, String::new());
        };
        let message = match first.detail.as_str() {
            Some(detail) if !detail.is_empty() && detail != first.message => {
                format!("{}: {detail}", first.message)
            }
            _ => first.message,
        };
        return (Some(first.code), one_line(message.trim_start_matches(": ")));
    }
    let message = serde_json::from_slice::<TokenServiceError>(body)
        .ok()
        .and_then(|found| {
            found
                .details
                .or(found.error_description)
                .or(found.message)
                .or(found.error)
        });
    (None, one_line(&message.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str, identity: Identity, error: Option<&str>) -> Setback {
        let reply = Reply::for_test(status, body);
        let asked = Asked {
            identity,
            token_service: false,
            error,
            missing: Missing::Unsaid,
        };
        judge(reply, asked).expect_err("no success")
    }

    fn reason(status: u16, body: &str) -> Option<RefusalReason> {
        match judged(status, body, Identity::Anonymous, None) {
            Setback::Refused(refusal) => Some(refusal.reason),
            _ => None,
        }
    }

    fn document(code: &str, message: &str) -> String {
        format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#)
    }

    #[test]
    fn the_error_code_says_what_is_missing() {
        for (code, missing) in [
            ("NAME_UNKNOWN", Missing::Repository),
            ("MANIFEST_UNKNOWN", Missing::Manifest),
            ("BLOB_UNKNOWN", Missing::Blob),
            ("ODD", Missing::Unsaid),
        ] {
            assert_eq!(
                reason(404, &document(code, "")),
                Some(RefusalReason::NotFound(missing))
            );
        }
        assert_eq!(
            reason(404, "<html>"),
            Some(RefusalReason::NotFound(Missing::Unsaid))
        );
    }

    #[test]
    fn a_form_that_is_not_given_out_is_not_missing() {
        let words = "OCI manifest found, but accept header does not support OCI manifests";
        assert_eq!(
            reason(404, &document("MANIFEST_UNKNOWN", words)),
            Some(RefusalReason::Unsupported)
        );
    }

    #[test]
    fn too_little_scope_is_forbidden_only_for_somebody() {
        let credential = Identity::Credential {
            origin: "config.json".to_owned(),
        };
        let of = |identity| match judged(401, "", identity, Some("insufficient_scope")) {
            Setback::Refused(refusal) => refusal.reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(of(credential), RefusalReason::Forbidden);
        assert_eq!(of(Identity::Anonymous), RefusalReason::Unauthorized);
    }

    #[test]
    fn a_status_that_no_registry_gives_decides_nothing() {
        for status in [206, 301, 400, 418, 500] {
            assert_eq!(reason(status, "<html>"), None, "{status}");
        }
    }

    #[test]
    fn a_host_that_was_redirected_to_denies_no_credentials() {
        for status in [401, 403] {
            let reply = Reply {
                is_elsewhere: true,
                ..Reply::for_test(status, "")
            };
            let asked = Asked {
                identity: Identity::Anonymous,
                token_service: false,
                error: None,
                missing: Missing::Unsaid,
            };
            let setback = judge(reply, asked).expect_err("no success");
            let failure = setback.failure().expect("no refusal");
            assert_eq!(failure.reason, FailureReason::ServerError);
            assert!(
                failure.detail.contains("redirects to"),
                "{}",
                failure.detail
            );
        }
    }

    #[test]
    fn the_words_of_registries_and_token_services_are_kept() {
        for (body, words) in [
            (document("DENIED", "may not\\nenter"), "may not enter"),
            (
                r#"{"details":"incorrect username or password"}"#.to_owned(),
                "incorrect username or password",
            ),
            (r#"{"error":"invalid_grant"}"#.to_owned(), "invalid_grant"),
            ("<html>".to_owned(), ""),
            (r#"{"errors":[]}"#.to_owned(), ""),
            (
                r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"limit","detail":"wait"}]}"#
                    .to_owned(),
                "limit: wait",
            ),
        ] {
            assert_eq!(error_document(body.as_bytes()).1, words);
        }
    }
}
