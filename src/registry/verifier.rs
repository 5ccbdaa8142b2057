//! Whether the certificate of a server is to be trusted.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::appeal::{Appeal, Appealed, Chain};

/// The machine's own judgement, with these authorities beside its own; where it has none at all, as in an image built from
/// scratch, with those of the web (CCADB).
///
/// # Errors
///
/// Where an authority cannot be read.
pub fn server_verifier(
    authorities: &[CertificateDer<'static>],
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let provider = Arc::new(ring::default_provider());
    let mut readable = RootCertStore::empty();
    for authority in authorities {
        readable.add(authority.clone())?;
    }
    Ok(Arc::new(Appealed {
        judge: judge(authorities, &provider)?,
        appeal: NodeLike {
            authorities: authorities.to_vec(),
        },
    }))
}

/// What a client needs for TLS: that judgement, and what it shows of itself.
///
/// # Errors
///
/// Where an authority cannot be read, or where the key does not fit the certificate.
pub fn tls_config(
    authorities: &[CertificateDer<'static>],
    identity: Option<&ClientIdentity>,
) -> Result<ClientConfig, Error> {
    tls_config_with(server_verifier(authorities)?, identity)
}

/// The same, with a judgement of whoever calls.
///
/// # Errors
///
/// Where the key does not fit the certificate.
pub fn tls_config_with(
    verifier: Arc<dyn ServerCertVerifier>,
    identity: Option<&ClientIdentity>,
) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        Some(identity) => {
            builder.with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A client's certificate with its key.
#[derive(Debug)]
pub struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl ClientIdentity {
    /// Reads PEM; none where it is no certificate with its key.
    #[must_use]
    pub fn from_pem(pem: &[u8]) -> Option<Self> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .ok()?;
        let key = PrivateKeyDer::from_pem_slice(pem).ok()?;
        (!chain.is_empty()).then_some(Self { chain, key })
    }
}

fn judge(
    authorities: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let own = authorities.iter().cloned();
    if let Ok(verifier) = Verifier::new_with_extra_roots(own.clone(), Arc::clone(provider)) {
        return Ok(Arc::new(verifier));
    }
    let mut roots = RootCertStore::empty();
    let web = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
    roots.add_parsable_certificates(web.chain(own));
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| Error::General(error.to_string()))
}

/// Takes what a node takes. Go's `crypto/x509`, and so containerd and CRI-O, lets a server show a certificate that is an
/// authority's as well, as `openssl req -x509` makes them; webpki never does.
#[derive(Debug)]
struct NodeLike {
    authorities: Vec<CertificateDer<'static>>,
}

impl Appeal for NodeLike {
    fn hear(
        &self,
        chain: &Chain<'_>,
        server_name: &ServerName<'_>,
        judgement: Result<(), Error>,
    ) -> Result<(), Error> {
        match judgement {
            // webpki looks at the dates before it looks at what the certificate is for: they hold here.
            Err(error) if is_authority_s(&error) => {
                let shown = chain.end_entity;
                if !self.authorities.contains(shown) {
                    return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
                }
                verify_server_name(&ParsedCertificate::try_from(shown)?, server_name)
            }
            judgement => judgement,
        }
    }
}

/// Whether a certificate is refused only because it is an authority's.
fn is_authority_s(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else {
        return false;
    };
    matches!(
        other.0.downcast_ref::<webpki::Error>(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}
