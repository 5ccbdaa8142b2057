//! Who asks, and which way: credentials, proxies over TLS, and a network of its own.

use std::path::Path;
use std::process::Command;

use oci_preflight::event::Class;
use oci_preflight::probe::{Fault, Options, Proxies, Side, StageVerdict};
use oci_preflight::registry::{CredentialFile, CredentialSources};
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{header, header_exists, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::probe::{
    Authority, assert_blames, blobs, certificate_for, closed_port, detail, index, manifests,
    options, probe, storage, verdict, whole_registry,
};

/// `ada:s3cret`, as HTTP and Docker's file write it.
const PAIR: &str = "YWRhOnMzY3JldA==";

/// A file of Docker's format with a password for `registry`.
fn docker_config(folder: &Path, registry: &str) -> CredentialSources {
    let file = folder.join("config.json");
    let text = json!({"auths": {registry: {"auth": PAIR}}}).to_string();
    std::fs::write(&file, text).expect("a file");
    CredentialSources {
        files: vec![CredentialFile {
            path: file,
            must_exist: true,
        }],
        ..CredentialSources::default()
    }
}

/// Gives the image to who has the password.
async fn mount_guarded(server: &MockServer) {
    let image = index();
    let answers = manifests(&image);
    for (asked, answer) in answers
        .into_iter()
        .chain(blobs(&image, "/v2/team/app/blobs"))
    {
        Mock::given(header("authorization", format!("Basic {PAIR}").as_str()))
            .and(path(asked))
            .respond_with(answer)
            .with_priority(1)
            .mount(server)
            .await;
    }
}

/// A registry that wants a password and serves everything to who has it.
async fn guarded_registry() -> MockServer {
    let server = MockServer::start().await;
    mount_guarded(&server).await;
    Mock::given(path("/v2/"))
        .respond_with(
            ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"example\""),
        )
        .mount(&server)
        .await;
    Mock::given(header_exists("user-agent"))
        .respond_with(ResponseTemplate::new(401))
        .with_priority(9)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_registry_is_asked_with_the_credentials_of_docker_and_their_place_is_named() {
    let folder = TempDir::new().expect("a folder");
    let server = guarded_registry().await;
    let host = server.address().to_string();
    let options = Options {
        credentials: docker_config(folder.path(), &host),
        ..options()
    };
    let report = probe(&format!("{host}/team/app:1"), &options).await;
    assert!(report.is_clear(), "{}", report.to_text());
    let whose = detail(&report, "credentials");
    assert!(
        whose.contains("config.json") && whose.contains(&host),
        "{whose}"
    );
    let written = format!("{}{}", report.to_json(), report.to_text());
    assert!(
        !written.contains("s3cret") && !written.contains(PAIR),
        "{written}"
    );
}

#[tokio::test]
async fn without_credentials_the_same_registry_refuses_and_says_what_is_missing() {
    let server = guarded_registry().await;
    let report = probe(&format!("{}/team/app:1", server.address()), &options()).await;
    assert!(detail(&report, "credentials").contains("none found"));
    let help = report.fault.expect("a fault").help();
    assert!(
        help.contains("needs credentials, and none were found"),
        "{help}"
    );
}

#[tokio::test]
async fn credentials_that_are_refused_are_named_by_their_place() {
    let folder = TempDir::new().expect("a folder");
    let server = MockServer::start().await;
    Mock::given(header_exists("user-agent"))
        .respond_with(
            ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"example\""),
        )
        .mount(&server)
        .await;
    let host = server.address().to_string();
    let options = Options {
        credentials: docker_config(folder.path(), &host),
        ..options()
    };
    let report = probe(&format!("{host}/team/app:1"), &options).await;
    let help = report.fault.expect("a fault").help();
    assert!(
        help.contains("does not take the credentials from") && help.contains("config.json"),
        "{help}"
    );
}

#[tokio::test]
async fn a_token_is_asked_for_with_the_password_which_no_other_host_sees() {
    let folder = TempDir::new().expect("a folder");
    let storage = storage().await;
    let server = whole_registry(&storage.uri()).await;
    let host = server.address().to_string();
    let options = Options {
        credentials: docker_config(folder.path(), &host),
        ..options()
    };
    let report = probe(&format!("{host}/team/app:1"), &options).await;
    assert!(report.is_clear(), "{}", report.to_text());
    assert_eq!(detail(&report, "token"), "a token for these credentials");
    let sent = |request: &wiremock::Request| {
        let value = request.headers.get("authorization")?;
        Some(value.to_str().expect("text").to_owned())
    };
    for request in server.received_requests().await.expect("requests") {
        let expected = match request.url.path() {
            "/v2/" => None,
            "/token" => Some(format!("Basic {PAIR}")),
            _ => Some("Bearer t".to_owned()),
        };
        assert_eq!(sent(&request), expected, "{}", request.url);
    }
    for request in storage.received_requests().await.expect("requests") {
        assert_eq!(sent(&request), None);
    }
}

/// A registry that lets anybody in at `/v2/` and wants to know who asks for an image.
#[tokio::test]
async fn a_challenge_that_comes_with_the_image_is_met_too() {
    let folder = TempDir::new().expect("a folder");
    let server = MockServer::start().await;
    mount_guarded(&server).await;
    Mock::given(path("/v2/"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    Mock::given(path("/v2/team/app/manifests/1"))
        .respond_with(
            ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"example\""),
        )
        .mount(&server)
        .await;
    let host = server.address().to_string();
    let options = Options {
        credentials: docker_config(folder.path(), &host),
        ..options()
    };
    let report = probe(&format!("{host}/team/app:1"), &options).await;
    assert!(report.is_clear(), "{}", report.to_text());
}

/// The probe through the proxy at `port`, to a registry that nobody has.
async fn through(port: u16, options: Options) -> oci_preflight::probe::ProbeReport {
    let proxies = Proxies {
        https: Some(format!("https://localhost:{port}")),
        ..Proxies::default()
    };
    probe("registry.example.com", &Options { proxies, ..options }).await
}

#[tokio::test]
async fn a_proxy_over_tls_that_refuses_is_named() {
    let authority = Authority::new();
    let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let port = authority
        .serve_with(certificate_for("localhost"), refusal)
        .await;
    let report = through(port, authority.options()).await;
    assert_eq!(verdict(&report, "proxy-tls"), Some(StageVerdict::Ok));
    assert!(
        detail(&report, "tunnel").contains("407 Proxy Authentication Required"),
        "{}",
        report.to_text()
    );
    assert_eq!(
        report.fault,
        Some(Fault::Proxy("registry.example.com".to_owned()))
    );
    assert_blames(&report, "tunnel", Side::Proxy, Class::TlsInterceptingProxy);
}

#[tokio::test]
async fn a_proxy_that_nobody_knows_is_sent_nothing() {
    let port = Authority::new()
        .serve_with(certificate_for("localhost"), "HTTP/1.1 200 OK\r\n\r\n")
        .await;
    let report = through(port, options()).await;
    assert_eq!(verdict(&report, "proxy-tls"), Some(StageVerdict::Failed));
    assert_eq!(verdict(&report, "tunnel"), None);
    let host = format!("localhost:{port}");
    assert!(
        matches!(&report.fault, Some(Fault::CertificateIssuer { host: named, .. }) if *named == host),
        "{:?}",
        report.fault
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_the_proxy_s() {
    let address = closed_port();
    let report = through(address.port(), options()).await;
    let proxy = format!("localhost:{}", address.port());
    assert_eq!(report.fault, Some(Fault::ProxyOutOfReach(proxy)));
    assert_blames(&report, "tcp", Side::Proxy, Class::TlsInterceptingProxy);
}

/// A network of its own whose only route leads to nowhere: what is sent is lost without a word, as behind a firewall. The
/// kernel drops what arrives on the loopback device for an address that is not its own.
#[test]
fn packets_that_a_network_drops_are_told_from_a_refusal() {
    const NETWORK: &str =
        "ip link set lo up && ip addr add 192.0.2.1/32 dev lo && ip route add 192.0.2.96/28 dev lo";
    let isolated = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c", script]);
        command
    };
    let is_possible = isolated(NETWORK)
        .output()
        .is_ok_and(|output| output.status.success());
    if !is_possible {
        assert!(
            std::env::var_os("REQUIRE_NAMESPACES").is_none(),
            "no network namespace is to be had, with unshare and ip"
        );
        println!("skipped: no network namespace is to be had, with unshare and ip");
        return;
    }
    let binary = assert_cmd::cargo::cargo_bin("oci-preflight");
    let probe = "probe 192.0.2.99:443 --timeout 1 --output json";
    let output = isolated(&format!("{NETWORK} && exec '{}' {probe}", binary.display()))
        .output()
        .expect("the binary runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(1));
    let help = report["help"].as_str().expect("help");
    assert!(help.contains("drops the packets"), "{help}");
    assert_eq!(report["side"], "network");
    assert_eq!(report["class"], "redirect_target_unreachable");
    let stages = report["stages"].as_array().expect("stages");
    let failed = stages.iter().find(|stage| stage["verdict"] == "failed");
    assert_eq!(failed.expect("a stage")["stage"], "tcp");
}
