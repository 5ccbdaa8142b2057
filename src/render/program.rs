//! Runs a program and takes what it prints, within bounds.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::{Kind, RenderError};
use crate::input::MAX_SOURCE_BYTES;

/// How long a program may take. Charts with many dependencies take a few seconds.
const MAX_DURATION: Duration = Duration::from_mins(1);

/// How much of what a program says about its failure is kept, in bytes.
const MAX_MESSAGE_BYTES: u64 = 64 << 10;

/// How much of it is shown, in characters.
const MAX_MESSAGE_CHARACTERS: usize = 1000;

/// What `program` prints.
///
/// # Errors
///
/// When it is not there to render that `kind`, fails, or leaves the bounds.
pub(super) async fn run(
    program: &str,
    arguments: &[OsString],
    kind: Kind,
) -> Result<String, RenderError> {
    let first = arguments.first().map(|word| word.to_string_lossy());
    let shown = format!("{program} {}", first.unwrap_or_default());
    match tokio::time::timeout(MAX_DURATION, output(program, arguments, kind, &shown)).await {
        Ok(output) => output,
        Err(_) => Err(RenderError::TimedOut(shown)),
    }
}

async fn output(
    program: &str,
    arguments: &[OsString],
    kind: Kind,
    shown: &str,
) -> Result<String, RenderError> {
    let failed = |error: &io::Error| RenderError::Failed {
        program: shown.to_owned(),
        message: error.to_string(),
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => RenderError::NotInstalled(kind),
            _ => failed(&error),
        })?;
    let (printed, said) = tokio::try_join!(
        bounded(child.stdout.take(), MAX_SOURCE_BYTES + 1),
        message(child.stderr.take()),
    )
    .map_err(|error| failed(&error))?;
    if printed.len() as u64 > MAX_SOURCE_BYTES {
        return Err(RenderError::TooLarge(shown.to_owned()));
    }
    let status = child.wait().await.map_err(|error| failed(&error))?;
    if !status.success() {
        return Err(RenderError::Failed {
            program: shown.to_owned(),
            message: if said.is_empty() {
                status.to_string()
            } else {
                said
            },
        });
    }
    String::from_utf8(printed).map_err(|_| RenderError::NotUtf8(shown.to_owned()))
}

async fn bounded(stream: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(limit).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// What a program says, on one line. All of it is taken, so that the program does not wait for a reader.
async fn message(stream: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let Some(mut stream) = stream else {
        return Ok(String::new());
    };
    let said = bounded(Some(&mut stream), MAX_MESSAGE_BYTES).await?;
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    let said = String::from_utf8_lossy(&said);
    let words: Vec<_> = said.split_whitespace().collect();
    Ok(words
        .join(" ")
        .chars()
        .take(MAX_MESSAGE_CHARACTERS)
        .collect())
}
