//! What the terminal can show.

use std::io::{self, Write};

use miette::{GraphicalReportHandler, GraphicalTheme, IntoDiagnostic as _, WrapErr as _};
use terminal_size::{Height, Width};

use super::arguments::Color;
use crate::report::{Style, in_ascii};

/// The width that is assumed where there is no terminal, in columns.
const DEFAULT_WIDTH: usize = 80;
/// Narrower than this, nothing can be laid out.
const MIN_WIDTH: usize = 40;
/// Wider than this, lines are hard to follow.
const MAX_WIDTH: usize = 160;

/// Whether to use colours on a stream, by the flag and by what the environment says.
fn wants_color(color: Color, stream: &impl anstream::stream::RawStream) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never,
    }
}

/// Whether the locale says that the terminal shows Unicode; where it says nothing, it does, unless it is dumb.
pub(super) fn shows_unicode() -> bool {
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return false;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    locale.is_none_or(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

/// Whether the terminal makes links of OSC 8: one that says so by `TERM_PROGRAM`, `VTE_VERSION` and the like, and that is
/// not dumb; `FORCE_HYPERLINK=1` or `0` decides else. A pipe has none.
fn shows_links() -> bool {
    supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout)
}

/// The width for reports in columns.
fn width() -> usize {
    width_or(DEFAULT_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH)
}

/// The width of standard output in columns: what `COLUMNS` says, else the terminal, else `default`.
pub(super) fn width_or(default: usize) -> usize {
    columns(|| terminal_size::terminal_size_of(io::stdout())).unwrap_or(default)
}

/// The same of standard error.
pub(super) fn error_width_or(default: usize) -> usize {
    columns(|| terminal_size::terminal_size_of(io::stderr())).unwrap_or(default)
}

fn columns(measured: impl FnOnce() -> Option<(Width, Height)>) -> Option<usize> {
    let said = std::env::var("COLUMNS")
        .ok()
        .and_then(|value| value.parse().ok());
    said.or_else(|| Some(usize::from(measured()?.0.0)))
}

/// Each line of a text wrapped, with its indent.
pub(super) fn wrapped(text: &str, columns: usize) -> String {
    let lines = text.lines().map(|line| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let indent = &line[..indent];
        let options = textwrap::Options::new(columns)
            .subsequent_indent(indent)
            .break_words(false)
            // A path that is broken at a slash cannot be copied.
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        textwrap::fill(line, options) + "\n"
    });
    lines.collect()
}

/// What standard output can show.
pub(super) fn style(color: Color) -> Style {
    Style {
        color: wants_color(color, &io::stdout()),
        unicode: shows_unicode(),
        width: width(),
        links: shows_links(),
    }
}

/// A page of Markdown, with its paragraphs wrapped where they are wider than the terminal, in signs that it shows.
pub(super) fn page(text: &str) -> String {
    let columns = width_or(usize::MAX);
    let mut in_code = false;
    let mut shown = String::with_capacity(text.len());
    for line in text.lines() {
        let is_fence = line.starts_with("```");
        in_code ^= is_fence;
        if in_code || is_fence || line.starts_with('|') {
            shown += line;
        } else {
            let indent = if line.starts_with("- ") { "  " } else { "" };
            let options = textwrap::Options::new(columns)
                .subsequent_indent(indent)
                .break_words(false)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            shown += &textwrap::fill(line, options);
        }
        shown.push('\n');
    }
    if shows_unicode() {
        shown
    } else {
        in_ascii(&shown).into_owned()
    }
}

/// Writes to standard output. A reader that went away early, such as `head`, is no error.
pub(super) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> miette::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done
            .into_diagnostic()
            .wrap_err("cannot write to standard output"),
    }
}

/// Prints why the program could not run, on standard error.
pub(super) fn print_error(error: &miette::Report, color: Color) {
    let theme = match (wants_color(color, &io::stderr()), shows_unicode()) {
        (true, true) => GraphicalTheme::unicode(),
        (false, true) => GraphicalTheme::unicode_nocolor(),
        (true, false) => GraphicalTheme::ascii(),
        (false, false) => GraphicalTheme::none(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(error_width_or(DEFAULT_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH));
    let mut text = String::new();
    if handler.render_report(&mut text, error.as_ref()).is_err() {
        text = format!("{error}\n");
    }
    if !shows_unicode() {
        text = in_ascii(&text).into_owned();
    }
    // When standard error is gone too, there is nobody left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
}
