//! The HTTP clients, with their trust.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Proxy, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::verifier::{ClientIdentity, tls_config};
use super::{Options, Proxies, RegistryError};

/// The longest wait for a connection, with TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes that a file of certificate authorities may have. The whole web's fit in one.
const MAX_CA_BYTES: u64 = 4 * 1024 * 1024;

/// The files of what one host is trusted by and shown, beside what all are.
#[derive(Debug, Default)]
pub(super) struct TrustFiles {
    /// PEM files with certificate authorities.
    pub ca_files: Vec<PathBuf>,
    /// The client certificate, and its key where that is in a file of its own.
    pub identity: Option<(PathBuf, Option<PathBuf>)>,
    /// How long to wait for a connection, where the host has its own time.
    pub connect_timeout: Option<Duration>,
}

/// What one host is trusted by and shown, beside what all are.
#[derive(Debug, Default)]
pub struct Trust {
    /// Certificate authorities.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The client certificate with its key.
    pub identity: Option<ClientIdentity>,
    /// How long to wait for a connection, where the host has its own time.
    pub connect_timeout: Option<Duration>,
}

impl TrustFiles {
    /// Reads the files.
    pub fn read(&self) -> Result<Trust, RegistryError> {
        let mut authorities = Vec::new();
        for path in &self.ca_files {
            authorities.extend(read_authorities(path)?);
        }
        let identity = self
            .identity
            .as_ref()
            .map(|(certificate, key)| read_identity(certificate, key.as_deref()));
        Ok(Trust {
            authorities,
            identity: identity.transpose()?,
            connect_timeout: self.connect_timeout,
        })
    }
}

impl Trust {
    /// Whether it says nothing.
    pub(super) const fn is_usual(&self) -> bool {
        self.authorities.is_empty() && self.identity.is_none() && self.connect_timeout.is_none()
    }
}

/// The clients for all hosts that have no trust of their own, so that connections are shared.
#[derive(Debug)]
pub(super) struct Clients {
    blueprint: Blueprint,
    /// For plain HTTP; none where a proxy may be spoken to over TLS.
    plain: Option<Client>,
    /// To read the system's certificates takes longer than many a run: it is made when it is needed.
    encrypted: OnceLock<Result<Client, String>>,
}

impl Clients {
    /// Reads the certificates that the options name.
    pub fn new(options: &Options) -> Result<Self, RegistryError> {
        let blueprint = Blueprint::new(options, Arc::default())?;
        let plain = options
            .proxies
            .http
            .is_none()
            .then(|| blueprint.without_certificates());
        Ok(Self {
            plain: plain.transpose()?,
            blueprint,
            encrypted: OnceLock::new(),
        })
    }

    /// The client that an address is asked with; the reason where the system's certificates can't be used.
    pub fn of(&self, url: &Url) -> Result<&Client, &str> {
        match &self.plain {
            Some(plain) if url.scheme() == "http" => Ok(plain),
            _ => {
                let build = || self.blueprint.build().map_err(|error| error.to_string());
                self.encrypted
                    .get_or_init(build)
                    .as_ref()
                    .map_err(String::as_str)
            }
        }
    }
}

/// A client with the trust of one host.
pub(super) fn build(options: &Options, trust: &Arc<Trust>) -> Result<Client, RegistryError> {
    Blueprint::new(options, Arc::clone(trust))?.build()
}

/// What a client is made from.
#[derive(Debug)]
struct Blueprint {
    /// The authorities that all hosts are trusted by.
    authorities: Vec<CertificateDer<'static>>,
    trust: Arc<Trust>,
    user_agent: String,
    connect_timeout: Duration,
    idle: usize,
    proxies: Proxies,
}

impl Blueprint {
    fn new(options: &Options, trust: Arc<Trust>) -> Result<Self, RegistryError> {
        // Fails only where a provider is installed already, which then serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        options.proxies.check()?;
        let mut authorities = Vec::new();
        for path in &options.ca_files {
            authorities.extend(read_authorities(path)?);
        }
        Ok(Self {
            authorities,
            user_agent: options.user_agent.clone(),
            connect_timeout: trust
                .connect_timeout
                .unwrap_or(CONNECT_TIMEOUT)
                .min(options.timeout),
            idle: options.per_host,
            proxies: options.proxies.clone(),
            trust,
        })
    }

    /// It never follows a redirect by itself, and asks for no compression, so that a body is what its digest covers.
    fn builder(&self) -> ClientBuilder {
        let proxies = self.proxies.clone();
        Client::builder()
            .no_proxy()
            .proxy(Proxy::custom(move |url| proxies.of(url)))
            .user_agent(&self.user_agent)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .pool_max_idle_per_host(self.idle)
    }

    /// It trusts the system's certificate authorities, and those of the files.
    fn build(&self) -> Result<Client, RegistryError> {
        let authorities = [&*self.authorities, &*self.trust.authorities].concat();
        let config = tls_config(&authorities, self.trust.identity.as_ref())
            .map_err(|error| RegistryError::Tls(error.to_string()))?;
        finished(self.builder().tls_backend_preconfigured(config))
    }

    fn without_certificates(&self) -> Result<Client, RegistryError> {
        finished(self.builder().tls_certs_only([]))
    }
}

fn finished(builder: ClientBuilder) -> Result<Client, RegistryError> {
    builder
        .build()
        .map_err(|error| RegistryError::Tls(error.to_string()))
}

fn read_identity(certificate: &Path, key: Option<&Path>) -> Result<ClientIdentity, RegistryError> {
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
    ClientIdentity::from_pem(&pem)
        .ok_or_else(|| fail("it is no PEM certificate with its key".to_owned()))
}

/// The certificate authorities of a PEM file.
///
/// # Errors
///
/// [`RegistryError::CaFile`] where there is none in it.
pub fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, RegistryError> {
    let fail = |reason: String| RegistryError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let pem = super::content::read_bounded(path, MAX_CA_BYTES)
        .map_err(|error| fail(error.to_string()))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| fail(error.to_string()))?;
    if certificates.is_empty() {
        return Err(fail("it holds no PEM certificate".to_owned()));
    }
    Ok(certificates)
}
