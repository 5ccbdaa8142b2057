//! The TLS stage: which version, whose certificate, and whether this machine trusts it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{CertificateError, Error};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::certificate::{self, Certificate};
use super::client::Trusted;
use super::connect::{Wire, no_answer};
use crate::registry::{Appeal, Appealed, Chain, server_verifier, tls_config_with};

/// The most certificates of a chain that are described.
const MAX_CHAIN: usize = 8;

/// What a handshake showed.
#[derive(Debug)]
pub(super) struct Handshake {
    /// The version of the protocol.
    pub version: String,
    /// The chain as the server sent it, its own certificate first.
    pub chain: Vec<Certificate>,
    /// Why this machine does not trust it.
    pub distrust: Option<Distrust>,
}

/// Why a chain is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Distrust {
    /// It is past its end, or before its beginning.
    Dates,
    /// It is for other names.
    Name,
    /// Nobody whom this machine trusts has signed it.
    Issuer,
    /// Something else, in the library's words.
    Other(String),
}

/// Why there was no handshake.
#[derive(Debug)]
pub(super) enum NoHandshake {
    /// The other side does not speak TLS.
    NotTls,
    /// Anything else, in words.
    Failed(String),
}

/// The protocols that are offered to a registry.
pub(super) const WEB: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// The protocol that is offered to a proxy, of which only a tunnel is asked.
pub(super) const TUNNEL: [&[u8]; 1] = [b"http/1.1"];

/// Greets the server over `stream`. Nobody may send anything over the connection that comes of it where the certificate is
/// not trusted: it is there to be looked at.
pub(super) async fn greet(
    stream: Wire,
    host: &str,
    protocols: &[&[u8]],
    trusted: &Trusted<'_>,
    limit: Duration,
) -> Result<(Handshake, Wire), NoHandshake> {
    let failed = |error: &dyn ToString| NoHandshake::Failed(error.to_string());
    let recorder = Recorder::default();
    let verifier = Appealed {
        judge: server_verifier(&trusted.authorities).map_err(|error| failed(&error))?,
        appeal: recorder.clone(),
    };
    let mut config =
        tls_config_with(Arc::new(verifier), trusted.identity).map_err(|error| failed(&error))?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|error| failed(&error))?;
    let stream = timeout(
        limit,
        TlsConnector::from(Arc::new(config)).connect(name, stream),
    )
    .await
    .map_err(|_| NoHandshake::Failed(no_answer(limit)))?
    .map_err(|error| no_handshake(&error))?;
    let version = stream.get_ref().1.protocol_version();
    let (chain, distrust) = recorder.seen();
    let handshake = Handshake {
        version: version
            .and_then(|version| {
                version
                    .as_str()
                    .map(|text| text.replace("TLSv1_", "TLS 1."))
            })
            .unwrap_or_else(|| "TLS".to_owned()),
        chain,
        distrust,
    };
    Ok((handshake, Box::new(stream)))
}

fn no_handshake(error: &std::io::Error) -> NoHandshake {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidMessage(_)) => NoHandshake::NotTls,
        _ => NoHandshake::Failed(error.to_string()),
    }
}

/// Records a chain and the judgement on it, and lets the handshake go on.
#[derive(Debug, Default, Clone)]
struct Recorder(Arc<Mutex<(Vec<Certificate>, Option<Distrust>)>>);

impl Recorder {
    fn seen(&self) -> (Vec<Certificate>, Option<Distrust>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Appeal for Recorder {
    fn hear(
        &self,
        shown: &Chain<'_>,
        _: &ServerName<'_>,
        judgement: Result<(), Error>,
    ) -> Result<(), Error> {
        let chain = std::iter::once(shown.end_entity)
            .chain(shown.intermediates)
            .take(MAX_CHAIN)
            .filter_map(|der| certificate::read(der))
            .collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            (chain, judgement.err().map(|error| distrust(&error)));
        Ok(())
    }
}

fn distrust(error: &Error) -> Distrust {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    match error {
        Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        ) => Distrust::Dates,
        Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            Distrust::Name
        }
        Error::InvalidCertificate(UnknownIssuer) => Distrust::Issuer,
        other => Distrust::Other(other.to_string()),
    }
}
