//! The way to a registry, with everything that can stand in it, made on this machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use oci_preflight::event::Class;
use oci_preflight::oci::Platform;
use oci_preflight::probe::{Fault, Options, ProbeReport, Proxies, Side, StageVerdict, run};
use rcgen::{Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::images::{Content, Image};

pub fn options() -> Options {
    Options {
        timeout: Duration::from_secs(2),
        platform: Platform::linux_amd64(),
        ..Options::default()
    }
}

pub async fn probe(target: &str, options: &Options) -> ProbeReport {
    run(target, options)
        .await
        .expect("a target that can be probed")
}

/// The verdict of the last stage of that name.
pub fn verdict(report: &ProbeReport, stage: &str) -> Option<StageVerdict> {
    let mut stages = report.stages().rev();
    stages
        .find(|tried| tried.stage == stage)
        .map(|tried| tried.verdict)
}

pub fn detail<'a>(report: &'a ProbeReport, stage: &str) -> &'a str {
    let mut stages = report.stages();
    stages
        .find(|tried| tried.stage == stage)
        .map_or("", |tried| &tried.detail)
}

/// Holds the report to the first stage that fails, to the side and to the class of cause.
pub fn assert_blames(report: &ProbeReport, stage: &str, side: Side, class: Class) {
    let text = report.to_text();
    let fault = report.fault.as_ref().unwrap_or_else(|| panic!("{text}"));
    assert_eq!(fault.side(), side, "{text}");
    assert_eq!(fault.class(), Some(class), "{text}");
    let mut failed = report.stages();
    let failed = failed.find(|stage| stage.verdict == StageVerdict::Failed);
    assert_eq!(failed.map(|failed| failed.stage), Some(stage), "{text}");
    let json = report.to_json();
    assert_eq!(json["verdict"], "failed");
    assert_eq!(json["side"], side.as_str());
    assert_eq!(json["class"], class.as_str());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_the_resolver_s() {
    let report = probe("registry.invalid", &options()).await;
    assert_eq!(
        report.fault,
        Some(Fault::Name("registry.invalid".to_owned()))
    );
    assert_eq!(verdict(&report, "dns"), Some(StageVerdict::Failed));
    assert_eq!(verdict(&report, "http"), Some(StageVerdict::Skipped));
    assert_blames(&report, "dns", Side::Resolver, Class::DnsFailure);
}

/// An address of this machine at which nobody listens.
pub fn closed_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let address = closed_port();
    let report = probe(&address.to_string(), &options()).await;
    let host = "127.0.0.1".to_owned();
    assert_eq!(
        report.fault,
        Some(Fault::Connection {
            host,
            silent: false
        })
    );
    assert_eq!(verdict(&report, "tcp"), Some(StageVerdict::Failed));
    assert_blames(
        &report,
        "tcp",
        Side::Registry,
        Class::RedirectTargetUnreachable,
    );
}

/// Linux drops what would begin a connection to a listener whose queue is full.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn dropped_packets_are_silence() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .expect("a port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let mut queue = Vec::new();
    for _ in 0..8 {
        let wait = Duration::from_millis(100);
        queue.push(tokio::time::timeout(wait, TcpStream::connect(address)).await);
    }
    let options = Options {
        timeout: Duration::from_millis(500),
        ..Options::default()
    };
    let report = probe(&address.to_string(), &options).await;
    let host = "127.0.0.1".to_owned();
    assert_eq!(report.fault, Some(Fault::Connection { host, silent: true }));
    assert!(
        report.to_text().contains("firewall"),
        "{}",
        report.to_text()
    );
    assert_blames(
        &report,
        "tcp",
        Side::Network,
        Class::RedirectTargetUnreachable,
    );
}

/// A certificate authority, with its certificate in a file.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
        parameters.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Example Authority");
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(parameters, key).expect("a certificate");
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("a file");
        Self { issuer, folder }
    }

    pub fn options(&self) -> Options {
        Options {
            ca_files: vec![self.folder.path().join("ca.pem")],
            ..options()
        }
    }

    /// A server that answers every request with 200, behind a certificate with `parameters`.
    async fn serve(&self, parameters: CertificateParams) -> u16 {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
        self.serve_with(parameters, answer).await
    }

    /// A server that answers every request with `answer`, behind a certificate with `parameters`.
    pub async fn serve_with(&self, parameters: CertificateParams, answer: &'static str) -> u16 {
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters
            .signed_by(&key, &self.issuer)
            .expect("a certificate");
        serve_certificate(&certificate, &key, answer).await
    }
}

/// A server that answers every request with `answer`, behind that certificate.
async fn serve_certificate(certificate: &Certificate, key: &KeyPair, answer: &'static str) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a certificate with its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    port
}

pub fn certificate_for(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).expect("a name")
}

#[tokio::test]
async fn a_known_authority_is_trusted() {
    let authority = Authority::new();
    let port = authority.serve(certificate_for("localhost")).await;
    let report = probe(&format!("localhost:{port}"), &authority.options()).await;
    assert!(report.is_clear(), "{}", report.to_text());
    assert!(
        detail(&report, "tls").starts_with("TLS 1.3, trusted"),
        "{}",
        report.to_text()
    );
    assert!(
        detail(&report, "http").contains("HTTP/1.1, status 200"),
        "{}",
        report.to_text()
    );
}

#[tokio::test]
async fn an_unknown_authority_is_named() {
    let authority = Authority::new();
    let port = authority.serve(certificate_for("localhost")).await;
    let report = probe(&format!("localhost:{port}"), &options()).await;
    let host = format!("localhost:{port}");
    let issuer = "Example Authority".to_owned();
    assert_eq!(
        report.fault,
        Some(Fault::CertificateIssuer { host, issuer })
    );
    assert_blames(&report, "tls", Side::Trust, Class::TlsUnknownCa);
}

#[tokio::test]
async fn a_self_signed_certificate_is_named() {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = certificate_for("localhost");
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, "signed by itself");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let port = serve_certificate(&certificate, &key, "HTTP/1.1 200 OK\r\n\r\n").await;
    let host = format!("localhost:{port}");
    let report = probe(&host, &options()).await;
    assert_eq!(
        report.fault,
        Some(Fault::SelfSigned {
            host,
            subject: "signed by itself".to_owned()
        }),
        "{}",
        report.to_text()
    );
    assert_eq!(verdict(&report, "http"), Some(StageVerdict::Skipped));
    assert_blames(&report, "tls", Side::Trust, Class::TlsUnknownCa);
}

/// A server whose certificate is an authority's and signs itself, as `openssl req -x509` makes it: its port, and what trusts it.
async fn own_authority(change: impl FnOnce(&mut CertificateParams)) -> (u16, Options, TempDir) {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = certificate_for("localhost");
    parameters.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    change(&mut parameters);
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, certificate.pem()).expect("a file");
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    let port = serve_certificate(&certificate, &key, answer).await;
    let trusting = Options {
        ca_files: vec![file],
        ..options()
    };
    (port, trusting, folder)
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_taken_where_it_is_known() {
    let (port, trusting, _folder) = own_authority(|_| ()).await;
    let host = format!("localhost:{port}");
    let report = probe(&host, &trusting).await;
    assert!(report.is_clear(), "{}", report.to_text());
    let report = probe(&host, &options()).await;
    assert!(
        matches!(&report.fault, Some(Fault::SelfSigned { host: named, .. }) if *named == host),
        "{}",
        report.to_text()
    );
    let text = report.to_json()["help"].to_string();
    assert!(
        text.contains("signed itself") && text.contains("--ca-file"),
        "{text}"
    );
    // Another authority of that name does not help.
    let (_, others, _folder) = own_authority(|_| ()).await;
    let report = probe(&host, &others).await;
    assert_eq!(verdict(&report, "tls"), Some(StageVerdict::Failed));
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_still_needs_its_name_and_dates() {
    let (port, trusting, _folder) = own_authority(|parameters| {
        parameters.not_before = rcgen::date_time_ymd(2019, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    })
    .await;
    let host = format!("localhost:{port}");
    let report = probe(&host, &trusting).await;
    assert_eq!(report.fault, Some(Fault::CertificateDates(host)));
    let (port, trusting, _folder) = own_authority(|parameters| {
        *parameters = certificate_for("other.example");
        parameters.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    })
    .await;
    let host = format!("localhost:{port}");
    let report = probe(&host, &trusting).await;
    assert_eq!(report.fault, Some(Fault::CertificateName(host)));
}

#[tokio::test]
async fn an_expired_certificate_shows_its_dates() {
    let authority = Authority::new();
    let mut parameters = certificate_for("localhost");
    parameters.not_before = rcgen::date_time_ymd(2019, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let port = authority.serve(parameters).await;
    let host = format!("localhost:{port}");
    let report = probe(&host, &authority.options()).await;
    assert_eq!(report.fault, Some(Fault::CertificateDates(host)));
    assert!(
        detail(&report, "tls").contains("to 2020-01-01"),
        "{}",
        report.to_text()
    );
    assert_blames(&report, "tls", Side::Registry, Class::TlsUnknownCa);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told() {
    let authority = Authority::new();
    let port = authority.serve(certificate_for("other.example")).await;
    let host = format!("localhost:{port}");
    let report = probe(&host, &authority.options()).await;
    assert_eq!(report.fault, Some(Fault::CertificateName(host)));
    assert_blames(&report, "tls", Side::Registry, Class::TlsUnknownCa);
}

const IMAGE: &str = "team/app:1";

/// A registry that answers the paths with these statuses.
async fn registry(statuses: &[(&str, u16)]) -> MockServer {
    let server = MockServer::start().await;
    for (asked, status) in statuses {
        Mock::given(path(*asked))
            .respond_with(ResponseTemplate::new(*status))
            .mount(&server)
            .await;
    }
    server
}

#[tokio::test]
async fn a_refusal_of_the_manifest_is_told_by_its_status() {
    let image = |server: &MockServer| format!("{}/{IMAGE}", server.address());
    for (status, side, class, expected) in [
        (
            401,
            Side::Credentials,
            Class::CredentialsMissing,
            (|image| Fault::Credentials {
                image,
                origin: None,
            }) as fn(String) -> Fault,
        ),
        (403, Side::Permission, Class::PermissionDenied, |image| {
            Fault::Forbidden {
                image,
                origin: None,
            }
        }),
        (404, Side::Image, Class::TagNotFound, Fault::NotFound),
    ] {
        let server = registry(&[("/v2/", 200), ("/v2/team/app/manifests/1", status)]).await;
        let report = probe(&image(&server), &options()).await;
        assert_eq!(
            report.fault,
            Some(expected(image(&server))),
            "{}",
            report.to_text()
        );
        assert_eq!(verdict(&report, "http"), Some(StageVerdict::Ok));
        assert_eq!(verdict(&report, "manifest"), Some(StageVerdict::Failed));
        assert_eq!(verdict(&report, "blob"), Some(StageVerdict::Skipped));
        assert_blames(&report, "manifest", side, class);
    }
}

#[tokio::test]
async fn a_registry_that_fails_is_the_registry_s_and_a_limit_is_told() {
    for (status, stage, side, class) in [
        (500, "http", Side::Registry, Class::Registry5xx),
        (503, "http", Side::Registry, Class::Registry5xx),
        (429, "http", Side::Registry, Class::RateLimit),
        (403, "http", Side::Permission, Class::PermissionDenied),
    ] {
        let server = registry(&[("/v2/", status)]).await;
        let report = probe(&server.address().to_string(), &options()).await;
        assert_blames(&report, stage, side, class);
    }
    let server = registry(&[("/v2/", 200), ("/v2/team/app/manifests/1", 502)]).await;
    let report = probe(&format!("{}/{IMAGE}", server.address()), &options()).await;
    assert_blames(&report, "manifest", Side::Registry, Class::Registry5xx);
}

#[tokio::test]
async fn a_token_service_that_is_out_of_reach_is_told_from_the_registry() {
    let dead = closed_port();
    for (realm, stage, side, class) in [
        (
            format!("http://{dead}/token"),
            "tcp",
            Side::Network,
            Class::RedirectTargetUnreachable,
        ),
        (
            "http://tokens.invalid/token".to_owned(),
            "dns",
            Side::Resolver,
            Class::DnsFailure,
        ),
    ] {
        let server = MockServer::start().await;
        let challenge = format!("Bearer realm=\"{realm}\",service=\"example\"");
        let answer = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
        mount(&server, vec![("/v2/".to_owned(), answer)]).await;
        let report = probe(&format!("{}/{IMAGE}", server.address()), &options()).await;
        assert_blames(&report, stage, side, class);
        assert_eq!(verdict(&report, "token"), Some(StageVerdict::Skipped));
    }
}

#[tokio::test]
async fn a_slow_server_is_not_waited_for() {
    let server = MockServer::start().await;
    Mock::given(path("/v2/"))
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(30)))
        .mount(&server)
        .await;
    let host = server.address().to_string();
    let options = Options {
        plain_http: vec![host.clone()],
        timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let report = probe(&host, &options).await;
    assert_eq!(report.fault, Some(Fault::Answer(host)));
    assert_blames(
        &report,
        "http",
        Side::Registry,
        Class::RedirectTargetUnreachable,
    );
}

/// The content of a server: what it answers to each path.
pub type Answers = Vec<(String, ResponseTemplate)>;

fn content(content: &Content) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("docker-content-digest", content.digest().as_str())
        .set_body_raw(content.bytes.clone(), &content.media_type)
}

/// An image as a registry gives it out, under tag 1.
pub fn manifests(image: &Image) -> Answers {
    let tag = (
        "/v2/team/app/manifests/1".to_owned(),
        content(&image.manifest),
    );
    let all = std::iter::once(image).chain(&image.children).map(|image| {
        let digest = image.manifest.digest();
        (
            format!("/v2/team/app/manifests/{digest}"),
            content(&image.manifest),
        )
    });
    std::iter::once(tag).chain(all).collect()
}

/// The config and the layers, below `folder`.
pub fn blobs(image: &Image, folder: &str) -> Answers {
    let all = std::iter::once(image).chain(&image.children);
    all.flat_map(|image| &image.blobs)
        .map(|blob| (format!("{folder}/{}", blob.digest()), content(blob)))
        .collect()
}

pub fn index() -> Image {
    Image::index(vec![
        ("linux/arm64", Image::oci("linux/arm64", "b")),
        ("linux/amd64", Image::oci("linux/amd64", "a")),
    ])
}

pub async fn mount(server: &MockServer, answers: Answers) {
    for (asked, answer) in answers {
        Mock::given(path(asked))
            .respond_with(answer)
            .mount(server)
            .await;
    }
}

/// A host that holds the blobs of [`index`].
pub async fn storage() -> MockServer {
    let server = MockServer::start().await;
    mount(&server, blobs(&index(), "")).await;
    server
}

/// A registry with token service, index, manifests, config and layers, whose blobs are at `elsewhere`.
pub async fn whole_registry(elsewhere: &str) -> MockServer {
    let server = registry(&[]).await;
    let challenge = format!(
        "Bearer realm=\"http://{}/token\",service=\"example\"",
        server.address()
    );
    mount(&server, manifests(&index())).await;
    let own = [
        (
            "/v2/".to_owned(),
            ResponseTemplate::new(401).insert_header("www-authenticate", challenge),
        ),
        (
            "/token".to_owned(),
            ResponseTemplate::new(200).set_body_json(json!({"token": "t"})),
        ),
    ];
    mount(&server, own.into()).await;
    let redirects = blobs(&index(), "").into_iter().map(|(blob, _)| {
        let location = format!("{elsewhere}{blob}");
        let answer = ResponseTemplate::new(307).insert_header("location", location);
        (format!("/v2/team/app/blobs{blob}"), answer)
    });
    mount(&server, redirects.collect()).await;
    server
}

#[tokio::test]
async fn the_whole_way_is_walked_up_to_the_second_host() {
    let storage = storage().await;
    let server = whole_registry(&storage.uri()).await;
    let report = probe(&format!("{}/{IMAGE}", server.address()), &options()).await;
    assert!(report.is_clear(), "{}", report.to_text());
    let stages: Vec<&str> = report.stages().map(|stage| stage.stage).collect();
    assert_eq!(
        stages,
        [
            "proxy",
            "dns",
            "tcp",
            "tls",
            "http",
            "credentials",
            "token",
            "manifest",
            "manifest",
            "manifest",
            "blob",
            "dns",
            "tcp",
            "redirect",
            "layer",
            "redirect"
        ]
    );
    let asked = storage.received_requests().await.expect("requests");
    assert!(
        asked
            .iter()
            .all(|request| !request.headers.contains_key("authorization"))
    );
}

#[tokio::test]
async fn a_second_host_that_is_dead_is_named() {
    let dead = closed_port();
    let server = whole_registry(&format!("http://{dead}")).await;
    let report = probe(&format!("{}/{IMAGE}", server.address()), &options()).await;
    assert_eq!(report.fault, Some(Fault::OtherHost(dead.to_string())));
    assert_eq!(verdict(&report, "blob"), Some(StageVerdict::Ok));
    assert_blames(
        &report,
        "tcp",
        Side::Network,
        Class::RedirectTargetUnreachable,
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
        }
    });
    let options = Options {
        proxies: Proxies {
            https: Some(format!("http://{address}")),
            ..Proxies::default()
        },
        ..options()
    };
    let report = probe("registry.example.com", &options).await;
    assert_eq!(
        report.fault,
        Some(Fault::Proxy("registry.example.com".to_owned()))
    );
    assert!(
        detail(&report, "tunnel").contains("403 Forbidden"),
        "{}",
        report.to_text()
    );
    assert_blames(&report, "tunnel", Side::Proxy, Class::TlsInterceptingProxy);
}

#[tokio::test]
async fn the_json_has_the_documented_fields() {
    let report = probe("registry.invalid", &options()).await.to_json();
    assert_eq!(report["version"], 1);
    assert_eq!(report["target"], "registry.invalid");
    assert_eq!(report["verdict"], "failed");
    assert!(report["help"].is_string());
    for stage in report["stages"].as_array().expect("stages") {
        for field in ["stage", "target", "verdict", "ms", "detail"] {
            assert!(!stage[field].is_null(), "{field}: {stage}");
        }
    }
}
