//! `oci-preflight inspect`.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::{Diagnostic, IntoDiagnostic as _};
use thiserror::Error;

use super::arguments::{Color, ListFormat, layout};
use super::terminal;
use crate::cluster::KubernetesVersion;
use crate::lint;
use crate::oci::{Platform, Reference};
use crate::registry::names_in;
use crate::report::{Format as _, Inspection, InspectionJson};
use crate::settings::{ConfigFile, Overrides, Settings, find_config_file};

#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// The image, such as nginx:1.27 or ghcr.io/team/app@sha256:DIGEST; or an OCI image layout or a file that `docker save` wrote,
    /// with the name of one image behind it where it holds several: ./image.tar, ./layout:web:1.4.
    #[arg(value_name = "IMAGE")]
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
    let (image, layout) = image(&arguments.image)?;
    let arguments = InspectArguments {
        image,
        layouts: layout.into_iter().chain(arguments.layouts).collect(),
        ..arguments
    };
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

/// The host under which an image without a whole name is shown.
const LOCAL: &str = "localhost/image";

/// Why there is nothing to show.
#[derive(Debug, Error, Diagnostic)]
enum ImageError {
    #[error("{text}: {reason}")]
    #[diagnostic(help(
        "name an image such as nginx:1.27, an OCI image layout, or a file that `docker save` wrote"
    ))]
    Name { text: String, reason: String },
    #[error("{path} holds {count} images")]
    #[diagnostic(help("name one behind it: {path}:{first}"))]
    Several {
        path: String,
        count: usize,
        first: String,
    },
    #[error("{0} holds no image")]
    Empty(String),
}

/// A host or repository, and the layout that answers for it.
type LayoutOf = (String, PathBuf);

/// The name of the image, and the layout or archive that holds it where the text is a path.
fn image(text: &str) -> miette::Result<(String, Option<LayoutOf>)> {
    let plain = ["docker-archive:", "oci-archive:", "oci:"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let found = path_and_name(text).or_else(|| path_and_name(plain?));
    let Some((path, wanted)) = found else {
        let parsed = text.parse::<Reference>();
        return match parsed {
            Ok(_) => Ok((text.to_owned(), None)),
            Err(error) => Err(ImageError::Name {
                text: text.to_owned(),
                reason: error.to_string(),
            }
            .into()),
        };
    };
    let names = names_in(&path).into_diagnostic()?;
    let name = match (wanted, names.as_slice()) {
        (Some(wanted), _) => wanted.to_owned(),
        (None, []) => return Err(ImageError::Empty(path.display().to_string()).into()),
        (None, [only]) => only.clone(),
        (None, [first, ..]) => {
            return Err(ImageError::Several {
                path: path.display().to_string(),
                count: names.len(),
                first: first.clone(),
            }
            .into());
        }
    };
    // A whole name has a repository; a tag or a digest alone has none.
    let reference = if name.starts_with("sha256:") {
        format!("{LOCAL}@{name}")
    } else if name.contains([':', '/']) {
        name
    } else {
        format!("{LOCAL}:{name}")
    };
    let parsed: Reference = reference.parse().map_err(|error| ImageError::Name {
        text: reference.clone(),
        reason: format!("{error}"),
    })?;
    Ok((reference, Some((parsed.name(), path))))
}

/// A path that is there, and what stands behind it.
fn path_and_name(text: &str) -> Option<(PathBuf, Option<&str>)> {
    let holds_images = |path: &Path| path.is_file() || path.join("index.json").is_file();
    if holds_images(Path::new(text)) {
        return Some((PathBuf::from(text), None));
    }
    let mut colons = text.match_indices(':');
    colons.find_map(|(at, _)| {
        let path = Path::new(&text[..at]);
        holds_images(path).then(|| (path.to_owned(), Some(&text[at + 1..])))
    })
}
