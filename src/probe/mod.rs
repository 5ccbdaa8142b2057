//! The way to a registry, stage by stage: proxy, name, connection, encryption, API, token, manifest, config, and the second
//! host that serves the content.
//!
//! It goes on as far as it can, with the credentials that a check would use, and says whose they are. Where nodes ask mirrors
//! first, the way to each is walked, and the last word is whether a node gets the image.

#![allow(
    clippy::disallowed_methods,
    reason = "this module does the network's I/O, with its own clock"
)]

mod address;
mod blame;
mod certificate;
mod choice;
mod client;
mod connect;
mod content;
mod encryption;
mod fault;
mod outcome;
mod target;
mod walk;
mod web;
mod words;

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::oci::{Platform, ReferenceError};
use crate::registry::{self, CredentialSources, RegistryError, Routes, SignIn};
use client::Trusted;
use target::Target;
use walk::Walk;

pub use crate::registry::Proxies;
pub use blame::Side;
pub use fault::Fault;
pub use outcome::{HostReport, ProbeReport, Stage, StageVerdict};

/// How a registry is probed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Hosts, as `host` or `host:port`, that are asked over plain HTTP.
    pub plain_http: Vec<String>,
    /// PEM files with certificate authorities that are trusted beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// containerd's folders of `hosts.toml` files. The first has the word.
    pub hosts_dirs: Vec<PathBuf>,
    /// Files of the format of `registries.conf`, each with its folder `FILE.d`.
    pub registries_confs: Vec<PathBuf>,
    /// Mirrors, as a registry and an address, that are asked in this order before the registry and what files say of it.
    pub mirrors: Vec<(String, String)>,
    /// How long one stage may take.
    pub timeout: Duration,
    /// Where credentials come from.
    pub credentials: CredentialSources,
    /// The proxies in force.
    pub proxies: Proxies,
    /// The platform of the nodes, of which the image must have something.
    pub platform: Platform,
    /// The `User-Agent`.
    pub user_agent: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plain_http: Vec::new(),
            ca_files: Vec::new(),
            hosts_dirs: Vec::new(),
            registries_confs: Vec::new(),
            mirrors: Vec::new(),
            timeout: Duration::from_secs(10),
            credentials: CredentialSources::default(),
            proxies: Proxies::default(),
            platform: this_machine(),
            user_agent: concat!("oci-preflight/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The platform of a Linux node with the processor of this machine.
fn this_machine() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    Platform::new("linux", architecture, None, None)
}

/// Why nothing could be probed.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// The target is neither a host nor an image.
    #[error("\"{text}\" is no host and no image: {reason}")]
    Target {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        reason: ReferenceError,
    },
    /// A file of certificates, hosts or credentials, or a proxy, cannot be used.
    #[error(transparent)]
    Setting(#[from] RegistryError),
    /// No client could be made.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
}

/// Probes the way to `target`: a host such as `ghcr.io` or `registry.example.com:5000`, or an image. Where nodes ask several
/// hosts for it, the way to each.
///
/// # Errors
///
/// Only where nothing could be tried. What fails on the way is part of the report.
pub async fn run(target: &str, options: &Options) -> Result<ProbeReport, ProbeError> {
    options.proxies.check()?;
    let files = registry::Options {
        ca_files: options.ca_files.clone(),
        hosts_dirs: options.hosts_dirs.clone(),
        registries_confs: options.registries_confs.clone(),
        mirrors: options.mirrors.clone(),
        proxies: options.proxies.clone(),
        plain_http: options.plain_http.clone(),
        ..registry::Options::default()
    };
    let parse = |meant: &Routes| {
        Target::parse(target, |name| meant.meant_by(name)).map_err(|reason| ProbeError::Target {
            text: target.to_owned(),
            reason,
        })
    };
    let mut routes = Routes::new(&files)?;
    let parsed = parse(&routes)?;
    // Whoever writes a host without its port means the host that is probed.
    let authority = parsed.reference().api_host();
    let (host, _) = target::host_and_port(authority);
    if options.plain_http.iter().any(|plain| plain == host) && host != authority {
        let mut files = files;
        files.plain_http.push(authority.to_owned());
        routes = Routes::new(&files)?;
    }
    let hosts = match routes.hosts(parsed.reference()) {
        Ok(hosts) => hosts,
        Err(blocked) => return Ok(ProbeReport::blocked(target, blocked)),
    };
    let authorities = client::read_authorities(&options.ca_files)?;
    // Who only gives out content by digest is asked when another one has told the digest.
    let mut order: Vec<usize> = (0..hosts.len()).collect();
    order.sort_by_key(|&index| !hosts[index].resolves());
    let mut reports = Vec::new();
    let mut digest = None;
    for index in order {
        let host = &hosts[index];
        let repository = parsed.image().map(|image| host.repository(image));
        let sign_in = SignIn::find(
            &options.credentials,
            host.registry(),
            repository.unwrap_or_default(),
        )
        .await?;
        let trusted = Trusted::of(&authorities, host.trust());
        let mut walk = Walk::new(host, &parsed, options, trusted, sign_in, digest.as_ref())?;
        walk.go().await;
        let report = walk.report();
        digest = digest.or_else(|| report.digest.clone());
        reports.push((index, report));
    }
    reports.sort_by_key(|(index, _)| *index);
    let reports = reports.into_iter().map(|(_, report)| report).collect();
    Ok(ProbeReport::of(target, parsed.image(), reports))
}
