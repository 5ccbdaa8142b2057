//! The ways to a registry: mirrors, hosts files, proxies, client certificates, IPv6 and HTTP/2.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use assert_cmd::cargo::CommandCargoExt as _;
use oci_preflight::facts::{Depth, FailureReason, Lookup};
use oci_preflight::oci::media_type;
use oci_preflight::registry::{Options, Registry};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};
use tempfile::TempDir;
use wiremock::matchers::{any, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::images::Image;

fn image() -> ResponseTemplate {
    let image = Image::oci("linux/amd64", "a");
    ResponseTemplate::new(200).set_body_raw(image.manifest.bytes, media_type::OCI_MANIFEST)
}

async fn always(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(response)
        .mount(&server)
        .await;
    server
}

async fn urls(server: &MockServer) -> Vec<String> {
    let received = server.received_requests().await.expect("recorded");
    let shown = |url: &wiremock::Request| match url.url.query() {
        Some(query) => format!("{}?{query}", url.url.path()),
        None => url.url.path().to_owned(),
    };
    received.iter().map(shown).collect()
}

async fn ask(name: &str, options: Options) -> Lookup {
    let registry = Registry::new(options).expect("a client");
    let name = name.parse().expect("a reference");
    registry.look_up(&name, Depth::Manifest, None).await
}

fn mirrors(of: &str, servers: &[&MockServer]) -> Options {
    let pair = |server: &&MockServer| (of.to_owned(), server.uri());
    Options {
        mirrors: servers.iter().map(pair).collect(),
        timeout: Duration::from_secs(3),
        retries: 0,
        ..Options::default()
    }
}

/// A hosts folder with this file for `registry`.
fn hosts_file(registry: &str, text: &str) -> (TempDir, Options) {
    let folder = TempDir::new().expect("a folder");
    let of_registry = folder.path().join(registry);
    fs::create_dir(&of_registry).expect("a folder");
    fs::write(of_registry.join("hosts.toml"), text).expect("a file");
    let options = Options {
        hosts_dirs: vec![folder.path().to_owned()],
        timeout: Duration::from_secs(3),
        retries: 0,
        ..Options::default()
    };
    (folder, options)
}

#[tokio::test]
async fn a_mirror_is_asked_first_and_told_whose_content_is_wanted() {
    let mirror = always(image()).await;
    let lookup = ask("nginx:1", mirrors("docker.io", &[&mirror])).await;
    assert_eq!(lookup.status(), "found", "{lookup:?}");
    assert_eq!(
        urls(&mirror).await,
        ["/v2/library/nginx/manifests/1?ns=docker.io"]
    );
}

#[tokio::test]
async fn whatever_keeps_a_mirror_from_answering_the_next_host_is_asked() {
    for status in [401, 403, 404, 429, 500] {
        let bad = always(ResponseTemplate::new(status)).await;
        let good = always(image()).await;
        let lookup = ask("r.invalid/app:1", mirrors("r.invalid", &[&bad, &good])).await;
        assert_eq!(lookup.status(), "found", "{status}: {lookup:?}");
        assert_eq!(urls(&bad).await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_mirror_that_is_down_keeps_a_refusal_from_being_certain() {
    let down = always(ResponseTemplate::new(500)).await;
    let missing = always(ResponseTemplate::new(404)).await;
    for (first, outcome) in [(&missing, "refused"), (&down, "undetermined")] {
        let origin = missing.address().to_string();
        let lookup = ask(&format!("{origin}/app:1"), mirrors(&origin, &[first])).await;
        assert_eq!(lookup.status(), outcome, "{lookup:?}");
    }
}

#[tokio::test]
async fn a_host_that_may_not_resolve_is_asked_by_digest_alone() {
    let pulls = always(image()).await;
    let resolves = always(image()).await;
    let text = format!(
        "server = \"{}\"\n[host.\"{}\"]\ncapabilities = [\"pull\"]\n",
        resolves.uri(),
        pulls.uri()
    );
    let digest = Image::oci("linux/amd64", "a").digest();
    let by_digest = format!("r.invalid/app@{digest}");
    for (name, at_first) in [("r.invalid/app:1", 0), (by_digest.as_str(), 1)] {
        let (_folder, options) = hosts_file("r.invalid", &text);
        let lookup = ask(name, options).await;
        assert_eq!(lookup.status(), "found", "{lookup:?}");
        assert_eq!(urls(&pulls).await.len(), at_first, "{name}");
    }
}

#[tokio::test]
async fn headers_and_an_own_path_reach_the_host_and_no_other() {
    let storage = always(image()).await;
    let server = MockServer::start().await;
    let to = format!("http://localhost:{}/blob", storage.address().port());
    Mock::given(method("GET"))
        .and(path("/api/hub/app/manifests/1"))
        .and(header("x-team", "shop"))
        .and(query_param("ns", "r.invalid"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", to))
        .expect(1)
        .mount(&server)
        .await;
    let text = format!(
        "[host.\"{0}/api/hub\"]\noverride_path = true\n[host.\"{0}/api/hub\".header]\nx-team = \"shop\"\n",
        server.uri()
    );
    let (_folder, options) = hosts_file("r.invalid", &text);
    let lookup = ask("r.invalid/app:1", options).await;
    assert_eq!(lookup.status(), "found", "{lookup:?}");
    let received = storage.received_requests().await.expect("recorded");
    assert!(!received[0].headers.contains_key("x-team"));
}

/// An authority for a server and a client on the loopback address.
pub struct Authority {
    pub key: KeyPair,
    pub certificate: rcgen::Certificate,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("names");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { key, certificate }
    }

    /// The TLS of a server that wants the client's certificate to be this one too, where `wants_client` says so.
    pub fn tls(&self, wants_client: bool) -> ServerConfig {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificate.der().clone())
            .expect("an authority");
        let builder = ServerConfig::builder();
        let builder = if wants_client {
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        } else {
            builder.with_no_client_auth()
        };
        builder
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .expect("a server's TLS")
    }
}

/// Serves the image over TLS, and gives the address.
pub fn serve(config: ServerConfig) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let config = Arc::new(config);
    let manifest = Image::oci("linux/amd64", "a").manifest;
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut tls = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = Stream::new(&mut tls, &mut connection);
            if stream.read(&mut [0; 4096]).is_err() {
                continue;
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                manifest.media_type,
                manifest.bytes.len()
            );
            let answer = [head.as_bytes(), manifest.bytes.as_slice()].concat();
            let _ = std::io::Write::write_all(&mut stream, &answer);
            tls.send_close_notify();
            let _ = tls.write_tls(&mut connection);
        }
    });
    host
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_the_hosts_file_names_one() {
    let authority = Authority::new();
    let host = serve(authority.tls(true));
    let with = "ca = \"ca.pem\"\nclient = [[\"ca.pem\", \"key.pem\"]]\n";
    let without = "ca = \"ca.pem\"\n";
    for (text, status) in [(with, "found"), (without, "undetermined")] {
        let folder = TempDir::new().expect("a folder");
        let own = folder.path().join(&host);
        fs::create_dir(&own).expect("a folder");
        fs::write(own.join("ca.pem"), authority.certificate.pem()).expect("a file");
        fs::write(own.join("key.pem"), authority.key.serialize_pem()).expect("a file");
        fs::write(own.join("hosts.toml"), text).expect("a file");
        let options = Options {
            hosts_dirs: vec![folder.path().to_owned()],
            timeout: Duration::from_secs(5),
            retries: 0,
            ..Options::default()
        };
        let lookup = ask(&format!("{host}/app:1"), options).await;
        assert_eq!(lookup.status(), status, "{text}: {lookup:?}");
    }
}

#[tokio::test]
async fn the_files_of_dockers_certificate_folders_are_taken_too() {
    let authority = Authority::new();
    let host = serve(authority.tls(true));
    let folder = TempDir::new().expect("a folder");
    let own = folder.path().join(&host);
    fs::create_dir(&own).expect("a folder");
    fs::write(own.join("own.crt"), authority.certificate.pem()).expect("a file");
    fs::write(own.join("client.cert"), authority.certificate.pem()).expect("a file");
    fs::write(own.join("client.key"), authority.key.serialize_pem()).expect("a file");
    let options = Options {
        hosts_dirs: vec![folder.path().to_owned()],
        ..Options::default()
    };
    let lookup = ask(&format!("{host}/app:1"), options).await;
    assert_eq!(lookup.status(), "found", "{lookup:?}");
}

#[tokio::test]
async fn a_certificate_is_verified_even_where_a_node_would_skip_it() {
    let host = serve(Authority::new().tls(false));
    let text = format!("[host.\"https://{host}\"]\nskip_verify = true\n");
    let (_folder, options) = hosts_file("r.invalid", &text);
    let lookup = ask("r.invalid/app:1", options).await;
    let Lookup::Undetermined(failure) = lookup else {
        panic!("{lookup:?}");
    };
    assert_eq!(failure.reason, FailureReason::Tls);
    assert!(failure.detail.contains("skip_verify"), "{}", failure.detail);
}

#[tokio::test]
async fn http_2_is_offered_over_tls() {
    let authority = Authority::new();
    let mut config = authority.tls(false);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let spoken = thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let mut tls = ServerConnection::new(Arc::new(config)).expect("a connection");
        let mut preface = [0; 24];
        let read = Stream::new(&mut tls, &mut connection).read_exact(&mut preface);
        read.map(|()| String::from_utf8_lossy(&preface).into_owned())
    });
    let folder = TempDir::new().expect("a folder");
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, authority.certificate.pem()).expect("a file");
    let options = Options {
        ca_files: vec![ca],
        mirrors: vec![("r.invalid".to_owned(), format!("https://{host}"))],
        retries: 0,
        timeout: Duration::from_secs(3),
        ..Options::default()
    };
    ask("r.invalid/app:1", options).await;
    let preface = spoken.join().expect("a thread").expect("a preface");
    assert!(preface.starts_with("PRI * HTTP/2.0"), "{preface:?}");
}

#[tokio::test]
async fn a_registry_may_have_an_ipv6_address() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        println!("skipped: no IPv6 here");
        return;
    };
    let server = MockServer::builder().listener(listener).start().await;
    Mock::given(any())
        .respond_with(image())
        .mount(&server)
        .await;
    let name = format!("[::1]:{}/app:1", server.address().port());
    let lookup = ask(&name, Options::default()).await;
    assert_eq!(lookup.status(), "found", "{lookup:?}");
}

/// Lints one image with the binary in an environment of its own.
fn lint(image: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::cargo_bin("oci-preflight")
        .expect("the program")
        .env_clear()
        .envs(variables.iter().copied())
        .args(["lint", "--no-cache", "--retries=0", "--timeout=3"])
        .args(["--output=json", "--image", image])
        .args(arguments)
        .output()
        .expect("a run");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_of_the_environment_is_asked_unless_the_host_is_exempt() {
    let proxy = always(image()).await;
    let uri = proxy.uri();
    let plain = ["--plain-http=r.invalid"];
    for (exempt, requests) in [("", 1), ("r.invalid", 0)] {
        proxy.reset().await;
        Mock::given(any())
            .and(path("/v2/app/manifests/1"))
            .respond_with(image())
            .mount(&proxy)
            .await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(404))
            .mount(&proxy)
            .await;
        lint(
            "r.invalid/app:1",
            &plain,
            &[("HTTP_PROXY", &uri), ("NO_PROXY", exempt)],
        );
        let asked = urls(&proxy).await;
        let of_manifest = asked.iter().filter(|url| url.contains("/manifests/1"));
        assert_eq!(of_manifest.count(), requests, "{exempt:?}: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_can_be_named_on_the_command_line_and_in_the_config() {
    let mirror = always(image()).await;
    let flag = format!("--mirror=r.invalid={}", mirror.uri());
    lint("r.invalid/app:1", &[&flag], &[]);
    let by_flag = urls(&mirror).await.len();
    assert!(by_flag > 0);
    let folder = TempDir::new().expect("a folder");
    let config = folder.path().join("oci-preflight.toml");
    let text = format!("[mirrors]\n\"r.invalid\" = [\"{}\"]\n", mirror.uri());
    fs::write(&config, text).expect("a file");
    let config = format!("--config={}", config.display());
    lint("r.invalid/app:1", &[&config], &[]);
    assert_eq!(urls(&mirror).await.len(), 2 * by_flag);
}

#[tokio::test]
async fn a_mirror_without_a_usable_address_is_a_mistake_of_the_settings() {
    for url in ["ftp://m.example", "https://u:p@m.example", "https://"] {
        let options = Options {
            mirrors: vec![("docker.io".to_owned(), url.to_owned())],
            ..Options::default()
        };
        let error = Registry::new(options).expect_err(url).to_string();
        assert!(error.contains("mirror for docker.io"), "{error}");
        assert!(!error.contains("u:p"), "{error}");
    }
}
