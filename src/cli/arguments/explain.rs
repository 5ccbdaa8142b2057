//! What `explain` takes.

use std::path::PathBuf;

use clap::Args;

use super::{ClusterArguments, ListFormat, RegistryArguments};

#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArguments {
    /// The id of a rule; or a pasted event message; or `-` for standard input: messages, `kubectl describe pod`, `kubectl get events -o json`, `kubectl get pods -o json`, or exported log entries.
    #[arg(value_name = "RULE|TEXT|-", required = true, num_args = 1..)]
    pub words: Vec<String>,

    /// How to print the explanation of messages.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: ListFormat,

    /// Check the images of the messages at once, as `lint --image` does, with the options below. The exit status is then that of
    /// `lint`.
    #[arg(long)]
    pub lint: bool,

    /// The config file for `--lint` [default: oci-preflight.toml in the current folder or any above it]
    #[arg(long, value_name = "FILE", requires = "lint")]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    pub cluster: ClusterArguments,

    #[command(flatten)]
    pub registries: RegistryArguments,
}
