//! The config of an image: what it runs on and how it was built.

use serde::Deserialize;
use thiserror::Error;

use super::{Platform, created};

/// An image config (OCI image-spec `config.md`), as far as it decides whether an image runs and how it is layered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// What the image runs on; none where the config does not name both an operating system and an architecture.
    pub platform: Option<Platform>,
    /// Whether the config names an architecture, which it must.
    pub names_architecture: bool,
    /// When it was made, in seconds since 1970; none where the config does not say it.
    pub created: Option<i64>,
    /// The build history, base first.
    pub history: Vec<HistoryEntry>,
    /// The digests of the uncompressed layers, base first.
    pub diff_ids: Vec<String>,
    /// The words that a container starts with.
    pub entrypoint: Vec<String>,
    /// The words that stand behind those of the entrypoint, or for them where there are none.
    pub command: Vec<String>,
    /// The folders in which programs are looked for: `PATH` of the environment, where it is set.
    pub search_path: Option<String>,
    /// The folder that a container starts in; empty for the root.
    pub working_folder: String,
}

/// One entry of the build history. Every field is what the builder wrote, and nothing checks it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct HistoryEntry {
    /// When, as RFC 3339.
    #[serde(default)]
    pub created: Option<String>,
    /// The instruction.
    #[serde(default)]
    pub created_by: Option<String>,
    /// Who, mostly the builder's name.
    #[serde(default)]
    pub author: Option<String>,
    /// A remark, mostly the builder's mark.
    #[serde(default)]
    pub comment: Option<String>,
    /// Whether the instruction made no layer.
    #[serde(default)]
    pub empty_layer: bool,
}

/// Why a blob is no image config.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the image config is not valid: {0}")]
pub struct ConfigError(pub String);

#[derive(Deserialize)]
struct RawConfig {
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(rename = "os.version", default)]
    os_version: Option<String>,
    #[serde(default)]
    history: Option<Vec<HistoryEntry>>,
    #[serde(default)]
    rootfs: Option<RootFs>,
    #[serde(default)]
    config: Option<Execution>,
}

/// The execution parameters (OCI image-spec `config.md`, "Properties"). Lists that hold nothing are null in many configs.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Execution {
    #[serde(default)]
    entrypoint: Option<Vec<String>>,
    #[serde(default)]
    cmd: Option<Vec<String>>,
    #[serde(default)]
    env: Option<Vec<String>>,
    #[serde(default)]
    working_dir: Option<String>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<String>>,
}

impl Config {
    /// Reads the blob that a manifest's config descriptor points to.
    ///
    /// # Errors
    ///
    /// When the blob is no JSON object, or a field has another type than the specification says.
    pub fn parse(blob: &[u8]) -> Result<Self, ConfigError> {
        // As of manifests, a node takes bytes that are no UTF-8.
        let raw: RawConfig = serde_json::from_str(&String::from_utf8_lossy(blob))
            .map_err(|error| ConfigError(error.to_string()))?;
        let platform = match (raw.os.as_deref(), raw.architecture.as_deref()) {
            (Some(os), Some(architecture)) if !os.is_empty() && !architecture.is_empty() => {
                Some(Platform::new(
                    os,
                    architecture,
                    raw.variant.as_deref(),
                    raw.os_version.as_deref(),
                ))
            }
            _ => None,
        };
        let names_architecture = raw
            .architecture
            .as_deref()
            .is_some_and(|name| !name.is_empty());
        let execution = raw.config.unwrap_or_default();
        let environment = execution.env.unwrap_or_default();
        let search_path = environment
            .iter()
            .find_map(|variable| variable.strip_prefix("PATH="));
        Ok(Self {
            platform,
            names_architecture,
            created: raw.created.as_deref().and_then(created::seconds),
            search_path: search_path.map(str::to_owned),
            entrypoint: execution.entrypoint.unwrap_or_default(),
            command: execution.cmd.unwrap_or_default(),
            working_folder: execution.working_dir.unwrap_or_default(),
            history: raw.history.unwrap_or_default(),
            diff_ids: raw
                .rootfs
                .and_then(|rootfs| rootfs.diff_ids)
                .unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_needs_both_words() {
        let platform = |text: &str| Config::parse(text.as_bytes()).expect(text).platform;
        assert_eq!(
            platform(r#"{"os":"linux","architecture":"arm64","variant":"v8"}"#),
            Some(Platform::new("linux", "arm64", None, None))
        );
        assert_eq!(platform(r#"{"architecture":"amd64"}"#), None);
        assert_eq!(platform(r#"{"os":"linux","architecture":""}"#), None);
    }

    #[test]
    fn null_lists_are_empty_lists() {
        let config =
            Config::parse(br#"{"history":null,"rootfs":{"type":"layers","diff_ids":null}}"#);
        assert_eq!(config, Ok(Config::default()));
    }

    #[test]
    fn what_starts_is_read() {
        let config = Config::parse(
            br#"{"config":{"Entrypoint":["tini","--"],"Cmd":null,"Env":["A=b","PATH=/bin:/usr/bin"],"WorkingDir":"/srv"}}"#,
        )
        .expect("a config");
        assert_eq!(config.entrypoint, ["tini", "--"]);
        assert_eq!(config.command, [] as [&str; 0]);
        assert_eq!(config.search_path.as_deref(), Some("/bin:/usr/bin"));
        assert_eq!(config.working_folder, "/srv");
    }

    #[test]
    fn a_blob_that_is_no_config_says_why() {
        assert!(Config::parse(b"\x1f\x8b").is_err());
        assert!(Config::parse(br#"{"history":"x"}"#).is_err());
    }
}
