//! What the client says about a registry that misbehaves.

use std::io;
use std::time::{Duration, Instant};

use oci_preflight::facts::{
    Answer, Depth, Failure, FailureReason, Identity, Lookup, Missing, Refusal, RefusalReason,
};
use oci_preflight::oci::{Digest, media_type};
use oci_preflight::registry::{CredentialFile, CredentialSources, Options, Registry};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::docker_registry::basic;
use super::images::Image;

const MANIFEST_PATH: &str = "/v2/app/manifests/1";

/// Asks for `app:1` of a host on the loopback address, with the options changed by `change`.
async fn ask_with(host: &str, change: impl FnOnce(&mut Options)) -> (Lookup, Registry) {
    let mut options = Options {
        timeout: Duration::from_secs(3),
        ..Options::default()
    };
    change(&mut options);
    let registry = Registry::new(options).expect("a client");
    let name = format!("{host}/app:1").parse().expect("a reference");
    let lookup = registry.look_up(&name, Depth::Config, None).await;
    (lookup, registry)
}

async fn ask(host: &str) -> Lookup {
    ask_with(host, |_| {}).await.0
}

fn refusal(lookup: Lookup) -> Refusal {
    match lookup {
        Answer::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn failure(lookup: Lookup) -> Failure {
    match lookup {
        Answer::Undetermined(failure) => failure,
        other => panic!("not undetermined: {other:?}"),
    }
}

/// Good content at [`MANIFEST_PATH`], behind whatever is mounted before.
async fn serve_image(server: &MockServer) -> Image {
    let image = Image::oci("linux/amd64", "a");
    Mock::given(path(MANIFEST_PATH))
        .respond_with(content(&image.manifest.bytes, &image.manifest.media_type))
        .mount(server)
        .await;
    let config = &image.blobs[1];
    Mock::given(path(format!("/v2/app/blobs/{}", config.digest())))
        .respond_with(content(&config.bytes, "application/octet-stream"))
        .mount(server)
        .await;
    image
}

fn content(bytes: &[u8], media_type: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(bytes.to_vec(), media_type)
}

async fn always(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(response)
        .mount(&server)
        .await;
    server
}

fn host(server: &MockServer) -> String {
    server.address().to_string()
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.expect("recorded").len()
}

/// A server that does `answer` with each connection, after the head of the request was read.
async fn raw<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            if stream.read(&mut head).await.is_ok() {
                tokio::spawn(answer(stream));
            }
        }
    });
    host
}

#[tokio::test]
async fn tokens_that_are_never_taken_end_as_a_refusal() {
    let server = MockServer::start().await;
    Mock::given(path("/token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"token": "t"})))
        .mount(&server)
        .await;
    let challenge = format!("Bearer realm=\"{}/token\",service=\"s\"", server.uri());
    Mock::given(any())
        .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge))
        .mount(&server)
        .await;
    assert_eq!(
        refusal(ask(&host(&server)).await).reason,
        RefusalReason::Unauthorized
    );
    assert!(requests(&server).await <= 4);
}

#[tokio::test]
async fn an_old_token_is_renewed_once() {
    let server = MockServer::start().await;
    Mock::given(path("/token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"token": "old"})))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(path("/token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"token": "new"})))
        .mount(&server)
        .await;
    let image = Image::oci("linux/amd64", "a");
    for (token, times) in [("old", 1), ("new", 9)] {
        Mock::given(path(MANIFEST_PATH))
            .and(wiremock::matchers::header(
                "authorization",
                format!("Bearer {token}").as_str(),
            ))
            .respond_with(content(&image.manifest.bytes, media_type::OCI_MANIFEST))
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    let scope = "repository:app:pull";
    let challenge = format!("Bearer realm=\"{}/token\",scope=\"{scope}\"", server.uri());
    Mock::given(any())
        .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge))
        .mount(&server)
        .await;
    let registry = Registry::new(Options::default()).expect("a client");
    let name = format!("{}/app:1", host(&server))
        .parse()
        .expect("a reference");
    for _ in 0..2 {
        let lookup = registry.look_up(&name, Depth::Manifest, None).await;
        assert_eq!(lookup.status(), "found", "{lookup:?}");
    }
}

#[tokio::test]
async fn a_token_service_that_fails_is_no_refusal() {
    for (response, reason) in [
        (ResponseTemplate::new(500), FailureReason::ServerError),
        (
            ResponseTemplate::new(200).set_body_string("<html>"),
            FailureReason::Malformed,
        ),
        (
            ResponseTemplate::new(200).set_body_string("{}"),
            FailureReason::Malformed,
        ),
        (ResponseTemplate::new(429), FailureReason::RateLimited),
        (ResponseTemplate::new(404), FailureReason::ServerError),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/token"))
            .respond_with(response)
            .mount(&server)
            .await;
        let challenge = format!("Bearer realm=\"{}/token\"", server.uri());
        Mock::given(any())
            .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge))
            .mount(&server)
            .await;
        let (lookup, _) = ask_with(&host(&server), |options| options.retries = 0).await;
        assert_eq!(failure(lookup).reason, reason);
    }
}

#[tokio::test]
async fn a_challenge_that_cannot_be_met_is_a_refusal() {
    for challenge in ["", "Negotiate", "Bearer"] {
        let response = ResponseTemplate::new(401).insert_header("www-authenticate", challenge);
        let server = always(response).await;
        let refusal = refusal(ask(&host(&server)).await);
        assert_eq!(refusal.reason, RefusalReason::Unauthorized, "{challenge}");
        assert_eq!(requests(&server).await, 1);
    }
    let response = ResponseTemplate::new(401)
        .insert_header("www-authenticate", "Bearer realm=\"file:///etc/passwd\"");
    let server = always(response).await;
    assert_eq!(
        failure(ask(&host(&server)).await).reason,
        FailureReason::Malformed
    );
}

#[tokio::test]
async fn a_forbidden_image_says_so_in_the_registrys_words() {
    let words = json!({"errors": [{"code": "DENIED", "message": "no role\n reader"}]});
    let server = always(ResponseTemplate::new(403).set_body_json(words)).await;
    let refusal = refusal(ask(&host(&server)).await);
    assert_eq!(refusal.reason, RefusalReason::Forbidden);
    assert_eq!(refusal.message, "no role reader");
    assert_eq!(refusal.identity, Identity::Anonymous);
}

#[tokio::test]
async fn what_the_registry_will_not_give_out_is_not_missing() {
    let words = "OCI index found, but accept header does not support OCI indexes";
    let body = json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": words}]});
    let server = always(ResponseTemplate::new(404).set_body_json(body)).await;
    assert_eq!(
        refusal(ask(&host(&server)).await).reason,
        RefusalReason::Unsupported
    );
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_long_as_it_is_short() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(429).insert_header("retry-after", "1"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    serve_image(&server).await;
    let begun = Instant::now();
    assert_eq!(ask(&host(&server)).await.status(), "found");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_long_rate_limit_is_told_at_once() {
    let response = ResponseTemplate::new(429).insert_header("retry-after", "86400");
    let server = always(response).await;
    let begun = Instant::now();
    let failure = failure(ask(&host(&server)).await);
    assert_eq!(failure.reason, FailureReason::RateLimited);
    assert_eq!(failure.retry_after, Some(Duration::from_hours(24)));
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_burst_of_errors_is_outlasted_and_an_outage_is_not() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(500))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    serve_image(&server).await;
    assert_eq!(ask(&host(&server)).await.status(), "found");

    let server = always(ResponseTemplate::new(503)).await;
    let failure = failure(ask(&host(&server)).await);
    assert_eq!(failure.reason, FailureReason::ServerError);
    assert!(
        failure.detail.contains("503 Service Unavailable"),
        "{}",
        failure.detail
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_broken_connection() {
    let host = raw(|mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            .await
    })
    .await;
    assert_eq!(failure(ask(&host).await).reason, FailureReason::Connect);
}

#[tokio::test]
async fn a_body_without_end_is_cut_at_the_largest_manifest() {
    let host = raw(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        loop {
            stream.write_all(&[b' '; 8 * 1024]).await?;
        }
    })
    .await;
    let (lookup, registry) = ask_with(&host, |_| {}).await;
    assert_eq!(failure(lookup).reason, FailureReason::Malformed);
    assert!(registry.statistics().bytes_downloaded < 5_000_000);
}

#[tokio::test]
async fn a_huge_declared_length_is_not_read() {
    let host = raw(|mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\n")
            .await?;
        tokio::time::sleep(Duration::from_mins(1)).await;
        Ok(())
    })
    .await;
    let begun = Instant::now();
    assert_eq!(failure(ask(&host).await).reason, FailureReason::Damaged);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_dripping_server_ends_at_the_deadline() {
    let host = raw(|mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            .await?;
        loop {
            stream.write_all(b" ").await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let begun = Instant::now();
    let timeout = Duration::from_millis(700);
    let (lookup, _) = ask_with(&host, |options| options.timeout = timeout).await;
    assert_eq!(failure(lookup).reason, FailureReason::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_answer_that_is_no_manifest_decides_nothing() {
    for (body, media_type, reason) in [
        (
            "<html>sign in</html>",
            "text/html",
            FailureReason::Malformed,
        ),
        ("", "application/json", FailureReason::Malformed),
        ("[]", media_type::OCI_MANIFEST, FailureReason::Malformed),
        (
            "{\"schemaVersion\":2}",
            media_type::OCI_MANIFEST,
            FailureReason::Damaged,
        ),
    ] {
        let server = always(content(body.as_bytes(), media_type)).await;
        let failure = failure(ask(&host(&server)).await);
        assert_eq!(failure.reason, reason, "{body}");
    }
}

#[tokio::test]
async fn another_digest_than_promised_is_malformed() {
    let image = Image::oci("linux/amd64", "a");
    for (promised, reason) in [
        (Digest::sha256_of(b"other").as_str(), FailureReason::Damaged),
        ("hello", FailureReason::Malformed),
    ] {
        let response = content(&image.manifest.bytes, media_type::OCI_MANIFEST)
            .insert_header("docker-content-digest", promised);
        let server = always(response).await;
        let failure = failure(ask(&host(&server)).await);
        assert_eq!(failure.reason, reason, "{promised}");
    }
}

#[tokio::test]
async fn a_config_that_is_missing_or_swapped_spoils_only_itself() {
    let image = Image::oci("linux/amd64", "a");
    for (response, reason) in [
        (ResponseTemplate::new(404), "not-found"),
        (
            ResponseTemplate::new(200).set_body_string("{}"),
            "malformed",
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(path(MANIFEST_PATH))
            .respond_with(content(&image.manifest.bytes, media_type::OCI_MANIFEST))
            .mount(&server)
            .await;
        Mock::given(any())
            .respond_with(response)
            .mount(&server)
            .await;
        let lookup = ask(&host(&server)).await;
        let found = lookup.found().expect("the manifest");
        let config = found.images[0].config.as_ref().expect("asked for");
        assert_eq!(config.reason(), Some(reason));
        if let Answer::Refused(refusal) = config {
            assert_eq!(refusal.reason, RefusalReason::NotFound(Missing::Blob));
        }
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_no_credentials_along() {
    let storage = MockServer::start().await;
    let image = serve_image(&storage).await;
    let server = MockServer::start().await;
    let config = format!("/v2/app/blobs/{}", image.blobs[1].digest());
    let wanted = basic("ada", "s3cret");
    for at in [MANIFEST_PATH, config.as_str()] {
        let to = format!(
            "http://localhost:{}{at}?signature=abc",
            storage.address().port()
        );
        Mock::given(path(at))
            .and(wiremock::matchers::header("authorization", wanted.as_str()))
            .respond_with(ResponseTemplate::new(307).insert_header("location", to))
            .mount(&server)
            .await;
    }
    let challenge =
        ResponseTemplate::new(401).insert_header("www-authenticate", "Basic realm=\"r\"");
    Mock::given(any())
        .respond_with(challenge)
        .mount(&server)
        .await;

    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("config.json");
    let auths = json!({"auths": {host(&server): {"username": "ada", "password": "s3cret"}}});
    std::fs::write(&file, auths.to_string()).expect("the config file");
    let (lookup, _) = ask_with(&host(&server), |options| {
        options.credentials = CredentialSources {
            files: vec![CredentialFile {
                path: file,
                must_exist: true,
            }],
            ..CredentialSources::default()
        };
    })
    .await;
    let found = lookup.found().expect("found").images[0].config().is_some();
    assert!(found, "{lookup:?}");
    let received = storage.received_requests().await.expect("recorded");
    assert_eq!(received.len(), 2);
    for request in received {
        assert!(
            !request.headers.contains_key("authorization"),
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn redirects_that_lead_nowhere_decide_nothing() {
    for location in [MANIFEST_PATH, "file:///etc/passwd", "http://"] {
        let server = always(ResponseTemplate::new(307).insert_header("location", location)).await;
        let failure = failure(ask(&host(&server)).await);
        assert_eq!(failure.reason, FailureReason::Malformed, "{location}");
        assert!(requests(&server).await <= 11);
    }
}

#[tokio::test]
async fn a_closed_port_is_told_from_a_name_that_does_not_resolve() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    let refused = failure(ask(&closed).await);
    assert_eq!(refused.reason, FailureReason::Connect);
    assert!(
        refused.detail.contains("Connection refused"),
        "{}",
        refused.detail
    );

    let unknown = failure(ask("registry.invalid").await);
    assert_eq!(unknown.reason, FailureReason::Dns);
    assert!(
        unknown.detail.contains("registry.invalid"),
        "{}",
        unknown.detail
    );
}

#[tokio::test]
async fn a_host_without_a_connection_is_given_up_once_for_all() {
    let registry = Registry::new(Options::default()).expect("a client");
    let wanted: Vec<_> = (0..500)
        .map(|n| {
            let name = format!("registry.invalid/app{n}:1");
            (name.parse().expect("a reference"), Depth::Manifest, None)
        })
        .collect();
    let begun = Instant::now();
    let lookups = registry.look_up_all(wanted, |_| {}).await;
    for lookup in lookups.values() {
        assert_eq!(lookup.reason(), Some("dns"), "{lookup:?}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    let host = raw(|stream| async move {
        stream.set_zero_linger()?;
        drop(stream);
        Ok(())
    })
    .await;
    let (lookup, registry) = ask_with(&host, |options| options.retries = 1).await;
    assert_eq!(failure(lookup).reason, FailureReason::Connect);
    assert!(registry.statistics().requests >= 2);
}

#[tokio::test]
async fn a_plain_server_where_tls_is_spoken_is_named_with_its_remedy() {
    // Every address that ends in .localhost is a loopback address by RFC 6761, and no name for it to the client.
    let server = always(ResponseTemplate::new(200)).await;
    let port = server.address().port();
    let (lookup, _) = ask_with(&format!("plain.localhost:{port}"), |_| {}).await;
    let failure = failure(lookup);
    if failure.reason == FailureReason::Dns {
        eprintln!("skipped: plain.localhost does not resolve here");
        return;
    }
    assert_eq!(failure.reason, FailureReason::Tls);
    assert!(
        failure
            .detail
            .contains(&format!("--plain-http plain.localhost:{port}")),
        "{}",
        failure.detail
    );
}

#[tokio::test]
async fn the_accept_header_is_containerds() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(MANIFEST_PATH))
        .and(wiremock::matchers::header_exists("user-agent"))
        .respond_with(ResponseTemplate::new(404))
        .mount(&server)
        .await;
    refusal(ask(&host(&server)).await);
    let received = server.received_requests().await.expect("recorded");
    assert_eq!(received[0].headers["accept"], media_type::ACCEPT);
}

#[tokio::test]
async fn what_one_repository_wants_decides_nothing_about_another() {
    let server = MockServer::start().await;
    Mock::given(path("/token"))
        .and(wiremock::matchers::query_param(
            "scope",
            "repository:a:pull",
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"token": "t"})))
        .mount(&server)
        .await;
    Mock::given(path("/token"))
        .respond_with(ResponseTemplate::new(403))
        .mount(&server)
        .await;
    let image = Image::oci("linux/amd64", "a");
    let good = content(&image.manifest.bytes, media_type::OCI_MANIFEST);
    Mock::given(path("/v2/a/manifests/1"))
        .and(wiremock::matchers::header("authorization", "Bearer t"))
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
    let registry = Registry::new(Options::default()).expect("a client");
    for repository in ["a", "b"] {
        let name = format!("{}/{repository}:1", host(&server))
            .parse()
            .expect("a reference");
        let lookup = registry.look_up(&name, Depth::Manifest, None).await;
        assert_eq!(lookup.status(), "found", "{lookup:?}");
    }
}

#[tokio::test]
async fn a_body_that_the_server_compressed_by_itself_is_read_within_bounds() {
    let image = Image::oci("linux/amd64", "a");
    let bomb = vec![b' '; 20_000_000];
    for (plain, outcome) in [
        (image.manifest.bytes.as_slice(), "found"),
        (bomb.as_slice(), "undetermined"),
    ] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, plain).expect("gzip");
        let body = gzip.finish().expect("gzip");
        let response = content(&body, media_type::OCI_MANIFEST);
        let server = always(response.insert_header("content-encoding", "gzip")).await;
        assert_eq!(ask(&host(&server)).await.status(), outcome);
    }
}
