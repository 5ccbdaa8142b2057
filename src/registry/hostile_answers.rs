//! Properties of everything that is read out of answers: any text is read without a panic and within bounds, and nothing unsafe
//! comes out of it.

use std::time::{Duration, SystemTime};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::time::Instant;

use super::challenge::{Challenge, Challenged};
use super::content::verify;
use super::judge::error_document;
use super::link_local::is_link_local;
use super::request::{TokenRequest, secret_header};
use super::statistics::RateLimit;
use super::tags;
use super::token;
use super::transport::{Reply, retry_after, target};
use crate::oci::{Digest, Manifest, Reference};

/// The longest words of others that a message shows, with what says that they were cut.
const LONGEST_WORDS: usize = 401;

/// Texts that a hostile server might choose.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,60}",
        "[0-9]{1,30}",
        "(https?|file|ftp)?:?/?/?[a-z0-9.:@\\[\\]%?#/-]{0,40}",
        "x{1000,5000}",
        Just("\u{1b}[2J\u{202e}\r\n::error::owned".to_owned()),
    ]
}

/// JSON with the keys that are looked for, and anything under them.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let key = select(vec![
            "errors",
            "code",
            "message",
            "detail",
            "details",
            "error",
            "error_description",
            "token",
            "access_token",
            "expires_in",
            "tags",
            "name",
            "mediaType",
            "config",
            "layers",
            "manifests",
            "digest",
            "size",
            "schemaVersion",
            "fsLayers",
            "blobSum",
            "signatures",
            "protected",
        ]);
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            btree_map(key.prop_map(ToOwned::to_owned), inner, 0..8)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Bodies: documents, their beginnings, and anything.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        document().prop_map(|document| document.to_string().into_bytes()),
        (document(), any::<prop::sample::Index>()).prop_map(|(document, at)| {
            let text = document.to_string().into_bytes();
            text[..at.index(text.len() + 1)].to_vec()
        }),
        vec(any::<u8>(), 0..200),
    ]
}

/// Challenges, more or less as they are written.
fn challenge() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        Just("Bearer".to_owned()),
        Just("Basic".to_owned()),
        "[A-Za-z]{0,9}"
    ];
    let key = prop_oneof![
        select(vec!["realm", "service", "scope", "error"]).prop_map(ToOwned::to_owned),
        "[a-z]{0,6}"
    ];
    let parameter = (key, text(), any::<bool>()).prop_map(|(key, value, is_quoted)| {
        if is_quoted {
            format!("{key}=\"{value}\"")
        } else {
            format!("{key}={value}")
        }
    });
    let challenge = (scheme, vec(parameter, 0..5))
        .prop_map(|(scheme, parameters)| format!("{scheme} {}", parameters.join(",")));
    prop_oneof![vec(challenge, 0..4).prop_map(|all| all.join(", ")), text()]
}

fn is_one_safe_line(words: &str) -> bool {
    words.chars().count() <= LONGEST_WORDS
        && !words
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}'))
}

proptest! {
    #[test]
    fn a_challenge_leads_only_to_the_web_and_never_to_weaker_encryption(
        headers in vec(challenge(), 0..3),
        only_tls in any::<bool>(),
    ) {
        let read = Challenged::read(headers.iter().map(String::as_str));
        let Some(Challenge::Bearer(bearer)) = &read.challenge else {
            return Ok(());
        };
        let length: usize = headers.iter().map(String::len).sum();
        prop_assert!(bearer.realm.len() <= length);
        for how in [TokenRequest::Get, TokenRequest::Refresh { identity_token: "s3cret" }] {
            let Ok(request) = how.request(bearer, only_tls) else {
                continue;
            };
            prop_assert!(!request.url.as_str().contains("s3cret"));
            prop_assert!(!is_link_local(&request.url), "{}", request.url);
            let is_tls = request.url.scheme() == "https";
            prop_assert!(is_tls || (request.url.scheme() == "http" && !only_tls));
        }
    }

    #[test]
    fn a_redirect_leads_only_to_the_web(location in text()) {
        let from: Url = "https://registry.example.com/v2/a/manifests/1".parse().expect("a URL");
        let mut reply = Reply::for_test(307, "");
        let Ok(value) = HeaderValue::from_bytes(location.as_bytes()) else {
            return Ok(());
        };
        reply.headers.insert("location", value);
        if let Ok(to) = target(&from, &reply) {
            prop_assert!(matches!(to.scheme(), "https" | "http"));
            prop_assert!(to.has_host() && !is_link_local(&to));
        }
    }

    #[test]
    fn the_words_of_an_error_are_one_safe_line(body in body()) {
        let (_, words) = error_document(&body);
        prop_assert!(is_one_safe_line(&words), "{words:?}");
    }

    #[test]
    fn a_token_fits_a_header_and_has_an_end(body in body()) {
        let mut reply = Reply::for_test(200, "");
        reply.body = body.into();
        let now = Instant::now();
        if let Ok(token) = token::read(&reply, now) {
            prop_assert!(secret_header(token.value.reveal()).is_some());
            prop_assert!(token.expires <= now + Duration::from_hours(1));
        }
    }

    #[test]
    fn a_list_of_tags_holds_tags(body in body(), wanted in text()) {
        let tags = tags::read(&body).unwrap_or_default();
        for tag in &tags {
            let name = format!("registry.example.com/app:{tag}");
            prop_assert!(name.parse::<Reference>().is_ok(), "{name}");
        }
        prop_assert!(tags::nearest(&wanted, &tags).len() <= 3);
        prop_assert!(tags::older(&wanted, &tags).len() <= tags.len());
    }

    #[test]
    fn content_is_taken_only_with_the_digest_that_it_has(body in body(), promised in text()) {
        let asked = Digest::sha256_of(b"asked");
        for (asked, promised) in [(None, None), (None, Some(promised.as_str())), (Some(&asked), None)] {
            if let Ok(digest) = verify(&body, asked, promised) {
                // The digest of signed schema 1 covers its payload.
                let is_schema1 = matches!(Manifest::parse(&body, None), Ok(Manifest::Schema1(_)));
                prop_assert!(digest.verifies(&body) || is_schema1 || body.windows(10).any(|it| it == b"signatures"));
            }
        }
    }

    #[test]
    fn a_time_to_wait_can_be_waited(text in text()) {
        if let Some(wait) = retry_after(&text, SystemTime::now()) {
            prop_assert!(Instant::now().checked_add(wait).is_some());
        }
    }

    #[test]
    fn a_limit_is_read_from_any_header(limit in text(), remaining in text()) {
        let mut headers = HeaderMap::new();
        for (name, value) in [("ratelimit-limit", limit), ("ratelimit-remaining", remaining)] {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.insert(name, value);
            }
        }
        if let Some(limit) = RateLimit::read(&headers) {
            prop_assert!(is_one_safe_line(&limit.to_string()));
        }
    }
}
