//! What the lower stages showed, in words.

use std::net::SocketAddr;

use super::address::range_of;
use super::encryption::{Distrust, Handshake};
use super::fault::Fault;

/// Addresses with the ranges that they belong to.
pub(super) fn described(addresses: &[SocketAddr]) -> String {
    let words: Vec<String> = addresses
        .iter()
        .map(|address| match range_of(address.ip()) {
            Some(range) => format!("{} ({range})", address.ip()),
            None => address.ip().to_string(),
        })
        .collect();
    words.join(", ")
}

/// A handshake in words: version, trust and chain.
pub(super) fn handshake_words(handshake: &Handshake) -> String {
    let chain: Vec<String> = handshake
        .chain
        .iter()
        .map(|certificate| {
            format!(
                "\"{}\" signed by \"{}\", good from {} to {}",
                certificate.subject,
                certificate.issuer,
                certificate.not_before,
                certificate.not_after
            )
        })
        .collect();
    let trust = match &handshake.distrust {
        None => "trusted".to_owned(),
        Some(Distrust::Dates) => "NOT trusted: out of date".to_owned(),
        Some(Distrust::Name) => "NOT trusted: made for another name".to_owned(),
        Some(Distrust::Issuer) => "NOT trusted: unknown authority".to_owned(),
        Some(Distrust::Other(words)) => format!("NOT trusted: {words}"),
    };
    format!("{}, {trust}: {}", handshake.version, chain.join("; "))
}

/// What a certificate that is not trusted means.
pub(super) fn distrust_fault(distrust: &Distrust, handshake: &Handshake, host: &str) -> Fault {
    let host = host.to_owned();
    match distrust {
        Distrust::Dates => Fault::CertificateDates(host),
        Distrust::Name => Fault::CertificateName(host),
        Distrust::Issuer => match handshake.chain.as_slice() {
            [only] if only.is_own_issuer => Fault::SelfSigned {
                host,
                subject: only.subject.clone(),
            },
            chain => Fault::CertificateIssuer {
                host,
                issuer: chain.last().map_or_else(
                    || "an unnamed authority".to_owned(),
                    |last| last.issuer.clone(),
                ),
            },
        },
        Distrust::Other(_) => Fault::Handshake(host),
    }
}
