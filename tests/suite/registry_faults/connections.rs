//! Connections that break, and HTTP that is none or odd.

use super::answer::{Answer, Step, bytes, whole};
use super::server::Request;
use super::{DAMAGED, FOUND, Stage, faults, registry, unknown};

/// A manifest's answer made of its head and body; everything else is sound.
fn manifest(request: &Request, answer: impl FnOnce(String, Vec<u8>) -> Answer) -> Answer {
    if request.manifest().is_none() {
        return request.good();
    }
    let good = request.good();
    let length = good.length();
    let (head, body) = good.parts("1.1", Some(length));
    answer(head, body)
}

/// A manifest's answer with this in its head in place of a length.
fn with_head(request: &Request, version: &str, headers: &str) -> Answer {
    if request.manifest().is_none() {
        return request.good();
    }
    let (head, body) = request.good().parts(version, None);
    let head = head.replacen("\r\n", &format!("\r\n{headers}"), 1);
    bytes(head).then(Step::Send(body))
}

/// Nobody listens at a port that was just given back.
fn closed_port() -> Stage {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    registry(Request::good).at(&host)
}

/// A registry at an IPv6 address; at an IPv4 one where the machine has none.
fn ipv6() -> Stage {
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    let address = if has_ipv6 { "::1" } else { "127.0.0.1" };
    let server = super::server::FaultRegistry::start(Request::with_tokens, None, address);
    Stage::of(server)
}

faults! {
    /// Nobody listens.
    refused: unknown("connect"), closed_port();
    /// The name does not resolve.
    dns: unknown("dns"), registry(Request::good).at("registry.invalid");
    /// An IPv6 address, with a login.
    ipv6_literal: FOUND, ipv6();
    /// A reset in place of an answer.
    reset: unknown("connect"), registry(|_| Answer::Steps(vec![Step::Reset]));
    /// One reset, then good.
    resetn: FOUND, registry(|request| match request.before {
        0 => Answer::Steps(vec![Step::Reset]),
        _ => request.good(),
    });
    /// A reset in the middle of the body.
    resetbody: unknown("connect"), registry(|request| manifest(request, |head, body| {
        bytes(head).then(Step::Send(body[..body.len() / 2].to_vec())).then(Step::Reset)
    }));
    /// The end of the connection in place of an answer.
    close: unknown("connect"), registry(|_| Answer::Steps(Vec::new()));
    /// The end of the connection after each answer, without a word.
    closeidle: FOUND, registry(|request| {
        let good = request.good();
        let length = good.length();
        let (head, body) = good.parts("1.1", Some(length));
        bytes(head).then(Step::Send(body))
    });
    /// `Connection: close` with each answer.
    connclose: FOUND, registry(|request| with_head(request, "1.1", "Connection: close\r\n"));
    /// HTTP/1.0.
    http10: FOUND, registry(|request| with_head(request, "1.0", ""));
    /// No length: the end of the connection ends the body.
    nolen: FOUND, registry(|request| with_head(request, "1.1", ""));
    /// A body that is shorter than its length.
    truncated: unknown("connect"), registry(|request| {
        let length = request.good().length() + 100;
        with_head(request, "1.1", &format!("Content-Length: {length}\r\n"))
    });
    /// A negative length.
    clneg: unknown("malformed"),
        registry(|request| with_head(request, "1.1", "Content-Length: -1\r\n"));
    /// Two lengths that differ.
    cltwo: unknown("malformed"), registry(|request| {
        with_head(request, "1.1", "Content-Length: 3\r\nContent-Length: 4\r\n")
    });
    /// A length of a petabyte.
    clhuge: DAMAGED, registry(|request| {
        with_head(request, "1.1", "Content-Length: 1000000000000000\r\n").then(Step::Hold)
    });
    /// A chunk whose size is no number.
    badchunk: unknown("malformed"), registry(|request| manifest(request, |_, _| {
        bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nhello\r\n")
    }));
    /// Bytes that are no HTTP.
    garbage: unknown("malformed"), registry(|_| bytes(b"\x15\x03\x01\x00\x02\x02\x28 not http\r\n\r\n"));
    /// Another protocol.
    ssh: unknown("malformed"), registry(|_| bytes("SSH-2.0-OpenSSH_9.6\r\n"));
    /// A header of a hundred kilobytes.
    header100k: FOUND, registry(|request| match request.manifest() {
        Some(_) => request.good().header("X-Big", &"x".repeat(100_000)),
        None => request.good(),
    });
    /// A thousand headers.
    header10k: unknown("malformed"), registry(|request| {
        (0..1000).fold(request.good(), |answer, _| answer.and_header("X-Many", "y"))
    });
    /// Early hints before the answer.
    early: FOUND, registry(|request| manifest(request, |head, body| {
        let early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(3);
        bytes(early + &head).then(Step::Send(body))
    }));
    /// A login portal that answers everything, whatever the path.
    portal: unknown("malformed"), registry(|request| match request.path.as_str() {
        "/login" => whole(200).page("Sign in"),
        _ => super::answer::redirect("/login"),
    });
}
