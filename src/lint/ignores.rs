//! Takes away the findings that are known and accepted, and finds the ignores that take nothing away.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use toml::value::Date;

use crate::cluster::Target;
use crate::extract::IgnoreComment;
use crate::facts::{Depth, Lookup};
use crate::finding::Finding;
use crate::oci::Reference;
use crate::rule::{self, RULES, Rule, unused_ignore};
use crate::settings::{Ignore, Settings, nearest};
use crate::text::{SourceId, SourceMap, Span};
use crate::workload::{Occurrence, Role};

/// Rules that say nothing where no node pools are given.
const NEED_A_TARGET: [&str; 11] = [
    "image-exceeds-disk",
    "missing-platform",
    "missing-pull-scope",
    "node-service-account",
    "nowhere-to-run",
    "schema1-manifest",
    "slow-pull",
    "streaming-ineligible",
    "unknown-machine-type",
    "unsupported-layer",
    "wrong-platform",
];

/// What findings and ignores are about.
pub(super) struct Context<'a> {
    pub settings: &'a Settings,
    pub sources: &'a SourceMap,
    pub occurrences: &'a [Occurrence],
    /// Places that other machines look at.
    pub elsewhere: &'a [Occurrence],
    pub lookups: &'a BTreeMap<Reference, Lookup>,
    pub target: &'a Target,
    pub comments: &'a [IgnoreComment],
    /// The config file among the sources.
    pub config: Option<SourceId>,
    pub today: Date,
}

/// A line of a source, counted from 0.
type Line = (SourceId, usize);

/// What ignores leave.
#[derive(Default)]
pub(super) struct Ignored {
    /// The findings that count.
    pub kept: Vec<Finding>,
    /// One for each ignore that matches nothing.
    pub unused: Vec<Finding>,
    /// How many places were ignored.
    pub taken: usize,
    /// How many of them are about no image.
    pub without_image: usize,
}

/// Takes ignored places from `findings`, and findings without any place left.
pub(super) fn apply(context: &Context<'_>, findings: Vec<Finding>) -> Ignored {
    let mut ignores = Ignores::new(context);
    let mut left = Ignored::default();
    for mut finding in findings {
        let places = finding.places.len();
        finding
            .places
            .retain(|place| !ignores.take(finding.rule, *place));
        let taken = places - finding.places.len();
        left.taken += taken;
        if finding.reference.is_none() {
            left.without_image += taken;
        }
        if !finding.places.is_empty() {
            left.kept.push(finding);
        }
    }
    let is_on = |rule: &&Rule| context.settings.standards.severity(rule).is_some();
    if let Some(rule) = rule::find("unused-ignore").filter(is_on) {
        let severity = context.settings.standards.severity(rule);
        let unused = ignores.unused().into_iter();
        left.unused.extend(unused.map(|finding| Finding {
            severity: severity.unwrap_or(finding.severity),
            ..finding
        }));
    }
    left
}

struct Ignores<'a> {
    context: &'a Context<'a>,
    by_line: HashMap<Line, Vec<(&'a str, Span)>>,
    occurrences: HashMap<Span, &'a Occurrence>,
    used_names: HashSet<Span>,
    used_entries: Vec<bool>,
}

impl<'a> Ignores<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        let mut by_line: HashMap<Line, Vec<(&str, Span)>> = HashMap::new();
        for comment in context.comments {
            let names = comment
                .rules
                .iter()
                .map(|(name, span)| (name.as_str(), *span));
            by_line
                .entry((comment.span.source, comment.line))
                .or_default()
                .extend(names);
        }
        Self {
            by_line,
            occurrences: context
                .occurrences
                .iter()
                .map(|occurrence| (occurrence.span, occurrence))
                .collect(),
            used_names: HashSet::new(),
            used_entries: vec![false; context.settings.ignores.len()],
            context,
        }
    }

    /// Whether a finding of `rule` at `place` is ignored. Every ignore that matches counts as used.
    fn take(&mut self, rule: &str, place: Span) -> bool {
        let mut is_ignored = false;
        for line in lines(self.context.sources, place) {
            for (name, span) in self.by_line.get(&line).into_iter().flatten() {
                if *name == rule {
                    is_ignored = true;
                    self.used_names.insert(*span);
                }
            }
        }
        let path = &self.context.sources.get(place.source).name;
        let occurrence = self.occurrences.get(&place).copied();
        let entries = &self.context.settings.ignores;
        for (entry, used) in entries.iter().zip(&mut self.used_entries) {
            let is_about = entry.rules.is_empty() || entry.rules.contains(&rule);
            if is_about
                && !entry.has_expired(self.context.today)
                && entry.scope.covers(path, occurrence)
            {
                is_ignored = true;
                *used = true;
            }
        }
        is_ignored
    }

    fn unused(&self) -> Vec<Finding> {
        let mut by_line: HashMap<Line, Vec<&Occurrence>> = HashMap::new();
        if !self.context.comments.is_empty() {
            for occurrence in self.context.occurrences {
                for line in lines(self.context.sources, occurrence.span) {
                    by_line.entry(line).or_default().push(occurrence);
                }
            }
        }
        let comments = self.context.comments.iter().flat_map(|comment| {
            let line = (comment.span.source, comment.line);
            let there = by_line.get(&line).map_or(&[][..], Vec::as_slice);
            self.unused_names(comment, there)
        });
        let entries = self.context.settings.ignores.iter().zip(&self.used_entries);
        let entries = entries.filter_map(|(entry, used)| self.unused_entry(entry, *used));
        comments.chain(entries).collect()
    }

    /// What a comment names in vain, where `there` stands what it is about.
    fn unused_names(&self, comment: &IgnoreComment, there: &[&Occurrence]) -> Vec<Finding> {
        if comment.rules.is_empty() {
            return vec![unused_ignore(
                comment.span,
                "this comment ignores nothing: it names no rule".to_owned(),
                "Write `# oci-preflight: ignore[RULE] reason`.".to_owned(),
            )];
        }
        let unused = comment
            .rules
            .iter()
            .filter(|(_, span)| !self.used_names.contains(span));
        unused
            .filter_map(|(name, span)| {
                let Some(rule) = rule::find(name) else {
                    return Some(no_such_rule(name, *span));
                };
                self.is_judged(rule, there).then(|| {
                    unused_ignore(
                        *span,
                        format!("`{name}` is ignored here, and finds nothing"),
                        "Remove it from the comment.".to_owned(),
                    )
                })
            })
            .collect()
    }

    /// An entry of the config file that has expired, or that matches nothing in a run that looked at all it is about.
    fn unused_entry(&self, entry: &Ignore, used: bool) -> Option<Finding> {
        let place = Span::new(self.context.config?, entry.range.clone());
        if let Some(last) = entry
            .expires
            .filter(|_| entry.has_expired(self.context.today))
        {
            return Some(unused_ignore(
                place,
                format!("this ignore has expired: its last day was {last}"),
                "Remove it, or set a later `expires`.".to_owned(),
            ));
        }
        let is_covered = |occurrence: &&Occurrence| {
            let path = &self.context.sources.get(occurrence.span.source).name;
            entry.scope.covers(path, Some(occurrence))
        };
        let occurrences = self.context.occurrences.iter();
        let covered: Vec<&Occurrence> = occurrences.filter(is_covered).collect();
        let looked_at = !self.context.settings.paths_given
            || !covered.is_empty()
            || self
                .context
                .elsewhere
                .iter()
                .any(|other| is_covered(&other));
        let is_about = |rule: &&&Rule| entry.rules.is_empty() || entry.rules.contains(&rule.id);
        let is_judged = RULES
            .iter()
            .filter(is_about)
            .all(|rule| self.is_judged(rule, &covered));
        (!used && looked_at && is_judged).then(|| {
            unused_ignore(
                place,
                "this ignore matches no finding".to_owned(),
                "Remove it.".to_owned(),
            )
        })
    }

    /// Whether this run could tell what `rule` finds in those places.
    fn is_judged(&self, rule: &Rule, places: &[&Occurrence]) -> bool {
        let is_determined = |occurrence: &&Occurrence| {
            let reference = occurrence.reference.as_ref().ok();
            let lookup = reference.and_then(|reference| self.context.lookups.get(reference));
            occurrence.reference.is_err() || lookup.is_some_and(|lookup| lookup.failure().is_none())
        };
        let target = self.context.target;
        let has_target = !target.pools.is_empty() && !target.is_partial;
        self.context.settings.standards.severity(rule).is_some()
            && (has_target || !NEED_A_TARGET.contains(&rule.id))
            && places
                .iter()
                .all(|occurrence| occurrence.role != Role::Provisional)
            && (rule.needs == Depth::Reference || places.iter().all(is_determined))
    }
}

fn no_such_rule(name: &str, place: Span) -> Finding {
    let help = match nearest(name, RULES.iter().map(|rule| rule.id)) {
        Some(id) => format!("Did you mean `{id}`?"),
        None => "`oci-preflight rules` lists the rules.".to_owned(),
    };
    unused_ignore(place, format!("there is no rule `{name}` to ignore"), help)
}

/// The lines that a span touches.
fn lines(sources: &SourceMap, span: Span) -> impl Iterator<Item = Line> {
    let lines = sources.lines(span.source);
    let last = span.end.saturating_sub(1).max(span.start);
    (lines.line_of(span.start)..=lines.line_of(last)).map(move |line| (span.source, line))
}

/// The day it is, in UTC.
pub(super) fn today() -> Date {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    date(elapsed.map_or(0, |elapsed| elapsed.as_secs() / 86_400))
}

/// The day that many days behind 1970-01-01, by the Gregorian calendar.
fn date(days: u64) -> Date {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut rest = days;
    let mut year = 1970;
    while rest >= 365 + u64::from(is_leap(year)) {
        rest -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    Date {
        year: u16::try_from(year).unwrap_or(u16::MAX),
        month,
        day: u8::try_from(rest + 1).unwrap_or(31),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_by_the_gregorian_calendar() {
        for (days, shown) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (20_818, "2026-12-31"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(days).to_string(), shown);
        }
    }

    #[test]
    fn the_rules_that_need_a_target_exist() {
        for id in NEED_A_TARGET {
            assert!(rule::find(id).is_some(), "{id}");
        }
    }
}
