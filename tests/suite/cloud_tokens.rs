//! Tokens of clouds that stand in variables: shown to the registries of their cloud, and to nobody else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_preflight::oci::media_type;
use wiremock::matchers::{any, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::images::Image;
use super::runner::Preflight;

const GOOGLE: &str = "GOOGLE_OAUTH_ACCESS_TOKEN";
const AWS: &str = "OCI_PREFLIGHT_ECR_TOKEN";
const AZURE: &str = "OCI_PREFLIGHT_ACR_TOKEN";

fn basic(user: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:t0ken")))
}

/// A proxy that is every registry, and gives the image only to who shows `authorization`.
async fn proxy(challenge: &str, authorization: &str) -> MockServer {
    let server = MockServer::start().await;
    let image = Image::oci("linux/amd64", "a");
    Mock::given(method("GET"))
        .and(path("/v2/team/app/manifests/1"))
        .and(header("authorization", authorization))
        .respond_with(
            ResponseTemplate::new(200).set_body_raw(image.manifest.bytes, media_type::OCI_MANIFEST),
        )
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge))
        .with_priority(9)
        .mount(&server)
        .await;
    server
}

/// What is found at a host, with a token in a variable, where all requests go to the proxy.
fn status(proxy: &MockServer, host: &str, variable: &str) -> String {
    let image = format!("{host}/team/app:1");
    let report = Preflight::lint(["--no-cache", "--retries=0", "--rule=wrong-platform=off"])
        .args(["--rule=mislabelled-platform=off", "--image"])
        .arg(image)
        .arg(format!("--plain-http={host}"))
        .env("HTTP_PROXY", proxy.uri())
        .env(variable, "t0ken")
        .report();
    let text = report["images"][0]["identity"].as_str();
    text.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_of_the_cloud_is_shown_its_token() {
    for (host, variable, user) in [
        ("europe-docker.pkg.dev", GOOGLE, "oauth2accesstoken"),
        ("eu.gcr.io", GOOGLE, "oauth2accesstoken"),
        ("1234.dkr.ecr.eu-west-1.amazonaws.com", AWS, "AWS"),
        (
            "shop.azurecr.io",
            AZURE,
            "00000000-0000-0000-0000-000000000000",
        ),
    ] {
        let registry = proxy("Basic realm=\"r\"", &basic(user)).await;
        assert_eq!(
            status(&registry, host, variable),
            format!("credential:the variable {variable}"),
            "{host}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_traded_at_the_clouds_token_service() {
    let registry = proxy(
        "Bearer realm=\"http://europe-docker.pkg.dev/v2/token\",service=\"europe-docker.pkg.dev\"",
        "Bearer traded",
    )
    .await;
    Mock::given(method("GET"))
        .and(path("/v2/token"))
        .and(header("authorization", basic("oauth2accesstoken").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_string("{\"token\":\"traded\"}"))
        .with_priority(1)
        .mount(&registry)
        .await;
    assert_eq!(
        status(&registry, "europe-docker.pkg.dev", GOOGLE),
        format!("credential:the variable {GOOGLE}")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_registry_never_sees_the_token() {
    for (host, variable) in [
        ("ghcr.io", GOOGLE),
        ("pkg.dev.example.com", GOOGLE),
        ("shop.azurecr.io", AWS),
        ("1234.dkr.ecr.eu-west-1.amazonaws.com", AZURE),
    ] {
        let registry = proxy("Basic realm=\"r\"", "Basic any").await;
        assert_eq!(status(&registry, host, variable), "anonymous", "{host}");
        let requests = registry.received_requests().await.expect("recorded");
        assert!(!requests.is_empty());
        for request in requests {
            assert!(!request.headers.contains_key("authorization"), "{host}");
        }
    }
}
