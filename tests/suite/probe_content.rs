//! A way is not clear where a pull would fail at its end: what a registry gives out is read as a node reads it.

use oci_preflight::event::Class;
use oci_preflight::oci::{Digest, Platform};
use oci_preflight::probe::{Fault, Options, ProbeReport, Side};

use crate::images::Image;
use crate::probe::{assert_blames, options, probe};
use crate::registry_faults::answer::{Answer, Step, bytes, error, redirect, whole};
use crate::registry_faults::server::{FaultRegistry, Request, Serve, good_image};

/// What is said of an image at a registry that serves like this.
async fn probed_at(serve: Serve, version: &str, options: &Options) -> (ProbeReport, FaultRegistry) {
    let registry = FaultRegistry::start(serve, None, "127.0.0.1");
    let report = probe(&format!("{}/app{version}", registry.host), options).await;
    let leaks = registry.seen.lock().expect("what was seen").leaks.clone();
    assert_eq!(leaks, Vec::<String>::new());
    (report, registry)
}

async fn probed(serve: Serve) -> ProbeReport {
    probed_at(serve, ":1", &options()).await.0
}

/// What `answer` says to a manifest's GET; all else is sound.
fn manifest(request: &Request, answer: impl FnOnce(&Request) -> Answer) -> Answer {
    if request.manifest().is_some() && !request.is_head() {
        answer(request)
    } else {
        request.good()
    }
}

/// What `answer` says to a config; all else is sound.
fn config(request: &Request, answer: impl FnOnce(&Request) -> Answer) -> Answer {
    let config = good_image().blobs[1].digest();
    if request.blob() == Some(config.as_str()) {
        answer(request)
    } else {
        request.good()
    }
}

fn layer(request: &Request, answer: impl FnOnce(&Request) -> Answer) -> Answer {
    let layer = good_image().blobs[0].digest();
    if request.blob() == Some(layer.as_str()) {
        answer(request)
    } else {
        request.good()
    }
}

/// A sound answer that breaks off in its middle.
fn cut(answer: Answer) -> Answer {
    let length = answer.length();
    let (head, body) = answer.parts("1.1", Some(length));
    bytes(head).then(Step::Send(body[..body.len() / 2].to_vec()))
}

#[tokio::test]
async fn a_sound_image_is_clear() {
    let report = probed(Request::good).await;
    assert!(report.is_clear(), "{}", report.to_text());
    assert!(report.to_json()["class"].is_null());
    let report = probed(Request::with_tokens).await;
    assert!(report.is_clear(), "{}", report.to_text());
}

#[tokio::test]
async fn a_page_in_place_of_the_manifest_is_something_in_between() {
    let report = probed(|request| manifest(request, |_| whole(200).page("Sign in"))).await;
    assert_blames(
        &report,
        "manifest",
        Side::Network,
        Class::TlsInterceptingProxy,
    );
    assert!(report.to_text().contains("text/html"));
}

#[tokio::test]
async fn a_portal_that_answers_everything_with_its_page_is_told() {
    let report = probed(|_| whole(200).page("Sign in")).await;
    assert_blames(
        &report,
        "manifest",
        Side::Network,
        Class::TlsInterceptingProxy,
    );
}

#[tokio::test]
async fn a_manifest_that_no_node_takes_is_the_registry_s() {
    let answers: [Serve; 4] = [
        |request| manifest(request, |request| request.good().body("")),
        |request| manifest(request, |request| request.good().body("{\"a\": 1}")),
        |request| manifest(request, |request| request.good().body("<?>")),
        |request| match request.manifest() {
            Some(_) => request.good().header("Docker-Content-Digest", "sha256:x"),
            None => request.good(),
        },
    ];
    for answer in answers {
        let report = probed(answer).await;
        assert_blames(&report, "manifest", Side::Registry, Class::RegistryCorrupt);
    }
}

#[tokio::test]
async fn a_manifest_with_another_digest_than_the_one_asked_for_is_the_registry_s() {
    let asked = format!("@{}", Digest::sha256_of(b"another"));
    let serve: Serve = |request| match request.manifest() {
        Some(_) => request.holding(&good_image()),
        None => request.good(),
    };
    let (report, _) = probed_at(serve, &asked, &options()).await;
    // A sound registry does not have it.
    assert_blames(&report, "manifest", Side::Image, Class::DigestGone);
    let serve: Serve = |request| match request.manifest() {
        Some(_) => {
            let manifest = good_image().manifest;
            whole(200)
                .header("Content-Type", &manifest.media_type)
                .body(manifest.bytes)
        }
        None => request.good(),
    };
    let (report, _) = probed_at(serve, &asked, &options()).await;
    assert_blames(&report, "manifest", Side::Registry, Class::RegistryCorrupt);
    assert!(report.to_json().to_string().contains("with the digest"));
}

#[tokio::test]
async fn a_schema_1_manifest_is_refused_as_nodes_refuse_it() {
    let report = probed(|request| match request.manifest() {
        Some(_) => whole(200)
            .header("Content-Type", "application/vnd.docker.distribution.manifest.v1+prettyjws")
            .body(r#"{"schemaVersion":1,"name":"app","tag":"1","architecture":"amd64","fsLayers":[],"history":[]}"#),
        None => request.good(),
    })
    .await;
    assert_blames(&report, "manifest", Side::Image, Class::Schema1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_told() {
    let report = probed(|request| manifest(request, |request| cut(request.good()))).await;
    assert_blames(&report, "manifest", Side::Network, Class::TruncatedDownload);
    let report = probed(|request| config(request, |request| cut(request.good()))).await;
    assert_blames(&report, "blob", Side::Network, Class::TruncatedDownload);
}

#[tokio::test]
async fn a_tag_whose_manifest_is_gone_is_told() {
    let report = probed(|request| manifest(request, |_| error(404, "MANIFEST_UNKNOWN"))).await;
    assert_blames(&report, "manifest", Side::Registry, Class::DanglingTag);
}

#[tokio::test]
async fn a_config_that_is_not_what_its_digest_says_is_the_registry_s() {
    let report = probed(|request| {
        config(request, |_| {
            let other = Image::oci("linux/amd64", "b").blobs[1].bytes.clone();
            whole(200).body(other)
        })
    })
    .await;
    assert_blames(&report, "blob", Side::Registry, Class::RegistryCorrupt);
}

#[tokio::test]
async fn content_that_is_lost_or_cut_is_the_registry_s() {
    let report = probed(|request| config(request, |_| error(404, "BLOB_UNKNOWN"))).await;
    assert_blames(&report, "blob", Side::Registry, Class::BlobMissing);
    let report = probed(|request| layer(request, |_| error(404, "BLOB_UNKNOWN"))).await;
    assert_blames(&report, "layer", Side::Registry, Class::BlobMissing);
    let report = probed(|request| layer(request, |_| whole(200).body("x"))).await;
    assert_blames(&report, "layer", Side::Registry, Class::RegistryCorrupt);
    let report = probed(|request| config(request, |_| whole(200).page("Blocked"))).await;
    assert_blames(&report, "blob", Side::Network, Class::TlsInterceptingProxy);
    let report = probed(|request| config(request, |_| whole(500))).await;
    assert_blames(&report, "blob", Side::Registry, Class::Registry5xx);
}

#[tokio::test]
async fn the_manifest_of_the_node_s_platform_is_the_one_that_is_read() {
    let serve: Serve = |request| {
        let arm = Image::oci("linux/arm64", "b");
        let gone = arm.manifest.digest();
        let index = Image::index(vec![("linux/arm64", arm), ("linux/amd64", good_image())]);
        if request.manifest() == Some(gone.as_str()) {
            return error(404, "MANIFEST_UNKNOWN");
        }
        request.holding(&index)
    };
    let of = |platform: &str| Options {
        platform: platform.parse::<Platform>().expect("a platform"),
        ..options()
    };
    let (report, _) = probed_at(serve, ":1", &of("linux/amd64")).await;
    assert!(report.is_clear(), "{}", report.to_text());
    let (report, _) = probed_at(serve, ":1", &of("linux/arm64")).await;
    assert_blames(&report, "manifest", Side::Registry, Class::DanglingTag);
    let (report, _) = probed_at(serve, ":1", &of("linux/s390x")).await;
    assert_blames(&report, "manifest", Side::Image, Class::PlatformMismatch);
    assert!(
        report
            .to_json()
            .to_string()
            .contains("linux/arm64, linux/amd64")
    );
    let (report, _) = probed_at(Request::good, ":1", &of("linux/arm64")).await;
    assert_blames(&report, "blob", Side::Image, Class::PlatformMismatch);
}

#[tokio::test]
async fn a_manifest_at_another_host_is_followed_there_without_credentials() {
    let report = probed(|request| {
        if request.is_token() || request.is_elsewhere {
            return if request.is_elsewhere {
                request.good()
            } else {
                request.with_tokens()
            };
        }
        match (request.manifest(), request.authorization()) {
            (Some(_), "Bearer good") => redirect(&format!("{}{}", request.elsewhere, request.path)),
            _ => request.with_tokens(),
        }
    })
    .await;
    assert!(report.is_clear(), "{}", report.to_text());
    let stages: Vec<&str> = report.stages().map(|stage| stage.stage).collect();
    assert_eq!(
        stages[6..],
        [
            "token", "manifest", "dns", "tcp", "redirect", "manifest", "redirect", "blob", "layer"
        ],
        "{}",
        report.to_text()
    );
}

#[tokio::test]
async fn a_manifest_at_a_dead_host_is_the_network_s() {
    let report = probed(|request| match request.manifest() {
        Some(_) => redirect("http://127.0.0.1:1/manifest"),
        None => request.good(),
    })
    .await;
    assert_blames(
        &report,
        "tcp",
        Side::Network,
        Class::RedirectTargetUnreachable,
    );
    assert_eq!(
        report.fault,
        Some(Fault::OtherHost("127.0.0.1:1".to_owned()))
    );
}

#[tokio::test]
async fn redirects_in_a_circle_and_to_nowhere_end() {
    let report = probed(|request| match request.manifest() {
        Some(_) => redirect(&format!("{}{}", request.registry, request.path)),
        None => request.good(),
    })
    .await;
    assert_blames(
        &report,
        "redirect",
        Side::Registry,
        Class::RedirectTargetUnreachable,
    );
    let report = probed(|request| match request.manifest() {
        Some(_) => redirect("file:///etc/passwd"),
        None => request.good(),
    })
    .await;
    assert!(!report.is_clear(), "{}", report.to_text());
}

#[tokio::test]
async fn a_storage_that_refuses_is_not_the_registry() {
    let report = probed(|request| match request.blob() {
        Some(_) if request.is_elsewhere => error(403, "DENIED"),
        Some(_) => redirect(&format!("{}{}", request.elsewhere, request.path)),
        None => request.good(),
    })
    .await;
    assert_blames(&report, "redirect", Side::Storage, Class::BlobBackendError);
}
