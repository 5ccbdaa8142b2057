//! What `lint` takes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args};

use super::values::{at_least_one, exclude, seconds};
use super::{ClusterArguments, Progress, RegistryArguments, overrides};
use crate::input::Exclude;
use crate::render::Rendering;
use crate::report::{Output, Partition};
use crate::settings::{FailOn, Origins, Overrides, RuleLevel, Settings};

#[derive(Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(in crate::cli) struct LintArguments {
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

impl LintArguments {
    /// Where each option that was given came from: the flag, or its environment variable. By its key in the config file.
    pub(in crate::cli) fn origins(&self, matches: &ArgMatches) -> Origins {
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
    pub(in crate::cli) fn overrides(&self) -> Overrides {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
