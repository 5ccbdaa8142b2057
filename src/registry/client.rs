//! The HTTP client, with its trust.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity};

use super::{Options, RegistryError};

/// The longest wait for a connection, with TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes that a file of certificate authorities may have. The whole web's fit in one.
const MAX_CA_BYTES: u64 = 4 * 1024 * 1024;

/// What one host is trusted by and shown, beside what all are.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// PEM files with certificate authorities.
    pub ca_files: Vec<PathBuf>,
    /// The client certificate, and its key where that is in a file of its own.
    pub identity: Option<(PathBuf, Option<PathBuf>)>,
}

/// One client for all hosts that have no trust of their own, so that connections are shared. It trusts the system's certificate authorities, and where
/// the system has none, as in an image built from scratch, those of the web (CCADB). It never follows a redirect by
/// itself, and asks for no compression, so that a body is what its digest covers.
pub(super) fn build(options: &Options, trust: &Trust) -> Result<Client, RegistryError> {
    // Fails only where a provider is installed already, which then serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut own = Vec::new();
    for path in options.ca_files.iter().chain(&trust.ca_files) {
        own.extend(read_certificates(path)?);
    }
    let identity = trust
        .identity
        .as_ref()
        .map(|(certificate, key)| read_identity(certificate, key.as_deref()))
        .transpose()?;
    let builder = || -> ClientBuilder {
        let builder = Client::builder();
        let builder = match identity.clone() {
            Some(identity) => builder.identity(identity),
            None => builder,
        };
        builder
            .user_agent(&options.user_agent)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT.min(options.timeout))
            .pool_max_idle_per_host(options.per_host)
    };
    if let Ok(client) = builder().tls_certs_merge(own.clone()).build() {
        return Ok(client);
    }
    let web = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok());
    builder()
        .tls_certs_only(web.chain(own))
        .build()
        .map_err(|error| RegistryError::Tls(error.to_string()))
}

fn read_identity(certificate: &Path, key: Option<&Path>) -> Result<Identity, RegistryError> {
    let fail = |reason: String| RegistryError::ClientCertificate {
        path: certificate.to_owned(),
        reason,
    };
    let mut pem = Vec::new();
    for path in [Some(certificate), key].into_iter().flatten() {
        let text = super::content::read_bounded(path, MAX_CA_BYTES)
            .map_err(|error| fail(format!("{}: {error}", path.display())))?;
        pem.extend(text);
        pem.push(b'\n');
    }
    Identity::from_pem(&pem).map_err(|_| fail("it is no PEM certificate with its key".to_owned()))
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate>, RegistryError> {
    let fail = |reason: String| RegistryError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let pem = super::content::read_bounded(path, MAX_CA_BYTES)
        .map_err(|error| fail(error.to_string()))?;
    let certificates =
        Certificate::from_pem_bundle(&pem).map_err(|error| fail(error.to_string()))?;
    if certificates.is_empty() {
        return Err(fail("it holds no PEM certificate".to_owned()));
    }
    Ok(certificates)
}
