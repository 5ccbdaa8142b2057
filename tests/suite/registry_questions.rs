//! How the client asks: what it is set up with, and what it learns from one answer for the next questions.

use oci_preflight::facts::Depth;
use oci_preflight::oci::media_type;
use oci_preflight::registry::{Options, Registry};
use serde_json::json;
use tempfile::TempDir;
use wiremock::matchers::{header, header_exists, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::images::Image;

fn host(server: &MockServer) -> String {
    server.address().to_string()
}

fn client() -> Registry {
    Registry::new(Options::default()).expect("a client")
}

#[tokio::test]
async fn the_accept_header_is_containerds() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v2/app/manifests/1"))
        .and(header_exists("user-agent"))
        .respond_with(ResponseTemplate::new(404))
        .mount(&server)
        .await;
    let name = format!("{}/app:1", host(&server))
        .parse()
        .expect("a reference");
    let lookup = client().look_up(&name, Depth::Manifest, None).await;
    assert_eq!(lookup.reason(), Some("not-found"));
    let received = server.received_requests().await.expect("recorded");
    assert_eq!(received[0].headers["accept"], media_type::ACCEPT);
}

#[tokio::test]
async fn what_one_repository_wants_decides_nothing_about_another() {
    let server = MockServer::start().await;
    Mock::given(path("/token"))
        .and(query_param("scope", "repository:a:pull"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"token": "t"})))
        .mount(&server)
        .await;
    Mock::given(path("/token"))
        .respond_with(ResponseTemplate::new(403))
        .mount(&server)
        .await;
    let image = Image::oci("linux/amd64", "a");
    let good = ResponseTemplate::new(200)
        .set_body_raw(image.manifest.bytes.clone(), media_type::OCI_MANIFEST);
    Mock::given(path("/v2/a/manifests/1"))
        .and(header("authorization", "Bearer t"))
        .respond_with(good.clone())
        .mount(&server)
        .await;
    let challenge = format!(
        "Bearer realm=\"{}/token\",scope=\"repository:a:pull\"",
        server.uri()
    );
    Mock::given(path("/v2/a/manifests/1"))
        .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge))
        .mount(&server)
        .await;
    Mock::given(path("/v2/b/manifests/1"))
        .respond_with(good)
        .mount(&server)
        .await;
    let registry = client();
    for repository in ["a", "b"] {
        let name = format!("{}/{repository}:1", host(&server))
            .parse()
            .expect("a reference");
        let lookup = registry.look_up(&name, Depth::Manifest, None).await;
        assert_eq!(lookup.status(), "found", "{lookup:?}");
    }
}

#[tokio::test]
async fn a_host_without_a_connection_is_given_up_once_for_all() {
    let registry = client();
    let wanted: Vec<_> = (0..500)
        .map(|n| {
            let name = format!("registry.invalid/app{n}:1");
            (name.parse().expect("a reference"), Depth::Manifest, None)
        })
        .collect();
    let lookups = registry.look_up_all(wanted, |_| {}).await;
    for lookup in lookups.values() {
        assert_eq!(lookup.reason(), Some("dns"), "{lookup:?}");
    }
    let requests = registry.statistics().requests;
    assert!(requests < 500, "{requests}");
}

#[test]
fn a_ca_file_that_is_none_is_named() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("ca.pem");
    let build = || {
        Registry::new(Options {
            ca_files: vec![path.clone()],
            ..Options::default()
        })
    };
    let missing = build().expect_err("no file").to_string();
    assert!(missing.contains("ca.pem"), "{missing}");
    std::fs::write(&path, "no certificate").expect("the file");
    let empty = build().expect_err("no certificate").to_string();
    assert!(empty.contains("holds no PEM certificate"), "{empty}");
}
