//! Whether everything behind a name is there, and whether a tag still means its digest.

use oci_preflight::facts::{Answer, BlobPart, Depth, Found, Lookup};
use oci_preflight::oci::{Bytes, Digest};
use oci_preflight::registry::{Options, Registry};
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::docker_registry::{Access, DockerRegistry};
use super::images::{Content, Image};
use super::registry::reference;
use super::runner::{Preflight, Sources};

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn client() -> Registry {
    Registry::new(Options {
        verify_blobs: true,
        compare_tags: true,
        retries: 0,
        ..Options::default()
    })
    .expect("a client")
}

fn found(lookup: Lookup) -> Found {
    match lookup {
        Answer::Found(found) => found,
        other => panic!("not found: {other:?}"),
    }
}

/// An image with these layers, one of them foreign.
fn image(layers: &[&Content]) -> Content {
    let mut layers: Vec<_> = layers.iter().map(|layer| layer.descriptor()).collect();
    let foreign = Content::new(
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "elsewhere",
    );
    layers.push(foreign.descriptor());
    Content::json(
        "application/vnd.oci.image.manifest.v1+json",
        &json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config().descriptor(),
            "layers": layers,
        }),
    )
}

fn config() -> Content {
    Content::json(
        "application/vnd.oci.image.config.v1+json",
        &json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}}),
    )
}

async fn serve(server: &MockServer, address: &str, content: &Content) {
    let body = ResponseTemplate::new(200).set_body_raw(content.bytes.clone(), &content.media_type);
    Mock::given(path(address))
        .respond_with(body.insert_header("docker-content-digest", content.digest().as_str()))
        .mount(server)
        .await;
}

fn blob(digest: &Digest) -> String {
    format!("/v2/app/blobs/{digest}")
}

#[tokio::test]
async fn missing_and_cut_layers_are_told_and_each_blob_is_asked_for_once() {
    let [whole, gone, cut] = ["whole", "gone", "cut in two"].map(|text| Content::new(LAYER, text));
    let server = MockServer::start().await;
    for name in ["1", "2"] {
        let manifest = image(&[&whole, &gone, &cut, &whole]);
        serve(&server, &format!("/v2/app/manifests/{name}"), &manifest).await;
    }
    for content in [&whole, &config()] {
        serve(&server, &blob(&content.digest()), content).await;
    }
    let half = Content::new(LAYER, "cut");
    serve(&server, &blob(&cut.digest()), &half).await;

    let registry = client();
    for name in ["1", "2"] {
        let reference = reference(&format!("{}/app:{name}", server.address()));
        let found = found(registry.look_up(&reference, Depth::Manifest, None).await);
        let faults = &found.images[0].faulty_blobs;
        let told: Vec<_> = faults
            .iter()
            .map(|fault| (fault.part, fault.size.found().copied(), fault.size.reason()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    BlobPart::Layer { number: 2, of: 5 },
                    None,
                    Some("not-found")
                ),
                (BlobPart::Layer { number: 3, of: 5 }, Some(Bytes(3)), None),
            ]
        );
    }
    let received = server.received_requests().await.expect("recorded");
    let heads = received
        .iter()
        .filter(|request| request.method.as_str() == "HEAD");
    assert_eq!(heads.count(), 4, "the config and three distinct layers");
}

#[tokio::test]
async fn a_registry_without_head_is_asked_as_a_node_asks() {
    let [layer, gone] = ["layer", "gone"].map(|text| Content::new(LAYER, text));
    let server = MockServer::start().await;
    Mock::given(method("HEAD"))
        .respond_with(ResponseTemplate::new(405))
        .mount(&server)
        .await;
    serve(&server, "/v2/app/manifests/1", &image(&[&layer, &gone])).await;
    for content in [&layer, &config()] {
        serve(&server, &blob(&content.digest()), content).await;
    }
    let reference = reference(&format!("{}/app:1", server.address()));
    let found = found(client().look_up(&reference, Depth::Manifest, None).await);
    let faulty = &found.images[0].faulty_blobs;
    let parts: Vec<_> = faulty.iter().map(|fault| &fault.part).collect();
    assert_eq!(parts, [&BlobPart::Layer { number: 2, of: 3 }]);
    assert_eq!(faulty[0].size.reason(), Some("not-found"));
}

#[tokio::test]
async fn what_another_repository_has_and_what_was_there_yesterday_prove_nothing() {
    let amd64 = Image::oci("linux/amd64", "a");
    let index = Image::index(vec![("linux/amd64", amd64.clone())]);
    let cache = tempfile::TempDir::new().expect("a folder");
    let server = MockServer::start().await;
    let client = |verify_blobs| {
        Registry::new(Options {
            verify_blobs,
            retries: 0,
            cache_dir: Some(cache.path().to_owned()),
            ..Options::default()
        })
        .expect("a client")
    };
    let look_up = async |name: &str, verify_blobs| {
        let reference = reference(&format!("{}/{name}", server.address()));
        let lookup = client(verify_blobs)
            .look_up(&reference, Depth::Config, None)
            .await;
        let image = found(lookup).images.remove(0);
        image.manifest.expect("it was asked for").status()
    };
    for repository in ["whole", "halved"] {
        serve(
            &server,
            &format!("/v2/{repository}/manifests/1"),
            &index.manifest,
        )
        .await;
    }
    let child = Mock::given(path(format!("/v2/whole/manifests/{}", amd64.digest())))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_raw(amd64.manifest.bytes.clone(), &amd64.manifest.media_type),
        )
        .mount_as_scoped(&server)
        .await;
    let config = &amd64.blobs[0];
    serve(
        &server,
        &format!("/v2/whole/blobs/{}", config.digest()),
        config,
    )
    .await;

    assert_eq!(look_up("whole:1", false).await, "found");
    assert_eq!(look_up("halved:1", false).await, "refused");
    assert_eq!(look_up("whole:1", true).await, "found");
    drop(child);
    assert_eq!(look_up("whole:1", true).await, "refused");
}

#[tokio::test]
async fn a_real_registry_has_all_of_an_image_and_tells_the_digest_of_a_tag() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let (old, new) = (
        Image::oci("linux/amd64", "old"),
        Image::oci("linux/amd64", "new"),
    );
    server.push("app", "1", &old).await;
    server.push("app", "1", &new).await;
    let pinned = reference(&format!("{}/app:1@{}", server.host, old.digest()));
    let found = found(client().look_up(&pinned, Depth::Config, None).await);
    assert_eq!(found.digest, old.digest());
    assert_eq!(found.tag_digest, Some(new.digest()));
    assert_eq!(found.images[0].faulty_blobs, []);
}

#[test]
fn layers_that_a_layout_does_not_hold_are_findings() {
    let report = Preflight::lint(["--image", "registry.example.com/shop/web:1.4.2"])
        .arg("--layout")
        .arg("registry.example.com=fixtures/layout")
        .arg("--platform")
        .arg("linux/amd64")
        .arg("--verify-blobs")
        .report();
    let messages: Vec<&str> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|finding| finding["message"].as_str())
        .collect();
    assert!(
        messages.iter().any(
            |message| message.contains("layer 1 of 3 for linux/amd64 (sha256:")
                && message.contains(", 3.6 MB) is not in registry.example.com")
        ),
        "{messages:?}"
    );
}

#[test]
fn no_report_shows_what_a_pull_secret_holds() {
    let secret = "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {name: regcred}\nstringData:\n  .dockerconfigjson: '{\"auths\":{\"a.example\":{\"username\":\"ada\",\"password\":\"hunter2\"}}}'\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n  imagePullSecrets: [{name: regcred}]\n  containers: [{name: c, image: b.example/app:1}]\n";
    for format in [
        "pretty", "json", "sarif", "github", "gitlab", "junit", "markdown", "html",
    ] {
        let sources = Sources::new().file("pod.yaml", secret);
        let outcome = Preflight::lint([sources.path()])
            .arg("--offline")
            .arg("--verbose")
            .arg("--output")
            .arg(format)
            .run();
        assert!(
            outcome.stdout.contains("regcred is not for b.example/app"),
            "{format}: {}",
            outcome.stdout
        );
        let shown = outcome.stdout + &outcome.stderr;
        assert!(!shown.contains("hunter2"), "{format}: {shown}");
    }
}

#[test]
fn a_given_file_that_is_no_pull_secret_stops_the_run() {
    let sources = Sources::new()
        .file("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n  containers: [{name: c, image: b.example/app:1}]\n")
        .file("broken.json", "hunter2");
    let outcome = Preflight::lint([sources.path().join("pod.yaml")])
        .arg("--offline")
        .arg("--pull-secret")
        .arg(sources.path().join("broken.json"))
        .run();
    assert_eq!(outcome.status, 2, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("is no pull secret"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
}
