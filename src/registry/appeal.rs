//! A second word on whether a server's certificate is taken, after the one of a verifier.

use std::fmt::Debug;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// The certificates that a server shows.
#[derive(Debug)]
pub struct Chain<'a> {
    /// Its own.
    pub end_entity: &'a CertificateDer<'a>,
    /// Those that lead to an authority.
    pub intermediates: &'a [CertificateDer<'a>],
}

/// Has the last word.
pub trait Appeal: Debug + Send + Sync {
    /// Whether the chain is taken, given what the verifier says of it.
    ///
    /// # Errors
    ///
    /// Where it is not taken.
    fn hear(
        &self,
        chain: &Chain<'_>,
        server_name: &ServerName<'_>,
        judgement: Result<(), Error>,
    ) -> Result<(), Error>;
}

/// A verifier of which only the word on chains is open to appeal: that the server holds the key of its certificate is proved
/// in any case.
#[derive(Debug)]
pub struct Appealed<A> {
    /// The verifier.
    pub judge: Arc<dyn ServerCertVerifier>,
    /// The last word.
    pub appeal: A,
}

impl<A: Appeal> ServerCertVerifier for Appealed<A> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judgement = self.judge.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let chain = Chain {
            end_entity,
            intermediates,
        };
        self.appeal
            .hear(&chain, server_name, judgement.map(|_| ()))
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
