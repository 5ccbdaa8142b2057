//! Certificates that are not to be trusted, and ways out of the encryption.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::answer::{Step, bytes, redirect, unauthorized, wants_token};
use super::server::{FaultRegistry, Request, Serve};
use super::{Expected, FOUND, Stage, faults, registry, unknown};

/// An authority, and a server that it signed for.
pub struct Signed {
    /// The authority's certificate, as PEM.
    pub authority: String,
    pub config: ServerConfig,
}

impl Signed {
    pub fn tls(self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config))
    }
}

/// A server's certificate for `names`, changed by `change` before an authority signs it.
pub fn signed(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Signed {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "an authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
        .expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names");
    change(&mut params);
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    Signed {
        authority: authority.pem(),
        config: config(vec![certificate.der().clone()], &key),
    }
}

fn config(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> ServerConfig {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a server's TLS")
}

const LOOPBACK: &[&str] = &["127.0.0.1", "localhost"];

/// A registry with this certificate, whose authority is trusted.
fn trusted(serve: Serve, signed: Signed) -> Stage {
    let authority = signed.authority.clone();
    let server = FaultRegistry::start(serve, Some(signed.tls()), "127.0.0.1");
    Stage::of(server).trusting(&authority)
}

/// A registry whose certificate signs itself. `openssl req -x509` makes it an authority's as well.
pub fn selfsigned(is_ca: IsCa) -> (Stage, String) {
    let key = KeyPair::generate().expect("a key");
    let names = LOOPBACK.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut params = CertificateParams::new(names).expect("names");
    params.is_ca = is_ca;
    let certificate = params.self_signed(&key).expect("a certificate");
    let config = config(vec![certificate.der().clone()], &key);
    let tls = TlsAcceptor::from(Arc::new(config));
    let server = FaultRegistry::start(Request::good, Some(tls), "127.0.0.1");
    (Stage::of(server), certificate.pem())
}

/// The same, given as an authority to trust.
fn selfsigned_trusted(is_ca: IsCa) -> Stage {
    let (stage, pem) = selfsigned(is_ca);
    stage.trusting(&pem)
}

const AUTHORITY: IsCa = IsCa::Ca(BasicConstraints::Unconstrained);

fn sound() -> Signed {
    signed(LOOPBACK, |_| {})
}

const TLS: Expected = unknown("tls");

faults! {
    /// A certificate of an authority that is trusted.
    tls_ok: FOUND, trusted(Request::with_tokens, sound());
    /// A certificate of an authority that nobody knows.
    tls_unknown_authority: TLS.saying("--ca-file"), {
        let mut stage = trusted(Request::good, sound());
        stage.arguments.clear();
        stage
    };
    /// A certificate that signs itself.
    tls_selfsigned: TLS, selfsigned(IsCa::NoCa).0;
    /// A certificate that signs itself, as an authority does.
    tls_selfsigned_authority: TLS.saying("UnknownIssuer"), selfsigned(AUTHORITY).0;
    /// A certificate that signs itself and is trusted.
    tls_selfsigned_trusted: FOUND, selfsigned_trusted(IsCa::NoCa);
    /// A certificate that signs itself, as an authority does, and is trusted.
    tls_selfsigned_authority_trusted: FOUND, selfsigned_trusted(AUTHORITY);
    /// A certificate that is no longer valid.
    tls_expired: TLS.saying("expired"), trusted(Request::good, signed(LOOPBACK, |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }));
    /// A certificate that is not yet valid.
    tls_future: TLS.saying("not valid yet"), trusted(Request::good, signed(LOOPBACK, |params| {
        params.not_before = date_time_ymd(2999, 1, 1);
        params.not_after = date_time_ymd(3000, 1, 1);
    }));
    /// A certificate for another name.
    tls_wronghost: TLS.saying("other.example"),
        trusted(Request::good, signed(&["other.example"], |_| {}));
    /// A redirect from TLS to plain HTTP on another host, which nodes follow and which may not get the login.
    tls_downgrade: FOUND, trusted(|request| {
        if request.is_elsewhere {
            request.good()
        } else if request.authorization().is_empty() {
            unauthorized("Basic realm=\"r\"")
        } else {
            redirect(&format!("{}{}", request.elsewhere.replace("https:", "http:"), request.path))
        }
    }, sound());
    /// A token service over plain HTTP, of a registry over TLS.
    tls_token_downgrade: unknown("malformed").saying("without TLS"), trusted(|request| {
        wants_token(&format!("{}/token", request.elsewhere.replace("https:", "http:")))
    }, sound());
    /// A redirect over TLS to another host, which may not get the login.
    tls_redirother: FOUND, trusted(|request| {
        if request.is_elsewhere {
            request.good()
        } else if request.authorization().is_empty() {
            unauthorized("Basic realm=\"r\"")
        } else {
            redirect(&format!("{}{}", request.elsewhere, request.path))
        }
    }, sound());
    /// A redirect to a host whose certificate is for another name.
    tls_redirect_wronghost: TLS, trusted(|request| {
        redirect(&format!("{}{}", request.elsewhere, request.path))
    }, signed(&["127.0.0.1"], |_| {}));
    /// An alert in place of an answer, as from a port that speaks TLS alone.
    tls_alert: unknown("malformed"),
        registry(|_| bytes(vec![0x15, 3, 1, 0, 2, 2, 0x28]));
    /// A TLS server that breaks off in the middle of a record.
    tls_cut: unknown("connect"), trusted(|_| {
        bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{").then(Step::Reset)
    }, sound());
}
