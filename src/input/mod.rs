//! Reads what the user named: files, folders and standard input.
//!
//! Folders are listed first and read file by file, so that a caller holds only the texts that it needs.
#![allow(
    clippy::disallowed_methods,
    reason = "reading what the user named is what this module is for"
)]

mod changes;
mod error;
mod exclude;
mod list;
mod revision;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use changes::{Changes, ChangesError};
pub use error::InputError;
pub use exclude::{Exclude, ExcludeError};
pub use list::list;
pub use revision::{Revision, RevisionError};

use crate::text::{Origin, Source};

/// The largest source that is read, in bytes, so that no path can take all memory.
pub const MAX_SOURCE_BYTES: u64 = 256 << 20;

/// The path that means standard input.
const STDIN: &str = "-";

/// Reads the sources under `paths`, as [`list`] has them, one when the iterator is asked for the next.
pub fn read(paths: &[PathBuf]) -> impl Iterator<Item = Result<Source, InputError>> + use<> {
    list(paths, &[]).into_iter().map(|path| read_path(&path?))
}

/// Reads one file; `-` is standard input.
///
/// # Errors
///
/// When there is none, the system does not let us read it, or it holds no text that YAML or JSON may have.
pub fn read_path(path: &Path) -> Result<Source, InputError> {
    if path.as_os_str() == STDIN {
        read_stdin(io::stdin().lock())
    } else {
        read_file(path)
    }
}

fn read_file(path: &Path) -> Result<Source, InputError> {
    let name = name(path);
    let text = File::open(path)
        .map_err(|error| InputError::unreadable(&name, error))
        .and_then(|file| read_text(&name, file))?;
    Ok(Source {
        name,
        text,
        origin: Origin::File,
    })
}

fn read_stdin(stdin: impl Read) -> Result<Source, InputError> {
    let name = "<stdin>".to_owned();
    let text = read_text(&name, stdin)?;
    Ok(Source {
        name,
        text,
        origin: Origin::Stdin,
    })
}

fn read_text(name: &str, reader: impl Read) -> Result<String, InputError> {
    let mut bytes = Vec::new();
    let read = reader
        .take(MAX_SOURCE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| InputError::unreadable(name, error))?;
    if read as u64 > MAX_SOURCE_BYTES {
        return Err(InputError::TooLarge(name.to_owned()));
    }
    decode(name, bytes)
}

/// YAML may be UTF-16 (YAML 1.2.2 §5.2), which then begins with a byte order mark or with an ASCII character of two bytes.
fn decode(name: &str, bytes: Vec<u8>) -> Result<String, InputError> {
    if matches!(
        bytes.as_slice(),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..]
    ) {
        return Err(InputError::Utf16(name.to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        InputError::NotUtf8 {
            path: name.to_owned(),
            line: valid.split(|&byte| byte == b'\n').count(),
        }
    })
}

/// A path as the user would write it: without the `./` that a walk of the current folder puts in front.
#[must_use]
pub fn name(path: &Path) -> String {
    match path.strip_prefix(".") {
        Ok(rest) if !rest.as_os_str().is_empty() => rest.display().to_string(),
        _ => path.display().to_string(),
    }
}

/// The endings of sources: YAML, JSON and files of variables.
const EXTENSIONS: [&str; 4] = ["yaml", "yml", "json", "env"];

/// What people put behind such an ending when a program fills the file in first, or a person does, and what tests and tools
/// put there that have done so.
const TEMPLATE_EXTENSIONS: [&str; 11] = [
    "template", "tmpl", "tpl", "gotmpl", "j2", "in", "example", "sample", "dist", "injected",
    "golden",
];

/// The names of files that say how an image is built, alone, in front of an ending, or as one.
const BUILDS: [&str; 2] = ["dockerfile", "containerfile"];

/// The one name of a Kustomization that has no ending.
const KUSTOMIZATION: &str = "Kustomization";

/// Whether a file with that name is read when it is found in a folder: `.yaml`, `.yml`, `.json` and `.env`, also with the
/// ending of a template behind, such as `deployment.yaml.template`, and Dockerfiles. What it holds is told by its content.
#[must_use]
pub fn is_source_name(path: &Path) -> bool {
    // A name need not be UTF-8, and its ending tells all the same.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut words = name.split('.');
    let is = |word: Option<&str>, known: &[&str]| {
        word.is_some_and(|word| known.iter().any(|one| word.eq_ignore_ascii_case(one)))
    };
    let first = words.next();
    let last = words.next_back();
    name == KUSTOMIZATION
        || is(first, &BUILDS)
        || is(last, &BUILDS)
        || is(last, &EXTENSIONS)
        || (is(last, &TEMPLATE_EXTENSIONS) && is(words.next_back(), &EXTENSIONS))
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
