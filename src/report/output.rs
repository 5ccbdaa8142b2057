//! Which formats go where.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use super::{Detail, Format, GitHub, GitLab, Html, JUnit, Json, Markdown, Pretty, Sarif, Style};

/// The name of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FormatName {
    /// For a person at a terminal.
    Pretty,
    /// For programs: the whole report.
    Json,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// For GitHub Actions: annotations.
    GitHub,
    /// For GitLab: code quality.
    GitLab,
    /// For test dashboards: `JUnit` XML.
    JUnit,
    /// For summaries and comments.
    Markdown,
    /// For a browser: one page.
    Html,
}

impl FormatName {
    /// All formats.
    pub const ALL: [Self; 8] = [
        Self::Pretty,
        Self::Json,
        Self::Sarif,
        Self::GitHub,
        Self::GitLab,
        Self::JUnit,
        Self::Markdown,
        Self::Html,
    ];

    /// The word of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::JUnit => "junit",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// The format itself. Style and detail matter only to what people read in a terminal.
    #[must_use]
    pub fn format(self, style: Style, detail: Detail) -> Box<dyn Format> {
        match self {
            Self::Pretty => Box::new(Pretty { style, detail }),
            Self::Json => Box::new(Json),
            Self::Sarif => Box::new(Sarif),
            Self::GitHub => Box::new(GitHub),
            Self::GitLab => Box::new(GitLab),
            Self::JUnit => Box::new(JUnit),
            Self::Markdown => Box::new(Markdown),
            Self::Html => Box::new(Html),
        }
    }
}

/// One `--output FORMAT[=FILE]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Output {
    /// The format.
    pub format: FormatName,
    /// The file; none for standard output.
    pub file: Option<PathBuf>,
}

/// Why a text names no output.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OutputError {
    /// There is no such format.
    #[error("\"{0}\" is no report format: write {words}", words = words())]
    Format(String),
    /// Nothing stands behind the `=`.
    #[error("\"{0}\" names no file: write {0}FILE, or leave the \"=\" away for standard output")]
    File(String),
}

fn words() -> String {
    FormatName::ALL.map(FormatName::as_str).join(", ")
}

impl FromStr for FormatName {
    type Err = OutputError;

    fn from_str(text: &str) -> Result<Self, OutputError> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| OutputError::Format(text.to_owned()))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.format.as_str())?;
        match &self.file {
            Some(file) => write!(f, "={}", file.display()),
            None => Ok(()),
        }
    }
}

impl FromStr for Output {
    type Err = OutputError;

    /// Reads `FORMAT` or `FORMAT=FILE`. The file `-` is standard output.
    fn from_str(text: &str) -> Result<Self, OutputError> {
        let (format, file) = match text.split_once('=') {
            None => (text, None),
            Some((_, "")) => return Err(OutputError::File(text.to_owned())),
            Some((format, "-")) => (format, None),
            Some((format, file)) => (format, Some(PathBuf::from(file))),
        };
        Ok(Self {
            format: format.parse()?,
            file,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_a_format_and_perhaps_a_file() {
        let output = |format, file: Option<&str>| {
            Ok(Output {
                format,
                file: file.map(PathBuf::from),
            })
        };
        for (text, read) in [
            ("pretty", output(FormatName::Pretty, None)),
            ("json=-", output(FormatName::Json, None)),
            ("json=a=b.json", output(FormatName::Json, Some("a=b.json"))),
            ("github", output(FormatName::GitHub, None)),
            ("json=", Err(OutputError::File("json=".to_owned()))),
            ("xml=a", Err(OutputError::Format("xml".to_owned()))),
            ("", Err(OutputError::Format(String::new()))),
        ] {
            assert_eq!(text.parse::<Output>(), read, "{text}");
        }
    }

    #[test]
    fn a_wrong_format_is_told_the_right_ones() {
        let error = "xml".parse::<Output>().expect_err("no format").to_string();
        for format in FormatName::ALL {
            assert!(error.contains(format.as_str()), "{error}");
        }
    }
}
