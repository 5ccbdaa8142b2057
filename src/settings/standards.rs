//! What images are held to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::fault::{Fault, did_you_mean, one_of, parsed};
use super::{Level, Size};
use crate::finding::{Finding, Severity};
use crate::rule::{self, Budgets, RULES, Rule};

/// What images are held to: how loud each rule is, and the limits of sizes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standards {
    /// Levels of rules that differ from their defaults.
    pub levels: BTreeMap<&'static str, Level>,
    /// What sizes are held against.
    pub budgets: Budgets,
}

impl Standards {
    /// The severity that a rule's findings have; none where the rule is off.
    #[must_use]
    pub fn severity(&self, rule: &Rule) -> Option<Severity> {
        match self.levels.get(rule.id) {
            Some(level) => level.severity(),
            None => rule.severity,
        }
    }

    /// The severity that a finding counts with: what is set for its rule, else its own.
    #[must_use]
    pub fn severity_of(&self, finding: &Finding) -> Severity {
        self.levels
            .get(finding.rule)
            .and_then(|level| level.severity())
            .unwrap_or(finding.severity)
    }

    /// The rules that are on.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        RULES
            .iter()
            .copied()
            .filter(|rule| self.severity(rule).is_some())
    }
}

/// `rules = { … }`, as it is written.
pub(super) type RawLevels = BTreeMap<Spanned<String>, Spanned<String>>;

/// The levels that are written.
pub(super) fn levels(raw: &RawLevels) -> Result<BTreeMap<&'static str, Level>, Fault> {
    raw.iter()
        .map(|(id, level)| Ok((rule_id(id)?, one_of(level, &Level::WORDS)?)))
        .collect()
}

/// The rule that is written.
pub(super) fn rule_id(written: &Spanned<String>) -> Result<&'static str, Fault> {
    let id = written.as_ref();
    rule::find(id).map(|rule| rule.id).ok_or_else(|| Fault {
        help: did_you_mean(id, RULES.iter().map(|rule| rule.id)),
        ..Fault::at(written, &format!("there is no rule \"{id}\""))
    })
}

/// `[budgets]`, as it is written. What it does not say is left as it is.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawBudgets {
    image: Option<Spanned<String>>,
    layer: Option<Spanned<String>>,
    layers: Option<usize>,
    pull_time: Option<u64>,
    growth: Option<Spanned<String>>,
    growth_percent: Option<u64>,
    waste: Option<Spanned<String>>,
    waste_percent: Option<u8>,
    leftovers: Option<Spanned<String>>,
}

/// Changes to budgets.
#[derive(Debug, Clone, Default)]
pub(super) struct BudgetChanges {
    image: Option<Size>,
    layer: Option<Size>,
    layers: Option<usize>,
    pull_time: Option<u64>,
    growth: Option<Size>,
    growth_percent: Option<u64>,
    waste: Option<Size>,
    waste_percent: Option<u8>,
    leftovers: Option<Size>,
}

impl RawBudgets {
    pub(super) fn changes(&self) -> Result<BudgetChanges, Fault> {
        Ok(BudgetChanges {
            image: self.image.as_ref().map(parsed).transpose()?,
            layer: self.layer.as_ref().map(parsed).transpose()?,
            layers: self.layers,
            pull_time: self.pull_time,
            growth: self.growth.as_ref().map(parsed).transpose()?,
            growth_percent: self.growth_percent,
            waste: self.waste.as_ref().map(parsed).transpose()?,
            waste_percent: self.waste_percent,
            leftovers: self.leftovers.as_ref().map(parsed).transpose()?,
        })
    }
}

impl BudgetChanges {
    pub(super) fn apply(&self, budgets: &mut Budgets) {
        let Budgets {
            image,
            layer,
            layers,
            pull_time,
            growth,
            growth_percent,
            waste,
            waste_percent,
            leftovers,
        } = budgets;
        *image = self.image.map_or(*image, |Size(bytes)| bytes);
        *layer = self.layer.map_or(*layer, |Size(bytes)| bytes);
        *layers = self.layers.unwrap_or(*layers);
        *pull_time = self.pull_time.map_or(*pull_time, Duration::from_secs);
        *growth = self.growth.map_or(*growth, |Size(bytes)| bytes);
        *growth_percent = self.growth_percent.unwrap_or(*growth_percent);
        *waste = self.waste.map_or(*waste, |Size(bytes)| bytes);
        *waste_percent = self.waste_percent.unwrap_or(*waste_percent);
        *leftovers = self.leftovers.map_or(*leftovers, |Size(bytes)| bytes);
    }
}
