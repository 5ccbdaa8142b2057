//! What the client says about single faults, by name: of statuses, of bytes on the wire, and of documents.

use std::time::{Duration, Instant};

use oci_preflight::facts::{Depth, Lookup};
use oci_preflight::oci::media_type::{
    DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, SCHEMA1, SCHEMA1_SIGNED,
};
use oci_preflight::registry::{Options, Registry};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::images::Image;

const MANIFEST_PATH: &str = "/v2/app/manifests/1";
const TIMEOUT: Duration = Duration::from_millis(1500);

async fn ask(host: &str, depth: Depth) -> Lookup {
    let registry = Registry::new(Options {
        timeout: TIMEOUT,
        retries: 1,
        ..Options::default()
    })
    .expect("a client");
    let name = format!("{host}/app:1").parse().expect("a reference");
    let begun = Instant::now();
    let lookup = registry.look_up(&name, depth, None).await;
    assert!(
        begun.elapsed() < TIMEOUT * 2,
        "{host}: {:?}",
        begun.elapsed()
    );
    assert!(registry.statistics().bytes_downloaded < 20_000_000);
    lookup
}

/// Such as `found`, `not-found` or `malformed`.
fn outcome(lookup: &Lookup) -> String {
    lookup.reason().unwrap_or(lookup.status()).to_owned()
}

/// Says all cases that came out otherwise at once.
fn compare(cases: Vec<(String, String, String)>) {
    let wrong: Vec<String> = cases
        .into_iter()
        .filter(|(_, outcome, expected)| outcome != expected)
        .map(|(name, outcome, expected)| format!("{name}: {outcome}, not {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn serve(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(response)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_status_means_what_it_says_and_no_more() {
    let error = |code: &str| json!({"errors": [{"code": code, "message": "m"}]}).to_string();
    let page = "<html>not here</html>".to_owned();
    let basic = ("www-authenticate", "Basic realm=\"r\"");
    let mut cases = Vec::new();
    for (name, status, header, body, expected) in [
        (
            "basic for nobody",
            401,
            basic,
            String::new(),
            "unauthorized",
        ),
        (
            "manifest unknown",
            404,
            ("x", "x"),
            error("MANIFEST_UNKNOWN"),
            "not-found",
        ),
        (
            "name unknown",
            404,
            ("x", "x"),
            error("NAME_UNKNOWN"),
            "not-found",
        ),
        (
            "not found as a page",
            404,
            ("x", "x"),
            page.clone(),
            "not-found",
        ),
        ("gone", 410, ("x", "x"), String::new(), "not-found"),
        (
            "bad request",
            400,
            ("x", "x"),
            String::new(),
            "server-error",
        ),
        (
            "too many for ever",
            429,
            ("retry-after", "1"),
            String::new(),
            "rate-limited",
        ),
        (
            "too many without a time",
            429,
            ("x", "x"),
            String::new(),
            "rate-limited",
        ),
        (
            "too many with a junk time",
            429,
            ("retry-after", "soon"),
            String::new(),
            "rate-limited",
        ),
        (
            "bad gateway as a page",
            502,
            ("x", "x"),
            page,
            "server-error",
        ),
        (
            "unavailable for long",
            503,
            ("retry-after", "86400"),
            String::new(),
            "server-error",
        ),
        (
            "a redirect to nowhere",
            307,
            ("x", "x"),
            String::new(),
            "malformed",
        ),
        (
            "partial content of nothing",
            206,
            ("x", "x"),
            String::new(),
            "server-error",
        ),
    ] {
        let response = ResponseTemplate::new(status)
            .insert_header(header.0, header.1)
            .set_body_string(body);
        let server = serve(response).await;
        let lookup = ask(&server.address().to_string(), Depth::Manifest).await;
        cases.push((name.to_owned(), outcome(&lookup), expected.to_owned()));
    }
    compare(cases);
}

#[tokio::test]
async fn a_passing_fault_is_outlasted() {
    let date = long_ago();
    let image = Image::oci("linux/amd64", "a");
    let mut cases = Vec::new();
    for (name, status, header) in [
        ("too many until a date", 429, ("retry-after", date.as_str())),
        ("too many without a time", 429, ("x", "x")),
        ("bad gateway", 502, ("x", "x")),
        ("unavailable for a moment", 503, ("retry-after", "0")),
    ] {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(status).insert_header(header.0, header.1))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let body = image.manifest.bytes.clone();
        Mock::given(path(MANIFEST_PATH))
            .respond_with(ResponseTemplate::new(200).set_body_raw(body, OCI_MANIFEST))
            .mount(&server)
            .await;
        let lookup = ask(&server.address().to_string(), Depth::Manifest).await;
        cases.push((name.to_owned(), outcome(&lookup), "found".to_owned()));
    }
    compare(cases);
}

/// A date of the past, which asks for no wait.
fn long_ago() -> String {
    "Sun, 06 Nov 1994 08:49:37 GMT".to_owned()
}

/// What a server does after its bytes.
#[derive(Clone)]
enum Then {
    Close,
    Reset,
    Hold,
    /// Writes the last bytes for ever.
    Repeat(Vec<u8>),
}

async fn raw(bytes: Vec<u8>, then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, bytes.clone(), then.clone()));
        }
    });
    host
}

async fn answer(mut stream: TcpStream, bytes: Vec<u8>, then: Then) -> std::io::Result<()> {
    let mut head = [0; 8192];
    let _ = stream.read(&mut head).await?;
    stream.write_all(&bytes).await?;
    match then {
        Then::Close => stream.shutdown().await,
        Then::Reset => stream.set_zero_linger(),
        Then::Hold => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            Ok(())
        }
        Then::Repeat(more) => loop {
            stream.write_all(&more).await?;
        },
    }
}

#[tokio::test]
async fn bytes_that_are_no_sound_answer_decide_nothing() {
    let spaces = " ".repeat(8192);
    let chunk = format!("2000\r\n{spaces}\r\n").into_bytes();
    let junk = format!("X-Junk: {}\r\n", "x".repeat(500_000));
    let many = "X-Junk: x\r\n".repeat(1000);
    let mut cases = Vec::new();
    for (name, head, then, expected) in [
        (
            "nothing, then silence",
            String::new(),
            Then::Hold,
            "timeout",
        ),
        (
            "closed without an answer",
            String::new(),
            Then::Close,
            "connect",
        ),
        (
            "reset without an answer",
            String::new(),
            Then::Reset,
            "connect",
        ),
        (
            "no HTTP",
            "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
            Then::Close,
            "malformed",
        ),
        (
            "half a body, then silence",
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned(),
            Then::Hold,
            "timeout",
        ),
        (
            "half a body, then a reset",
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned(),
            Then::Reset,
            "connect",
        ),
        (
            "a head that goes on for ever",
            "HTTP/1.1 200 OK\r\nX-Junk: ".to_owned(),
            Then::Repeat("x".repeat(8192).into_bytes()),
            "malformed",
        ),
        (
            "chunks without end",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            Then::Repeat(chunk),
            "malformed",
        ),
        (
            "sound JSON without end",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[0".to_owned(),
            Then::Repeat(spaces.into_bytes()),
            "malformed",
        ),
        (
            "a chunk of no size",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n".to_owned(),
            Then::Close,
            "malformed",
        ),
        (
            "a negative length",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}".to_owned(),
            Then::Close,
            "malformed",
        ),
        (
            "a huge header",
            format!("HTTP/1.1 200 OK\r\n{junk}Content-Length: 0\r\n\r\n"),
            Then::Close,
            "malformed",
        ),
        (
            "a thousand headers",
            format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 0\r\n\r\n"),
            Then::Close,
            "malformed",
        ),
    ] {
        let host = raw(head.into_bytes(), then).await;
        let lookup = ask(&host, Depth::Manifest).await;
        cases.push((name.to_owned(), outcome(&lookup), expected.to_owned()));
    }
    compare(cases);
}

#[tokio::test]
async fn odd_but_sound_answers_are_read() {
    let manifest = Image::oci("linux/amd64", "a").manifest;
    let body = String::from_utf8(manifest.bytes).expect("text");
    let typed = format!("Content-Type: {OCI_MANIFEST}\r\n");
    let length = format!("Content-Length: {}\r\n", body.len());
    let mut cases = Vec::new();
    for (name, head) in [
        ("HTTP/1.0", format!("HTTP/1.0 200 OK\r\n{typed}{length}")),
        (
            "closed after the answer",
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{typed}{length}"),
        ),
        ("no length", format!("HTTP/1.1 200 OK\r\n{typed}")),
        (
            "an early answer before",
            format!(
                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n{typed}{length}"
            ),
        ),
        (
            "silent close of a kept connection",
            format!("HTTP/1.1 200 OK\r\n{typed}{length}"),
        ),
    ] {
        let host = raw(format!("{head}\r\n{body}").into_bytes(), Then::Close).await;
        let lookup = ask(&host, Depth::Manifest).await;
        cases.push((name.to_owned(), outcome(&lookup), "found".to_owned()));
    }
    compare(cases);
}

#[tokio::test]
async fn a_document_is_judged_by_what_it_is() {
    let text = String::from_utf8(Image::oci("linux/amd64", "a").manifest.bytes).expect("text");
    let schema1 = json!({"schemaVersion": 1, "name": "app", "tag": "1", "architecture": "amd64",
        "fsLayers": [{"blobSum": format!("sha256:{}", "0".repeat(64))}],
        "history": [{"v1Compatibility": "{}"}], "signatures": []})
    .to_string();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let annotated =
        |value: &str| text.replacen('{', &format!("{{\"annotations\":{{\"a\":\"{value}\"}},"), 1);
    let mut cases = Vec::new();
    for (name, body, content_type, expected) in [
        (
            "schema 1 as what it is",
            schema1.clone(),
            SCHEMA1_SIGNED,
            "found",
        ),
        (
            "schema 1 as JSON",
            schema1.clone(),
            "application/json",
            "found",
        ),
        ("schema 1 as schema 2", schema1, DOCKER_MANIFEST, "found"),
        ("schema 2 as schema 1", text.clone(), SCHEMA1, "found"),
        ("as text", text.clone(), "text/plain", "found"),
        ("as JSON", text.clone(), "application/json", "found"),
        (
            "as bytes",
            text.clone(),
            "application/octet-stream",
            "found",
        ),
        (
            "in upper case with a charset",
            text.clone(),
            "APPLICATION/VND.OCI.IMAGE.MANIFEST.V1+JSON; charset=utf-8",
            "found",
        ),
        ("nested deeply", deep, OCI_MANIFEST, "malformed"),
        (
            "after a byte order mark",
            format!("\u{feff}{text}"),
            OCI_MANIFEST,
            "malformed",
        ),
        (
            "with control characters",
            annotated("\\u001b[31m"),
            OCI_MANIFEST,
            "found",
        ),
        (
            "large",
            annotated(&"x".repeat(1_000_000)),
            OCI_MANIFEST,
            "found",
        ),
        (
            "too large",
            annotated(&"x".repeat(10_000_000)),
            OCI_MANIFEST,
            "malformed",
        ),
        (
            "with null fields",
            r#"{"schemaVersion":2,"config":null,"layers":null}"#.to_owned(),
            OCI_MANIFEST,
            "malformed",
        ),
        (
            "with sizes beyond numbers",
            text.replacen("\"size\":", "\"size\":1e400,\"was\":", 1),
            OCI_MANIFEST,
            "malformed",
        ),
    ] {
        let response = ResponseTemplate::new(200).set_body_raw(body.into_bytes(), content_type);
        let server = serve(response).await;
        let lookup = ask(&server.address().to_string(), Depth::Manifest).await;
        cases.push((name.to_owned(), outcome(&lookup), expected.to_owned()));
    }
    let mut invalid = text.into_bytes();
    invalid.insert(1, 0xff);
    let server = serve(ResponseTemplate::new(200).set_body_raw(invalid, OCI_MANIFEST)).await;
    let lookup = ask(&server.address().to_string(), Depth::Manifest).await;
    cases.push((
        "no UTF-8".to_owned(),
        outcome(&lookup),
        "malformed".to_owned(),
    ));
    compare(cases);
}

#[tokio::test]
async fn an_index_that_lists_itself_or_fans_out_ends() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let child = json!({"mediaType": OCI_INDEX, "digest": digest, "size": 1});
    let children = vec![child; 2000];
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children});
    let response = ResponseTemplate::new(200).set_body_raw(index.to_string(), OCI_INDEX);
    let server = serve(response).await;
    let lookup = ask(&server.address().to_string(), Depth::Config).await;
    let found = lookup.found().expect("the index");
    assert!(found.images.len() <= 1001, "{}", found.images.len());
    let received = server.received_requests().await.expect("recorded");
    assert!(received.len() <= 10, "{}", received.len());
}

#[tokio::test]
async fn head_may_be_refused_wrong_or_empty_and_get_decides() {
    let manifest = Image::oci("linux/amd64", "a").manifest.bytes;
    for (status, get, expected) in [
        (405, 200, "found"),
        (404, 200, "found"),
        (200, 404, "refused"),
    ] {
        let cache = tempfile::TempDir::new().expect("a folder");
        let server = MockServer::start().await;
        let options = || Options {
            cache_dir: Some(cache.path().to_owned()),
            retries: 0,
            ..Options::default()
        };
        let name = format!("{}/app:1", server.address())
            .parse()
            .expect("a reference");
        Mock::given(method("HEAD"))
            .respond_with(ResponseTemplate::new(status))
            .mount(&server)
            .await;
        let good = ResponseTemplate::new(200).set_body_raw(manifest.clone(), OCI_MANIFEST);
        Mock::given(method("GET"))
            .respond_with(good.clone())
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let later = if get == 200 {
            good
        } else {
            ResponseTemplate::new(get)
        };
        Mock::given(any()).respond_with(later).mount(&server).await;
        for expected in ["found", expected] {
            let registry = Registry::new(options()).expect("a client");
            let lookup = registry.look_up(&name, Depth::Manifest, None).await;
            assert_eq!(lookup.status(), expected, "{status} {get}: {lookup:?}");
        }
    }
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_containerd_follows() {
    for (hops, expected) in [(3, "found"), (10, "found"), (11, "malformed")] {
        let server = MockServer::start().await;
        let manifest = Image::oci("linux/amd64", "a").manifest.bytes;
        let places: Vec<String> = std::iter::once(MANIFEST_PATH.to_owned())
            .chain((1..=hops).map(|hop| format!("/hop/{hop}")))
            .collect();
        for pair in places.windows(2) {
            let response = ResponseTemplate::new(307).insert_header("location", pair[1].as_str());
            Mock::given(path(&pair[0]))
                .respond_with(response)
                .mount(&server)
                .await;
        }
        Mock::given(path(places.last().expect("a place")))
            .respond_with(ResponseTemplate::new(200).set_body_raw(manifest, OCI_MANIFEST))
            .mount(&server)
            .await;
        let lookup = ask(&server.address().to_string(), Depth::Manifest).await;
        assert_eq!(outcome(&lookup), expected, "{hops} redirects");
    }
}

#[tokio::test]
async fn a_token_service_that_refuses_or_takes_its_time_is_told_apart() {
    for (response, expected) in [
        (ResponseTemplate::new(401), "unauthorized"),
        (ResponseTemplate::new(403), "forbidden"),
        (ResponseTemplate::new(200).set_delay(TIMEOUT * 2), "timeout"),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/token"))
            .respond_with(response)
            .mount(&server)
            .await;
        let challenge = format!("Bearer realm=\"{}/token\",service=\"s\"", server.uri());
        Mock::given(any())
            .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge))
            .mount(&server)
            .await;
        let lookup = ask(&server.address().to_string(), Depth::Manifest).await;
        assert_eq!(outcome(&lookup), expected);
    }
}
