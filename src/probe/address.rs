//! Whose an address is, as far as its range tells.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The name of a range that explains how a registry is reached; none for ordinary public addresses.
///
/// Sources: cloud.google.com/vpc/docs/configure-private-google-access; RFC 1918, 6598, 3927, 4193, 4291, 6052.
pub(super) fn range_of(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => range_of_v4(address),
        IpAddr::V6(address) => range_of_v6(address),
    }
}

fn range_of_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [199, 36, 153, 8..=11] => Some("Google's private range, private.googleapis.com"),
        [199, 36, 153, 4..=7] => Some("Google's restricted range, restricted.googleapis.com"),
        [127, ..] => Some("this machine"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private range, RFC 1918"),
        [100, 64..=127, ..] => Some("a shared range of providers, RFC 6598"),
        [169, 254, ..] => Some("a link-local range, RFC 3927"),
        [0, ..] => Some("no usable address: a filter in the resolver"),
        _ => None,
    }
}

fn range_of_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    match segments {
        [0x2600, 0x2d00, 0x0002, 0x2000, ..] => {
            Some("Google's private range, private.googleapis.com")
        }
        [0x2600, 0x2d00, 0x0002, 0x1000, ..] => {
            Some("Google's restricted range, restricted.googleapis.com")
        }
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("this machine"),
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("no usable address: a filter in the resolver"),
        [first, ..] if first & 0xfe00 == 0xfc00 => Some("a private range, RFC 4193"),
        [first, ..] if first & 0xffc0 == 0xfe80 => Some("a link-local range, RFC 4291"),
        [0x64, 0xff9b, ..] => Some("a translated IPv4 address, RFC 6052"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_named_and_end_where_they_end() {
        for (address, range) in [
            ("199.36.153.7", Some("restricted")),
            ("199.36.153.8", Some("private.googleapis")),
            ("199.36.153.12", None),
            ("172.31.0.1", Some("RFC 1918")),
            ("172.32.0.1", None),
            ("100.64.0.1", Some("RFC 6598")),
            ("fd00::1", Some("RFC 4193")),
            ("2001:db8::1", None),
        ] {
            let found = range_of(address.parse().expect("an address"));
            assert_eq!(found.is_some(), range.is_some(), "{address}: {found:?}");
            assert!(
                found
                    .unwrap_or_default()
                    .contains(range.unwrap_or_default()),
                "{address}"
            );
        }
    }
}
