//! Registries that speak HTTP/2, and break its rules (RFC 9113).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::answer::Step;
use super::server::{Request, bind, serve_on};
use super::tls::signed;
use super::{Expected, Stage, faults, registry, unknown};

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const DATA: u8 = 0;
/// `:status: 200` in HPACK's static table (RFC 7541, appendix A).
const STATUS_200: &[u8] = &[0x88];
const END_HEADERS: u8 = 4;

/// A frame (section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A server that takes the beginning of a connection, says its settings, and then does this.
fn speaking(steps: fn() -> Vec<Step>) -> Stage {
    let certificate = signed(&["127.0.0.1"], |_| {});
    let mut config = certificate.config;
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tls = TlsAcceptor::from(Arc::new(config));
    let listener = bind("127.0.0.1");
    let host = listener.local_addr().expect("an address").to_string();
    serve_on(listener, move |stream| converse(stream, tls.clone(), steps));
    registry(Request::good)
        .at(&host)
        .trusting(&certificate.authority)
}

async fn converse(stream: TcpStream, tls: TlsAcceptor, steps: fn() -> Vec<Step>) -> io::Result<()> {
    let mut stream = tls.accept(stream).await?;
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    Step::Send(frame(SETTINGS, 0, 0, &[]))
        .take(&mut stream)
        .await?;
    // The request follows on the preface at once.
    tokio::time::sleep(Duration::from_millis(100)).await;
    for step in steps() {
        step.take(&mut stream).await?;
    }
    Ok(())
}

const BROKEN: Expected = unknown("connect");

faults! {
    /// The end of all streams at once.
    http2_goaway: BROKEN, speaking(|| vec![Step::Send(frame(GOAWAY, 0, 0, &[0; 8]))]);
    /// The request is reset.
    http2_reset: BROKEN,
        speaking(|| vec![Step::Send(frame(RST_STREAM, 0, 1, &[0, 0, 0, 2]))]);
    /// HTTP/1.1 where HTTP/2 was agreed on.
    http2_that_is_none: BROKEN,
        speaking(|| vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec())]);
    /// Settings, then silence.
    http2_stall: unknown("timeout"), speaking(|| vec![Step::Hold]).impatient();
    /// Pings without end.
    http2_pings: unknown("timeout"),
        speaking(|| vec![Step::Flood(frame(PING, 0, 0, &[0; 8]).repeat(1000))]).impatient();
    /// Headers without end.
    http2_continuation: BROKEN, speaking(|| vec![
        Step::Send(frame(HEADERS, 0, 1, STATUS_200)),
        Step::Flood(frame(CONTINUATION, 0, 1, &[0x88; 16_000])),
    ]);
    /// A body without end, past all that may be sent at once.
    http2_endless: BROKEN, speaking(|| vec![
        Step::Send(frame(HEADERS, END_HEADERS, 1, STATUS_200)),
        Step::Flood(frame(DATA, 0, 1, &[b' '; 16_000])),
    ]);
}
