//! `oci-preflight inspect`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::arguments::{Color, ListFormat, layout};
use super::terminal;
use crate::cluster::KubernetesVersion;
use crate::lint;
use crate::oci::{Platform, Reference};
use crate::report::{Format as _, Inspection, InspectionJson};
use crate::settings::{ConfigFile, Overrides, Settings, find_config_file};

#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// The image, such as nginx:1.27 or ghcr.io/team/app@sha256:….
    #[arg(value_name = "IMAGE", value_parser = image)]
    pub image: String,

    /// The config file. Default: oci-preflight.toml in the current folder or any above it.
    #[arg(long, value_name = "FILE", env = "OCI_PREFLIGHT_CONFIG")]
    pub config: Option<PathBuf>,

    /// Node pools, in the formats that `lint` takes; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub nodes: Vec<PathBuf>,

    /// A platform that stands in for a node pool.
    #[arg(long = "platform", value_name = "OS/ARCH[/VARIANT]")]
    pub platforms: Vec<Platform>,

    /// The Kubernetes version of node pools that don't say theirs.
    #[arg(long, value_name = "VERSION", env = "OCI_PREFLIGHT_KUBERNETES_VERSION")]
    pub kubernetes_version: Option<KubernetesVersion>,

    /// Read the content of all layers too: unpacked size, largest files, hidden bytes, leftovers.
    #[arg(long, env = "OCI_PREFLIGHT_DEEP")]
    pub deep: bool,

    /// Ask nothing over the network. Layouts and node pool files still answer.
    #[arg(long, env = "OCI_PREFLIGHT_OFFLINE")]
    pub offline: bool,

    /// Answer for that host from an OCI image layout instead of the network.
    #[arg(long = "layout", value_name = "HOST[/PREFIX]=DIR", value_parser = layout)]
    pub layouts: Vec<(String, PathBuf)>,

    /// Speak HTTP without encryption to that host.
    #[arg(long, value_name = "HOST")]
    pub plain_http: Vec<String>,

    /// Trust the certificate authorities in that PEM file too.
    #[arg(long = "ca-file", value_name = "FILE")]
    pub ca_files: Vec<PathBuf>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: ListFormat,
}

/// Shows one image. Gives the exit status of a `lint` of it.
pub(super) async fn run(arguments: InspectArguments, color: Color) -> miette::Result<u8> {
    let config = arguments
        .config
        .clone()
        .or_else(|| find_config_file(Path::new(".")));
    let config = config.as_deref().map(ConfigFile::read).transpose()?;
    let output = arguments.output;
    let mut settings = Settings::new(overrides(arguments), config.as_ref());
    // The config file names sources for `lint`. Here the image is all there is.
    settings.paths.clear();
    settings.ignores.clear();
    let report = lint::inspect(&settings, &|_| {}).await?;
    terminal::print(|out| match output {
        ListFormat::Pretty => Inspection {
            style: terminal::style(color),
        }
        .write(&report, out),
        ListFormat::Json => InspectionJson.write(&report, out),
    })?;
    Ok(report.verdict.exit_code())
}

fn overrides(arguments: InspectArguments) -> Overrides {
    Overrides {
        images: vec![arguments.image],
        nodes: arguments.nodes,
        platforms: arguments.platforms,
        kubernetes_version: arguments.kubernetes_version,
        offline: arguments.offline.then_some(true),
        deep: arguments.deep.then_some(true),
        layouts: arguments.layouts,
        plain_http: arguments.plain_http,
        ca_files: arguments.ca_files,
        ..Overrides::default()
    }
}

fn image(text: &str) -> Result<String, String> {
    match text.parse::<Reference>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
