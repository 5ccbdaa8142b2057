//! The walk itself: one stage after the other, as far as it goes.

mod image;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{Client, Method, Response, Url};
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;

use super::client::{client, read_authorities};
use super::connect::{self, Wire};
use super::encryption::{NoHandshake, TUNNEL, WEB, greet};
use super::fault::Fault;
use super::outcome::{ProbeReport, Stage, StageVerdict};
use super::target::Target;
use super::web::{self, Failed, authority};
use super::words::{described, distrust_fault, handshake_words};
use super::{Options, ProbeError};
use crate::registry::SignIn;

/// A probe under way.
pub(super) struct Walk {
    target: Target,
    tls: bool,
    proxy: Option<Url>,
    authorities: Vec<CertificateDer<'static>>,
    client: Client,
    sign_in: SignIn,
    limit: Duration,
    stages: Vec<Stage>,
    fault: Option<Fault>,
}

impl Walk {
    pub fn new(target: Target, options: &Options, sign_in: SignIn) -> Result<Self, ProbeError> {
        // Fails only where a provider is installed already, which then serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = !options
            .plain_http
            .iter()
            .any(|host| *host == target.authority() || *host == target.host);
        options.proxies.check()?;
        let scheme = if tls { "https" } else { "http" };
        let address = Url::parse(&format!("{scheme}://{}/v2/", target.authority()));
        let proxy = address.ok().and_then(|url| options.proxies.of(&url));
        let mut authorities = Vec::new();
        for path in &options.ca_files {
            authorities.extend(read_authorities(path)?);
        }
        let client = client(options, &authorities, proxy.as_ref())?;
        Ok(Self {
            target,
            tls,
            proxy,
            authorities,
            client,
            sign_in,
            limit: options.timeout,
            stages: Vec::new(),
            fault: None,
        })
    }

    /// What was found. Stages that were not come to are named too.
    pub fn report(mut self, target: &str) -> ProbeReport {
        let image: &[&str] = match self.target.image {
            Some(_) => &["manifest", "blob"],
            None => &[],
        };
        for stage in ["dns", "tcp", "tls", "http"].iter().chain(image) {
            let is_missing = self.stages.iter().all(|tried| tried.stage != *stage);
            if is_missing && (self.tls || *stage != "tls") {
                let target = self.target.authority();
                self.add_skipped(stage, &target);
            }
        }
        ProbeReport {
            target: target.to_owned(),
            stages: self.stages,
            fault: self.fault,
        }
    }

    /// All stages, until one leaves nothing to go on with.
    pub async fn go(&mut self) {
        let Some(stream) = self.reach().await else {
            return;
        };
        let Some(stream) = self.pass_proxy(Box::new(stream)).await else {
            return;
        };
        if self.tls && !self.encrypt(stream).await {
            return;
        }
        let Some(answer) = self.api().await else {
            return;
        };
        if let Some(image) = self.target.image.clone() {
            self.image(&image, &answer).await;
        }
    }

    fn add(
        &mut self,
        stage: &'static str,
        target: &str,
        start: Instant,
        result: Result<String, String>,
    ) {
        let (verdict, detail) = match result {
            Ok(detail) => (StageVerdict::Ok, detail),
            Err(detail) => (StageVerdict::Failed, detail),
        };
        self.stages.push(Stage {
            stage,
            target: target.to_owned(),
            verdict,
            duration: start.elapsed(),
            detail,
        });
    }

    fn add_skipped(&mut self, stage: &'static str, target: &str) {
        self.stages.push(Stage {
            stage,
            target: target.to_owned(),
            verdict: StageVerdict::Skipped,
            duration: Duration::ZERO,
            detail: "not come to".to_owned(),
        });
    }

    /// Notes a stage that failed. The first fault is the one that counts.
    fn fail(&mut self, stage: &'static str, target: &str, start: Instant, (detail, fault): Failed) {
        self.add(stage, target, start, Err(detail));
        self.fault.get_or_insert(fault);
    }

    /// Proxy, name and connections. A connection to the registry or its proxy, where one came about.
    async fn reach(&mut self) -> Option<TcpStream> {
        let usual = if self.tls { 443 } else { 80 };
        let (host, port) = match &self.proxy {
            None => (self.target.host.clone(), self.target.port.unwrap_or(usual)),
            Some(proxy) => (
                proxy.host_str().unwrap_or_default().to_owned(),
                proxy.port_or_known_default().unwrap_or(80),
            ),
        };
        let words = match &self.proxy {
            None => "none in force, the connection is direct".to_owned(),
            Some(proxy) => format!("through {}", authority(proxy)),
        };
        self.add("proxy", &self.target.authority(), Instant::now(), Ok(words));
        let start = Instant::now();
        match connect::resolve(&host, port, self.limit).await {
            Ok(addresses) => {
                self.add("dns", &host, start, Ok(described(&addresses)));
                self.connect(&host, &addresses).await
            }
            Err(detail) => {
                self.fail("dns", &host, start, (detail, Fault::Name(host.clone())));
                None
            }
        }
    }

    /// A connection to each address at once; the first that came about, in the resolver's order.
    async fn connect(&mut self, host: &str, addresses: &[SocketAddr]) -> Option<TcpStream> {
        let (first, silent) = self.try_all(addresses).await;
        if first.is_none() {
            let host = host.to_owned();
            self.fault.get_or_insert(Fault::Connection { host, silent });
        }
        first
    }

    /// Tries each address at once, and notes how each went. The first connection, and whether nothing answered at all.
    async fn try_all(&mut self, addresses: &[SocketAddr]) -> (Option<TcpStream>, bool) {
        let limit = self.limit;
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
            if let Some(stage) = self.stages.last_mut() {
                stage.duration = duration;
            }
        }
        (first, silent)
    }

    /// The connection as it leaves the proxy; as it is where there is none. None where the proxy stands in the way.
    async fn pass_proxy(&mut self, stream: Wire) -> Option<Wire> {
        let Some(proxy) = self.proxy.clone() else {
            return Some(stream);
        };
        let stream = match proxy.scheme() {
            "https" => self.encrypt_to_proxy(&proxy, stream).await?,
            _ => stream,
        };
        if self.tls {
            return self.tunnel(&proxy, stream).await;
        }
        Some(stream)
    }

    /// TLS to the proxy itself.
    async fn encrypt_to_proxy(&mut self, proxy: &Url, stream: Wire) -> Option<Wire> {
        let host = proxy.host_str().unwrap_or_default();
        let shown = authority(proxy);
        let start = Instant::now();
        let greeted = greet(stream, host, &TUNNEL, &self.authorities, self.limit).await;
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
                Fault::Handshake(shown.clone()),
            ),
            Err(NoHandshake::Failed(detail)) => (detail, Fault::Handshake(shown.clone())),
        };
        self.fail("proxy-tls", &shown, start, (detail, fault));
        None
    }

    async fn tunnel(&mut self, proxy: &Url, mut stream: Wire) -> Option<Wire> {
        let target = format!("{}:{}", self.target.host, self.target.port.unwrap_or(443));
        let start = Instant::now();
        match connect::tunnel(&mut stream, proxy, &target, self.limit).await {
            Ok(()) => {
                let words = format!("{} lets us through", authority(proxy));
                self.add("tunnel", &target, start, Ok(words));
                Some(stream)
            }
            Err(detail) => {
                let fault = Fault::Proxy(self.target.authority());
                self.fail("tunnel", &target, start, (detail, fault));
                None
            }
        }
    }

    /// Whether the way goes on behind the TLS stage.
    async fn encrypt(&mut self, stream: Wire) -> bool {
        let host = self.target.authority();
        let start = Instant::now();
        let greeted = greet(
            stream,
            &self.target.host,
            &WEB,
            &self.authorities,
            self.limit,
        );
        match greeted.await {
            Ok((handshake, _)) => {
                let words = handshake_words(&handshake);
                match handshake.distrust.as_ref() {
                    None => self.add("tls", &host, start, Ok(words)),
                    Some(distrust) => {
                        let fault = distrust_fault(distrust, &handshake, &host);
                        self.fail("tls", &host, start, (words, fault));
                    }
                }
                handshake.distrust.is_none()
            }
            Err(NoHandshake::NotTls) if self.target.is_loopback() => {
                self.tls = false;
                let words = "plain HTTP, which is taken on this machine itself".to_owned();
                self.add("tls", &host, start, Ok(words));
                true
            }
            Err(NoHandshake::NotTls) => {
                let words = "what answers does not speak TLS".to_owned();
                self.fail("tls", &host, start, (words, Fault::PlainHttp(host.clone())));
                false
            }
            Err(NoHandshake::Failed(detail)) => {
                self.fail(
                    "tls",
                    &host,
                    start,
                    (detail, Fault::Handshake(host.clone())),
                );
                false
            }
        }
    }

    fn url(&self, path: &str) -> Option<Url> {
        let scheme = if self.tls { "https" } else { "http" };
        Url::parse(&format!("{scheme}://{}/v2/{path}", self.target.authority())).ok()
    }

    /// `/v2/`, which every registry answers (OCI distribution-spec, "Determining support").
    async fn api(&mut self) -> Option<Response> {
        let url = self.url("")?;
        let start = Instant::now();
        match web::send(&self.client, Method::GET, &url, None).await {
            Ok(answer) => {
                let words = format!("{:?}, status {}", answer.version(), answer.status());
                let host = self.target.authority();
                match answer.status().as_u16() {
                    200 | 401 => self.add("http", url.as_str(), start, Ok(words)),
                    429 => self.fail("http", url.as_str(), start, (words, Fault::RateLimit(host))),
                    status => {
                        let fault = Fault::Registry { host, status };
                        self.fail("http", url.as_str(), start, (words, fault));
                    }
                }
                Some(answer)
            }
            Err(failed) => {
                self.fail("http", url.as_str(), start, failed);
                None
            }
        }
    }
}
