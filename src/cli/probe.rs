//! `oci-preflight probe`.

use miette::IntoDiagnostic as _;

use super::arguments::{ListFormat, ProbeArguments};
use super::terminal;
use crate::probe::{self, Options, Proxies};

/// Probes the way to a registry. Gives the exit status: 0 when the way is clear, 1 when a stage failed.
pub(super) async fn run(arguments: &ProbeArguments) -> miette::Result<u8> {
    let defaults = Options::default();
    let options = Options {
        plain_http: arguments.plain_http.clone(),
        ca_files: arguments.ca_files.clone(),
        timeout: arguments.timeout.unwrap_or(defaults.timeout),
        proxies: Proxies::from_environment(),
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
