//! `--baseline FILE` and `--write-baseline`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use miette::{IntoDiagnostic as _, WrapErr as _};

use crate::report::{Baseline, Replacement, Report};

/// The largest baseline that is read, in bytes: about a million findings.
const MAX_BYTES: u64 = 64 << 20;

/// What becomes of the known findings of a run.
pub(super) enum KnownFindings {
    /// There are none.
    None,
    /// These are known.
    Read(Baseline),
    /// Those of this run will be.
    Write(Replacement),
}

impl KnownFindings {
    /// Reads the baseline, or begins a new one: either is done before any work.
    pub(super) fn open(file: Option<&Path>, write: bool) -> miette::Result<Self> {
        match (file, write) {
            (None, false) => Ok(Self::None),
            (None, true) => Err(miette::miette!(
                help = "name it with --baseline FILE, or as `baseline` in the config file",
                "there is no baseline to write"
            )),
            (Some(path), false) => read(path).map(Self::Read),
            (Some(path), true) => Replacement::begin(path)
                .map(Self::Write)
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot write the baseline to {}", path.display())),
        }
    }

    /// Takes what is known from the report. A new baseline takes the place of an old one now. Gives how many of the known
    /// findings are gone.
    pub(super) fn take_from(self, report: &mut Report) -> miette::Result<usize> {
        match self {
            Self::None => {}
            Self::Read(baseline) => {
                let gone = baseline.obsolete_in(report);
                report.ignore_known(&baseline);
                return Ok(gone);
            }
            Self::Write(mut file) => {
                let baseline = Baseline::of(report);
                baseline
                    .write(&mut file)
                    .and_then(|()| file.finish())
                    .into_diagnostic()
                    .wrap_err("cannot write the baseline")?;
                report.ignore_known(&baseline);
            }
        }
        Ok(0)
    }
}

fn read(path: &Path) -> miette::Result<Baseline> {
    let shown = path.display();
    let mut text = String::new();
    let size = File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| {
            miette::miette!(
                help = "write one with --write-baseline",
                "cannot read the baseline {shown}: {error}"
            )
        })?;
    if size as u64 > MAX_BYTES {
        return Err(miette::miette!(
            "the baseline {shown} has more than {MAX_BYTES} bytes"
        ));
    }
    Baseline::parse(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        let message = message.strip_suffix(&place).unwrap_or(&message);
        miette::miette!(
            help = "write it anew with --write-baseline",
            "{shown}:{line}:{column} is no baseline: {message}"
        )
    })
}
