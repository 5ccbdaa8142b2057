//! The lower stages: name, connection, tunnel.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// The most addresses of one name that are tried.
pub(super) const MAX_ADDRESSES: usize = 16;
/// The most bytes of a proxy's answer to CONNECT that are read.
const MAX_TUNNEL_BYTES: usize = 16 * 1024;

/// A connection, whatever it runs in: TCP, or TLS to a proxy.
pub(super) type Wire = Box<dyn ReadWrite>;

/// What can be read from and written to.
pub(super) trait ReadWrite: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ReadWrite for T {}

/// All addresses of a name, each once, in the resolver's order.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<Vec<SocketAddr>, String> {
    let name = host.trim_matches(['[', ']']);
    let found = timeout(limit, lookup_host((name, port)))
        .await
        .map_err(|_| no_answer(limit))?
        .map_err(|error| error.to_string())?;
    let mut addresses = Vec::new();
    for address in found.take(MAX_ADDRESSES) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err("the name has no address".to_owned());
    }
    Ok(addresses)
}

/// A connection to one address.
pub(super) async fn open(address: SocketAddr, limit: Duration) -> Result<TcpStream, String> {
    timeout(limit, TcpStream::connect(address))
        .await
        .map_err(|_| no_answer(limit))?
        .map_err(|error| error.to_string())
}

/// Asks a proxy for a tunnel to `authority` (RFC 9110, section 9.3.6).
pub(super) async fn tunnel(
    stream: &mut Wire,
    proxy: &Url,
    authority: &str,
    limit: Duration,
) -> Result<(), String> {
    let exchange = async {
        stream
            .write_all(connect_request(proxy, authority).as_bytes())
            .await
            .map_err(|error| error.to_string())?;
        stream.flush().await.map_err(|error| error.to_string())?;
        read_head(stream).await
    };
    let head = timeout(limit, exchange)
        .await
        .map_err(|_| no_answer(limit))??;
    let status_line = head.lines().next().unwrap_or_default();
    match status_line.split_whitespace().nth(1) {
        Some(status) if status.starts_with('2') => Ok(()),
        _ => Err(format!("the proxy answers \"{status_line}\"")),
    }
}

fn connect_request(proxy: &Url, authority: &str) -> String {
    let credentials = match (proxy.username(), proxy.password()) {
        ("", None) => String::new(),
        (user, password) => {
            let pair = STANDARD.encode(format!("{user}:{}", password.unwrap_or_default()));
            format!("Proxy-Authorization: Basic {pair}\r\n")
        }
    };
    format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{credentials}\r\n")
}

/// The head of an answer, byte by byte, so that nothing behind it is taken from the tunnel.
async fn read_head(stream: &mut Wire) -> Result<String, String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_TUNNEL_BYTES {
            return Err("the proxy's answer does not end".to_owned());
        }
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) => return Err(format!("the proxy closes the connection: {error}")),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

pub(super) fn no_answer(limit: Duration) -> String {
    format!("no answer within {} s", limit.as_secs_f32())
}
