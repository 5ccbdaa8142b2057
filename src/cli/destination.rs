//! Where reports go.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic as _, WrapErr as _};

use super::terminal;
use crate::report::{FormatName, Output, Replacement};

/// An output that is known to be writable.
pub(super) struct Destination {
    /// The format that is written there.
    pub format: FormatName,
    sink: Sink,
}

enum Sink {
    StandardOutput,
    /// A new file, which replaces an old one once it is whole.
    Replacing(Replacement, PathBuf),
    /// A pipe or device, which nothing can replace.
    Special(PathBuf),
}

impl Destination {
    /// Opens all outputs of a run, before any work is done. Without any, the report is for a person.
    ///
    /// # Errors
    ///
    /// When one can't be written, or two would mix.
    pub(super) fn open_all(mut outputs: Vec<Output>) -> miette::Result<Vec<Self>> {
        if outputs.is_empty() {
            outputs.push(Output {
                format: FormatName::Pretty,
                file: None,
            });
        }
        for (index, output) in outputs.iter().enumerate() {
            let file = output.file.as_deref().map(same);
            let twice = outputs[..index]
                .iter()
                .any(|other| other.file.as_deref().map(same) == file);
            match &output.file {
                None if twice => {
                    return Err(miette::miette!(
                        help = "give all but one a file, such as --output json=report.json",
                        "two reports cannot both go to standard output"
                    ));
                }
                Some(file) if twice => {
                    return Err(miette::miette!(
                        help = "give each its own file",
                        "two reports cannot both go to {}",
                        file.display()
                    ));
                }
                _ => {}
            }
        }
        outputs.into_iter().map(Self::open).collect()
    }

    fn open(output: Output) -> miette::Result<Self> {
        let sink = match output.file {
            None => Sink::StandardOutput,
            Some(path) => Sink::open(&path)
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot write the report to {}", path.display()))?,
        };
        Ok(Self {
            format: output.format,
            sink,
        })
    }

    /// Whether this is standard output.
    pub(super) const fn is_standard_output(&self) -> bool {
        matches!(self.sink, Sink::StandardOutput)
    }

    /// Writes the whole report. A file that is there already is replaced only once the new one is whole.
    pub(super) fn write(
        self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> miette::Result<()> {
        match self.sink {
            Sink::StandardOutput => terminal::print(write),
            Sink::Replacing(mut file, path) => write(&mut file)
                .and_then(|()| file.finish())
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot write the report to {}", path.display())),
            Sink::Special(path) => OpenOptions::new()
                .write(true)
                .open(&path)
                .and_then(|file| {
                    let mut out = BufWriter::new(file);
                    write(&mut out)?;
                    out.flush()
                })
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot write the report to {}", path.display())),
        }
    }
}

/// One name for `report.json` and `./report.json`.
fn same(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Sink {
    fn open(path: &Path) -> io::Result<Self> {
        if path.exists() && !path.is_file() {
            OpenOptions::new().write(true).open(path)?;
            return Ok(Self::Special(path.to_owned()));
        }
        Ok(Self::Replacing(Replacement::begin(path)?, path.to_owned()))
    }
}
