//! What can be written on the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Parser, Subcommand, ValueEnum};

use super::inspect::InspectArguments;
use crate::cluster::KubernetesVersion;
use crate::input::{Exclude, ExcludeError};
use crate::oci::Platform;
use crate::render::Rendering;
use crate::report::{Output, Partition};
use crate::settings::{FailOn, Origins, Overrides, RuleLevel, Settings};

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
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct LintArguments {
    /// Files and folders with Kubernetes sources; `-` is standard input. Default: `paths` of the config file, else the current folder.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Check an image that stands in no file.
    #[arg(
        long = "image",
        value_name = "REF",
        value_delimiter = ',',
        env = "OCI_PREFLIGHT_IMAGE",
        help_heading = "What to check"
    )]
    pub images: Vec<String>,

    /// Leave out what matches this pattern, as in a .gitignore, when it is found in a folder.
    #[arg(long, value_name = "GLOB", value_parser = exclude, env = "OCI_PREFLIGHT_EXCLUDE", help_heading = "What to check")]
    pub exclude: Vec<Exclude>,

    /// Print every place that names this image, and check nothing. The name may leave out the tag.
    #[arg(
        long,
        value_name = "IMAGE",
        conflicts_with = "images",
        help_heading = "What to check"
    )]
    pub why: Option<String>,

    /// Ask about arguments, variables and data that look like an image too. Only what a registry knows is reported.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true,
        env = "OCI_PREFLIGHT_GUESS", help_heading = "What to check")]
    pub guess: Option<bool>,

    /// Don't render Helm charts and Kustomizations with the helm, kustomize or kubectl of this machine.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true,
        env = "OCI_PREFLIGHT_NO_RENDER", help_heading = "Rendering")]
    pub no_render: Option<bool>,

    /// A file of values for all charts.
    #[arg(
        long,
        value_name = "FILE",
        value_delimiter = ',',
        env = "OCI_PREFLIGHT_VALUES",
        help_heading = "Rendering"
    )]
    pub values: Vec<PathBuf>,

    /// A value for all charts.
    #[arg(
        long,
        value_name = "KEY=VALUE",
        env = "OCI_PREFLIGHT_SET",
        help_heading = "Rendering"
    )]
    pub set: Vec<String>,

    /// An API version that charts may count on.
    #[arg(
        long,
        value_name = "VERSION",
        value_delimiter = ',',
        env = "OCI_PREFLIGHT_API_VERSIONS",
        help_heading = "Rendering"
    )]
    pub api_versions: Vec<String>,

    /// Check the K-th of N parts of the distinct images: one job of a matrix. `merge` joins the JSON reports of all.
    #[arg(
        long,
        value_name = "K/N",
        env = "OCI_PREFLIGHT_PARTITION",
        help_heading = "What to check"
    )]
    pub partition: Option<Partition>,

    /// Look only at what changed since that git revision: images in files that differ, and in charts and Kustomizations that
    /// such a file is part of. All sources are read, since what they say of pull secrets and nodes still counts.
    #[arg(
        long,
        value_name = "REV",
        env = "OCI_PREFLIGHT_CHANGED_SINCE",
        help_heading = "What to check"
    )]
    pub changed_since: Option<String>,

    /// The config file. Default: oci-preflight.toml in the first path's folder or any above it.
    #[arg(
        long,
        value_name = "FILE",
        env = "OCI_PREFLIGHT_CONFIG",
        help_heading = "What to check"
    )]
    pub config: Option<PathBuf>,

    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// What is deployed now: a git revision, or a folder of sources. Images are compared with those that stand there.
    #[arg(
        long,
        value_name = "REV|DIR",
        env = "OCI_PREFLIGHT_BASE",
        help_heading = "Where it will run"
    )]
    pub base: Option<String>,

    /// Compare images that have no base with the last N tags of their repository that are written like theirs, at most 20.
    #[arg(
        long,
        value_name = "N",
        env = "OCI_PREFLIGHT_HISTORY",
        help_heading = "Where it will run"
    )]
    pub history: Option<usize>,

    /// Read the content of all layers too: wasted bytes, leftovers, programs of another machine, damage.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true,
        env = "OCI_PREFLIGHT_DEEP", help_heading = "What to check")]
    pub deep: Option<bool>,

    #[command(flatten)]
    pub registries: RegistryArguments,

    #[arg(long, value_name = "N", value_parser = at_least_one, env = "OCI_PREFLIGHT_CONCURRENCY", help_heading = "Registries",
        help = format!("Questions under way at once [default: {}]", Settings::DEFAULT_CONCURRENCY))]
    pub concurrency: Option<usize>,

    #[arg(long, value_name = "N", value_parser = at_least_one, env = "OCI_PREFLIGHT_PER_HOST", help_heading = "Registries",
        help = format!("Questions under way at once at one host [default: {}]", Settings::DEFAULT_PER_HOST))]
    pub per_host: Option<usize>,

    #[arg(long, value_name = "SECONDS", value_parser = seconds, env = "OCI_PREFLIGHT_TIMEOUT", help_heading = "Registries",
        help = format!("How long one question may take, with all its tries [default: {}]", Settings::DEFAULT_TIMEOUT.as_secs()))]
    pub timeout: Option<Duration>,

    #[arg(long, value_name = "N", env = "OCI_PREFLIGHT_RETRIES", help_heading = "Registries",
        help = format!("How often to ask again after a passing failure [default: {}]", Settings::DEFAULT_RETRIES))]
    pub retries: Option<u32>,

    /// The folder that keeps manifests and configs between runs [default: oci-preflight in the user's cache folder]
    #[arg(
        long,
        value_name = "DIR",
        env = "OCI_PREFLIGHT_CACHE_DIR",
        help_heading = "Registries"
    )]
    pub cache_dir: Option<PathBuf>,

    /// Keep nothing between runs, and use nothing that was kept.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true,
        env = "OCI_PREFLIGHT_NO_CACHE", help_heading = "Registries")]
    pub no_cache: Option<bool>,

    /// Set the level of a rule: error, warning, note or off.
    #[arg(
        long = "rule",
        value_name = "ID=LEVEL",
        value_delimiter = ',',
        env = "OCI_PREFLIGHT_RULE",
        help_heading = "What counts"
    )]
    pub rules: Vec<RuleLevel>,

    /// The severity from which a finding makes the exit status 1: error, warning, note or never [default: error]
    #[arg(
        long,
        value_name = "SEVERITY",
        env = "OCI_PREFLIGHT_FAIL_ON",
        help_heading = "What counts"
    )]
    pub fail_on: Option<FailOn>,

    /// Pass where no image is found. Otherwise that is a sign of a wrong path, and the exit status is 2.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true,
        env = "OCI_PREFLIGHT_ALLOW_NO_IMAGES", help_heading = "What counts")]
    pub allow_no_images: Option<bool>,

    /// The file with the findings that are known: only others count.
    #[arg(
        long,
        value_name = "FILE",
        env = "OCI_PREFLIGHT_BASELINE",
        help_heading = "What counts"
    )]
    pub baseline: Option<PathBuf>,

    /// Write the findings of this run to the baseline, so that only later ones count.
    #[arg(long, help_heading = "What counts")]
    pub write_baseline: bool,

    /// How to report: pretty, json, sarif, github, gitlab, junit, markdown or html; several in one run, each with a file of
    /// its own [default: pretty]
    #[arg(
        long = "output",
        value_name = "FORMAT[=FILE]",
        env = "OCI_PREFLIGHT_OUTPUT",
        help_heading = "Output"
    )]
    pub outputs: Vec<Output>,

    /// When to show progress.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        env = "OCI_PREFLIGHT_PROGRESS",
        help_heading = "Output"
    )]
    pub progress: Progress,

    /// Print only findings.
    #[arg(
        short,
        long,
        conflicts_with = "verbose",
        env = "OCI_PREFLIGHT_QUIET",
        help_heading = "Output"
    )]
    pub quiet: bool,

    /// Print the settings of this run and where each came from, and do nothing else.
    #[arg(long, help_heading = "What to check")]
    pub show_settings: bool,

    /// Print times and requests too.
    #[arg(short, long, env = "OCI_PREFLIGHT_VERBOSE", help_heading = "Output")]
    pub verbose: bool,
}

/// Where images will run.
#[derive(Debug, Default, Args)]
pub(super) struct ClusterArguments {
    /// Node pools, as gcloud, kubectl, aws, az or terraform prints them, or as Karpenter, eksctl and kops have them; `-`
    /// is standard input.
    #[arg(
        long,
        value_name = "FILE",
        env = "OCI_PREFLIGHT_NODES",
        help_heading = "Where it will run"
    )]
    pub nodes: Vec<PathBuf>,

    /// What `gcloud iam service-accounts list` or `gcloud projects get-iam-policy` prints with --format=json.
    #[arg(
        long,
        value_name = "FILE",
        env = "OCI_PREFLIGHT_IAM",
        help_heading = "Where it will run"
    )]
    pub iam: Vec<PathBuf>,

    /// A pull secret of every pod: the content of a kubernetes.io/dockerconfigjson Secret, or the Secret itself. No
    /// registry is asked with it.
    #[arg(
        long = "pull-secret",
        value_name = "FILE",
        env = "OCI_PREFLIGHT_PULL_SECRET",
        help_heading = "Where it will run"
    )]
    pub pull_secrets: Vec<PathBuf>,

    /// A platform that stands in for a node pool.
    #[arg(
        long = "platform",
        value_name = "OS/ARCH[/VARIANT]",
        value_delimiter = ',',
        env = "OCI_PREFLIGHT_PLATFORM",
        help_heading = "Where it will run"
    )]
    pub platforms: Vec<Platform>,

    /// The Kubernetes version of node pools that don't say theirs.
    #[arg(
        long,
        value_name = "VERSION",
        env = "OCI_PREFLIGHT_KUBERNETES_VERSION",
        help_heading = "Where it will run"
    )]
    pub kubernetes_version: Option<KubernetesVersion>,
}

/// How registries are asked.
#[derive(Debug, Default, Args)]
pub(super) struct RegistryArguments {
    /// Ask nothing over the network. Layouts and node pool files still answer.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true,
        env = "OCI_PREFLIGHT_OFFLINE", help_heading = "Registries")]
    pub offline: Option<bool>,

    /// Ask whether every manifest, config and layer that nodes would pull is there, with the declared size. `--deep` implies it.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true,
        env = "OCI_PREFLIGHT_VERIFY_BLOBS", help_heading = "Registries")]
    pub verify_blobs: Option<bool>,

    /// Answer for that host from an OCI image layout instead of the network.
    #[arg(long = "layout", value_name = "HOST[/PREFIX]=DIR", value_parser = layout, env = "OCI_PREFLIGHT_LAYOUT", help_heading = "Registries")]
    pub layouts: Vec<(String, PathBuf)>,

    /// Speak HTTP without encryption to that host.
    #[arg(
        long,
        value_name = "HOST",
        value_delimiter = ',',
        env = "OCI_PREFLIGHT_PLAIN_HTTP",
        help_heading = "Registries"
    )]
    pub plain_http: Vec<String>,

    /// Trust the certificate authorities in that PEM file too.
    #[arg(
        long = "ca-file",
        value_name = "FILE",
        env = "OCI_PREFLIGHT_CA_FILE",
        help_heading = "Registries"
    )]
    pub ca_files: Vec<PathBuf>,

    /// Ask the hosts that containerd would ask: a folder of HOST/hosts.toml files, such as the nodes' /etc/containerd/certs.d.
    #[arg(
        long = "hosts-dir",
        value_name = "DIR",
        env = "OCI_PREFLIGHT_HOSTS_DIR",
        help_heading = "Registries"
    )]
    pub hosts_dirs: Vec<PathBuf>,

    /// Ask the hosts that CRI-O would ask: a registries.conf, such as the nodes' /etc/containers/registries.conf, with the
    /// files of the folder FILE.d.
    #[arg(
        long = "registries-conf",
        value_name = "FILE",
        env = "OCI_PREFLIGHT_REGISTRIES_CONF",
        help_heading = "Registries"
    )]
    pub registries_confs: Vec<PathBuf>,

    /// Ask that mirror before the registry; several are asked in this order.
    #[arg(long = "mirror", value_name = "HOST=URL", value_parser = mirror, env = "OCI_PREFLIGHT_MIRROR", help_heading = "Registries")]
    pub mirrors: Vec<(String, String)>,
}

/// What they say, for [`Settings::new`].
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

impl LintArguments {
    /// Where each option that was given came from: the flag, or its environment variable. By its key in the config file.
    pub(super) fn origins(&self, matches: &ArgMatches) -> Origins {
        let command = Self::augment_args(clap::Command::new("lint"));
        let given = command.get_arguments().filter_map(|argument| {
            let origin = match (
                matches.value_source(argument.get_id().as_str())?,
                argument.get_long(),
            ) {
                (ValueSource::CommandLine, Some(long)) => format!("--{long}"),
                (ValueSource::CommandLine, None) => "command line".to_owned(),
                (ValueSource::EnvVariable, _) => argument.get_env()?.to_string_lossy().into_owned(),
                _ => return None,
            };
            Some((config_key(argument), origin))
        });
        let mut origins: BTreeMap<String, String> = given.collect();
        if let Some(origin) = origins.remove("rules") {
            origins.extend(
                self.rules
                    .iter()
                    .map(|rule| (format!("rules.{}", rule.id), origin.clone())),
            );
        }
        origins
    }

    /// What the command line says, for [`Settings::new`].
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            paths: self.paths.clone(),
            exclude: self.exclude.clone(),
            no_render: self.no_render,
            rendering: Rendering {
                values: self.values.clone(),
                set: self.set.clone(),
                api_versions: self.api_versions.clone(),
                offline: false,
            },
            guess: self.guess,
            images: self.images.clone(),
            base: self.base.clone(),
            history: self.history,
            partition: self.partition,
            changed_since: self.changed_since.clone(),
            deep: self.deep,
            fail_on: self.fail_on,
            allow_no_images: self.allow_no_images,
            rules: self.rules.clone(),
            baseline: self.baseline.clone(),
            outputs: self.outputs.clone(),
            concurrency: self.concurrency,
            per_host: self.per_host,
            timeout: self.timeout,
            retries: self.retries,
            cache_dir: self.cache_dir.clone(),
            no_cache: self.no_cache,
            ..overrides(&self.cluster, &self.registries)
        }
    }
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
pub(super) struct ExplainArguments {
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

#[derive(Debug, Args)]
pub(super) struct ProbeArguments {
    /// A registry host such as ghcr.io or registry.example.com:5000, or an image.
    #[arg(value_name = "HOST|IMAGE")]
    pub target: String,

    /// Speak HTTP without encryption to that host.
    #[arg(long, value_name = "HOST")]
    pub plain_http: Vec<String>,

    /// Trust the certificate authorities in that PEM file too.
    #[arg(long = "ca-file", value_name = "FILE")]
    pub ca_files: Vec<PathBuf>,

    /// Ask the hosts that containerd would ask, each by itself: a folder of HOST/hosts.toml files, such as the nodes'
    /// /etc/containerd/certs.d.
    #[arg(long = "hosts-dir", value_name = "DIR")]
    pub hosts_dirs: Vec<PathBuf>,

    /// Ask the hosts that CRI-O would ask, each by itself: a registries.conf, such as the nodes'
    /// /etc/containers/registries.conf, with the files of the folder FILE.d.
    #[arg(long = "registries-conf", value_name = "FILE")]
    pub registries_confs: Vec<PathBuf>,

    /// Ask that mirror before the registry; several are asked in this order.
    #[arg(long = "mirror", value_name = "HOST=URL", value_parser = mirror)]
    pub mirrors: Vec<(String, String)>,

    /// Ask with the credentials in that file too, a .dockerconfigjson as the cluster holds it. They come before those of
    /// Docker and Podman.
    #[arg(long = "pull-secret", value_name = "FILE")]
    pub pull_secrets: Vec<PathBuf>,

    /// The platform of the nodes, of which the image must have something [default: linux with this machine's processor]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<Platform>,

    /// How long one stage may take [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    /// How to print the stages.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: ListFormat,
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

/// The key of an option in the config file. Tables that hold many have a name in the plural.
fn config_key(argument: &Arg) -> String {
    match argument.get_long() {
        Some("layout") => "layouts".to_owned(),
        Some("mirror") => "mirrors".to_owned(),
        Some("rule") => "rules".to_owned(),
        Some(long) => long.to_owned(),
        None => argument.get_id().to_string(),
    }
}

pub(super) fn layout(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((host, folder)) if !host.is_empty() && !folder.is_empty() => {
            Ok((host.to_owned(), PathBuf::from(folder)))
        }
        _ => Err("write HOST=DIR, such as registry.example.com=./layout".to_owned()),
    }
}

fn mirror(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((host, url)) if !host.is_empty() && url.starts_with("http") => {
            Ok((host.to_owned(), url.to_owned()))
        }
        _ => Err("write HOST=URL, such as docker.io=https://mirror.example.com".to_owned()),
    }
}

fn exclude(text: &str) -> Result<Exclude, ExcludeError> {
    Exclude::new(Path::new("."), text)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("write a number from 1 on".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("write a number of seconds from 1 on".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn each_option_has_a_key_in_the_config_and_a_variable_or_a_reason_why_not() {
        /// Options without a key in the config file, and why.
        const NOT_IN_THE_CONFIG: [(&str, &str); 10] = [
            ("partition", "is the share of one machine"),
            ("changed-since", "is about one run"),
            ("why", "is asked once, by a person"),
            ("config", "names the config itself"),
            ("write-baseline", "is done once, by a person"),
            ("show-settings", "is done once, by a person"),
            ("progress", "is about the terminal, not the project"),
            ("quiet", "is about the terminal, not the project"),
            ("verbose", "is about the terminal, not the project"),
            ("help", "is done once, by a person"),
        ];
        /// Options without a variable, and why.
        const NOT_IN_THE_ENVIRONMENT: [&str; 4] =
            ["why", "write-baseline", "show-settings", "help"];
        let schema = crate::settings::config_schema();
        let command = LintArguments::augment_args(clap::Command::new("lint"));
        for argument in command.get_arguments() {
            let key = config_key(argument);
            let excepted = NOT_IN_THE_CONFIG.iter().any(|(name, _)| *name == key);
            let in_config = schema["properties"].get(&key).is_some();
            assert!(in_config != excepted, "{key}");
            let Some(long) = argument.get_long() else {
                continue;
            };
            let variable = format!("OCI_PREFLIGHT_{}", long.to_uppercase().replace('-', "_"));
            let has = argument.get_env().and_then(|name| name.to_str());
            let expected = (!NOT_IN_THE_ENVIRONMENT.contains(&long)).then_some(variable);
            assert_eq!(has, expected.as_deref(), "{long}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
