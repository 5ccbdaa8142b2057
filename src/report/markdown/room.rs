//! Lists that end before they get too long.

use std::io;

use super::super::summary::counted;

/// The bytes that are left for a list, and how many of its rows were written.
pub(super) struct Room {
    left: usize,
    written: usize,
}

impl Room {
    /// Room for so many bytes.
    pub const fn of(bytes: usize) -> Self {
        Self {
            left: bytes,
            written: 0,
        }
    }

    /// Writes a row as a whole where it fits, else nothing; a shorter one may still come.
    pub fn write(&mut self, row: &str, out: &mut dyn io::Write) -> io::Result<()> {
        if let Some(left) = self.left.checked_sub(row.len()) {
            out.write_all(row.as_bytes())?;
            self.left = left;
            self.written += 1;
        }
        Ok(())
    }

    /// How many rows were written.
    pub const fn written(&self) -> usize {
        self.written
    }
}

/// The line that counts what a list leaves out, if it does.
pub(super) fn more(
    count: usize,
    shown: usize,
    what: &str,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match count.checked_sub(shown) {
        Some(more @ 1..) => writeln!(out, "\n… and {} more.", counted(more, what)),
        _ => Ok(()),
    }
}
