//! The report for a person at a terminal.

use std::io;

use super::details::{Further, details};
use super::layer_chart::drawn;
use super::matrix::Cell;
use super::page::Page;
use super::place::{Place, Places};
use super::source_view::SourceView;
use super::summary::{counted, judged_against};
use super::visible::visible;
use super::{Counts, Format, Report, Verdict};
use crate::finding::{Finding, Problem, Severity};
use crate::oci::Reference;
use crate::rule;
use crate::text::SourceId;

/// How many further places of a finding, and how many skipped sources, are listed before the rest is counted.
const LISTED: usize = 20;
/// How many images are listed with their node pools before the rest is counted.
const MATRIX_IMAGES: usize = 200;

/// The report for a person at a terminal, drawn by miette.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pretty {
    /// What the terminal can show.
    pub style: Style,
    /// How much to say.
    pub detail: Detail,
}

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are wanted.
    pub color: bool,
    /// Whether lines are drawn with Unicode characters, else with ASCII.
    pub unicode: bool,
    /// The columns of the terminal.
    pub width: usize,
    /// Whether rule names are links to their documentation (OSC 8).
    pub links: bool,
}

impl Default for Style {
    /// What every terminal and log can show: no colour, no links, 80 columns.
    fn default() -> Self {
        Self {
            color: false,
            unicode: true,
            width: 80,
            links: false,
        }
    }
}

/// How much to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The findings only.
    Quiet,
    /// The summary too.
    #[default]
    Normal,
    /// What each node pool gets, times and requests too.
    Verbose,
}

impl Detail {
    /// What these two options ask for.
    #[must_use]
    pub const fn of(quiet: bool, verbose: bool) -> Self {
        match (quiet, verbose) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Verbose,
            (false, false) => Self::Normal,
        }
    }
}

impl Format for Pretty {
    fn write(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let page = Page::new(self.style);
        let places = Places::new(report);
        let groups = groups(report);
        for group in &groups {
            if groups.len() > 1 {
                out.write_all(page.source(report, group).as_bytes())?;
            }
            for finding in *group {
                out.write_all(page.finding(report, finding, &places).as_bytes())?;
            }
        }
        if self.detail == Detail::Quiet {
            return Ok(());
        }
        for problem in &report.problems {
            out.write_all(page.problem(report, problem, &places).as_bytes())?;
        }
        out.write_all(page.skipped(report).as_bytes())?;
        if self.detail == Detail::Verbose {
            out.write_all(page.matrix(report).as_bytes())?;
        }
        out.write_all(page.history(report).as_bytes())?;
        out.write_all(page.comparison(report).as_bytes())?;
        out.write_all(page.summary(report, self.detail).as_bytes())
    }
}

impl Page {
    /// The source of a group of findings, and how many of each severity there are.
    fn source(&self, report: &Report, group: &[Finding]) -> String {
        let source = group.first().and_then(source_of);
        let path = source.map_or("", |source| &report.sources.get(source).name);
        let counts = of_each_severity(|severity| {
            let findings = group.iter();
            findings
                .filter(|finding| finding.severity == severity)
                .count()
        });
        let text = format!("{}: {counts}", visible(path));
        self.heading(&text, self.theme.styles.link, None) + "\n"
    }

    /// One finding: what is wrong, the source line, and what belongs to it.
    fn finding(&self, report: &Report, finding: &Finding, places: &Places<'_>) -> String {
        let name = format!("{}[{}]", finding.severity, finding.rule);
        // Without links an address would only be noise beside the rule's name, which `explain` takes.
        let page = rule::find(finding.rule)
            .filter(|_| self.style.links)
            .map(|_| super::rule_page(finding.rule));
        let mut text = self.heading(&name, self.tone(finding.severity), page.as_deref());

        let message = visible(&finding.message);
        let place = finding.places.first().map(|&span| places.of(span));
        let view = place.map(|place| self.view(report, &place));
        let workload = place.and_then(|place| place.workload());
        let has_room = match (&place, &view, &workload) {
            (Some(place), Some(view), Some(workload)) => self.has_room(place, view, workload),
            _ => false,
        };
        // What has no room at its mark stands below.
        let (label, below) = if has_room {
            (workload, None)
        } else {
            (None, workload)
        };
        text += &self.message(finding.severity, &message, view, label);
        if let Some(workload) = below {
            text += &self.paragraph("in", &workload);
        }
        if let Some(chart) = &finding.layers {
            text += &drawn(chart, self.style);
        }
        for (name, detail) in details(finding, places, Further::Listed(LISTED)) {
            text += &match name {
                "event" => self.quiet_paragraph(name, &detail),
                _ => self.paragraph(name, &detail),
            };
        }
        text + "\n"
    }

    fn problem(&self, report: &Report, problem: &Problem, places: &Places<'_>) -> String {
        let place = places.of(problem.span);
        let mut text = self.heading("broken source", self.tone(Severity::Warning), None);
        text += &self.message(
            Severity::Warning,
            &visible(&problem.message),
            Some(self.view(report, &place)),
            None,
        );
        if let Some(help) = &problem.help {
            text += &self.paragraph("help", &visible(help));
        }
        text + "\n"
    }

    fn view(&self, report: &Report, place: &Place<'_>) -> SourceView {
        let ellipsis = if self.style.unicode { "…" } else { "..." };
        SourceView::new(&report.sources, place, self.room(place), ellipsis)
    }

    fn skipped(&self, report: &Report) -> String {
        let mut skipped: Vec<(&str, Vec<&str>)> = Vec::new();
        for input in &report.inputs {
            let Some(why) = input.skipped.as_deref() else {
                continue;
            };
            match skipped.iter_mut().find(|(known, _)| *known == why) {
                Some((_, paths)) => paths.push(&input.path),
                None => skipped.push((why, vec![&input.path])),
            }
        }
        let mut text = String::new();
        for (why, paths) in skipped.iter().take(LISTED) {
            let more = match paths.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let path = visible(paths[0]);
            text += &self.paragraph("skipped", &format!("{path}{more}: {}", visible(why)));
        }
        if let Some(more @ 1..) = skipped.len().checked_sub(LISTED) {
            text += &self.paragraph("skipped", &format!("+{more} more"));
        }
        if !text.is_empty() {
            text += "\n";
        }
        text
    }

    /// Each image with the node pools that it serves and those that it does not. Pools that get the same stand together.
    fn matrix(&self, report: &Report) -> String {
        let mut text = String::new();
        if report.node_pools.is_empty() {
            return text;
        }
        for image in report.images.iter().take(MATRIX_IMAGES) {
            text += &self.lines("", &image.reference.to_string());
            let mut groups: Vec<(Cell, Vec<&str>)> = Vec::new();
            for pool in &report.node_pools {
                let cell = Cell::of(image, pool);
                match groups.iter_mut().find(|(known, _)| *known == cell) {
                    Some((_, names)) => names.push(&pool.name),
                    None => groups.push((cell, vec![&pool.name])),
                }
            }
            for (cell, names) in groups {
                let line = format!("{}: {}", names.join(", "), cell.words());
                text += &self.wrapped(&format!("  {} ", self.mark(&cell)), "    ", &visible(&line));
            }
        }
        if let Some(more @ 1..) = report.images.len().checked_sub(MATRIX_IMAGES) {
            text += &self.lines("", &format!("+{} more", counted(more, "image")));
        }
        if !text.is_empty() {
            text += "\n";
        }
        text
    }

    /// Which tags images were compared with.
    fn history(&self, report: &Report) -> String {
        let mut text = String::new();
        for (reference, tags) in report.history.iter().take(LISTED) {
            let tags: Vec<&str> = tags.iter().filter_map(Reference::tag).collect();
            let line = match tags.as_slice() {
                [] if report.unlisted.contains(reference) => format!(
                    "{reference} with nothing: its registry did not give out the whole list of tags"
                ),
                [] => format!("{reference} with nothing: no earlier tag is written like its own"),
                tags => format!("{reference} with {}", tags.join(", ")),
            };
            text += &self.paragraph("compared", &visible(&line));
        }
        if let Some(more @ 1..) = report.history.len().checked_sub(LISTED) {
            text += &self.paragraph("compared", &format!("+{} more", counted(more, "image")));
        }
        if !text.is_empty() {
            text += "\n";
        }
        text
    }

    /// What changed since the base, and what nodes fetch for it.
    fn comparison(&self, report: &Report) -> String {
        let Some(compared) = report.compared() else {
            return String::new();
        };
        let arrow = if self.style.unicode { "→" } else { "->" };
        let mut text = self.lines("", &visible(&compared));
        let changes = report.image_changes();
        for change in changes.iter().take(LISTED) {
            text += &self.wrapped("  ", "    ", &visible(&change.words(arrow)));
            for platform in &change.platforms {
                let line = format!(
                    "{}: {} {arrow} {}, {} to pull{}",
                    platform.name(),
                    platform.before,
                    platform.now,
                    platform.fetched,
                    platform.reason()
                );
                text += &self.wrapped("    ", "      ", &visible(&line));
            }
        }
        if let Some(more @ 1..) = changes.len().checked_sub(LISTED) {
            text += &self.lines("  ", &format!("+{} more", counted(more, "image")));
        }
        text += &self.lines(
            "",
            "A node that runs all of it pulls, layers of several images once:",
        );
        for pull in report.node_pulls() {
            let mut parts = vec![format!(
                "{}: {} of {}; {} are deployed",
                pull.name(),
                pull.fetched,
                pull.now,
                pull.before
            )];
            if pull.unknown > 0 {
                parts.push(pull.caveat());
            }
            text += &self.wrapped("  ", "    ", &visible(&parts.join("; ")));
        }
        for unread in report
            .base
            .iter()
            .flat_map(|base| &base.unread)
            .take(LISTED)
        {
            text += &self.paragraph("not in the base", &visible(unread));
        }
        text + "\n"
    }

    /// The sign of a cell, in its colour.
    pub fn mark(&self, cell: &Cell) -> String {
        let mark = cell.mark(self.style.unicode);
        let styles = &self.theme.styles;
        match cell.serves() {
            Some(true) => styles.advice.style(mark).to_string(),
            Some(false) => styles.error.style(mark).to_string(),
            None => mark.to_owned(),
        }
    }

    fn summary(&self, report: &Report, detail: Detail) -> String {
        let counts = Counts::of(report);
        let mut text = self.lines("", &looked_at(report, counts));
        text += &self.lines("", &judged_against(report));
        if detail == Detail::Verbose {
            text += &self.lines("", &cost(report));
        }
        for reason in &report.undetermined_because {
            text += &self.paragraph("undetermined", &visible(reason));
        }
        let (word, style) = match report.verdict {
            Verdict::Pass => ("pass", self.theme.styles.advice),
            Verdict::Fail => ("fail", self.theme.styles.error),
            Verdict::Undetermined => ("undetermined", self.theme.styles.warning),
        };
        text + &format!("{}: {}\n", style.style(word), result(report, counts))
    }
}

/// The findings of each source.
fn groups(report: &Report) -> Vec<&[Finding]> {
    let groups = report
        .findings
        .chunk_by(|a, b| source_of(a) == source_of(b));
    groups.collect()
}

fn source_of(finding: &Finding) -> Option<SourceId> {
    finding.places.first().map(|place| place.source)
}

fn looked_at(report: &Report, counts: Counts) -> String {
    let skipped = report
        .inputs
        .iter()
        .filter(|input| input.skipped.is_some())
        .count();
    let sum = format!(
        "{} in {} of {}",
        counted(counts.images, "image"),
        counted(counts.occurrences, "place"),
        counted(counts.sources, "source"),
    );
    let exceptions = [
        (skipped, "source", "skipped"),
        (counts.undetermined, "image", "undetermined"),
        (counts.ignored, "finding", "ignored"),
    ];
    let exceptions = exceptions
        .into_iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|(count, what, fate)| format!("{} {fate}", counted(count, what)));
    std::iter::once(sum)
        .chain(exceptions)
        .collect::<Vec<_>>()
        .join(", ")
}

fn cost(report: &Report) -> String {
    let statistics = &report.statistics;
    let mut text = format!(
        "{:.1} s, {}, {} received, {} from the cache",
        statistics.duration.as_secs_f64(),
        counted(
            usize::try_from(statistics.requests).unwrap_or(usize::MAX),
            "request"
        ),
        crate::oci::Bytes(statistics.bytes_downloaded),
        statistics.cache_hits,
    );
    for (host, limit) in &statistics.rate_limits {
        text.push('\n');
        text.push_str(&visible(&format!("{host}: {limit}")));
    }
    text
}

/// `1 error, 2 notes`; empty where there is nothing.
fn of_each_severity(count: impl Fn(Severity) -> usize) -> String {
    let severities = [Severity::Error, Severity::Warning, Severity::Note];
    severities
        .into_iter()
        .map(|severity| (count(severity), severity.as_str()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect::<Vec<_>>()
        .join(", ")
}

fn result(report: &Report, counts: Counts) -> String {
    let mut found = of_each_severity(|severity| match severity {
        Severity::Error => counts.errors,
        Severity::Warning => counts.warnings,
        Severity::Note => counts.notes,
    });
    if found.is_empty() {
        "no findings".clone_into(&mut found);
    }
    match report.verdict {
        Verdict::Undetermined => format!("{found}, and not everything could be told"),
        _ => found,
    }
}
