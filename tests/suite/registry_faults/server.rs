//! A registry that misbehaves on purpose: an HTTP/1.1 server of which the tests own every byte. It answers under two names,
//! `127.0.0.1` and, on another port, `localhost`: that is the host that credentials of the first must never reach.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::answer::{Answer, FLOOD, Step, error, issued, wants_token, whole};
use crate::images::{Content, Image};

/// What a server answers to a request.
pub type Serve = fn(&Request) -> Answer;

/// The first byte of what a client sends that wants to speak TLS (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 22;
/// The most bytes of a request's head.
const MAX_HEAD: usize = 256 * 1024;

/// A request as the server got it.
pub struct Request {
    pub method: String,
    /// The path without the query.
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    /// How often the same was asked before.
    pub before: usize,
    /// Whether it came to the other host.
    pub is_elsewhere: bool,
    /// The address of the registry, such as `http://127.0.0.1:5000`.
    pub registry: String,
    /// The address of the other host.
    pub elsewhere: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// What is sent as `Authorization`; empty where nothing is.
    pub fn authorization(&self) -> &str {
        self.header("authorization").unwrap_or_default()
    }

    /// The tag or digest of a manifest that is asked for.
    pub fn manifest(&self) -> Option<&str> {
        Some(self.path.split_once("/manifests/")?.1)
    }

    /// The digest of a blob that is asked for.
    pub fn blob(&self) -> Option<&str> {
        Some(self.path.split_once("/blobs/")?.1)
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    pub fn is_token(&self) -> bool {
        self.path.starts_with("/token")
    }

    /// What a sound registry with a token service answers: a challenge, a token, or the image.
    pub fn with_tokens(&self) -> Answer {
        if self.is_token() {
            return issued("good");
        }
        match self.authorization() {
            "Bearer good" => self.good(),
            _ => wants_token(&format!("{}/token", self.registry)),
        }
    }

    /// What a sound registry answers that holds one image.
    pub fn good(&self) -> Answer {
        self.holding(&good_image())
    }

    /// What a sound registry answers that holds this image under every tag.
    pub fn holding(&self, image: &Image) -> Answer {
        let found = if let Some(wanted) = self.manifest() {
            let is_tag = !wanted.contains(':');
            manifests(image).find(|manifest| is_tag || manifest.digest().as_str() == wanted)
        } else if let Some(wanted) = self.blob() {
            blobs(image).find(|blob| blob.digest().as_str() == wanted)
        } else if self.path == "/v2/" {
            return whole(200).json(&json!({}));
        } else if self.path.ends_with("/tags/list") {
            return whole(200).json(&json!({"name": "app", "tags": ["2"]}));
        } else {
            None
        };
        match found {
            Some(content) => whole(200)
                .header("Content-Type", &content.media_type)
                .header("Docker-Content-Digest", content.digest().as_str())
                .body(content.bytes.clone()),
            None if self.manifest().is_some() => error(404, "MANIFEST_UNKNOWN"),
            None => error(404, "BLOB_UNKNOWN"),
        }
    }
}

/// The image that a sound registry holds.
pub fn good_image() -> Image {
    Image::oci("linux/amd64", "a")
}

fn manifests(image: &Image) -> impl Iterator<Item = &Content> {
    std::iter::once(&image.manifest).chain(image.children.iter().map(|child| &child.manifest))
}

fn blobs(image: &Image) -> impl Iterator<Item = &Content> {
    let children = image.children.iter().flat_map(|child| &child.blobs);
    image.blobs.iter().chain(children)
}

/// What the servers saw.
#[derive(Default)]
pub struct Seen {
    pub requests: usize,
    /// Where credentials came that are not for there: paths of the other host, as a rule.
    pub leaks: Vec<String>,
    counts: HashMap<String, usize>,
}

/// A connection, encrypted or not.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the end of the connection a reset.
    fn reset(&self) -> io::Result<()>;
}

impl Wire for TcpStream {
    fn reset(&self) -> io::Result<()> {
        self.set_zero_linger()
    }
}

impl Wire for TlsStream<TcpStream> {
    fn reset(&self) -> io::Result<()> {
        self.get_ref().0.set_zero_linger()
    }
}

/// A registry and the other host, up for as long as the test runs.
pub struct FaultRegistry {
    /// `127.0.0.1:PORT`.
    pub host: String,
    pub seen: Arc<Mutex<Seen>>,
}

/// What both servers know.
struct Shared {
    serve: Serve,
    registry: String,
    elsewhere: String,
    tls: Option<TlsAcceptor>,
    seen: Arc<Mutex<Seen>>,
}

impl FaultRegistry {
    /// Starts both servers.
    pub fn start(serve: Serve, tls: Option<TlsAcceptor>, address: &str) -> Self {
        let (own, other) = (bind(address), bind("127.0.0.1"));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let host = own.local_addr().expect("an address").to_string();
        let other_port = other.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::new(Shared {
            serve,
            registry: format!("{scheme}://{host}"),
            elsewhere: format!("{scheme}://localhost:{other_port}"),
            tls,
            seen: Arc::clone(&seen),
        });
        for (listener, is_elsewhere) in [(own, false), (other, true)] {
            let shared = Arc::clone(&shared);
            serve_on(listener, move |stream| {
                Arc::clone(&shared).greet(stream, is_elsewhere)
            });
        }
        Self { host, seen }
    }
}

/// A free port of an address.
pub fn bind(address: &str) -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind((address, 0)).expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    listener
}

/// Does this with each connection, on a thread of its own, for as long as the test runs.
pub fn serve_on<F>(
    listener: std::net::TcpListener,
    handle: impl Fn(TcpStream) -> F + Send + 'static,
) where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(handle(stream));
            }
        });
    });
}

impl Shared {
    async fn greet(self: Arc<Self>, stream: TcpStream, is_elsewhere: bool) -> io::Result<()> {
        const HANDSHAKE: u8 = 0x16;
        let mut first = [0];
        match &self.tls {
            None => self.converse(stream, is_elsewhere).await,
            // The other host takes both, as a storage inside a network may.
            Some(_)
                if is_elsewhere && stream.peek(&mut first).await? == 1 && first != [HANDSHAKE] =>
            {
                self.converse(stream, is_elsewhere).await
            }
            Some(tls) => {
                let stream = tls.accept(stream).await?;
                self.converse(stream, is_elsewhere).await
            }
        }
    }

    async fn converse(&self, mut stream: impl Wire, is_elsewhere: bool) -> io::Result<()> {
        while let Some(head) = read_head(&mut stream).await? {
            let request = self.read(&head, is_elsewhere);
            if let Some(length) = request.header("content-length") {
                let mut form = vec![0; length.parse().unwrap_or_default()];
                stream.read_exact(&mut form).await?;
            }
            match (self.serve)(&request) {
                answer @ Answer::Whole(_) => {
                    let length = answer.length();
                    let (head, body) = answer.parts("1.1", Some(length));
                    stream.write_all(head.as_bytes()).await?;
                    if !request.is_head() {
                        stream.write_all(&body).await?;
                    }
                    stream.flush().await?;
                }
                Answer::Steps(steps) => {
                    for step in steps {
                        step.take(&mut stream).await?;
                    }
                    return stream.shutdown().await;
                }
            }
        }
        Ok(())
    }

    fn read(&self, head: &str, is_elsewhere: bool) -> Request {
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default().to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let mut seen = self.seen.lock().expect("what was seen");
        seen.requests += 1;
        let before = seen.counts.entry(format!("{method} {target}")).or_default();
        let before = std::mem::replace(before, *before + 1);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let request = Request {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            before,
            is_elsewhere,
            registry: self.registry.clone(),
            elsewhere: self.elsewhere.clone(),
        };
        if is_elsewhere && !request.authorization().is_empty() {
            seen.leaks.push(request.path.clone());
        }
        if request.header("proxy-authorization").is_some() {
            seen.leaks
                .push("the proxy's login at a registry".to_owned());
        }
        request
    }
}

/// The head of the next request; none where the client has no more.
async fn read_head(stream: &mut impl Wire) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD {
        match stream.read_u8().await {
            Ok(TLS_HANDSHAKE) if head.is_empty() => {
                let plain = b"HTTP/1.0 400 Bad Request\r\n\r\nThis port speaks no TLS.\n";
                stream.write_all(plain).await?;
                return Ok(None);
            }
            Ok(byte) => head.push(byte),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

impl Step {
    pub async fn take(self, stream: &mut impl Wire) -> io::Result<()> {
        match self {
            Self::Send(bytes) => stream.write_all(&bytes).await?,
            Self::Drip(bytes, pause) => {
                for byte in bytes {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(pause).await;
                }
            }
            Self::Flood(bytes) => {
                for _ in 0..FLOOD / bytes.len() {
                    stream.write_all(&bytes).await?;
                }
            }
            Self::Hold => {
                stream.flush().await?;
                tokio::time::sleep(Duration::from_mins(10)).await;
            }
            Self::Reset => {
                stream.flush().await?;
                // What was sent must not be lost with the connection.
                tokio::time::sleep(Duration::from_millis(50)).await;
                stream.reset()?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        }
        stream.flush().await
    }
}
