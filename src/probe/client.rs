//! The HTTP client of a probe, with its proxy and its trust.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Url};
use rustls::Error;
use rustls::pki_types::{CertificateDer, ServerName};

use super::{Options, ProbeError};
use crate::registry::{
    Appeal, Appealed, Chain, ClientIdentity, RegistryError, Trust, read_authorities as read,
    server_verifier, tls_config, tls_config_with,
};

/// Whom a host and those that it leads to are trusted by, and what they are shown.
#[derive(Debug, Clone)]
pub(super) struct Trusted<'a> {
    pub authorities: Vec<CertificateDer<'static>>,
    pub identity: Option<&'a ClientIdentity>,
    /// How long a connection may take, where the host has its own time.
    pub connect_timeout: Option<Duration>,
}

impl<'a> Trusted<'a> {
    /// The authorities that all hosts are trusted by, and what is the host's own.
    pub fn of(authorities: &[CertificateDer<'static>], own: &'a Trust) -> Self {
        Self {
            authorities: [authorities, &*own.authorities].concat(),
            identity: own.identity.as_ref(),
            connect_timeout: own.connect_timeout,
        }
    }
}

/// The client for the upper stages: no redirects, no retries, and the same proxy and trust as the lower ones. It takes any
/// certificate where those have found that a node does.
pub(super) fn client(
    options: &Options,
    trusted: &Trusted<'_>,
    is_verified: bool,
    proxy: Option<&Url>,
) -> Result<Client, ProbeError> {
    let fail = |error: reqwest::Error| ProbeError::Client(error.to_string());
    let proxy = match proxy {
        Some(url) => Some(Proxy::all(url.clone()).map_err(fail)?),
        None => None,
    };
    let tls = if is_verified {
        tls_config(&trusted.authorities, trusted.identity)
    } else {
        server_verifier(&trusted.authorities).and_then(|judge| {
            let appeal = AnyCertificate;
            tls_config_with(Arc::new(Appealed { judge, appeal }), trusted.identity)
        })
    };
    let tls = tls.map_err(|error| ProbeError::Client(error.to_string()))?;
    let plain = Client::builder()
        .user_agent(&options.user_agent)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .timeout(options.timeout)
        .tls_backend_preconfigured(tls)
        .no_proxy();
    let builder = match proxy {
        Some(proxy) => plain.proxy(proxy),
        None => plain,
    };
    builder.build().map_err(fail)
}

/// Takes any certificate, as nodes do where their files say so.
#[derive(Debug)]
struct AnyCertificate;

impl Appeal for AnyCertificate {
    fn hear(&self, _: &Chain<'_>, _: &ServerName<'_>, _: Result<(), Error>) -> Result<(), Error> {
        Ok(())
    }
}

/// The certificates of PEM files.
pub(super) fn read_authorities(
    files: &[PathBuf],
) -> Result<Vec<CertificateDer<'static>>, RegistryError> {
    let read: Result<Vec<_>, _> = files.iter().map(|file| read(file)).collect();
    Ok(read?.concat())
}
