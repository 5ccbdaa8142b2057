//! Answers that come slowly, or never come to an end.

use std::time::Duration;

use serde_json::json;

use super::answer::{Answer, Step, bytes, whole};
use super::server::Request;
use super::{faults, registry, unknown};

const TIMEOUT: super::Expected = unknown("timeout");
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A chunk of this.
fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

/// An index of so many images, of which each is answered by silence.
fn index_of_silence(request: &Request, count: usize) -> Answer {
    if request.manifest() != Some("1") {
        return Answer::Steps(vec![Step::Hold]);
    }
    let children = (0..count).map(|number| {
        let digest = oci_preflight::oci::Digest::sha256_of(number.to_string().as_bytes());
        json!({"digest": digest.as_str(), "size": 1, "mediaType": oci_preflight::oci::media_type::OCI_MANIFEST})
    });
    let children: Vec<serde_json::Value> = children.collect();
    whole(200).json(&json!({"schemaVersion": 2, "manifests": children}))
}

faults! {
    /// Silence in place of an answer.
    stall: TIMEOUT, registry(|_| Answer::Steps(vec![Step::Hold])).impatient();
    /// Half a body, then silence.
    stallbody: TIMEOUT,
        registry(|_| bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{").then(Step::Hold)).impatient();
    /// A body at ten bytes a second.
    drip: TIMEOUT, registry(|_| {
        bytes("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            .then(Step::Drip(vec![b' '; 1000], Duration::from_millis(100)))
    }).impatient();
    /// A head at one byte a second.
    drip1hdr: TIMEOUT, registry(|_| {
        let head = format!("HTTP/1.1 200 OK\r\nX-Slow: {}", "x".repeat(600));
        Answer::Steps(vec![Step::Drip(head.into_bytes(), Duration::from_secs(1))])
    }).impatient();
    /// A body without end or length.
    endless: unknown("malformed"), registry(|_| {
        bytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").then(Step::Flood(vec![b' '; 65536]))
    });
    /// Chunks without end.
    endlesschunk: unknown("malformed"),
        registry(|_| bytes(CHUNKED).then(Step::Flood(chunk(&" ".repeat(65536)))));
    /// Sound JSON without end.
    endlessjson: unknown("malformed"), registry(|_| {
        bytes(CHUNKED)
            .then(Step::Send(chunk("{\"schemaVersion\":2,\"layers\":[")))
            .then(Step::Flood(chunk(&"{\"a\":1},".repeat(8192))))
    });
    /// A header without end.
    endless_header: unknown("malformed"),
        registry(|_| bytes("HTTP/1.1 200 OK\r\nX-Junk: ").then(Step::Flood(vec![b'x'; 65536])));
    /// Headers without end.
    endless_headers: unknown("malformed"),
        registry(|_| bytes("HTTP/1.1 200 OK\r\n").then(Step::Flood(b"X-Junk: x\r\n".repeat(6000))));
    /// Early hints without end.
    endless_early: TIMEOUT, registry(|_| Answer::Steps(vec![
        Step::Flood(b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2000))
    ])).impatient();
    /// An error document without end.
    endless_error: super::FORBIDDEN, registry(|_| {
        bytes("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n").then(Step::Flood(vec![b' '; 65536]))
    });
    /// An index of three hundred images, of which each is answered by silence.
    silent_children: TIMEOUT, registry(|request| index_of_silence(request, 300)).impatient();
}
