//! The digest of signed schema 1 manifests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Signed {
    #[serde(default)]
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    protected: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protected {
    format_length: usize,
    format_tail: String,
}

/// The bytes that the digest of a signed schema 1 manifest covers: the document without its signatures. The protected
/// header says where it was cut and what follows. `None` where `body` is no signed document.
///
/// Source: `distribution` v2.8 `docs/spec/manifest-v2-1.md`, "Signed Manifests", and libtrust's JSON signature format. A
/// registry signs such a manifest anew for each answer, so the body itself has another digest each time.
pub(super) fn signed_payload(body: &[u8]) -> Option<Vec<u8>> {
    let signed: Signed = serde_json::from_slice(body).ok()?;
    let header = URL_SAFE_NO_PAD
        .decode(signed.signatures.first()?.protected.trim_end_matches('='))
        .ok()?;
    let protected: Protected = serde_json::from_slice(&header).ok()?;
    let tail = URL_SAFE_NO_PAD
        .decode(protected.format_tail.trim_end_matches('='))
        .ok()?;
    let mut payload = body.get(..protected.format_length)?.to_vec();
    payload.extend_from_slice(&tail);
    Some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_the_document_before_the_signatures_were_put_in() {
        let payload = br#"{"schemaVersion":1,"fsLayers":[]}"#;
        let cut = payload.len() - 1;
        let protected = URL_SAFE_NO_PAD.encode(format!(
            r#"{{"formatLength":{cut},"formatTail":"{}"}}"#,
            URL_SAFE_NO_PAD.encode("}")
        ));
        let body = format!(
            r#"{},"signatures":[{{"protected":"{protected}"}}]}}"#,
            std::str::from_utf8(&payload[..cut]).expect("UTF-8")
        );
        assert_eq!(signed_payload(body.as_bytes()), Some(payload.to_vec()));
    }

    #[test]
    fn a_cut_beyond_the_end_is_no_payload() {
        let protected = URL_SAFE_NO_PAD.encode(r#"{"formatLength":99999,"formatTail":"fQ"}"#);
        let body = format!(r#"{{"signatures":[{{"protected":"{protected}"}}]}}"#);
        assert_eq!(signed_payload(body.as_bytes()), None);
        assert_eq!(signed_payload(br#"{"schemaVersion":2}"#), None);
    }
}
