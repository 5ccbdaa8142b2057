//! A token service for `docker-registry`: it signs what it is asked for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::docker_registry::{PASSWORD, USER, basic};

/// Tokens are good until the year 2100.
const EXPIRES: u64 = 4_102_444_800;

/// A key, and the certificate that the registry trusts.
pub struct Signer {
    key: EcdsaKeyPair,
    certificate: String,
    /// The certificate as PEM.
    pub root: String,
}

impl Signer {
    pub fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let certificate = CertificateParams::new(vec!["test".to_owned()])
            .expect("a name")
            .self_signed(&pair)
            .expect("a certificate");
        let key = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            pair.serialized_der(),
            &SystemRandom::new(),
        );
        Self {
            key: key.expect("the same key"),
            certificate: STANDARD.encode(certificate.der()),
            root: certificate.pem(),
        }
    }

    /// A token for `actions` on a repository
    /// (<https://distribution.github.io/distribution/spec/auth/jwt/>).
    pub fn token(&self, subject: &str, repository: &str, actions: &[&str]) -> String {
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [self.certificate]});
        let claims = json!({
            "iss": "test", "sub": subject, "aud": "test",
            "exp": EXPIRES, "nbf": 0, "iat": 0, "jti": "1",
            "access": [{"type": "repository", "name": repository, "actions": actions}],
        });
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.expect("a signature"));
        format!("{signed}.{signature}")
    }
}

/// Starts the service at `/token`. Everybody may pull from `public/…`, the one user from everywhere; a wrong password is
/// refused.
pub async fn start(signer: Signer) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/token"))
        .respond_with(Issue(signer))
        .mount(&server)
        .await;
    server
}

struct Issue(Signer);

impl Respond for Issue {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let is_user = match request.headers.get("authorization") {
            None => false,
            Some(sent) if *sent == basic(USER, PASSWORD).as_str() => true,
            Some(_) => {
                return ResponseTemplate::new(401)
                    .set_body_json(json!({"details": "incorrect username or password"}));
            }
        };
        let scope = request.url.query_pairs().find(|(key, _)| key == "scope");
        let scope = scope
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
        let repository = scope.split(':').nth(1).unwrap_or_default();
        let actions: &[&str] = if is_user || repository.starts_with("public/") {
            &["pull"]
        } else {
            &[]
        };
        let token = self
            .0
            .token(if is_user { USER } else { "" }, repository, actions);
        ResponseTemplate::new(200).set_body_json(json!({"token": token, "expires_in": 300}))
    }
}
