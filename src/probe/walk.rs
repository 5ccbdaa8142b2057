//! The walk itself: one stage after the other, as far as it goes.

mod admission;
mod follow;
mod image;
mod reach;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response, Url};
use rustls::pki_types::CertificateDer;

use super::client::{client, read_authorities};
use super::fault::Fault;
use super::outcome::{ProbeReport, Stage, StageVerdict};
use super::target::Target;
use super::web::{self, Failed, authority};
use super::{Options, ProbeError};
use crate::registry::SignIn;
use reach::End;

/// A probe under way.
pub(super) struct Walk {
    target: Target,
    tls: bool,
    proxy: Option<Url>,
    authorities: Vec<CertificateDer<'static>>,
    client: Client,
    sign_in: SignIn,
    limit: Duration,
    options: Options,
    /// The clients of other hosts that were reached, by what their addresses begin with; none for those out of reach.
    others: HashMap<String, Option<Client>>,
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
            options: options.clone(),
            others: HashMap::new(),
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
        let end = End {
            host: self.target.host.clone(),
            port: self.target.port,
            tls: self.tls,
            proxy: self.proxy.clone(),
            may_be_plain: self.target.is_loopback(),
        };
        self.name_proxy(&end);
        let Some(tls) = self.reach(&end).await else {
            return;
        };
        self.tls = tls;
        let Some(answer) = self.api().await else {
            return;
        };
        if let Some(image) = self.target.image.clone() {
            self.image(&image, &answer).await;
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
                let fault = match answer.status().as_u16() {
                    200 | 401 => None,
                    // Nobody has said yet who asks: it is the network that is not let in.
                    403 => Some(Fault::Forbidden {
                        image: host,
                        origin: None,
                    }),
                    407 => Some(Fault::Proxy(host)),
                    429 => Some(Fault::RateLimit(host)),
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
