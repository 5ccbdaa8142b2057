//! The lower stages: proxy, name, connection, tunnel and encryption, up to the registry or to another host.

use std::net::SocketAddr;
use std::time::Instant;

use futures_util::future::join_all;
use reqwest::Url;
use tokio::net::TcpStream;

use super::Walk;
use crate::probe::client::Trusted;
use crate::probe::connect::{self, Wire};
use crate::probe::encryption::{NoHandshake, TUNNEL, WEB, greet};
use crate::probe::fault::Fault;
use crate::probe::web::authority;
use crate::probe::words::{described, distrust_fault, handshake_words};

/// The host at the end of the way.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub host: String,
    pub port: Option<u16>,
    pub tls: bool,
    /// The proxy on the way.
    pub proxy: Option<Url>,
    /// Whether it may answer over plain HTTP where TLS was expected: on this machine itself, or where a file says so.
    pub may_be_plain: bool,
}

/// What the end speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Plain,
    Tls {
        /// Whether its certificate is trusted; if not, a node takes it all the same.
        is_verified: bool,
    },
}

impl End {
    /// The host with its port, where it is not the usual one.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { 443 } else { 80 })
    }
}

impl Walk<'_> {
    /// Walks the lower stages. What the end speaks; none where it is out of reach.
    pub(super) async fn reach(&mut self, end: &End) -> Option<Spoken> {
        let stream = self.meet(end).await?;
        let stream = self.pass_proxy(end, Box::new(stream)).await?;
        if end.tls {
            return self.encrypt(end, stream).await;
        }
        Some(Spoken::Plain)
    }

    /// Proxy, name and connections. A connection to the end or to the proxy before it, where one came about.
    async fn meet(&mut self, end: &End) -> Option<TcpStream> {
        let (host, port) = match &end.proxy {
            None => (end.host.clone(), end.port()),
            Some(proxy) => (
                proxy.host_str().unwrap_or_default().to_owned(),
                proxy.port_or_known_default().unwrap_or(80),
            ),
        };
        let start = Instant::now();
        match connect::resolve(&host, port, self.limit).await {
            Ok(addresses) => {
                self.add("dns", &host, start, Ok(described(&addresses)));
                let (first, silent) = self.try_all(&addresses).await;
                if first.is_none() {
                    self.report.fault.get_or_insert(match &end.proxy {
                        Some(proxy) => Fault::ProxyOutOfReach(authority(proxy)),
                        None => Fault::Connection { host, silent },
                    });
                }
                first
            }
            Err(detail) => {
                let fault = match &end.proxy {
                    Some(proxy) => Fault::ProxyOutOfReach(authority(proxy)),
                    None => Fault::Name(host.clone()),
                };
                self.fail("dns", &host, start, (detail, fault));
                None
            }
        }
    }

    /// Tries each address at once, and notes how each went. The first connection in the resolver's order, and whether nothing
    /// answered at all.
    async fn try_all(&mut self, addresses: &[SocketAddr]) -> (Option<TcpStream>, bool) {
        let own = self.trusted.connect_timeout;
        let limit = own.unwrap_or(self.limit).min(self.limit);
        let tries = addresses.iter().map(|address| async move {
            let start = Instant::now();
            let result = connect::open(*address, limit).await;
            (*address, start, start.elapsed(), result)
        });
        let mut first = None;
        let mut silent = true;
        for (address, start, duration, result) in join_all(tries).await {
            silent &= duration >= limit;
            let words = match result {
                Ok(stream) => {
                    first.get_or_insert(stream);
                    Ok("connected".to_owned())
                }
                Err(detail) => Err(detail),
            };
            self.add("tcp", &address.to_string(), start, words);
            if let Some(stage) = self.report.stages.last_mut() {
                stage.duration = duration;
            }
        }
        (first, silent)
    }

    /// The connection as it leaves the proxy; as it is where there is none. None where the proxy stands in the way.
    async fn pass_proxy(&mut self, end: &End, stream: Wire) -> Option<Wire> {
        let Some(proxy) = &end.proxy else {
            return Some(stream);
        };
        let stream = match proxy.scheme() {
            "https" => self.encrypt_to_proxy(proxy, stream).await?,
            _ => stream,
        };
        if end.tls {
            return self.tunnel(end, proxy, stream).await;
        }
        Some(stream)
    }

    /// TLS to the proxy itself.
    async fn encrypt_to_proxy(&mut self, proxy: &Url, stream: Wire) -> Option<Wire> {
        let host = proxy.host_str().unwrap_or_default();
        let shown = authority(proxy);
        let to_proxy = Trusted {
            identity: None,
            ..self.trusted.clone()
        };
        let start = Instant::now();
        let greeted = greet(stream, host, &TUNNEL, &to_proxy, self.limit).await;
        let (detail, fault) = match greeted {
            Ok((handshake, stream)) => {
                let words = handshake_words(&handshake);
                match handshake.distrust.as_ref() {
                    None => {
                        self.add("proxy-tls", &shown, start, Ok(words));
                        return Some(stream);
                    }
                    Some(distrust) => (words, distrust_fault(distrust, &handshake, &shown)),
                }
            }
            Err(NoHandshake::NotTls) => (
                "the proxy does not speak TLS: write its address with http://".to_owned(),
                Fault::ProxyOutOfReach(shown.clone()),
            ),
            Err(NoHandshake::Failed(detail)) => (detail, Fault::ProxyOutOfReach(shown.clone())),
        };
        self.fail("proxy-tls", &shown, start, (detail, fault));
        None
    }

    async fn tunnel(&mut self, end: &End, proxy: &Url, mut stream: Wire) -> Option<Wire> {
        let target = format!("{}:{}", end.host, end.port());
        let start = Instant::now();
        match connect::tunnel(&mut stream, proxy, &target, self.limit).await {
            Ok(()) => {
                let words = format!("{} lets us through", authority(proxy));
                self.add("tunnel", &target, start, Ok(words));
                Some(stream)
            }
            Err(detail) => {
                let fault = Fault::Proxy(end.authority());
                self.fail("tunnel", &target, start, (detail, fault));
                None
            }
        }
    }

    /// What the end speaks; none where the way does not go on behind this stage.
    async fn encrypt(&mut self, end: &End, stream: Wire) -> Option<Spoken> {
        let host = end.authority();
        let start = Instant::now();
        let greeted = greet(stream, &end.host, &WEB, &self.trusted, self.limit);
        let failed = match greeted.await {
            Ok((handshake, _)) => {
                let words = handshake_words(&handshake);
                match (handshake.distrust.as_ref(), self.lenience()) {
                    (None, _) => {
                        self.add("tls", &host, start, Ok(words));
                        return Some(Spoken::Tls { is_verified: true });
                    }
                    (Some(_), Some(lenience)) => {
                        let words = format!("{words}; a node takes it, for {lenience}");
                        self.add("tls", &host, start, Ok(words));
                        return Some(Spoken::Tls { is_verified: false });
                    }
                    (Some(distrust), None) => (words, distrust_fault(distrust, &handshake, &host)),
                }
            }
            Err(NoHandshake::NotTls) if end.may_be_plain => {
                let why = match self.lenience() {
                    Some(lenience) => format!("a node takes, for {lenience}"),
                    None => "is taken on this machine itself".to_owned(),
                };
                let words = format!("plain HTTP, which {why}");
                self.add("tls", &host, start, Ok(words));
                return Some(Spoken::Plain);
            }
            Err(NoHandshake::NotTls) => (
                "what answers does not speak TLS".to_owned(),
                Fault::PlainHttp(host.clone()),
            ),
            Err(NoHandshake::Failed(detail)) => (detail, Fault::Handshake(host.clone())),
        };
        self.fail("tls", &host, start, failed);
        None
    }

    /// What makes a node take any certificate.
    fn lenience(&self) -> Option<String> {
        let (file, key) = (self.host.file()?, self.host.unverified_by()?);
        Some(format!("{} has {key}", file.display()))
    }
}
