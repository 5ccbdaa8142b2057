//! Flags and the config file, merged. A flag wins over the environment, the environment over the file, the file over the
//! default; clap itself puts the environment behind the flags.
#![allow(
    clippy::disallowed_methods,
    reason = "the config file is found and read here"
)]

mod config_file;
mod exceptions;
mod fail_on;
mod fault;
mod folders;
mod level;
mod node_pool;
mod pull_request;
mod schema;
mod scope;
mod shown;
mod size;
mod spelling;
mod standards;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cluster::{KubernetesVersion, NodePool};
use crate::extract::ImageField;
use crate::facts::Depth;
use crate::finding::Severity;
use crate::input::Exclude;
use crate::oci::Platform;
use crate::render::Rendering;
use crate::report::{FormatName, Output, Partition};
use crate::rule::Rule;
use crate::text::{Origin as TextOrigin, Source};
use crate::workload::Occurrence;

pub use config_file::{CONFIG_FILE_NAME, ConfigFile};
pub use exceptions::{Ignore, Override};
pub use fail_on::{FailOn, FailOnError};
pub use fault::{ConfigError, InvalidConfig};
pub use folders::{find_config_file, user_cache_folder};
pub use level::{Level, LevelError, RuleLevel, RuleLevelError};
pub use schema::config_schema;
pub use scope::Scope;
pub use shown::Origins;
pub use size::{Size, SizeError};
pub use spelling::{misspelt, nearest};
pub use standards::Standards;

use folders::seen_from_here;

/// Everything that decides what one `lint` does.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct Settings {
    /// Files and folders to look at; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// What folders give, and is not looked at.
    pub exclude: Vec<Exclude>,
    /// How folders with charts and Kustomizations are rendered; none where they are not.
    pub rendering: Option<Rendering>,
    /// Fields of custom resources that name images.
    pub image_fields: Vec<ImageField>,
    /// Whether texts that only look like an image are asked about too.
    pub guess: bool,
    /// Whether the command line named paths, or a revision: then a run may look at a part of what the config is about.
    pub paths_given: bool,
    /// References that stand in no file.
    pub images: Vec<String>,
    /// Files that describe node pools; `-` is standard input.
    pub nodes: Vec<PathBuf>,
    /// Files that say what service accounts may read.
    pub iam: Vec<PathBuf>,
    /// Files that stand for a pull secret of every pod.
    pub pull_secrets: Vec<PathBuf>,
    /// Platforms that stand in for node pools.
    pub platforms: Vec<Platform>,
    /// Node pools that the config file itself describes.
    pub node_pools: Vec<NodePool>,
    /// The version of pools that do not say theirs.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// What is deployed now: a folder of sources, or a git revision; none where nothing is compared.
    pub base: Option<String>,
    /// How many earlier tags an image without a base is compared with.
    pub history: usize,
    /// Which part of the images to look at; none for all.
    pub partition: Option<Partition>,
    /// The git revision since which something must have changed to be looked at; none for all.
    pub changed_since: Option<String>,
    /// Whether the network must not be used.
    pub offline: bool,
    /// The severity from which a finding fails the run; none for never.
    pub fail_on: Option<Severity>,
    /// Whether a run that finds no image passes.
    pub allow_no_images: bool,
    /// What images are held to where no override says otherwise.
    pub standards: Standards,
    /// Where other standards hold. A later one wins over an earlier one.
    pub overrides: Vec<Override>,
    /// Findings that the config file takes away.
    pub ignores: Vec<Ignore>,
    /// The config file as a source, for findings about it.
    pub config: Option<Source>,
    /// The file with the findings that are known.
    pub baseline: Option<PathBuf>,
    /// The reports to write.
    pub outputs: Vec<Output>,
    /// Folders that answer in place of a registry.
    pub layouts: Vec<(String, PathBuf)>,
    /// Hosts that speak HTTP without encryption.
    pub plain_http: Vec<String>,
    /// Files with further certificate authorities, as PEM.
    pub ca_files: Vec<PathBuf>,
    /// containerd's folders of `hosts.toml` files.
    pub hosts_dirs: Vec<PathBuf>,
    /// Files of Podman's and CRI-O's format, each with its folder of further files.
    pub registries_confs: Vec<PathBuf>,
    /// Mirrors, as a registry and an address, in the order in which they are asked.
    pub mirrors: Vec<(String, String)>,
    /// Whether the run belongs to a pull request from a fork.
    pub is_from_fork: bool,
    /// Questions under way at once.
    pub concurrency: usize,
    /// Questions under way at once at one host.
    pub per_host: usize,
    /// How long one question may take, with all its tries.
    pub timeout: Duration,
    /// How often a question is asked again after a passing failure.
    pub retries: u32,
    /// Whether every manifest, config and layer is asked for too. Whoever reads the layers wants that as well, for what an
    /// earlier run read may be gone.
    pub verify_blobs: bool,
    /// Whether the layers are read too.
    pub deep: bool,
    /// The folder that keeps content between runs; none where nothing is kept.
    pub cache_dir: Option<PathBuf>,
}

/// What the command line and the environment say. What they do not say is left to the file.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the fields are those of `Settings`")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct Overrides {
    pub paths: Vec<PathBuf>,
    pub exclude: Vec<Exclude>,
    pub no_render: Option<bool>,
    pub rendering: Rendering,
    pub guess: Option<bool>,
    pub images: Vec<String>,
    pub nodes: Vec<PathBuf>,
    pub iam: Vec<PathBuf>,
    pub pull_secrets: Vec<PathBuf>,
    pub platforms: Vec<Platform>,
    pub kubernetes_version: Option<KubernetesVersion>,
    pub base: Option<String>,
    pub history: Option<usize>,
    pub offline: Option<bool>,
    pub verify_blobs: Option<bool>,
    pub deep: Option<bool>,
    pub partition: Option<Partition>,
    pub changed_since: Option<String>,
    pub fail_on: Option<FailOn>,
    pub allow_no_images: Option<bool>,
    pub rules: Vec<RuleLevel>,
    pub baseline: Option<PathBuf>,
    pub outputs: Vec<Output>,
    pub layouts: Vec<(String, PathBuf)>,
    pub plain_http: Vec<String>,
    pub ca_files: Vec<PathBuf>,
    pub hosts_dirs: Vec<PathBuf>,
    pub registries_confs: Vec<PathBuf>,
    pub mirrors: Vec<(String, String)>,
    pub concurrency: Option<usize>,
    pub per_host: Option<usize>,
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub cache_dir: Option<PathBuf>,
    pub no_cache: Option<bool>,
}

impl Settings {
    /// Questions under way at once if nothing else is said. More than one connection's worth hides the round trips.
    pub const DEFAULT_CONCURRENCY: usize = 64;
    /// The most earlier tags that an image is compared with: each costs a few questions.
    pub const MAX_HISTORY: usize = 20;
    /// Questions under way at once at one host if nothing else is said.
    pub const DEFAULT_PER_HOST: usize = 64;
    /// How long one question may take if nothing else is said.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
    /// How often a question is asked again if nothing else is said.
    pub const DEFAULT_RETRIES: u32 = 3;

    /// Merges the command line with the config file, if there is one.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "one statement for each setting")]
    pub fn new(overrides: Overrides, file: Option<&ConfigFile>) -> Self {
        let empty = ConfigFile::default();
        let file = file.unwrap_or(&empty);
        let (standards, exceptions) = standards(&overrides.rules, file);
        let paths_given = !overrides.paths.is_empty() || overrides.changed_since.is_some();
        let images = if overrides.images.is_empty() {
            file.images.clone()
        } else {
            overrides.images
        };
        let outputs = outputs(overrides.outputs, file);
        let or_file = |given: Vec<PathBuf>, own: &Vec<PathBuf>| {
            if given.is_empty() { own.clone() } else { given }
        };
        let mut paths = or_file(seen_from_here(overrides.paths), &file.paths);
        if paths.is_empty() && images.is_empty() {
            paths.push(PathBuf::from("."));
        }
        let exclude = joined(overrides.exclude, &file.exclude);
        let offline = overrides.offline.or(file.offline).unwrap_or(false);
        let deep = overrides.deep.or(file.deep).unwrap_or(false);
        let no_render = overrides.no_render.or(file.no_render).unwrap_or(false);
        let rendering = (!no_render).then(|| rendering(overrides.rendering, file, offline));
        let layouts = joined(overrides.layouts, &file.layouts);
        let plain_http = joined(overrides.plain_http, &file.plain_http);
        let ca_files = joined(overrides.ca_files, &file.ca_files);
        let hosts_dirs = joined(overrides.hosts_dirs, &file.hosts_dirs);
        let registries_confs = joined(overrides.registries_confs, &file.registries_confs);
        let mirrors = joined(overrides.mirrors, &file.mirrors);
        let targets_given = !overrides.nodes.is_empty() || !overrides.platforms.is_empty();
        let (nodes, platforms, node_pools) = if targets_given {
            (overrides.nodes, overrides.platforms, Vec::new())
        } else {
            let file = file.clone();
            (file.nodes, file.platforms, file.node_pools)
        };
        let no_cache = overrides.no_cache.or(file.no_cache).unwrap_or(false);
        let iam = or_file(overrides.iam, &file.iam);
        let pull_secrets = or_file(overrides.pull_secrets, &file.pull_secrets);
        Self {
            paths,
            exclude,
            rendering,
            image_fields: file.image_fields.clone(),
            guess: overrides.guess.or(file.guess).unwrap_or(false),
            paths_given,
            images,
            nodes,
            iam,
            pull_secrets,
            platforms,
            node_pools,
            kubernetes_version: overrides
                .kubernetes_version
                .or_else(|| file.kubernetes_version.clone()),
            base: overrides.base.or_else(|| file.base.clone()),
            history: overrides
                .history
                .or(file.history)
                .unwrap_or(0)
                .min(Self::MAX_HISTORY),
            offline,
            verify_blobs: overrides.verify_blobs.or(file.verify_blobs).unwrap_or(deep),
            deep,
            partition: overrides.partition,
            changed_since: overrides.changed_since,
            fail_on: overrides
                .fail_on
                .or(file.fail_on)
                .map_or(Some(Severity::Error), FailOn::severity),
            allow_no_images: overrides
                .allow_no_images
                .or(file.allow_no_images)
                .unwrap_or(false),
            standards,
            overrides: exceptions,
            ignores: file.ignores.clone(),
            config: (!file.path.is_empty()).then(|| Source {
                name: file.path.clone(),
                text: file.text.clone(),
                origin: TextOrigin::File,
            }),
            baseline: overrides.baseline.or_else(|| file.baseline.clone()),
            outputs,
            layouts,
            plain_http,
            ca_files,
            hosts_dirs,
            registries_confs,
            mirrors,
            is_from_fork: pull_request::is_from_fork(
                |name| std::env::var(name).ok(),
                |path| Some(crate::input::read_path(Path::new(path)).ok()?.text),
            ),
            concurrency: overrides
                .concurrency
                .or(file.concurrency)
                .unwrap_or(Self::DEFAULT_CONCURRENCY),
            per_host: overrides
                .per_host
                .or(file.per_host)
                .unwrap_or(Self::DEFAULT_PER_HOST),
            timeout: overrides
                .timeout
                .or(file.timeout)
                .unwrap_or(Self::DEFAULT_TIMEOUT),
            retries: overrides
                .retries
                .or(file.retries)
                .unwrap_or(Self::DEFAULT_RETRIES),
            cache_dir: overrides
                .cache_dir
                .or_else(|| file.cache_dir.clone())
                .or_else(user_cache_folder)
                .filter(|_| !no_cache),
        }
    }

    /// What one place is held to.
    #[must_use]
    pub fn standards_for(&self, path: &str, occurrence: &Occurrence) -> Cow<'_, Standards> {
        let mut standards = Cow::Borrowed(&self.standards);
        for exception in &self.overrides {
            if exception.scope.covers(path, Some(occurrence)) {
                exception.apply(standards.to_mut());
            }
        }
        standards
    }

    /// Whether the rule that compares tags with digests is on: nobody asks for a tag otherwise.
    #[must_use]
    pub fn compares_tags(&self) -> bool {
        let is_it = |rule: &'static Rule| rule.id == "tag-digest-mismatch";
        self.every_rule().any(is_it)
    }

    /// Whether a rule that holds platforms against node pools is on: nobody looks for older tags otherwise.
    #[must_use]
    pub fn judges_platforms(&self) -> bool {
        self.every_rule()
            .any(|rule| matches!(rule.id, "missing-platform" | "wrong-platform"))
    }

    /// The deepest facts that an enabled rule needs: nobody fetches more. Layers are read in deep runs, and in no other.
    #[must_use]
    pub fn depth(&self) -> Depth {
        if self.deep {
            return Depth::Layers;
        }
        self.every_rule()
            .map(|rule| rule.needs)
            .max()
            .unwrap_or(Depth::Reference)
            .min(Depth::Config)
    }

    /// The rules that are on somewhere.
    fn every_rule(&self) -> impl Iterator<Item = &'static Rule> {
        let elsewhere = self.overrides.iter().flat_map(|exception| {
            let mut standards = self.standards.clone();
            exception.apply(&mut standards);
            standards.rules().collect::<Vec<_>>()
        });
        self.standards.rules().chain(elsewhere)
    }
}

/// The reports to write: those of the command line, else of the file, else one for a person.
fn outputs(given: Vec<Output>, file: &ConfigFile) -> Vec<Output> {
    if !given.is_empty() {
        return given;
    }
    if !file.outputs.is_empty() {
        return file.outputs.clone();
    }
    vec![Output {
        format: FormatName::Pretty,
        file: None,
    }]
}

/// What images are held to: what the file says, with the levels of the command line over it, in its overrides too.
fn standards(rules: &[RuleLevel], file: &ConfigFile) -> (Standards, Vec<Override>) {
    let mut standards = Standards::default();
    file.budgets.apply(&mut standards.budgets);
    standards.levels.extend(&file.levels);
    let mut exceptions = file.overrides.clone();
    for rule in rules {
        standards.levels.insert(rule.id, rule.level);
        for exception in &mut exceptions {
            exception.levels.remove(rule.id);
        }
    }
    (standards, exceptions)
}

/// What the command line gives, and then what the file does.
fn joined<T: Clone>(mut given: Vec<T>, own: &[T]) -> Vec<T> {
    given.extend_from_slice(own);
    given
}

/// How charts are rendered: with the values of the file, and then those of the command line.
fn rendering(given: Rendering, file: &ConfigFile, offline: bool) -> Rendering {
    let mut rendering = file.rendering.clone();
    rendering.join(given);
    rendering.offline = offline;
    rendering
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rule::{RULES, Rule};

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = ConfigFile {
            retries: Some(7),
            fail_on: Some(FailOn::Never),
            levels: BTreeMap::from([("latest-tag", Level::Error)]),
            ..ConfigFile::default()
        };
        let defaults = Settings::new(Overrides::default(), None);
        assert_eq!(defaults.retries, Settings::DEFAULT_RETRIES);
        assert_eq!(defaults.paths, [PathBuf::from(".")]);
        let with_file = Settings::new(Overrides::default(), Some(&file));
        assert_eq!((with_file.retries, with_file.fail_on), (7, None));
        let flags = Overrides {
            retries: Some(0),
            rules: vec!["latest-tag=off".parse().expect("a level")],
            ..Overrides::default()
        };
        let merged = Settings::new(flags, Some(&file));
        assert_eq!(merged.retries, 0);
        assert!(merged.standards.rules().all(|rule| rule.id != "latest-tag"));
    }

    #[test]
    fn a_target_on_the_command_line_replaces_the_one_of_the_file() {
        let file = ConfigFile {
            nodes: vec![PathBuf::from("pools.json")],
            ..ConfigFile::default()
        };
        let flags = Overrides {
            platforms: vec![Platform::linux_amd64()],
            ..Overrides::default()
        };
        let merged = Settings::new(flags, Some(&file));
        assert_eq!((merged.nodes.len(), merged.platforms.len()), (0, 1));
    }

    #[test]
    fn nobody_fetches_deeper_than_the_rules_need() {
        let off = |rule: &&'static Rule| (rule.id, Level::Off);
        let settings = Settings {
            standards: Standards {
                levels: RULES.iter().map(off).collect(),
                ..Standards::default()
            },
            ..Settings::new(Overrides::default(), None)
        };
        assert_eq!(settings.depth(), Depth::Reference);
    }
}
