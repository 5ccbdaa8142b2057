//! Where reports go.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic as _, WrapErr as _};
use tempfile::NamedTempFile;

use super::terminal;
use crate::report::{FormatName, Output};

/// An output that is known to be writable.
pub(super) struct Destination {
    /// The format that is written there.
    pub format: FormatName,
    sink: Sink,
}

enum Sink {
    StandardOutput,
    /// A new file beside the old one, which it replaces once it is whole.
    Replacing(NamedTempFile, PathBuf),
    /// A pipe or device, which nothing can replace.
    Special(PathBuf),
}

impl Destination {
    /// Opens all outputs of a run, before any work is done.
    ///
    /// # Errors
    ///
    /// When one can't be written, or two would mix.
    pub(super) fn open_all(outputs: Vec<Output>) -> miette::Result<Vec<Self>> {
        for (index, output) in outputs.iter().enumerate() {
            let twice = outputs[..index]
                .iter()
                .any(|other| other.file == output.file);
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
            Sink::Replacing(temporary, path) => replace(temporary, &path, write)
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot write the report to {}", path.display())),
            Sink::Special(path) => OpenOptions::new()
                .write(true)
                .open(&path)
                .and_then(|file| buffered(file, write).map(drop))
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot write the report to {}", path.display())),
        }
    }
}

impl Sink {
    fn open(path: &Path) -> io::Result<Self> {
        if path.exists() && !path.is_file() {
            OpenOptions::new().write(true).open(path)?;
            return Ok(Self::Special(path.to_owned()));
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".oci-preflight-");
        #[cfg(unix)]
        {
            // Other users read reports too; the default of temporary files is for their owner alone.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o644));
        }
        Ok(Self::Replacing(
            builder.tempfile_in(folder)?,
            path.to_owned(),
        ))
    }
}

fn buffered<W: Write>(
    inner: W,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<W> {
    let mut out = BufWriter::new(inner);
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

fn replace(
    temporary: NamedTempFile,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let whole = buffered(temporary, write)?;
    whole.persist(path).map_err(|error| error.error)?;
    Ok(())
}
