//! Sizes as people write them.

use std::str::FromStr;

use thiserror::Error;

use crate::oci::Bytes;

/// A size written with a unit: `500 MB`, `1.5GiB`, `1000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub Bytes);

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no size: write a number with a unit, such as 500MB or 1.5GiB")]
pub struct SizeError(pub String);

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        const UNITS: [(&str, u64); 10] = [
            ("", 1),
            ("b", 1),
            ("kb", 1_000),
            ("mb", 1_000_000),
            ("gb", 1_000_000_000),
            ("tb", 1_000_000_000_000),
            ("kib", 1 << 10),
            ("mib", 1 << 20),
            ("gib", 1 << 30),
            ("tib", 1 << 40),
        ];
        let fail = || SizeError(text.to_owned());
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let unit = unit.trim().to_ascii_lowercase();
        let (_, factor) = UNITS
            .into_iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(fail)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole: u64 = whole.parse().map_err(|_| fail())?;
        let thousandths: u64 = match fraction.len() {
            0 => 0,
            1..=3 => format!("{fraction:0<3}").parse().map_err(|_| fail())?,
            _ => return Err(fail()),
        };
        let bytes = whole
            .checked_mul(factor)
            .and_then(|bytes| bytes.checked_add(factor.checked_mul(thousandths)? / 1000))
            .ok_or_else(fail)?;
        Ok(Self(Bytes(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_decimal_and_binary_units() {
        for (text, bytes) in [
            ("1000", Some(1000)),
            ("500 MB", Some(500_000_000)),
            ("1.5GiB", Some(1_610_612_736)),
            ("0.25kb", Some(250)),
            ("", None),
            ("MB", None),
            ("-1MB", None),
            ("1.2.3MB", None),
            ("12 parsecs", None),
            ("99999999999999TB", None),
        ] {
            let read = text.parse::<Size>().ok().map(|Size(Bytes(bytes))| bytes);
            assert_eq!(read, bytes, "{text}");
        }
    }
}
