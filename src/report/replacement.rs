//! Files that are replaced only by whole ones. Every other part of the report gets a writer.

#![allow(clippy::disallowed_methods, reason = "this part writes files")]

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file in the making. What stood at its path stays until [`Replacement::finish`], and for good where that is never
/// called.
#[derive(Debug)]
pub struct Replacement {
    path: PathBuf,
    unfinished: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Replacement {
    /// Begins a file beside `path`. Done before any work, this tells at once whether the report can be written.
    ///
    /// # Errors
    ///
    /// When `path` is a folder, or its folder takes no file.
    pub fn begin(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
        name.push(format!(".{}.unfinished", std::process::id()));
        let unfinished = path.with_file_name(name);
        let file = File::create(&unfinished)?;
        Ok(Self {
            path: path.to_owned(),
            unfinished,
            file: Some(BufWriter::new(file)),
        })
    }

    /// Puts the whole file in its place.
    ///
    /// # Errors
    ///
    /// When what is left cannot be written, or the file cannot be moved.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            file.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()?;
        }
        fs::rename(&self.unfinished, &self.path)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // After a whole file was moved there is nothing left to remove.
        _ = fs::remove_file(&self.unfinished);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_by_a_whole_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.json");
        fs::write(&path, "old").expect("a file");
        let mut abandoned = Replacement::begin(&path).expect("a file");
        abandoned.write_all(b"half").expect("written");
        drop(abandoned);
        assert_eq!(fs::read_to_string(&path).expect("the file"), "old");

        let mut whole = Replacement::begin(&path).expect("a file");
        whole.write_all(b"new").expect("written");
        whole.finish().expect("moved");
        assert_eq!(fs::read_to_string(&path).expect("the file"), "new");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn a_path_that_takes_no_file_is_refused_at_the_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Replacement::begin(folder.path()).is_err());
        assert!(Replacement::begin(&folder.path().join("missing/report.json")).is_err());
    }
}
