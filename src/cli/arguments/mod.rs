//! What can be written on the command line.

mod cluster;
mod explain;
mod lint;
mod probe;
mod registry;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use self::cluster::ClusterArguments;
pub(super) use self::explain::ExplainArguments;
pub(super) use self::lint::LintArguments;
pub(super) use self::probe::ProbeArguments;
pub(super) use self::registry::RegistryArguments;
pub(super) use self::values::layout;
use super::inspect::InspectArguments;
use crate::report::Output;
use crate::settings::{FailOn, Overrides};

/// Wider than this, help is hard to read; so wide it is where there is no terminal. In columns.
pub(super) const HELP_WIDTH: usize = 100;

/// Finds container images that a Kubernetes cluster could not pull or run, before the deploy.
#[derive(Debug, Parser)]
#[command(name = "oci-preflight", version, max_term_width = HELP_WIDTH)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Command,

    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        env = "OCI_PREFLIGHT_COLOR",
        help_heading = "Output"
    )]
    pub color: Color,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check every image that Kubernetes sources name.
    Lint(Box<LintArguments>),
    /// Show one image: its platforms and layers, and what a node of each pool would pull.
    Inspect(Box<InspectArguments>),
    /// Join the JSON reports of all parts of a run into one report, in any format.
    Merge(MergeArguments),
    /// List all rules.
    Rules(RulesArguments),
    /// Probe the way to a registry, stage by stage: proxy, DNS, TCP, TLS, API, token, manifest, content.
    Probe(ProbeArguments),
    /// Explain a rule, or the message of an event: what it means, what to check, how to fix it.
    Explain(ExplainArguments),
    /// Print the JSON Schema of the report or of the config file.
    Schema(SchemaArguments),
    /// Clean up what is kept between runs.
    Cache(CacheArguments),
    /// Print a completion script for a shell.
    Completions(CompletionsArguments),
    /// Print the manual page of the program, or of one of its commands.
    Man(ManArguments),
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set or the terminal is dumb.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// When to show progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Progress {
    /// When standard error is a terminal.
    #[default]
    Auto,
    /// Never.
    Never,
}

#[derive(Debug, Args)]
pub(super) struct MergeArguments {
    /// Reports that `lint --output json=FILE` wrote.
    #[arg(value_name = "FILE", required = true)]
    pub reports: Vec<PathBuf>,

    /// The severity from which a finding makes the exit status 1: error, warning, note or never. Default: that of the
    /// reports.
    #[arg(long, value_name = "SEVERITY", env = "OCI_PREFLIGHT_FAIL_ON")]
    pub fail_on: Option<FailOn>,

    /// How to report, as `lint --output` takes it [default: pretty]
    #[arg(long = "output", value_name = "FORMAT[=FILE]")]
    pub outputs: Vec<Output>,

    /// Print only findings.
    #[arg(short, long, conflicts_with = "verbose", env = "OCI_PREFLIGHT_QUIET")]
    pub quiet: bool,

    /// Print times and requests too.
    #[arg(short, long, env = "OCI_PREFLIGHT_VERBOSE")]
    pub verbose: bool,
}

#[derive(Debug, Args)]
pub(super) struct RulesArguments {
    /// How to print the list.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: ListFormat,
}

/// How to print a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// For people.
    #[default]
    Pretty,
    /// For programs.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Which format the schema is of.
    #[arg(value_enum, value_name = "FORMAT")]
    pub of: SchemaOf,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// What `lint --output json` prints.
    Report,
    /// `oci-preflight.toml`, for editors.
    Config,
}

#[derive(Debug, Args)]
pub(super) struct CacheArguments {
    /// What to do.
    #[command(subcommand)]
    pub action: CacheAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum CacheAction {
    /// Remove all that is kept.
    Clean {
        /// The cache folder [default: oci-preflight in the user's cache folder]
        #[arg(long, value_name = "DIR", env = "OCI_PREFLIGHT_CACHE_DIR")]
        cache_dir: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// The command [default: the program itself]
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// What they say, for [`crate::settings::Settings::new`].
pub(super) fn overrides(cluster: &ClusterArguments, registries: &RegistryArguments) -> Overrides {
    Overrides {
        nodes: cluster.nodes.clone(),
        iam: cluster.iam.clone(),
        pull_secrets: cluster.pull_secrets.clone(),
        platforms: cluster.platforms.clone(),
        kubernetes_version: cluster.kubernetes_version.clone(),
        offline: registries.offline,
        verify_blobs: registries.verify_blobs,
        layouts: registries.layouts.clone(),
        plain_http: registries.plain_http.clone(),
        ca_files: registries.ca_files.clone(),
        hosts_dirs: registries.hosts_dirs.clone(),
        registries_confs: registries.registries_confs.clone(),
        mirrors: registries.mirrors.clone(),
        ..Overrides::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
