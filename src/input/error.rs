use std::io;

use thiserror::Error;

/// Why a path gives no source.
#[derive(Debug, Error)]
pub enum InputError {
    /// The user named something that is not there.
    #[error("{0}: no such file or folder; check the spelling and the current folder")]
    NotFound(String),
    /// The file or folder is there, and the system does not let us read it.
    #[error("{path}: cannot be read: {error}; check its permissions, or leave it out")]
    Unreadable {
        /// The path as the user would write it.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// The folder has no file that could be a source.
    #[error(
        "{0}: no source in this folder, such as a .yaml, .yml or .json file; name a file to read it whatever its name"
    )]
    Empty(String),
    /// The file is larger than [`MAX_SOURCE_BYTES`](super::MAX_SOURCE_BYTES).
    #[error("{0}: larger than 256 MiB; split it, or leave it out")]
    TooLarge(String),
    /// The file is UTF-16, as Windows PowerShell writes it.
    #[error(
        "{0}: the text is UTF-16; save it as UTF-8 (in PowerShell: `| Out-File -Encoding utf8`)"
    )]
    Utf16(String),
    /// The file is in no encoding that YAML and JSON may have.
    #[error("{path}: line {line} is not UTF-8; save the file as UTF-8, or leave it out")]
    NotUtf8 {
        /// The path as the user would write it.
        path: String,
        /// The line, from 1.
        line: usize,
    },
}

impl InputError {
    /// The path as the user would write it.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::NotFound(path) | Self::Empty(path) | Self::TooLarge(path) | Self::Utf16(path) => {
                path
            }
            Self::Unreadable { path, .. } | Self::NotUtf8 { path, .. } => path,
        }
    }

    /// What is wrong, without the path in front.
    #[must_use]
    pub fn reason(&self) -> String {
        let sentence = self.to_string();
        let prefix = format!("{}: ", self.path());
        sentence
            .strip_prefix(&prefix)
            .unwrap_or(&sentence)
            .to_owned()
    }

    pub(super) fn unreadable(path: &str, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            Self::NotFound(path.to_owned())
        } else {
            Self::Unreadable {
                path: path.to_owned(),
                error,
            }
        }
    }
}
