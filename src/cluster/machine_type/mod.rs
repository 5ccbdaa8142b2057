//! Machine types and their processor architectures. One file per provider: the rule that its names follow, which also
//! holds for types not yet made, and the exceptions as data.

mod aws;
mod azure;
mod gce;
mod others;

pub use aws::{aws_architecture, aws_family_architecture};
pub use azure::azure_architecture;
pub use gce::{gce_architecture, gce_family_architecture};
pub use others::{alibaba_architecture, hetzner_architecture, oci_architecture};

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

impl MachineArchitecture {
    const fn by_table(architecture: &'static str) -> Self {
        Self {
            architecture,
            evidence: Evidence::Table,
        }
    }

    const fn by_rule(architecture: &'static str) -> Self {
        Self {
            architecture,
            evidence: Evidence::NamingRule,
        }
    }
}

/// The architecture of a machine type of a provider that is not known. The shapes of the providers' names differ, so at
/// most one of them knows the name: `e2-standard-4`, `m6g.large`, `Standard_D4ps_v5`, `VM.Standard.A1.Flex`,
/// `ecs.g8y.large`, `cax11`.
#[must_use]
pub fn machine_architecture(machine_type: &str) -> Option<MachineArchitecture> {
    gce_architecture(machine_type)
        .or_else(|| aws_architecture(machine_type))
        .or_else(|| {
            let prefix = machine_type.get(.."standard_".len())?;
            prefix
                .eq_ignore_ascii_case("standard_")
                .then(|| azure_architecture(machine_type))?
        })
        .or_else(|| oci_architecture(machine_type))
        .or_else(|| alibaba_architecture(machine_type))
        .or_else(|| hetzner_architecture(machine_type))
}

/// The letters at the start of a text and what follows them.
fn split_letters(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_lowercase())
            .unwrap_or(text.len()),
    )
}

/// The digits at the start of a text and what follows them.
fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_shape_of_a_name_tells_its_provider() {
        for (machine_type, architecture) in [
            ("t2a-standard-1", Some("arm64")),
            ("m6g.large", Some("arm64")),
            ("m5.large", Some("amd64")),
            ("standard_d4ps_v5", Some("arm64")),
            ("VM.Standard.A1.Flex", Some("arm64")),
            ("ecs.g8y.large", Some("arm64")),
            ("cax11", Some("arm64")),
            ("s-2vcpu-4gb", None),
            ("${MACHINE_TYPE}", None),
        ] {
            let found = machine_architecture(machine_type).map(|found| found.architecture);
            assert_eq!(found, architecture, "{machine_type}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_a_crash(text in "\\PC{0,24}") {
            let _ = machine_architecture(&text);
            let _ = azure_architecture(&text);
        }
    }
}
