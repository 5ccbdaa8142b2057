//! The way to a registry, stage by stage: proxy, name, connection, encryption, API, token, manifest, config, and the second
//! host that serves the content.
//!
//! It goes on as far as it can, with the credentials that a check would use, and says whose they are.

#![allow(
    clippy::disallowed_methods,
    reason = "this module does the network's I/O, with its own clock"
)]

mod address;
mod blame;
mod certificate;
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
use crate::registry::{CredentialSources, RegistryError, SignIn};
use target::Target;
use walk::Walk;

pub use crate::registry::Proxies;
pub use blame::Side;
pub use fault::Fault;
pub use outcome::{ProbeReport, Stage, StageVerdict};

/// How a registry is probed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Hosts, as `host` or `host:port`, that are asked over plain HTTP.
    pub plain_http: Vec<String>,
    /// PEM files with certificate authorities that are trusted beside the system's.
    pub ca_files: Vec<PathBuf>,
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
    /// A file of certificate authorities cannot be used.
    #[error("{}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of credentials, or a proxy, cannot be used.
    #[error(transparent)]
    Setting(#[from] RegistryError),
    /// No client could be made.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
}

/// Probes the way to `target`: a host such as `ghcr.io` or `registry.example.com:5000`, or an image.
///
/// # Errors
///
/// Only where nothing could be tried. What fails on the way is part of the report.
pub async fn run(target: &str, options: &Options) -> Result<ProbeReport, ProbeError> {
    let parsed = Target::parse(target).map_err(|reason| ProbeError::Target {
        text: target.to_owned(),
        reason,
    })?;
    let (registry, repository) = parsed.registry_and_repository();
    let sign_in = SignIn::find(&options.credentials, registry, repository).await?;
    let mut walk = Walk::new(parsed, options, sign_in)?;
    walk.go().await;
    Ok(walk.report(target))
}
