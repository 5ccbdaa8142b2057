//! Google Compute Engine: `<family>-<kind>-<size>`, such as `e2-standard-4`.

use super::{MachineArchitecture, split_digits, split_letters};

/// The families of Google Compute Engine and their architectures.
///
/// Sources: <https://cloud.google.com/compute/docs/machine-resource> and
/// <https://cloud.google.com/kubernetes-engine/docs/how-to/autopilot-arm-workloads>; the hosts of TPUs (`ct…`) by
/// <https://cloud.google.com/tpu/docs/system-architecture-tpu-vm>. `custom` is the old spelling of `n1-custom`.
const GCE_FAMILIES: [(&str, &str); 41] = [
    ("a2", "amd64"),
    ("a3", "amd64"),
    ("a4", "amd64"),
    ("a4x", "arm64"),
    ("c2", "amd64"),
    ("c2d", "amd64"),
    ("c3", "amd64"),
    ("c3d", "amd64"),
    ("c4", "amd64"),
    ("c4a", "arm64"),
    ("c4d", "amd64"),
    ("ct3", "amd64"),
    ("ct3p", "amd64"),
    ("ct4p", "amd64"),
    ("ct5l", "amd64"),
    ("ct5lp", "amd64"),
    ("ct5p", "amd64"),
    ("ct6e", "amd64"),
    ("custom", "amd64"),
    ("e2", "amd64"),
    ("f1", "amd64"),
    ("g1", "amd64"),
    ("g2", "amd64"),
    ("g4", "amd64"),
    ("h3", "amd64"),
    ("h4d", "amd64"),
    ("m1", "amd64"),
    ("m2", "amd64"),
    ("m3", "amd64"),
    ("m4", "amd64"),
    ("n1", "amd64"),
    ("n2", "amd64"),
    ("n2d", "amd64"),
    ("n4", "amd64"),
    ("n4a", "arm64"),
    ("n4d", "amd64"),
    ("t2a", "arm64"),
    ("t2d", "amd64"),
    ("x4", "amd64"),
    ("z3", "amd64"),
    ("z4", "amd64"),
];

/// The architecture of a Google Compute Engine machine type, such as `e2-standard-4` or `t2a-standard-1`.
///
/// A family that is not in the table is judged by Google's naming rule: behind the generation digit, `a` marks Google's
/// and Ampere's Arm processors, `d` AMD's and nothing Intel's; `a<digit>x` are Grace machines, which are Arm. `None` for a
/// text that is no machine type, and for `tpu7x`, whose host processor Google does not document.
#[must_use]
pub fn gce_architecture(machine_type: &str) -> Option<MachineArchitecture> {
    let machine_type = machine_type.rsplit('/').next().unwrap_or_default();
    let (family, rest) = machine_type.split_once('-')?;
    if rest.is_empty() {
        return None;
    }
    gce_family_architecture(family)
}

/// The architecture of a machine family, such as `n4` or `C4A`: what a `ComputeClass` calls `machineFamily`, and the label
/// `cloud.google.com/machine-family` has.
#[must_use]
pub fn gce_family_architecture(family: &str) -> Option<MachineArchitecture> {
    let family = family.to_ascii_lowercase();
    if let Ok(index) = GCE_FAMILIES.binary_search_by_key(&family.as_str(), |(name, _)| *name) {
        return Some(MachineArchitecture::by_table(GCE_FAMILIES[index].1));
    }
    let (series, rest) = split_letters(&family);
    let (generation, suffix) = split_digits(rest);
    if series.len() != 1 || generation.is_empty() {
        return None;
    }
    match (series, suffix) {
        (_, "a") | ("a", "x") => Some(MachineArchitecture::by_rule("arm64")),
        (_, "" | "d" | "g" | "n") => Some(MachineArchitecture::by_rule("amd64")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(GCE_FAMILIES.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn machine_types_have_the_architecture_of_their_family() {
        for (machine_type, architecture) in [
            ("e2-standard-2", "amd64"),
            ("t2a-standard-1", "arm64"),
            ("t2d-standard-1", "amd64"),
            ("c4a-highmem-16-lssd", "arm64"),
            ("C4A-standard-4", "arm64"),
            ("a4x-highgpu-4g", "arm64"),
            ("a4-highgpu-8g", "amd64"),
            ("custom-48-184320", "amd64"),
            ("n2-custom-6-3072", "amd64"),
            ("c4d-standard-8-metal", "amd64"),
            ("n4a-standard-4", "arm64"),
            ("a4x-maxgpu-4g-metal", "arm64"),
            ("ct5lp-hightpu-4t", "amd64"),
            ("projects/p/zones/z/machineTypes/n1-standard-1", "amd64"),
        ] {
            let found = gce_architecture(machine_type).map(|found| found.architecture);
            assert_eq!(found, Some(architecture), "{machine_type}");
        }
    }

    #[test]
    fn families_not_yet_made_are_judged_by_the_naming_rule() {
        for (machine_type, architecture) in [
            ("c9a-standard-4", "arm64"),
            ("a7x-maxgpu-4g", "arm64"),
            ("n9-standard-4", "amd64"),
            ("n9d-standard-4", "amd64"),
        ] {
            assert_eq!(
                gce_architecture(machine_type),
                Some(MachineArchitecture::by_rule(architecture)),
                "{machine_type}"
            );
        }
    }

    #[test]
    fn what_is_no_machine_type_has_no_architecture() {
        for text in [
            "",
            "e2",
            "e2-",
            "${MACHINE_TYPE}",
            "m5.large",
            "Standard_D2s_v3",
            "q-standard-1",
            "tpu7x-standard-4t",
            "s-2vcpu-4gb",
        ] {
            assert_eq!(gce_architecture(text), None, "{text}");
        }
    }
}
