//! Registries that speak TLS, well or badly.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use oci_preflight::facts::{Answer, Depth, FailureReason, Lookup};
use oci_preflight::registry::{Options, Registry};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use tempfile::TempDir;

use super::images::Image;

/// A certificate for the loopback address, that is its own authority.
struct Authority {
    key: KeyPair,
    certificate: rcgen::Certificate,
}

impl Authority {
    fn new(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("names");
        change(&mut params);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { key, certificate }
    }

    /// A server that gives every request the same image manifest, and its address.
    fn serve(&self) -> String {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .expect("a server's TLS");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let manifest = Image::oci("linux/amd64", "a").manifest;
        thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let mut tls = ServerConnection::new(Arc::clone(&config)).expect("a connection");
                let mut stream = Stream::new(&mut tls, &mut connection);
                let mut head = [0; 4096];
                if stream.read(&mut head).is_err() {
                    continue;
                }
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    manifest.media_type,
                    manifest.bytes.len()
                );
                let _ = stream.write_all(answer.as_bytes());
                let _ = stream.write_all(&manifest.bytes);
                tls.send_close_notify();
                let _ = tls.write_tls(&mut connection);
            }
        });
        host
    }
}

async fn ask(host: &str, trusted: Option<&Authority>) -> Lookup {
    let folder = TempDir::new().expect("a folder");
    let ca_files = trusted.map(|authority| {
        let path = folder.path().join("ca.pem");
        fs::write(&path, authority.certificate.pem()).expect("the CA file");
        path
    });
    let registry = Registry::new(Options {
        ca_files: ca_files.into_iter().collect(),
        timeout: Duration::from_secs(10),
        ..Options::default()
    })
    .expect("a client");
    let name = format!("{host}/app:1").parse().expect("a reference");
    registry.look_up(&name, Depth::Manifest, None).await
}

#[tokio::test]
async fn a_certificate_of_an_own_authority_is_trusted_where_its_file_is_given() {
    let authority = Authority::new(|_| {});
    let lookup = ask(&authority.serve(), Some(&authority)).await;
    assert_eq!(lookup.status(), "found", "{lookup:?}");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_trusted_is_no_connection() {
    let good = Authority::new(|_| {});
    let expired = Authority::new(|params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    let another = Authority::new(|params| {
        params.subject_alt_names.clear();
        params.subject_alt_names.push(rcgen::SanType::DnsName(
            "other.example".try_into().expect("a name"),
        ));
    });
    for (host, trusted, words) in [
        (good.serve(), None, "UnknownIssuer"),
        (expired.serve(), Some(&expired), "expired"),
        (another.serve(), Some(&another), "other.example"),
    ] {
        let lookup = ask(&host, trusted).await;
        let Answer::Undetermined(failure) = lookup else {
            panic!("{words}: {lookup:?}");
        };
        assert_eq!(failure.reason, FailureReason::Tls, "{}", failure.detail);
        assert!(failure.detail.contains(words), "{}", failure.detail);
    }
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
    fs::write(&path, "no certificate").expect("the file");
    let empty = build().expect_err("no certificate").to_string();
    assert!(empty.contains("holds no PEM certificate"), "{empty}");
}
