//! `oci-preflight probe`.

use std::path::PathBuf;

use miette::IntoDiagnostic as _;

use super::arguments::{ListFormat, ProbeArguments};
use super::terminal;
use crate::probe::{self, Options, Proxies};
use crate::registry::{CredentialFile, CredentialSources};

/// Probes the way to a registry. Gives the exit status: 0 when the way is clear, 1 when a stage failed.
pub(super) async fn run(arguments: &ProbeArguments) -> miette::Result<u8> {
    let defaults = Options::default();
    let options = Options {
        plain_http: arguments.plain_http.clone(),
        ca_files: arguments.ca_files.clone(),
        hosts_dirs: arguments.hosts_dirs.clone(),
        registries_confs: arguments.registries_confs.clone(),
        mirrors: arguments.mirrors.clone(),
        credentials: credentials(&arguments.pull_secrets),
        timeout: arguments.timeout.unwrap_or(defaults.timeout),
        proxies: Proxies::from_environment(),
        platform: arguments
            .platform
            .clone()
            .unwrap_or_else(|| defaults.platform.clone()),
        ..defaults
    };
    let report = probe::run(&arguments.target, &options)
        .await
        .into_diagnostic()?;
    let text = match arguments.output {
        ListFormat::Json => format!("{:#}\n", report.to_json()),
        ListFormat::Pretty => report.to_text(),
    };
    terminal::print(|out| out.write_all(text.as_bytes()))?;
    Ok(u8::from(!report.is_clear()))
}

/// The pull secrets first, as the pod's own, and then what a check uses.
fn credentials(pull_secrets: &[PathBuf]) -> CredentialSources {
    let mut sources = CredentialSources::from_environment();
    let named = pull_secrets.iter().map(|path| CredentialFile {
        path: path.clone(),
        must_exist: true,
    });
    sources.files.splice(0..0, named);
    sources
}
