//! Environment variables whose names are misspelt. Nothing reads them, and nobody would notice.

use std::collections::BTreeSet;

use clap::Command;

use crate::settings::misspelt;

/// What the names of all our variables begin with.
const PREFIX: &str = "OCI_PREFLIGHT_";

/// What to say of each of `names` that is none of our variables, and nearly one. Others may be somebody's own.
pub(super) fn slips(command: &Command, names: impl Iterator<Item = String>) -> Vec<String> {
    let known = known(command);
    let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    let slip = |name: String| {
        let own = name.strip_prefix(PREFIX)?;
        let meant = misspelt(own, known.iter().copied()).filter(|_| !known.contains(own))?;
        Some(format!(
            "{name} is in the environment and read by nothing; {PREFIX}{meant} is"
        ))
    };
    names.filter_map(slip).collect()
}

/// The variables that options can be set by, without the prefix.
fn known(command: &Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(|argument| {
        let name = argument.get_env()?.to_str()?;
        Some(name.strip_prefix(PREFIX)?.to_owned())
    });
    own.chain(command.get_subcommands().flat_map(known))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::help;

    #[test]
    fn a_slip_of_the_fingers_is_told_and_nothing_else() {
        let slips = |name: &str| slips(&help::command(), std::iter::once(name.to_owned()));
        assert_eq!(
            slips("OCI_PREFLIGHT_FAILON"),
            [
                "OCI_PREFLIGHT_FAILON is in the environment and read by nothing; OCI_PREFLIGHT_FAIL_ON is"
            ]
        );
        for name in [
            "OCI_PREFLIGHT_FAIL_ON",
            "OCI_PREFLIGHT_ECR_TOKEN",
            "OCI_PREFLIGHT_VERSION",
            "OCI_PREFLIGHT_",
            "FAILON",
        ] {
            assert_eq!(slips(name), [""; 0], "{name}");
        }
    }
}
