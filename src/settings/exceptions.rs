//! `[[override]]` and `[[ignore]]` of the config file: where other standards hold, and what is known and accepted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::value::{Date, Datetime};

use super::fault::Fault;
use super::standards::{BudgetChanges, RawBudgets, RawLevels, levels, rule_id};
use super::{Level, Scope, Standards};

/// Other standards for some places.
#[derive(Debug, Clone)]
pub struct Override {
    /// The places.
    pub scope: Scope,
    /// The levels of rules there.
    pub levels: BTreeMap<&'static str, Level>,
    budgets: BudgetChanges,
}

impl Override {
    /// Puts these standards over those that hold elsewhere.
    pub(super) fn apply(&self, standards: &mut Standards) {
        standards.levels.extend(&self.levels);
        self.budgets.apply(&mut standards.budgets);
    }
}

/// Findings that are known and accepted.
#[derive(Debug, Clone)]
pub struct Ignore {
    /// The places.
    pub scope: Scope,
    /// The rules; empty for all.
    pub rules: Vec<&'static str>,
    /// Why they are accepted.
    pub reason: String,
    /// The last day on which they are.
    pub expires: Option<Date>,
    /// Where the reason stands in the config file, in bytes.
    pub range: Range<usize>,
}

impl Ignore {
    /// Whether it holds no longer on the day `today`.
    #[must_use]
    pub fn has_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| last < today)
    }
}

/// One `[[override]]`, as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawOverride {
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    images: Vec<Spanned<String>>,
    #[serde(default)]
    rules: RawLevels,
    #[serde(default)]
    budgets: RawBudgets,
}

impl RawOverride {
    pub(super) fn read(written: &Spanned<Self>, folder: &Path) -> Result<Override, Fault> {
        let raw = written.as_ref();
        let scope = Scope::new(&raw.paths, &raw.images, folder)?;
        if scope.is_everything() {
            return Err(Fault::at(
                written,
                &"an override says where it holds: write paths = [\"…\"] or images = [\"…\"]",
            ));
        }
        Ok(Override {
            scope,
            levels: levels(&raw.rules)?,
            budgets: raw.budgets.changes()?,
        })
    }
}

/// One `[[ignore]]`, as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawIgnore {
    #[serde(default)]
    rules: Vec<Spanned<String>>,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    images: Vec<Spanned<String>>,
    reason: Spanned<String>,
    expires: Option<Spanned<Datetime>>,
}

impl RawIgnore {
    pub(super) fn read(written: &Spanned<Self>, folder: &Path) -> Result<Ignore, Fault> {
        let raw = written.as_ref();
        let scope = Scope::new(&raw.paths, &raw.images, folder)?;
        if scope.is_everything() && raw.rules.is_empty() {
            return Err(Fault::at(
                written,
                &"an ignore says what it is about: write rules = [\"…\"], paths = [\"…\"] or images = [\"…\"]",
            ));
        }
        let reason = raw.reason.as_ref().trim().to_owned();
        if reason.is_empty() {
            return Err(Fault::at(
                &raw.reason,
                &"say why these findings are accepted",
            ));
        }
        Ok(Ignore {
            scope,
            rules: raw.rules.iter().map(rule_id).collect::<Result<_, _>>()?,
            reason,
            expires: raw.expires.as_ref().map(date).transpose()?,
            range: raw.reason.span(),
        })
    }
}

fn date(written: &Spanned<Datetime>) -> Result<Date, Fault> {
    match written.as_ref() {
        Datetime {
            date: Some(date),
            time: None,
            offset: None,
        } => Ok(*date),
        _ => Err(Fault::at(
            written,
            &"this is no date: write a day such as 2027-01-31",
        )),
    }
}
