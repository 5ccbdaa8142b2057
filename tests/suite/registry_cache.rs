//! What a second run still asks.

use std::path::Path;

use oci_preflight::facts::Depth;
use oci_preflight::registry::{Options, Registry};
use tempfile::TempDir;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::docker_registry::{Access, DockerRegistry};
use super::images::Image;

fn client(folder: &Path) -> Registry {
    Registry::new(Options {
        cache_dir: Some(folder.join("cache")),
        ..Options::default()
    })
    .expect("a client")
}

/// What is found under the names, by one run with the cache in `folder`, and what the run asked.
async fn run(server: &DockerRegistry, folder: &Path, names: &[String]) -> Vec<String> {
    let before = server.requests().await.len();
    let registry = client(folder);
    let wanted = names
        .iter()
        .map(|name| (name.parse().expect(name), Depth::Config, None))
        .collect();
    let lookups = registry.look_up_all(wanted, |_| {}).await;
    for (reference, lookup) in &lookups {
        let found = lookup
            .found()
            .unwrap_or_else(|| panic!("{reference}: {lookup:?}"));
        assert!(
            found.images.iter().all(|image| image.config().is_some()),
            "{reference}"
        );
    }
    server.requests().await.split_off(before)
}

#[tokio::test]
async fn a_second_run_asks_once_for_each_reference_and_for_no_body() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let folder = TempDir::new().expect("a folder");
    let index = Image::index(vec![
        ("linux/amd64", Image::oci("linux/amd64", "a")),
        ("linux/arm64", Image::oci("linux/arm64", "b")),
    ]);
    server.push("app", "1", &index).await;
    server
        .push("app", "2", &Image::oci("linux/amd64", "c"))
        .await;
    let names = [
        format!("{}/app:1", server.host),
        format!("{}/app:2", server.host),
        format!("{}/app@{}", server.host, index.digest()),
    ];
    let cold = run(&server, folder.path(), &names).await;
    assert!(
        cold.iter().all(|request| request.starts_with("GET ")),
        "{cold:?}"
    );

    let mut warm = run(&server, folder.path(), &names).await;
    warm.sort();
    let mut expected =
        ["1", "2", index.digest().as_str()].map(|name| format!("HEAD /v2/app/manifests/{name}"));
    expected.sort();
    assert_eq!(warm, expected);

    server
        .push("app", "1", &Image::oci("linux/amd64", "d"))
        .await;
    let moved = run(&server, folder.path(), &names[..1]).await;
    assert_eq!(moved[0], "HEAD /v2/app/manifests/1");
    assert_eq!(moved[1], "GET /v2/app/manifests/1");
    assert_eq!(moved.len(), 3, "the new config too: {moved:?}");
}

#[tokio::test]
async fn what_was_deleted_is_not_found_however_well_it_is_known() {
    let server = MockServer::start().await;
    let image = Image::oci("linux/amd64", "a");
    let good = ResponseTemplate::new(200)
        .set_body_raw(image.manifest.bytes.clone(), &image.manifest.media_type);
    Mock::given(path("/v2/app/manifests/1"))
        .respond_with(good)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let folder = TempDir::new().expect("a folder");
    let name = format!("{}/app:1", server.address());
    for expected in [None, Some("not-found")] {
        let registry = client(folder.path());
        let reference = name.parse().expect("a reference");
        let lookup = registry.look_up(&reference, Depth::Manifest, None).await;
        assert_eq!(lookup.reason(), expected);
    }
    let received = server.received_requests().await.expect("recorded");
    let methods: Vec<&str> = received
        .iter()
        .map(|request| request.method.as_str())
        .collect();
    assert_eq!(methods[..3], ["GET", "HEAD", "GET"]);
}

#[tokio::test]
async fn a_registry_that_answers_head_wrongly_is_asked_for_the_manifest() {
    let image = Image::oci("linux/amd64", "a");
    let good = ResponseTemplate::new(200)
        .set_body_raw(image.manifest.bytes.clone(), &image.manifest.media_type);
    for head in [
        ResponseTemplate::new(405),
        ResponseTemplate::new(404),
        ResponseTemplate::new(200),
        ResponseTemplate::new(200).insert_header("docker-content-digest", "hello"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("HEAD"))
            .respond_with(head)
            .mount(&server)
            .await;
        Mock::given(method("GET"))
            .respond_with(good.clone())
            .mount(&server)
            .await;
        let folder = TempDir::new().expect("a folder");
        let name = format!("{}/app:1", server.address());
        for _ in 0..2 {
            let registry = client(folder.path());
            let reference = name.parse().expect("a reference");
            let lookup = registry.look_up(&reference, Depth::Manifest, None).await;
            assert_eq!(lookup.status(), "found", "{lookup:?}");
        }
    }
}
