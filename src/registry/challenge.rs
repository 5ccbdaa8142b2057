//! What a registry asks for with status 401.

use http_auth::ChallengeRef;
use http_auth::parser::ChallengeParser;

/// The longest `WWW-Authenticate` that is read, in bytes.
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// A way to authenticate that a registry offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// RFC 7617.
    Basic,
    /// <https://distribution.github.io/distribution/spec/auth/token/>.
    Bearer(Bearer),
}

/// Where a token is to be had, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Bearer {
    /// The address of the token service.
    pub realm: String,
    /// The name of the registry at the token service.
    pub service: Option<String>,
    /// What the token is to allow, such as `repository:library/nginx:pull`.
    pub scope: Option<String>,
}

/// The answer to the credentials that were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenged {
    /// The best challenge that we can meet: Bearer before Basic, as containerd chooses.
    pub challenge: Option<Challenge>,
    /// The `error` word, such as `insufficient_scope` (RFC 6750 section 3.1).
    pub error: Option<String>,
    /// Whether there was a header that is too long to be read.
    pub is_too_long: bool,
}

impl Challenged {
    /// Reads the `WWW-Authenticate` headers of one response. What cannot be read is passed over.
    pub fn read<'a>(headers: impl Iterator<Item = &'a str>) -> Self {
        let mut read = Self {
            challenge: None,
            error: None,
            is_too_long: false,
        };
        for header in headers {
            if header.len() > MAX_HEADER_BYTES {
                read.is_too_long = true;
                continue;
            }
            for challenge in ChallengeParser::new(header).map_while(Result::ok) {
                read.add(&challenge);
            }
        }
        read
    }

    fn add(&mut self, offered: &ChallengeRef<'_>) {
        let value = |name: &str| {
            offered
                .params
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_unescaped())
                .filter(|text| !text.is_empty())
        };
        if offered.scheme.eq_ignore_ascii_case("bearer") {
            self.error = self.error.take().or_else(|| value("error"));
            if let Some(realm) = value("realm") {
                self.challenge = Some(Challenge::Bearer(Bearer {
                    realm,
                    service: value("service"),
                    scope: value("scope"),
                }));
            }
        } else if offered.scheme.eq_ignore_ascii_case("basic") && self.challenge.is_none() {
            self.challenge = Some(Challenge::Basic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[&str]) -> Challenged {
        Challenged::read(headers.iter().copied())
    }

    #[test]
    fn the_token_service_is_named_by_the_challenge() {
        let challenged = read(&[
            r#"Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:a/b:pull",error="insufficient_scope""#,
        ]);
        assert_eq!(
            challenged.challenge,
            Some(Challenge::Bearer(Bearer {
                realm: "https://auth.example.com/token".to_owned(),
                service: Some("registry.example.com".to_owned()),
                scope: Some("repository:a/b:pull".to_owned()),
            }))
        );
        assert_eq!(challenged.error.as_deref(), Some("insufficient_scope"));
    }

    #[test]
    fn bearer_is_preferred_whatever_the_order() {
        let bearer = r#"Bearer realm="https://a.example/t""#;
        for headers in [
            vec![r#"Basic realm="x""#, bearer],
            vec![bearer, r#"Basic realm="x""#],
            vec![r#"Negotiate, Basic realm="x", Bearer realm="https://a.example/t""#],
        ] {
            assert!(
                matches!(read(&headers).challenge, Some(Challenge::Bearer(_))),
                "{headers:?}"
            );
        }
        assert_eq!(
            read(&[r#"Basic realm="x""#]).challenge,
            Some(Challenge::Basic)
        );
    }

    #[test]
    fn what_cannot_be_met_is_no_challenge() {
        let huge = format!(r#"Bearer realm="{}""#, "x".repeat(60_000));
        for header in ["", "Negotiate", "Bearer", "Bearer scope=", huge.as_str()] {
            let read = read(&[header]);
            assert_eq!(read.challenge, None, "{header:.40}");
            assert_eq!(read.is_too_long, header.len() > 1000);
        }
    }
}
