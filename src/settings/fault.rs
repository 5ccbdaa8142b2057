//! What can be wrong with a config file, and where.

use std::ops::Range;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;
use toml::Spanned;

use super::nearest;

/// Why a config file can't be used.
#[derive(Debug, Error, Diagnostic)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("cannot read the config file {path}: {reason}")]
    #[diagnostic(help("name another one with --config FILE"))]
    Unreadable {
        /// Its path.
        path: String,
        /// Why.
        reason: String,
    },
    /// A key or value is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Invalid(Box<InvalidConfig>),
}

/// A key or value of a config file that is wrong.
#[derive(Debug, Error, Diagnostic)]
#[error("{path}: {message}")]
pub struct InvalidConfig {
    path: String,
    message: String,
    #[source_code]
    text: NamedSource<String>,
    #[label("here")]
    place: SourceSpan,
    #[help]
    help: Option<String>,
}

/// Something wrong at a byte range of the file.
pub(super) struct Fault {
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Fault {
    pub(super) fn at<T>(place: &Spanned<T>, error: &impl ToString) -> Self {
        Self {
            range: place.span(),
            message: error.to_string(),
            help: None,
        }
    }

    /// What serde or the TOML parser says. serde names the keys that it knows: "unknown field `x`, expected one of `a`, `b`".
    pub(super) fn of_toml(error: &toml::de::Error) -> Self {
        let message = error.message().to_owned();
        Self {
            range: error.span().unwrap_or(0..0),
            help: unknown_key(&message).and_then(|(word, known)| did_you_mean(word, known)),
            message,
        }
    }

    /// The error for a person, with the text that the fault stands in.
    pub(super) fn into_error(self, path: String, text: String) -> ConfigError {
        ConfigError::Invalid(Box::new(InvalidConfig {
            message: self.message,
            text: NamedSource::new(&path, text),
            place: self.range.into(),
            help: self.help,
            path,
        }))
    }
}

pub(super) fn parsed<T>(text: &Spanned<String>) -> Result<T, Fault>
where
    T: std::str::FromStr,
    T::Err: ToString,
{
    text.as_ref()
        .parse()
        .map_err(|error: T::Err| Fault::at(text, &error))
}

/// A value that is one of a few words. Where it is none of them, the nearest one is offered.
pub(super) fn one_of<T>(text: &Spanned<String>, words: &[&'static str]) -> Result<T, Fault>
where
    T: std::str::FromStr,
    T::Err: ToString,
{
    parsed(text).map_err(|fault| Fault {
        help: did_you_mean(text.as_ref(), words.iter().copied()),
        ..fault
    })
}

/// The help for a word that is none of `known`.
pub(super) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let nearest = nearest(word, known)?;
    Some(format!("did you mean `{nearest}`?"))
}

/// The key that serde does not know, and those that it knows.
pub(super) fn unknown_key(message: &str) -> Option<(&str, impl Iterator<Item = &str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (word, rest) = rest.split_once('`')?;
    Some((word, rest.split('`').skip(1).step_by(2)))
}
