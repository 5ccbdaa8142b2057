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
    /// Tells whether a file can be put at `path`. Done before any work, this says at once that a report can't be written.
    /// Nothing is left beside `path` until the first byte is written, so that a run that is killed at its work leaves
    /// nothing behind.
    ///
    /// # Errors
    ///
    /// When `path` is a folder, or its folder takes no file.
    pub fn begin(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // Of a link, the file that it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
        name.push(format!(".{}.unfinished", std::process::id()));
        let unfinished = path.with_file_name(name);
        File::create(&unfinished)?;
        fs::remove_file(&unfinished)?;
        Ok(Self {
            path,
            unfinished,
            file: None,
        })
    }

    /// Puts the whole file in its place, with the permissions of the one that it replaces.
    ///
    /// # Errors
    ///
    /// When what is left cannot be written, or the file cannot be moved.
    pub fn finish(mut self) -> io::Result<()> {
        self.file()?.flush()?;
        if let Some(file) = &self.file {
            if let Ok(old) = fs::metadata(&self.path) {
                file.get_ref().set_permissions(old.permissions())?;
            }
            file.get_ref().sync_all()?;
        }
        fs::rename(&self.unfinished, &self.path)
    }

    fn file(&mut self) -> io::Result<&mut BufWriter<File>> {
        let file = match self.file.take() {
            Some(file) => file,
            None => BufWriter::new(File::create(&self.unfinished)?),
        };
        Ok(self.file.insert(file))
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if self.file.is_some() {
            // After a whole file was moved there is nothing left to remove.
            _ = fs::remove_file(&self.unfinished);
        }
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
    fn nothing_stands_beside_the_old_file_before_the_first_byte() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.json");
        fs::write(&path, "old").expect("a file");
        let begun = Replacement::begin(&path).expect("a file");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
        begun.finish().expect("moved");
        assert_eq!(fs::read_to_string(&path).expect("the file"), "");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_so_do_permissions() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&path, "old").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        symlink(&path, &link).expect("a link");
        let mut new = Replacement::begin(&link).expect("a file");
        new.write_all(b"new").expect("written");
        new.finish().expect("moved");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("the file"), "new");
        let mode = fs::metadata(&path).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_path_that_takes_no_file_is_refused_at_the_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Replacement::begin(folder.path()).is_err());
        assert!(Replacement::begin(&folder.path().join("missing/report.json")).is_err());
    }
}
