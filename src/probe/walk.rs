//! The walk itself: one stage after the other, as far as it goes.

mod admission;
mod follow;
mod image;
mod reach;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response, Url};

use super::client::{Trusted, client};
use super::fault::Fault;
use super::outcome::{HostReport, Stage, StageVerdict};
use super::target::{Target, host_and_port};
use super::web::{self, Failed, authority};
use super::{Options, ProbeError};
use crate::oci::{Digest, Reference};
use crate::registry::{RegistryHost, SignIn};
use reach::{End, Spoken};

/// A probe of one host, under way.
pub(super) struct Walk<'a> {
    host: &'a RegistryHost,
    image: Option<&'a Reference>,
    /// What the image's tag stands for, as another host has told.
    pinned: Option<&'a Digest>,
    tls: bool,
    proxy: Option<Url>,
    trusted: Trusted<'a>,
    client: Client,
    sign_in: SignIn,
    limit: Duration,
    options: &'a Options,
    /// The other hosts that were reached, by what their addresses begin with; none for those out of reach.
    others: HashMap<String, Option<Other>>,
    report: HostReport,
}

/// Another host that was reached.
#[derive(Debug, Clone)]
struct Other {
    client: Client,
    /// Whether its certificate, if it has one, is trusted.
    is_verified: bool,
}

impl<'a> Walk<'a> {
    pub fn new(
        host: &'a RegistryHost,
        target: &'a Target,
        options: &'a Options,
        trusted: Trusted<'a>,
        sign_in: SignIn,
        pinned: Option<&'a Digest>,
    ) -> Result<Self, ProbeError> {
        // Fails only where a provider is installed already, which then serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = host.wants_tls();
        let address = host.url(tls, "");
        let proxy = address.and_then(|url| options.proxies.of(&url));
        let client = client(options, &trusted, true, proxy.as_ref())?;
        Ok(Self {
            host,
            image: target.image(),
            pinned,
            tls,
            proxy,
            trusted,
            client,
            sign_in,
            limit: options.timeout,
            options,
            others: HashMap::new(),
            report: HostReport {
                authority: host.authority().to_owned(),
                is_mirror: host.is_mirror(),
                file: host.file().map(ToOwned::to_owned),
                is_asked: true,
                serves_alone: host.serves_alone(),
                ..HostReport::default()
            },
        })
    }

    /// What was found. Stages that were not come to are named too.
    pub fn report(mut self) -> HostReport {
        let image: &[&str] = match self.image {
            Some(_) => &["manifest", "blob"],
            None => &[],
        };
        for stage in ["dns", "tcp", "tls", "http"].iter().chain(image) {
            let mut tried = self.report.stages.iter();
            if tried.all(|tried| tried.stage != *stage) && (self.tls || *stage != "tls") {
                self.add_skipped(stage, self.host.authority());
            }
        }
        let scheme = if self.tls { "https" } else { "http" };
        let (host, path) = (self.host.authority(), self.host.path());
        self.report.url = format!("{scheme}://{host}{path}");
        self.report
    }

    /// All stages, until one leaves nothing to go on with.
    pub async fn go(&mut self) {
        if !self.host.pulls() {
            self.report.is_asked = false;
            return;
        }
        let (name, port) = host_and_port(self.host.authority());
        let end = End {
            host: name.to_owned(),
            port,
            tls: self.tls,
            proxy: self.proxy.clone(),
            // Without a port, plain HTTP is at another one.
            may_be_plain: self.host.may_be_plain() && port.is_some(),
        };
        self.name_proxy(&end);
        let spoken = match self.reach(&end).await {
            Some(spoken) => Some(spoken),
            None if end.tls && self.host.is_insecure() => self.reach_plainly(end).await,
            None => None,
        };
        match spoken {
            None => return,
            Some(Spoken::Plain) => self.tls = false,
            Some(Spoken::Tls { is_verified: true }) => {}
            Some(Spoken::Tls { is_verified: false }) => {
                let Ok(client) = client(self.options, &self.trusted, false, self.proxy.as_ref())
                else {
                    return;
                };
                self.client = client;
                // Who knows who answers.
                self.keep_credentials_back();
            }
        }
        let Some(answer) = self.api().await else {
            return;
        };
        if let Some(image) = self.image {
            self.image(image, &answer).await;
        }
    }

    /// A node falls back to plain HTTP, whatever kept it from TLS (`containers/image`, `docker/docker_client.go`,
    /// `detectPropertiesHelper`).
    async fn reach_plainly(&mut self, end: End) -> Option<Spoken> {
        let why = self.report.fault.take();
        let address = self.host.url(false, "");
        let end = End {
            tls: false,
            proxy: address.and_then(|url| self.options.proxies.of(&url)),
            ..end
        };
        if end.proxy != self.proxy {
            self.name_proxy(&end);
            self.client = client(self.options, &self.trusted, true, end.proxy.as_ref()).ok()?;
            self.proxy.clone_from(&end.proxy);
        }
        let spoken = self.reach(&end).await;
        if spoken.is_none() {
            self.report.fault = why;
        }
        spoken
    }

    fn keep_credentials_back(&mut self) {
        if self.sign_in.origin().is_some() {
            self.sign_in = SignIn::withheld(
                "they are kept back from a host whose certificate is not trusted: name its authority with --ca-file",
            );
        }
    }

    fn name_proxy(&mut self, end: &End) {
        let words = match &end.proxy {
            None => "none in force, the connection is direct".to_owned(),
            Some(proxy) => format!("through {}", authority(proxy)),
        };
        self.add("proxy", &end.authority(), Instant::now(), Ok(words));
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
        self.report.stages.push(Stage {
            stage,
            target: target.to_owned(),
            verdict,
            duration: start.elapsed(),
            detail,
        });
    }

    fn add_skipped(&mut self, stage: &'static str, target: &str) {
        self.report.stages.push(Stage {
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
        self.report.fault.get_or_insert(fault);
    }

    fn url(&self, path: &str) -> Option<Url> {
        self.host.url(self.tls, path)
    }

    /// `/v2/`, which every registry answers (OCI distribution-spec, "Determining support"). One below another path need not:
    /// no containerd asks for it.
    async fn api(&mut self) -> Option<Response> {
        let url = self.url("")?;
        let start = Instant::now();
        match web::send(&self.client, Method::GET, &url, self.host.headers(), None).await {
            Ok(answer) => {
                let words = format!("{:?}, status {}", answer.version(), answer.status());
                let host = self.host.authority().to_owned();
                let is_odd = self.host.path() != "/v2";
                let fault = match answer.status().as_u16() {
                    200 | 401 => None,
                    407 => Some(Fault::Proxy(host)),
                    429 => Some(Fault::RateLimit(host)),
                    400..=499 if is_odd => None,
                    // Nobody has said yet who asks: it is the network that is not let in.
                    403 => Some(Fault::Forbidden {
                        image: host,
                        origin: None,
                    }),
                    status => Some(Fault::Registry { host, status }),
                };
                match fault {
                    None => self.add("http", url.as_str(), start, Ok(words)),
                    Some(fault) => self.fail("http", url.as_str(), start, (words, fault)),
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
