//! How loud a rule is.

use std::str::FromStr;

use thiserror::Error;

use crate::finding::Severity;
use crate::rule::{self, RULES};

/// A severity, or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// The rule is not run.
    Off,
    /// Its findings are notes.
    Note,
    /// Its findings are warnings.
    Warning,
    /// Its findings are errors.
    Error,
}

impl Level {
    /// The words for levels.
    pub const WORDS: [&'static str; 4] = ["error", "warning", "note", "off"];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The severity of findings; none for off.
    #[must_use]
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Note => Some(Severity::Note),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// Why a text is no level.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no level: write error, warning, note or off")]
pub struct LevelError(pub String);

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Self, LevelError> {
        match text {
            "off" => Ok(Self::Off),
            "note" => Ok(Self::Note),
            "warning" => Ok(Self::Warning),
            "error" => Ok(Self::Error),
            other => Err(LevelError(other.to_owned())),
        }
    }
}

/// The level of one rule, written `latest-tag=error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleLevel {
    /// The id of a rule that there is.
    pub id: &'static str,
    /// Its level.
    pub level: Level,
}

/// Why a text is no level of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleLevelError {
    /// There is no `=`.
    #[error("write RULE=LEVEL, such as latest-tag=error")]
    Form,
    /// There is no such rule.
    #[error("there is no rule \"{id}\"{}", did_you_mean(*nearest))]
    Rule {
        /// The id as written.
        id: String,
        /// The rule that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The level is none.
    #[error(transparent)]
    Level(#[from] LevelError),
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || ": `oci-preflight rules` lists them".to_owned(),
        |id| format!(", did you mean \"{id}\"?"),
    )
}

impl RuleLevel {
    /// The level of the rule with that id.
    ///
    /// # Errors
    ///
    /// When there is no such rule or level; the author of the command line or config file can mend it.
    pub fn new(id: &str, level: &str) -> Result<Self, RuleLevelError> {
        let Some(rule) = rule::find(id) else {
            return Err(RuleLevelError::Rule {
                id: id.to_owned(),
                nearest: super::nearest(id, RULES.iter().map(|rule| rule.id)),
            });
        };
        Ok(Self {
            id: rule.id,
            level: level.parse()?,
        })
    }
}

impl FromStr for RuleLevel {
    type Err = RuleLevelError;

    fn from_str(text: &str) -> Result<Self, RuleLevelError> {
        let (id, level) = text.split_once('=').ok_or(RuleLevelError::Form)?;
        Self::new(id, level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_rule_is_told_with_the_nearest_one() {
        let error = "latests-tag=off"
            .parse::<RuleLevel>()
            .expect_err("no such rule");
        assert_eq!(
            error.to_string(),
            "there is no rule \"latests-tag\", did you mean \"latest-tag\"?"
        );
    }

    #[test]
    fn a_level_has_one_of_four_words() {
        for (text, valid) in [
            ("latest-tag=off", true),
            ("latest-tag=fatal", false),
            ("latest-tag", false),
        ] {
            assert_eq!(text.parse::<RuleLevel>().is_ok(), valid, "{text}");
        }
    }
}
