//! Oracle Cloud, Alibaba Cloud and Hetzner.

use super::{MachineArchitecture, split_digits, split_letters};

/// The architecture of an Oracle Cloud shape, such as `VM.Standard.A1.Flex`: a part `A<digit>` is an Ampere processor,
/// `E<digit>` is AMD's and a bare digit Intel's (<https://docs.oracle.com/iaas/Content/Compute/References/computeshapes.htm>).
#[must_use]
pub fn oci_architecture(shape: &str) -> Option<MachineArchitecture> {
    let shape = shape.to_ascii_lowercase();
    let mut parts = shape.split('.');
    if !matches!(parts.next(), Some("vm" | "bm")) {
        return None;
    }
    let (series, rest) = split_letters(parts.next()?);
    let models: Vec<(&str, &str)> = parts.map(split_letters).collect();
    let has_model = |name: &str| {
        models.iter().any(|(letters, rest)| {
            *letters == name && !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit())
        })
    };
    // Behind `GPU` stands the name of the graphics processor: A10 is Nvidia's and no Ampere.
    let arm = has_model(if series == "gpu" { "gb" } else { "a" });
    let known = !rest.is_empty()
        || models
            .iter()
            .any(|(letters, rest)| !letters.is_empty() && !rest.is_empty());
    known.then(|| MachineArchitecture::by_rule(if arm { "arm64" } else { "amd64" }))
}

/// The architecture of an Alibaba Cloud instance type, such as `ecs.g8y.large`: `y` behind the generation is Alibaba's own
/// Arm processor, and `c6r` and `g6r` are Ampere's
/// (<https://www.alibabacloud.com/help/en/ecs/user-guide/overview-of-instance-families>).
#[must_use]
pub fn alibaba_architecture(machine_type: &str) -> Option<MachineArchitecture> {
    let machine_type = machine_type.to_ascii_lowercase();
    let (family, size) = machine_type.strip_prefix("ecs.")?.split_once('.')?;
    let (series, rest) = split_letters(family.split('-').next()?);
    let (generation, attributes) = split_digits(rest);
    if series.is_empty() || generation.is_empty() || size.is_empty() {
        return None;
    }
    Some(match (series, generation, attributes) {
        ("c" | "g", "6", "r") => MachineArchitecture::by_table("arm64"),
        _ if attributes.contains('y') => MachineArchitecture::by_rule("arm64"),
        _ => MachineArchitecture::by_rule("amd64"),
    })
}

/// The architecture of a Hetzner Cloud server type, such as `cax21`: `cax` is Ampere
/// (<https://docs.hetzner.com/cloud/servers/overview/>).
#[must_use]
pub fn hetzner_architecture(machine_type: &str) -> Option<MachineArchitecture> {
    let (series, size) = split_letters(machine_type);
    if size.is_empty() || !size.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match series {
        "cax" => Some(MachineArchitecture::by_table("arm64")),
        "ccx" | "cpx" | "cx" => Some(MachineArchitecture::by_table("amd64")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oracle_shapes_name_their_processor() {
        for (shape, architecture) in [
            ("VM.Standard.A1.Flex", Some("arm64")),
            ("BM.Standard.A1.160", Some("arm64")),
            ("VM.Standard.A2.Flex", Some("arm64")),
            ("VM.Standard.E4.Flex", Some("amd64")),
            ("VM.Standard2.1", Some("amd64")),
            ("VM.Optimized3.Flex", Some("amd64")),
            ("BM.GPU.A10.4", Some("amd64")),
            ("VM.GPU3.1", Some("amd64")),
            ("BM.GPU.GB200.4", Some("arm64")),
            ("VM.", None),
            ("m5.large", None),
        ] {
            let found = oci_architecture(shape).map(|found| found.architecture);
            assert_eq!(found, architecture, "{shape}");
        }
    }

    #[test]
    fn alibaba_types_name_their_processor_behind_the_generation() {
        for (machine_type, architecture) in [
            ("ecs.g8y.large", Some("arm64")),
            ("ecs.c6r.xlarge", Some("arm64")),
            ("ecs.g6.large", Some("amd64")),
            ("ecs.g7.large", Some("amd64")),
            ("ecs.gn6i-c4g1.xlarge", Some("amd64")),
            ("ecs.g8y", None),
        ] {
            let found = alibaba_architecture(machine_type).map(|found| found.architecture);
            assert_eq!(found, architecture, "{machine_type}");
        }
    }

    #[test]
    fn hetzner_types_name_their_processor_by_the_series() {
        for (machine_type, architecture) in [
            ("cax11", Some("arm64")),
            ("cpx31", Some("amd64")),
            ("cx22", Some("amd64")),
            ("cax", None),
            ("cxx1", None),
        ] {
            let found = hetzner_architecture(machine_type).map(|found| found.architecture);
            assert_eq!(found, architecture, "{machine_type}");
        }
    }
}
