//! `oci-preflight.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::exceptions::{Ignore, Override, RawIgnore, RawOverride};
use super::fault::{ConfigError, Fault, one_of, parsed};
use super::node_pool::RawNodePool;
use super::standards::{BudgetChanges, RawBudgets, RawLevels, levels};
use super::{FailOn, Level};
use crate::cluster::{KubernetesVersion, NodePool};
use crate::extract::ImageField;
use crate::input::Exclude;
use crate::oci::Platform;
use crate::render::Rendering;
use crate::report::{FormatName, Output};

/// The name under which the config file is looked for.
pub const CONFIG_FILE_NAME: &str = "oci-preflight.toml";

/// The largest config file that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// What a config file says. Paths in it are relative to the folder that it stands in.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the fields are those of `Settings`")]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of the file")]
pub struct ConfigFile {
    /// Its path as the user would write it.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The keys that it says something about, with a `.` between the names of nested ones.
    pub keys: BTreeSet<String>,
    pub images: Vec<String>,
    pub paths: Vec<PathBuf>,
    pub exclude: Vec<Exclude>,
    pub no_render: Option<bool>,
    pub rendering: Rendering,
    pub image_fields: Vec<ImageField>,
    pub guess: Option<bool>,
    pub nodes: Vec<PathBuf>,
    pub iam: Vec<PathBuf>,
    pub pull_secrets: Vec<PathBuf>,
    pub platforms: Vec<Platform>,
    pub node_pools: Vec<NodePool>,
    pub kubernetes_version: Option<KubernetesVersion>,
    pub base: Option<String>,
    pub history: Option<usize>,
    pub offline: Option<bool>,
    pub verify_blobs: Option<bool>,
    pub deep: Option<bool>,
    pub fail_on: Option<FailOn>,
    pub allow_no_images: Option<bool>,
    pub levels: BTreeMap<&'static str, Level>,
    pub(super) budgets: BudgetChanges,
    pub overrides: Vec<Override>,
    pub ignores: Vec<Ignore>,
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

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of the file")]
struct Raw {
    #[serde(default)]
    paths: Vec<PathBuf>,
    #[serde(default)]
    exclude: Vec<Spanned<String>>,
    no_render: Option<bool>,
    #[serde(default)]
    values: Vec<PathBuf>,
    #[serde(default)]
    set: Vec<String>,
    #[serde(default)]
    api_versions: Vec<String>,
    #[serde(default)]
    image_field: Vec<RawImageField>,
    guess: Option<bool>,
    #[serde(default)]
    image: Vec<String>,
    #[serde(default)]
    nodes: Vec<PathBuf>,
    #[serde(default)]
    iam: Vec<PathBuf>,
    #[serde(default)]
    pull_secret: Vec<PathBuf>,
    #[serde(default)]
    platform: Vec<Spanned<String>>,
    #[serde(default)]
    node_pool: Vec<RawNodePool>,
    kubernetes_version: Option<Spanned<String>>,
    base: Option<String>,
    history: Option<usize>,
    offline: Option<bool>,
    verify_blobs: Option<bool>,
    deep: Option<bool>,
    fail_on: Option<Spanned<String>>,
    allow_no_images: Option<bool>,
    #[serde(default)]
    rules: RawLevels,
    #[serde(default)]
    budgets: RawBudgets,
    #[serde(default, rename = "override")]
    overrides: Vec<Spanned<RawOverride>>,
    #[serde(default)]
    ignore: Vec<Spanned<RawIgnore>>,
    baseline: Option<PathBuf>,
    #[serde(default)]
    output: Vec<Spanned<String>>,
    #[serde(default)]
    layouts: BTreeMap<String, PathBuf>,
    #[serde(default)]
    plain_http: Vec<String>,
    #[serde(default)]
    ca_file: Vec<PathBuf>,
    #[serde(default)]
    hosts_dir: Vec<PathBuf>,
    #[serde(default)]
    registries_conf: Vec<PathBuf>,
    #[serde(default)]
    mirrors: BTreeMap<String, Vec<String>>,
    concurrency: Option<Spanned<usize>>,
    per_host: Option<Spanned<usize>>,
    timeout: Option<Spanned<u64>>,
    retries: Option<u32>,
    cache_dir: Option<PathBuf>,
    no_cache: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawImageField {
    api_version: String,
    kind: String,
    path: Spanned<String>,
}

impl RawImageField {
    fn image_field(self) -> Result<ImageField, Fault> {
        Ok(ImageField {
            path: parsed(&self.path)?,
            api_version: self.api_version,
            kind: self.kind,
        })
    }
}

impl ConfigFile {
    /// Reads a config file.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or says something that is not understood; its author can mend it.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let unreadable = |reason: String| ConfigError::Unreadable {
            path: shown.clone(),
            reason,
        };
        let size = std::fs::metadata(path)
            .map_err(|error| unreadable(error.to_string()))?
            .len();
        if size > MAX_CONFIG_BYTES {
            return Err(unreadable(format!(
                "it has {size} bytes, more than {MAX_CONFIG_BYTES}"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        match Self::parse(&text, folder) {
            Ok(file) => Ok(Self {
                path: shown,
                text,
                ..file
            }),
            Err(fault) => Err(fault.into_error(shown, text)),
        }
    }

    pub(super) fn parse(text: &str, folder: &Path) -> Result<Self, Fault> {
        let raw: Raw = toml::from_str(text).map_err(|error| Fault::of_toml(&error))?;
        let here = |path: PathBuf| folder.join(path);
        check_numbers(&raw)?;
        Ok(Self {
            path: String::new(),
            text: String::new(),
            keys: keys(text),
            images: raw.image,
            paths: raw.paths.into_iter().map(here).collect(),
            exclude: raw
                .exclude
                .iter()
                .map(|glob| {
                    Exclude::new(folder, glob.as_ref()).map_err(|error| Fault::at(glob, &error))
                })
                .collect::<Result<_, _>>()?,
            no_render: raw.no_render,
            rendering: Rendering {
                values: raw.values.into_iter().map(here).collect(),
                set: raw.set,
                api_versions: raw.api_versions,
                offline: false,
            },
            image_fields: raw
                .image_field
                .into_iter()
                .map(RawImageField::image_field)
                .collect::<Result<_, _>>()?,
            guess: raw.guess,
            nodes: raw.nodes.into_iter().map(here).collect(),
            iam: raw.iam.into_iter().map(here).collect(),
            pull_secrets: raw.pull_secret.into_iter().map(here).collect(),
            platforms: raw.platform.iter().map(parsed).collect::<Result<_, _>>()?,
            node_pools: raw
                .node_pool
                .into_iter()
                .map(RawNodePool::node_pool)
                .collect::<Result<_, _>>()?,
            kubernetes_version: raw.kubernetes_version.as_ref().map(parsed).transpose()?,
            base: raw.base.map(|base| folder_or_revision(base, folder)),
            history: raw.history,
            offline: raw.offline,
            verify_blobs: raw.verify_blobs,
            deep: raw.deep,
            fail_on: raw
                .fail_on
                .as_ref()
                .map(|text| one_of(text, &FailOn::WORDS))
                .transpose()?,
            allow_no_images: raw.allow_no_images,
            levels: levels(&raw.rules)?,
            budgets: raw.budgets.changes()?,
            overrides: raw
                .overrides
                .iter()
                .map(|written| RawOverride::read(written, folder))
                .collect::<Result<_, _>>()?,
            ignores: raw
                .ignore
                .iter()
                .map(|written| RawIgnore::read(written, folder))
                .collect::<Result<_, _>>()?,
            baseline: raw.baseline.map(here),
            outputs: raw
                .output
                .iter()
                .map(|written| output(written, folder))
                .collect::<Result<_, _>>()?,
            layouts: raw
                .layouts
                .into_iter()
                .map(|(host, path)| (host, here(path)))
                .collect(),
            plain_http: raw.plain_http,
            ca_files: raw.ca_file.into_iter().map(here).collect(),
            hosts_dirs: raw.hosts_dir.into_iter().map(here).collect(),
            registries_confs: raw.registries_conf.into_iter().map(here).collect(),
            mirrors: raw
                .mirrors
                .into_iter()
                .flat_map(|(host, urls)| urls.into_iter().map(move |url| (host.clone(), url)))
                .collect(),
            concurrency: raw.concurrency.map(Spanned::into_inner),
            per_host: raw.per_host.map(Spanned::into_inner),
            timeout: raw
                .timeout
                .map(|seconds| Duration::from_secs(seconds.into_inner())),
            retries: raw.retries,
            cache_dir: raw.cache_dir.map(here),
            no_cache: raw.no_cache,
        })
    }
}

/// A folder is relative to the config; anything else is a revision.
fn folder_or_revision(base: String, folder: &Path) -> String {
    let path = folder.join(&base);
    if path.is_dir() {
        path.display().to_string()
    } else {
        base
    }
}

/// What waits or works with nothing would do so for ever.
fn check_numbers(raw: &Raw) -> Result<(), Fault> {
    for number in [&raw.concurrency, &raw.per_host].into_iter().flatten() {
        if *number.as_ref() == 0 {
            return Err(Fault::at(number, &"this must be at least 1"));
        }
    }
    match &raw.timeout {
        Some(timeout) if *timeout.as_ref() == 0 => {
            Err(Fault::at(timeout, &"this must be at least 1 second"))
        }
        _ => Ok(()),
    }
}

/// An output whose file is relative to the config.
fn output(written: &Spanned<String>, folder: &Path) -> Result<Output, Fault> {
    let output: Output = one_of(written, &FormatName::ALL.map(FormatName::as_str))?;
    Ok(Output {
        file: output.file.map(|file| folder.join(file)),
        ..output
    })
}

/// The names of all keys, with a `.` between those of nested ones.
fn keys(text: &str) -> BTreeSet<String> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let nested = |name: &String, value: &toml::Value| match value {
        toml::Value::Table(table) => table.keys().map(|key| format!("{name}.{key}")).collect(),
        _ => vec![name.clone()],
    };
    table
        .iter()
        .flat_map(|(name, value)| nested(name, value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Bytes;
    use crate::rule::Budgets;

    fn parse(text: &str) -> Result<ConfigFile, (String, String, Option<String>)> {
        ConfigFile::parse(text, Path::new("conf"))
            .map_err(|fault| (text[fault.range].to_owned(), fault.message, fault.help))
    }

    #[test]
    fn node_pools_can_be_written_in_the_config() {
        let file = parse(
            "[[node-pool]]\nname = \"arm\"\nprovider = \"gke\"\nmachine-type = \"c4a-standard-4\"\nkubernetes-version = \"1.33\"\ntaints = [\"own=1:NoSchedule\"]\nlabels = { team = \"shop\" }\n[[node-pool]]\nname = \"win\"\nplatform = \"windows/amd64\"\n",
        )
        .expect("a config");
        let [arm, windows] = file.node_pools.as_slice() else {
            panic!("two pools");
        };
        let taints: Vec<String> = arm.taints.iter().map(ToString::to_string).collect();
        assert_eq!(arm.platform_text(), "linux/arm64");
        assert_eq!(
            taints,
            ["own=1:NoSchedule", "kubernetes.io/arch=arm64:NoSchedule"]
        );
        assert_eq!(arm.labels.value("team"), Some("shop"));
        assert_eq!(windows.platform_text(), "windows/amd64");
    }

    #[test]
    fn a_node_pool_whose_platform_cannot_be_told_is_a_fault_at_its_place() {
        let text = "[[node-pool]]\nname = \"odd\"\nmachine-type = \"q\"\n";
        let fault = parse(text).expect_err("a fault");
        assert_eq!(fault.0, "\"q\"");
    }

    #[test]
    fn paths_are_relative_to_the_files_folder() {
        let file = parse("nodes = [\"pools.json\"]\n[layouts]\n\"a.example\" = \"layout\"\n")
            .expect("a config file");
        assert_eq!(file.nodes, [PathBuf::from("conf/pools.json")]);
        assert_eq!(
            file.layouts,
            [("a.example".to_owned(), PathBuf::from("conf/layout"))]
        );
    }

    #[test]
    fn budgets_and_levels_are_read() {
        let file = parse(
            "[budgets]\nimage = \"2GB\"\nlayer = \"1GB\"\nlayers = 60\n[rules]\nlatest-tag = \"off\"\n",
        )
        .expect("a config file");
        let mut budgets = Budgets::default();
        file.budgets.apply(&mut budgets);
        assert_eq!(budgets.image, Bytes(2_000_000_000));
        assert_eq!(budgets.layer, Bytes(1_000_000_000));
        assert_eq!(budgets.layers, 60);
        assert_eq!(file.levels, BTreeMap::from([("latest-tag", Level::Off)]));
    }

    #[test]
    fn an_unknown_key_is_shown_at_its_place_with_the_nearest_one() {
        let (place, message, help) = parse("offlin = true\n").expect_err("no such key");
        assert_eq!(place, "offlin");
        assert!(message.contains("unknown field `offlin`"), "{message}");
        assert_eq!(help.as_deref(), Some("did you mean `offline`?"));
    }

    #[test]
    fn a_wrong_value_is_shown_at_its_place() {
        for (text, place, why) in [
            ("fail-on = \"fatal\"", "\"fatal\"", "no threshold"),
            ("platform = [\"linux\"]", "\"linux\"", "no platform"),
            ("[rules]\nlatest = \"off\"", "latest", "there is no rule"),
            ("[rules]\nlatest-tag = \"on\"", "\"on\"", "no level"),
            ("[budgets]\nimage = \"big\"", "\"big\"", "no size"),
            ("concurrency = 0", "0", "at least 1"),
            ("exclude = [\"a\", \"b/{c\"]", "\"b/{c\"", "no pattern"),
            (
                "[[image-field]]\napi-version = \"a/v1\"\nkind = \"A\"\npath = \"spec..image\"",
                "\"spec..image\"",
                "no path of a field",
            ),
            ("timeout = \"1\"", "\"1\"", "invalid type"),
            (
                "kubernetes-version = \"new\"",
                "\"new\"",
                "no Kubernetes version",
            ),
        ] {
            let (at, message, _) = parse(text).expect_err(text);
            assert_eq!(at, place, "{text}");
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
