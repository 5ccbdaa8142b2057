//! Machine types and their processor architectures.

/// How an architecture became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The machine family stands in our table.
    Table,
    /// The family is not in the table; the provider's naming rule tells it.
    NamingRule,
}

/// The architecture of a machine type, as Go's GOARCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MachineArchitecture {
    /// `amd64` or `arm64`.
    pub architecture: &'static str,
    /// How it became known.
    pub evidence: Evidence,
}

/// The families of Google Compute Engine and their architectures.
///
/// Sources: <https://cloud.google.com/compute/docs/machine-resource> and
/// <https://cloud.google.com/kubernetes-engine/docs/how-to/autopilot-arm-workloads>.
const GCE_FAMILIES: [(&str, &str); 34] = [
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
/// text that is no machine type.
#[must_use]
pub fn gce_architecture(machine_type: &str) -> Option<MachineArchitecture> {
    let machine_type = machine_type.to_ascii_lowercase();
    let (family, rest) = machine_type.split_once('-')?;
    if rest.is_empty() {
        return None;
    }
    if let Ok(index) = GCE_FAMILIES.binary_search_by_key(&family, |(name, _)| *name) {
        return Some(MachineArchitecture {
            architecture: GCE_FAMILIES[index].1,
            evidence: Evidence::Table,
        });
    }
    // TPU hosts: ct4p, ct5lp, ct6e, tpu7x. Their machine types say nothing of the host's processor by rule.
    let letters = family.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let series = letters.trim_end_matches(|c: char| c.is_ascii_digit());
    let suffix = &family[letters.len()..];
    let is_family = series.len() == 1
        && series.bytes().all(|b| b.is_ascii_lowercase())
        && letters.len() > series.len();
    if !is_family {
        return None;
    }
    let architecture = match (series, suffix) {
        (_, "a") | ("a", "x") => "arm64",
        (_, "" | "d" | "g") => "amd64",
        _ => return None,
    };
    Some(MachineArchitecture {
        architecture,
        evidence: Evidence::NamingRule,
    })
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
                Some(MachineArchitecture {
                    architecture,
                    evidence: Evidence::NamingRule
                }),
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
        ] {
            assert_eq!(gce_architecture(text), None, "{text}");
        }
    }
}
