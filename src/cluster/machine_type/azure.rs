//! Azure: `[Standard_]<family><vCPUs>[-<constrained vCPUs>]<features>[_<accelerator>]_v<version>`, such as
//! `Standard_D4ps_v5`.

use super::{MachineArchitecture, split_digits, split_letters};

/// The architecture of an Azure virtual machine size.
///
/// Among the feature letters behind the number of vCPUs, `p` is an Arm processor
/// (<https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions>). AKS may return the whole size in lower
/// case, so the letters are told by their place and not by their case: the `P` of `NP10s` stands before the digits and
/// means another thing. Sizes with Nvidia's Grace (`GB200`, `GB300`) are Arm without the letter. `None` for a text that is
/// no size.
#[must_use]
pub fn azure_architecture(machine_type: &str) -> Option<MachineArchitecture> {
    let size = machine_type.to_ascii_lowercase();
    let size = size.strip_prefix("standard_").unwrap_or(&size);
    let size = size.strip_prefix("basic_").unwrap_or(size);
    let mut parts = size.split('_');
    let (family, rest) = split_letters(parts.next()?);
    let (cpus, rest) = split_digits(rest);
    let constrained = rest
        .strip_prefix('-')
        .map_or(rest, |rest| split_digits(rest).1);
    let (features, rest) = split_letters(constrained);
    let is_size = (1..=3).contains(&family.len()) && !cpus.is_empty() && rest.is_empty();
    let accelerator: Vec<&str> = parts.collect();
    if !is_size
        || !accelerator
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        return None;
    }
    if accelerator.iter().any(|part| is_grace(part)) {
        return Some(MachineArchitecture::by_table("arm64"));
    }
    Some(MachineArchitecture::by_rule(if features.contains('p') {
        "arm64"
    } else {
        "amd64"
    }))
}

fn is_grace(part: &str) -> bool {
    part.strip_prefix("gb")
        .is_some_and(|model| !model.is_empty() && model.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_architecture_of_their_features() {
        for (machine_type, architecture) in [
            ("Standard_DS2_v2", "amd64"),
            ("Standard_D2s_v3", "amd64"),
            ("standard_d2s_v3", "amd64"),
            ("Standard_B2pts_v2", "arm64"),
            ("Standard_D4ps_v5", "arm64"),
            ("standard_d2plds_v5", "arm64"),
            ("STANDARD_E8PDS_V5", "arm64"),
            ("D4ps_v6", "arm64"),
            ("Standard_NP10s", "amd64"),
            ("standard_np10s", "amd64"),
            ("Standard_A2", "amd64"),
            ("Standard_B2ms", "amd64"),
            ("Standard_E32-16s_v3", "amd64"),
            ("Standard_M8-2ms", "amd64"),
            ("Standard_NC24ads_A100_v4", "amd64"),
            ("Standard_ND96isr_H100_v5", "amd64"),
            ("Standard_ND128isr_NDR_GB200_v6", "arm64"),
            ("standard_nd128isr_gb300_v6", "arm64"),
            ("Standard_DC2s_v3", "amd64"),
            ("Standard_HB120rs_v3", "amd64"),
            ("Standard_D2pds_v9", "arm64"),
        ] {
            let found = azure_architecture(machine_type).map(|found| found.architecture);
            assert_eq!(found, Some(architecture), "{machine_type}");
        }
    }

    #[test]
    fn what_is_no_size_has_no_architecture() {
        for text in [
            "",
            "Standard_",
            "Standard_…",
            "Standard_D",
            "Standard_D2s_",
            "${vm_size}",
            "m5.large",
            "e2-standard-4",
        ] {
            assert_eq!(azure_architecture(text), None, "{text}");
        }
    }
}
