//! Amazon EC2: `<series><generation><attributes>[-<suffix>].<size>`, such as `m6gd.large`.

use super::{MachineArchitecture, split_digits, split_letters};

/// The Arm families that are on sale. Source: the instance type table of eksctl (`pkg/utils/instance/instance_types.go`,
/// August 2026); `a1` is older than the rule.
const ARM_FAMILIES: [&str; 47] = [
    "a1",
    "c6g",
    "c6gd",
    "c6gn",
    "c7g",
    "c7gd",
    "c7gn",
    "c8g",
    "c8gb",
    "c8gd",
    "c8gn",
    "c9g",
    "c9gd",
    "g5g",
    "hpc7g",
    "i4g",
    "i8g",
    "i8ge",
    "im4gn",
    "is4gen",
    "m6g",
    "m6gd",
    "m7g",
    "m7gd",
    "m8g",
    "m8gb",
    "m8gd",
    "m8gn",
    "m9g",
    "m9gd",
    "p6e-gb200",
    "p6e-gb300",
    "r6g",
    "r6gd",
    "r7g",
    "r7gd",
    "r8g",
    "r8gb",
    "r8gd",
    "r8gn",
    "t4g",
    "x2gd",
    "x8g",
    "mac2",
    "mac2-m1ultra",
    "mac2-m2",
    "mac2-m2pro",
];

/// The families with processors of Intel and AMD that are on sale, or were. Source: the same table, and
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-regions.html>.
#[rustfmt::skip]
const AMD64_FAMILIES: [&str; 123] = [
    "c1", "c3", "c4", "c5", "c5a", "c5ad", "c5d", "c5n", "c6a", "c6i", "c6id", "c6in", "c7a", "c7i", "c7i-flex",
    "c8a", "c8i", "c8i-flex", "c8id", "d2", "d3", "d3en", "f1", "f2", "g3", "g3s", "g4ad", "g4dn", "g5", "g6",
    "g6e", "g6f", "gr6", "gr6f", "h1", "hpc6a", "hpc6id", "hpc7a", "hpc8a", "i2", "i3", "i3en", "i4i", "i7i",
    "i7ie", "inf1", "inf2", "m1", "m2", "m3", "m4", "m5", "m5a", "m5ad", "m5d", "m5dn", "m5n", "m5zn", "m6a", "m6i",
    "m6id", "m6idn", "m6in", "m7a", "m7i", "m7i-flex", "m8a", "m8i", "m8i-flex", "m8id", "p2", "p3", "p3dn", "p4d",
    "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "r3", "r4", "r5", "r5a", "r5ad", "r5b", "r5d", "r5dn", "r5n",
    "r6a", "r6i", "r6id", "r6idn", "r6in", "r7a", "r7i", "r7iz", "r8a", "r8i", "r8i-flex", "r8id", "t1", "t2", "t3",
    "t3a", "trn1", "trn1n", "trn2", "u7i-6tb", "u7i-8tb", "u7i-12tb", "u7in-16tb", "u7in-24tb", "u7in-32tb",
    "u7inh-32tb", "vt1", "x1", "x1e", "x2idn", "x2iedn", "x2iezn", "x8i", "z1d",
];

/// The architecture of an EC2 instance type.
///
/// The letters behind the generation digits are attributes, and `g` among them is Graviton
/// (<https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html>): `m6g` is Arm, while `g4dn` and `gr6`
/// have their `g` before the digits and are not. A suffix `-gb<digits>` is Nvidia's Grace, which is Arm. `None` for a text
/// that is no instance type.
#[must_use]
pub fn aws_architecture(machine_type: &str) -> Option<MachineArchitecture> {
    let machine_type = machine_type.to_ascii_lowercase();
    let (family, size) = machine_type.split_once('.')?;
    if size.is_empty() || !size.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return None;
    }
    aws_family_architecture(family)
}

/// The architecture of an instance family, such as `m6gd`: what Karpenter calls `karpenter.k8s.aws/instance-family`.
#[must_use]
pub fn aws_family_architecture(family: &str) -> Option<MachineArchitecture> {
    if ARM_FAMILIES.contains(&family) {
        return Some(MachineArchitecture::by_table("arm64"));
    }
    if AMD64_FAMILIES.contains(&family) {
        return Some(MachineArchitecture::by_table("amd64"));
    }
    // The high memory machines of the first generation: u-6tb1, u-24tb1.
    if let Some(memory) = family.strip_prefix("u-") {
        let (terabytes, rest) = split_digits(memory);
        let known = !terabytes.is_empty() && rest.starts_with("tb");
        return known.then(|| MachineArchitecture::by_table("amd64"));
    }
    let (series, rest) = split_letters(family);
    let (generation, rest) = split_digits(rest);
    let (attributes, suffix) = split_letters(rest);
    if series.is_empty()
        || generation.is_empty()
        || !(suffix.is_empty() || suffix.starts_with('-') && suffix.len() > 1)
        || !suffix
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        return None;
    }
    let grace = suffix
        .strip_prefix("-gb")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    Some(MachineArchitecture::by_rule(
        if grace || attributes.contains('g') {
            "arm64"
        } else {
            "amd64"
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_types_have_the_architecture_of_their_attributes() {
        for (machine_type, architecture) in [
            ("m5.large", "amd64"),
            ("t3a.medium", "amd64"),
            ("t4g.small", "arm64"),
            ("m6gd.metal", "arm64"),
            ("M7G.LARGE", "arm64"),
            ("a1.large", "arm64"),
            ("g4dn.xlarge", "amd64"),
            ("g4ad.xlarge", "amd64"),
            ("g5.xlarge", "amd64"),
            ("g5g.xlarge", "arm64"),
            ("g6e.xlarge", "amd64"),
            ("gr6.4xlarge", "amd64"),
            ("hpc7g.4xlarge", "arm64"),
            ("hpc6a.48xlarge", "amd64"),
            ("is4gen.large", "arm64"),
            ("im4gn.large", "arm64"),
            ("x2iezn.2xlarge", "amd64"),
            ("u-6tb1.56xlarge", "amd64"),
            ("u7i-12tb.224xlarge", "amd64"),
            ("u7inh-32tb.480xlarge", "amd64"),
            ("p6-b200.48xlarge", "amd64"),
            ("p6e-gb200.36xlarge", "arm64"),
            ("m7i-flex.large", "amd64"),
            ("c7i.metal-24xl", "amd64"),
            ("trn1n.32xlarge", "amd64"),
            ("p4de.24xlarge", "amd64"),
            ("c12gdn.large", "arm64"),
            ("p9e-gb500.36xlarge", "arm64"),
        ] {
            let found = aws_architecture(machine_type).map(|found| found.architecture);
            assert_eq!(found, Some(architecture), "{machine_type}");
        }
    }

    #[test]
    fn the_rule_agrees_with_the_table_but_for_its_exceptions() {
        for family in ARM_FAMILIES {
            let (_, rest) = split_letters(family);
            let (_, rest) = split_digits(rest);
            let exception = family == "a1" || family.starts_with("mac") || family.contains("-gb");
            assert_eq!(split_letters(rest).0.contains('g'), !exception, "{family}");
        }
        for family in AMD64_FAMILIES {
            let (_, rest) = split_letters(family);
            let (generation, rest) = split_digits(rest);
            assert!(!generation.is_empty(), "{family}");
            assert!(!split_letters(rest).0.contains('g'), "{family}");
            assert!(!family.contains("-gb"), "{family}");
        }
    }

    #[test]
    fn what_is_no_instance_type_has_no_architecture() {
        for text in [
            "",
            "m5",
            "m5.",
            ".large",
            "large.m5",
            "${TYPE}.large",
            "m5.{{size}}",
            "t3.medium, m6g.large",
            "u-xlarge.large",
            "e2-standard-4",
            "VM.Standard.A1.Flex",
        ] {
            assert_eq!(aws_architecture(text), None, "{text}");
        }
    }
}
