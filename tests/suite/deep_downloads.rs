//! Layers that come over a bad connection.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oci_preflight::facts::{Answer, Depth, FailureReason, LayerContent, Lookup, PlatformImage};
use oci_preflight::oci::Reference;
use oci_preflight::registry::{Options, Registry};
use oci_preflight::scan::read_layers;
use serde_json::json;

use super::images::{Content, Image};

/// An image of one layer, an archive of a file of noise.
fn image() -> Image {
    let mut archive = tar::Builder::new(Vec::new());
    let mut random = fastrand::Rng::with_seed(3);
    let content: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(300_000)
        .collect();
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_cksum();
    archive
        .append_data(&mut header, "noise", content.as_slice())
        .expect("a member");
    let plain = archive.into_inner().expect("an archive");
    let layer = Content::new("application/vnd.oci.image.layer.v1.tar", plain);
    let config = Content::json(
        "application/vnd.oci.image.config.v1+json",
        &json!({
            "os": "linux", "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [layer.digest().as_str()]},
        }),
    );
    let manifest = Content::json(
        "application/vnd.oci.image.manifest.v1+json",
        &json!({"schemaVersion": 2, "config": config.descriptor(), "layers": [layer.descriptor()]}),
    );
    Image {
        manifest,
        blobs: vec![layer, config],
        children: Vec::new(),
    }
}

/// What a server does with the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    /// It breaks off behind a third of what is asked for, and gives the rest of a range.
    KnowsRanges,
    /// The same, but it begins anew each time, and breaks off only once.
    KnowsNoRanges,
    /// It breaks off at the same place each time.
    Stuck,
    /// It sends what nobody asked for.
    Encodes,
}

/// Serves the image, and writes down which ranges of the layer were asked for.
fn serve(image: &Image, server: Server) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let mut documents: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    documents.insert(
        "/v2/app/manifests/1".to_owned(),
        image.manifest.bytes.clone(),
    );
    for blob in &image.blobs {
        let path = format!("/v2/app/blobs/{}", blob.digest());
        documents.insert(path, blob.bytes.clone());
    }
    let layer = format!("/v2/app/blobs/{}", image.blobs[0].digest());
    let ranges: Arc<Mutex<Vec<String>>> = Arc::default();
    let asked = Arc::clone(&ranges);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer(stream, &documents, &layer, server, &asked);
        }
    });
    (host, ranges)
}

fn answer(
    mut stream: TcpStream,
    documents: &BTreeMap<String, Vec<u8>>,
    layer: &str,
    server: Server,
    asked: &Mutex<Vec<String>>,
) {
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
    let request = lines.next().and_then(Result::ok).unwrap_or_default();
    let headers: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let Some(body) = documents.get(&path) else {
        let _ = stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
    };
    let mut head = "HTTP/1.1 200 OK".to_owned();
    let (mut from, mut until) = (0, body.len());
    if path == layer {
        let range = headers.iter().find_map(|line| line.strip_prefix("range: "));
        let range = range.unwrap_or_default();
        let mut asked = asked.lock().expect("the list");
        asked.push(range.to_owned());
        let start = range
            .strip_prefix("bytes=")
            .and_then(|text| text.strip_suffix('-'));
        let start = start.map_or(0, |text| text.parse().expect("a number"));
        match server {
            Server::KnowsRanges => {
                from = start;
                until = (start + 110_000).min(body.len());
                if start > 0 {
                    "HTTP/1.1 206 Partial Content".clone_into(&mut head);
                }
            }
            Server::KnowsNoRanges if asked.len() == 1 => until = 100_000,
            Server::Stuck => until = 100_000,
            Server::Encodes => head += "\r\nContent-Encoding: br",
            Server::KnowsNoRanges => {}
        }
    }
    let length = body.len() - from;
    let head = format!("{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&body[from..until]);
}

/// The image, with what its layer holds.
async fn read(host: &str) -> PlatformImage {
    let registry = Registry::new(Options {
        timeout: Duration::from_secs(20),
        retries: 1,
        ..Options::default()
    })
    .expect("a client");
    let reference: Reference = format!("{host}/app:1").parse().expect("a reference");
    let lookup = registry.look_up(&reference, Depth::Layers, None).await;
    let mut lookups: BTreeMap<Reference, Lookup> = BTreeMap::from([(reference, lookup)]);
    read_layers(&registry, &mut lookups, &|_, _| {}).await;
    let found = lookups.into_values().next();
    let Some(Answer::Found(found)) = found else {
        panic!("{found:?}");
    };
    found.images[0].clone()
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let (host, ranges) = serve(&image(), Server::KnowsRanges);
    let image = read(&host).await;
    assert_eq!(image.unpacked_bytes().map(|bytes| bytes.0), Some(300_000));
    assert_eq!(
        *ranges.lock().expect("the list"),
        ["", "bytes=110000-", "bytes=220000-"]
    );
}

#[tokio::test]
async fn a_server_without_ranges_is_read_from_its_start_again() {
    let (host, ranges) = serve(&image(), Server::KnowsNoRanges);
    let image = read(&host).await;
    assert_eq!(image.unpacked_bytes().map(|bytes| bytes.0), Some(300_000));
    assert_eq!(*ranges.lock().expect("the list"), ["", "bytes=100000-"]);
}

#[tokio::test]
async fn a_layer_that_does_not_come_is_undetermined_and_not_damaged() {
    for (server, reason) in [
        (Server::Stuck, FailureReason::Connect),
        (Server::Encodes, FailureReason::Malformed),
    ] {
        let (host, _) = serve(&image(), server);
        let image = read(&host).await;
        let content = image.content.expect("a look at the layers");
        assert_eq!(content.layers, [LayerContent::Unread], "{server:?}");
        let [blob] = image.faulty_blobs.as_slice() else {
            panic!("{:?}", image.faulty_blobs);
        };
        let failure = blob.size.failure().expect("a failure");
        assert_eq!(failure.reason, reason, "{server:?}: {}", failure.detail);
    }
}
