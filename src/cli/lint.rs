//! `oci-preflight lint`.

use std::io::{self, Write as _};
use std::path::Path;

use clap::ArgMatches;
use miette::IntoDiagnostic as _;

use super::arguments::{Color, LintArguments};
use super::baseline::KnownFindings;
use super::destination::Destination;
use super::progress::ProgressLine;
use super::terminal;
use crate::lint;
use crate::oci::Reference;
use crate::report::{Detail, Report, Style, Verdict, write_places};
use crate::settings::{ConfigFile, Settings, find_config_file};

/// Checks every image that the sources name. Gives the exit status.
pub(super) async fn run(
    arguments: LintArguments,
    matches: &ArgMatches,
    color: Color,
) -> miette::Result<u8> {
    let config = config_file(&arguments)?;
    let settings = Settings::new(arguments.overrides(), config.as_ref());
    if let Some(image) = &arguments.why {
        return why(image, &settings).await;
    }
    if arguments.show_settings {
        let text = settings.shown(&arguments.origins(matches), config.as_ref());
        terminal::print(|out| out.write_all(text.as_bytes()))?;
        return Ok(0);
    }
    let destinations = Destination::open_all(settings.outputs.clone())?;
    if arguments.write_baseline && settings.partition.is_some() {
        return Err(miette::miette!(
            help = "leave out --partition",
            "a baseline is written by a run that looks at all images"
        ));
    }
    let known = KnownFindings::open(settings.baseline.as_deref(), arguments.write_baseline)?;

    let line = ProgressLine::new(arguments.progress);
    let report = lint::lint(&settings, &|at| line.show(at)).await;
    line.clear();
    let mut report = report?;
    let gone = known.take_from(&mut report)?;

    let detail = Detail::of(arguments.quiet, arguments.verbose);
    if gone > 0 && detail != Detail::Quiet {
        let _ = writeln!(io::stderr(), "oci-preflight: {}", gone_from_baseline(gone));
    }
    deliver(&report, destinations, detail, color)
}

fn gone_from_baseline(gone: usize) -> String {
    let (findings, are) = match gone {
        1 => ("1 finding".to_owned(), "is"),
        _ => (format!("{gone} findings"), "are"),
    };
    format!("{findings} of the baseline {are} gone; --write-baseline writes it anew without")
}

/// Writes the report everywhere. Gives the exit status.
pub(super) fn deliver(
    report: &Report,
    destinations: Vec<Destination>,
    detail: Detail,
    color: Color,
) -> miette::Result<u8> {
    for destination in destinations {
        // Only what goes to the terminal is fitted to it.
        let style = if destination.is_standard_output() {
            terminal::style(color)
        } else {
            Style::default()
        };
        let format = destination.format.format(style, detail);
        destination.write(|out| format.write(report, out))?;
    }
    if report.verdict == Verdict::Undetermined {
        // Standard output may hold a report for a program, and the reason is for a person.
        for reason in &report.undetermined_because {
            let text = format!("oci-preflight: could not tell: {reason}");
            let text = terminal::wrapped(&text, terminal::error_width_or(usize::MAX));
            let _ = write!(io::stderr(), "{text}");
        }
    }
    Ok(report.verdict.exit_code())
}

/// Prints the places that name `image`. The exit status is 1 where none does, as that of a search is.
async fn why(image: &str, settings: &Settings) -> miette::Result<u8> {
    let any_tag = !image
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains([':', '@']));
    let image: Reference = image.parse().into_diagnostic()?;
    let (sources, occurrences) = lint::places(settings).await;
    let mut places = 0;
    terminal::print(|out| {
        places = write_places(&image, any_tag, &sources, &occurrences, out)?;
        Ok(())
    })?;
    if places == 0 {
        let _ = writeln!(io::stderr(), "oci-preflight: no place names {image}");
    }
    Ok(u8::from(places == 0))
}

fn config_file(arguments: &LintArguments) -> miette::Result<Option<ConfigFile>> {
    let path = arguments.config.clone().or_else(|| {
        let first = arguments.paths.first().map_or(Path::new("."), |path| path);
        find_config_file(first)
    });
    match path {
        Some(path) => Ok(Some(ConfigFile::read(&path)?)),
        None => Ok(None),
    }
}
