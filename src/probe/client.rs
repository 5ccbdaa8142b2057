//! The HTTP client of a probe, with its proxy and its trust.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::{Options, ProbeError};
use crate::registry::tls_config;

/// The most bytes of a file of certificate authorities.
const MAX_CA_BYTES: u64 = 4 << 20;

/// The client for the upper stages: no redirects, no retries, and the same proxy and trust as the lower ones.
pub(super) fn client(
    options: &Options,
    authorities: &[CertificateDer<'static>],
    proxy: Option<&Url>,
) -> Result<Client, ProbeError> {
    let fail = |error: reqwest::Error| ProbeError::Client(error.to_string());
    let proxy = match proxy {
        Some(url) => Some(Proxy::all(url.clone()).map_err(fail)?),
        None => None,
    };
    let tls =
        tls_config(authorities, None).map_err(|error| ProbeError::Client(error.to_string()))?;
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

/// The certificates of a PEM file.
pub(super) fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, ProbeError> {
    let fail = |reason: String| ProbeError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let mut pem = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_CA_BYTES).read_to_end(&mut pem))
        .map_err(|error| fail(error.to_string()))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(fail("it holds no PEM certificate".to_owned())),
        Err(error) => Err(fail(error.to_string())),
    }
}
