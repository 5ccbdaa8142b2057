//! Names and dates of an X.509 certificate: the little that a person wants to know of a chain.
//!
//! Source: RFC 5280, section 4.1. Whether a chain is to be trusted is decided elsewhere.

/// What a certificate says about itself. Texts are as they stand in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// Whose it is: the common name, else the organisation.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Whether it signed itself, by what it says.
    pub is_own_issuer: bool,
    /// The first moment at which it is good, as `YYYY-MM-DD`.
    pub not_before: String,
    /// The last one.
    pub not_after: String,
}

/// Object identifiers of name parts (RFC 4519): common name, organisation.
const NAME_PARTS: [&[u8]; 2] = [&[0x55, 0x04, 0x03], &[0x55, 0x04, 0x0a]];
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

/// Reads a certificate in DER; none where it is not one.
pub(super) fn read(der: &[u8]) -> Option<Certificate> {
    let (certificate, _) = expect(der, SEQUENCE)?;
    let (body, _) = expect(certificate, SEQUENCE)?;
    let rest = expect(body, VERSION).map_or(body, |(_, rest)| rest);
    let (_, rest) = expect(rest, INTEGER)?;
    let (_, rest) = expect(rest, SEQUENCE)?;
    let (issuer, rest) = expect(rest, SEQUENCE)?;
    let (validity, rest) = expect(rest, SEQUENCE)?;
    let (subject, _) = expect(rest, SEQUENCE)?;
    let (not_before, after) = element(validity)?;
    let (not_after, _) = element(after)?;
    Some(Certificate {
        subject: name(subject),
        issuer: name(issuer),
        is_own_issuer: subject == issuer,
        not_before: date(not_before)?,
        not_after: date(not_after)?,
    })
}

/// One element: its tag and content.
type Element<'a> = (u8, &'a [u8]);

/// The first element of `der`, and what follows it.
fn element(der: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.is_empty() || bytes.len() > 3 {
            return None;
        }
        let length = bytes
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(((tag, content), rest))
}

/// The content of the first element, which must have the tag, and what follows it.
fn expect(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let ((found, content), rest) = element(der)?;
    (found == tag).then_some((content, rest))
}

/// The common name of a name, else its organisation, else nothing.
fn name(der: &[u8]) -> String {
    let found = NAME_PARTS.iter().find_map(|part| name_part(der, part));
    found.unwrap_or_else(|| "no name".to_owned())
}

fn name_part(mut der: &[u8], wanted: &[u8]) -> Option<String> {
    while let Some((set, rest)) = expect(der, SET) {
        let (pair, _) = expect(set, SEQUENCE)?;
        let (identifier, value) = expect(pair, OBJECT_IDENTIFIER)?;
        if identifier == wanted {
            let ((_, text), _) = element(value)?;
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        der = rest;
    }
    None
}

/// `YYMMDD…` and `YYYYMMDD…` as `YYYY-MM-DD` (RFC 5280, section 4.1.2.5).
fn date((tag, text): Element<'_>) -> Option<String> {
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.is_ascii())?;
    let (century, text) = match tag {
        UTC_TIME if text.get(..2)? < "50" => ("20", text),
        UTC_TIME => ("19", text),
        GENERALIZED_TIME => (text.get(..2)?, text.get(2..)?),
        _ => return None,
    };
    let (year, month, day) = (text.get(..2)?, text.get(2..4)?, text.get(4..6)?);
    Some(format!("{century}{year}-{month}-{day}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    #[test]
    fn names_and_dates_are_read() {
        let mut parameters = CertificateParams::new(vec!["a.example".to_owned()]).expect("a name");
        parameters
            .distinguished_name
            .push(DnType::CommonName, "registry");
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 2);
        parameters.not_after = rcgen::date_time_ymd(2051, 3, 4);
        let key = KeyPair::generate().expect("a key");
        let der = parameters.self_signed(&key).expect("a certificate");
        let certificate = read(der.der()).expect("a certificate");
        assert_eq!(certificate.subject, "registry");
        assert_eq!(certificate.issuer, "registry");
        assert!(certificate.is_own_issuer);
        assert_eq!(certificate.not_before, "2020-01-02");
        assert_eq!(certificate.not_after, "2051-03-04");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
