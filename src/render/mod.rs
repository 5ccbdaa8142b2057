//! Renders Helm charts and Kustomizations with the programs of this machine: what a folder asks for is known only then.
#![allow(
    clippy::disallowed_methods,
    reason = "running the programs that render is what this module is for"
)]

mod error;
mod kustomization;
mod program;
mod unit;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use error::RenderError;
pub use unit::{Kind, Unit, units};

/// What is said about rendering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendering {
    /// Files of values for charts (`helm template --values`).
    pub values: Vec<PathBuf>,
    /// Single values for charts (`--set`).
    pub set: Vec<String>,
    /// API versions that charts may count on (`--api-versions`).
    pub api_versions: Vec<String>,
    /// Whether what needs the network must not be rendered.
    pub offline: bool,
}

impl Rendering {
    /// Adds what is said elsewhere. It wins where both say something of the same value, as programs take the last.
    pub fn join(&mut self, other: Self) {
        self.values.extend(other.values);
        self.set.extend(other.set);
        self.api_versions.extend(other.api_versions);
    }
}

/// Renders the folder of `unit` to Kubernetes objects as YAML. Dropping the future ends the program.
///
/// # Errors
///
/// When no program is there that could, when it fails, and when its time or its output is out of bounds.
pub async fn render(unit: &Unit, rendering: &Rendering) -> Result<String, RenderError> {
    let folder = absolute(&unit.folder);
    match unit.kind {
        Kind::Chart => program::run("helm", &helm(folder, rendering), unit.kind).await,
        Kind::Kustomization => {
            if let (true, Some(remote)) = (rendering.offline, unit.remote.first()) {
                return Err(RenderError::NeedsNetwork(remote.clone()));
            }
            match program::run("kustomize", &["build".into(), folder.clone()], unit.kind).await {
                Err(RenderError::NotInstalled(_)) => {
                    program::run("kubectl", &["kustomize".into(), folder], unit.kind).await
                }
                done => done,
            }
        }
    }
}

/// <https://helm.sh/docs/helm/helm_template/>
fn helm(chart: OsString, rendering: &Rendering) -> Vec<OsString> {
    let mut arguments = vec!["template".into(), chart];
    let mut add = |option: &str, value: OsString| arguments.extend([option.into(), value]);
    for file in &rendering.values {
        add("--values", absolute(file));
    }
    for value in &rendering.set {
        add("--set", value.into());
    }
    for version in &rendering.api_versions {
        add("--api-versions", version.into());
    }
    arguments
}

/// A path that no program takes for an option, an address or a name.
fn absolute(path: &Path) -> OsString {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .into_os_string()
}
