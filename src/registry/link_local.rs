//! Addresses that no registry may lead to: those where clouds give out the credentials of the machine.

use std::net::{IpAddr, Ipv6Addr};

use reqwest::Url;

/// Where AWS answers for the machine over IPv6:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>.
const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// Where Google does, by name:
/// <https://cloud.google.com/compute/docs/metadata/querying-metadata>.
const GOOGLE_METADATA: &str = "metadata.google.internal";

/// Whether an address is link-local (RFC 3927, RFC 4291 section 2.5.6) or one of a cloud's metadata service. A public name
/// that resolves to one is not seen here; such services refuse to answer to it, or want a header that is never sent.
pub(super) fn is_link_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    if host.trim_end_matches('.') == GOOGLE_METADATA {
        return true;
    }
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    match literal
        .parse::<IpAddr>()
        .map(|address| address.to_canonical())
    {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_unicast_link_local() || address == AWS_METADATA,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_metadata_address_is_known() {
        for (url, expected) in [
            ("http://169.254.169.254/latest/meta-data", true),
            ("http://169.254.170.2/v2/credentials", true),
            ("http://2852039166/latest", true),
            ("http://0xa9.0xfe.0xa9.0xfe/latest", true),
            ("http://[::ffff:169.254.169.254]/latest", true),
            ("http://[fe80::1]/", true),
            ("http://[fd00:ec2::254]/latest", true),
            ("http://metadata.google.internal/computeMetadata/v1", true),
            ("http://METADATA.google.internal./computeMetadata/v1", true),
            ("https://registry.example.com/169.254.169.254", false),
            ("https://10.0.0.1/", false),
            ("https://[2001:db8::1]:5000/", false),
        ] {
            let url: Url = url.parse().expect(url);
            assert_eq!(is_link_local(&url), expected, "{url}");
        }
    }
}
