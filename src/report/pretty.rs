//! The report for a person at a terminal.

use std::fmt;
use std::io;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use textwrap::{WordSeparator, WordSplitter};

use super::details::details;
use super::matrix::Cell;
use super::place::{Place, Places};
use super::source_view::SourceView;
use super::summary::{counted, judged_against};
use super::visible::visible;
use super::{Counts, Format, Report, Verdict};
use crate::finding::{Finding, Problem, Severity};
use crate::rule;

/// How many further places of a finding, and how many skipped sources, are listed before the rest is counted.
const LISTED: usize = 20;
/// How many images are listed with their node pools before the rest is counted.
const MATRIX_IMAGES: usize = 200;
/// What miette puts around a source line: the line number, a bar and the blanks.
const GUTTER: usize = 12;

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
        for finding in &report.findings {
            out.write_all(page.finding(report, finding, &places).as_bytes())?;
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
        out.write_all(page.summary(report, self.detail).as_bytes())
    }
}

/// Draws the parts of the report in one style.
pub(super) struct Page {
    pub style: Style,
    pub theme: GraphicalTheme,
    handler: GraphicalReportHandler,
}

impl Page {
    pub fn new(style: Style) -> Self {
        let mut theme = if style.unicode {
            GraphicalTheme::unicode_nocolor()
        } else {
            GraphicalTheme::none()
        };
        if style.color {
            theme.styles = miette::ThemeStyles::ansi();
        }
        let handler = GraphicalReportHandler::new_themed(theme.clone())
            .with_width(style.width)
            .with_links(style.links)
            .with_link_display_text("")
            .with_context_lines(0)
            .without_syntax_highlighting()
            .with_break_words(false)
            .with_word_separator(WordSeparator::AsciiSpace)
            .with_word_splitter(WordSplitter::NoHyphenation);
        Self {
            style,
            theme,
            handler,
        }
    }

    /// One finding: what is wrong, the source line, and what belongs to it.
    fn finding(&self, report: &Report, finding: &Finding, places: &Places<'_>) -> String {
        let first = finding.places.first().map(|&span| places.of(span));
        let mut text = self.drawn(&Drawing {
            code: format!("{}[{}]", finding.severity, finding.rule),
            // Without links an address would only be noise beside the rule's name, which `explain` takes.
            url: rule::find(finding.rule)
                .filter(|_| self.style.links)
                .map(|_| super::rule_page(finding.rule)),
            severity: finding.severity,
            message: visible(&finding.message).into_owned(),
            view: first.map(|place| self.view(report, &place)),
            label: first.and_then(|place| place.workload()),
        });
        for (name, detail) in details(finding, places, LISTED) {
            text += &self.paragraph(name, &detail);
        }
        text + "\n"
    }

    fn problem(&self, report: &Report, problem: &Problem, places: &Places<'_>) -> String {
        let place = places.of(problem.span);
        let mut text = self.drawn(&Drawing {
            code: "broken source".to_owned(),
            url: None,
            severity: Severity::Warning,
            message: visible(&problem.message).into_owned(),
            view: Some(self.view(report, &place)),
            label: None,
        });
        if let Some(help) = &problem.help {
            text += &self.paragraph("help", &visible(help));
        }
        text + "\n"
    }

    fn view(&self, report: &Report, place: &Place<'_>) -> SourceView {
        let ellipsis = if self.style.unicode { "…" } else { "..." };
        let width = self.style.width.saturating_sub(GUTTER);
        SourceView::new(&report.sources, place, width, ellipsis)
    }

    fn drawn(&self, drawing: &Drawing) -> String {
        let mut text = String::new();
        // Writing to a string fails only where the view fails, and it never does.
        _ = self.handler.render_report(&mut text, drawing);
        text
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

    /// `text` behind a coloured name, indented and wrapped.
    pub fn paragraph(&self, name: &str, text: &str) -> String {
        let first = format!("  {}: ", self.theme.styles.help.style(name));
        self.wrapped(&first, &" ".repeat("  : ".len() + name.len()), text)
    }

    pub fn lines(&self, indent: &str, text: &str) -> String {
        self.wrapped(indent, indent, text)
    }

    pub fn wrapped(&self, first: &str, rest: &str, text: &str) -> String {
        let options = textwrap::Options::new(self.style.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        textwrap::fill(text, options) + "\n"
    }
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

fn result(report: &Report, counts: Counts) -> String {
    let found = [
        (counts.errors, "error"),
        (counts.warnings, "warning"),
        (counts.notes, "note"),
    ];
    let found: Vec<String> = found
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    let found = if found.is_empty() {
        "no findings".to_owned()
    } else {
        found.join(", ")
    };
    match report.verdict {
        Verdict::Undetermined => format!("{found}, and not everything could be told"),
        _ => found,
    }
}

/// What miette draws.
struct Drawing {
    code: String,
    url: Option<String>,
    severity: Severity,
    message: String,
    view: Option<SourceView>,
    label: Option<String>,
}

impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawing {}

impl Diagnostic for Drawing {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let url = self.url.as_ref()?;
        Some(Box::new(url))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.view.as_ref().map(|view| view as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let view = self.view.as_ref()?;
        let label = LabeledSpan::new_with_span(self.label.clone(), view.mark());
        Some(Box::new(std::iter::once(label)))
    }
}
