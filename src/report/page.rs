//! What the terminal's reports are drawn with: one style for headings, paragraphs and marked source lines.

use std::borrow::Cow;
use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use owo_colors::Style as AnsiStyle;
use textwrap::core::display_width;
use textwrap::{WordSeparator, WordSplitter};

use super::ascii::in_ascii;
use super::place::Place;
use super::pretty::Style;
use super::source_view::SourceView;
use crate::finding::Severity;

/// The columns of a tab.
const TAB: usize = 4;

/// Draws the parts of a report in one style.
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
        if style.unicode {
            // Many fonts lack the hand that miette draws, or draw it too wide.
            "i".clone_into(&mut theme.characters.advice);
        }
        if style.color {
            theme.styles = miette::ThemeStyles::ansi();
            theme.styles.link = AnsiStyle::new().bold();
        }
        let handler = GraphicalReportHandler::new_themed(theme.clone())
            .with_width(style.width)
            .with_context_lines(0)
            .tab_width(TAB)
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

    /// The text in signs that the terminal shows.
    fn fit<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.style.unicode {
            Cow::Borrowed(text)
        } else {
            in_ascii(text)
        }
    }

    /// The colour of a severity.
    pub fn tone(&self, severity: Severity) -> AnsiStyle {
        let styles = &self.theme.styles;
        match severity {
            Severity::Error => styles.error,
            Severity::Warning => styles.warning,
            Severity::Note => styles.advice,
        }
    }

    /// `text` as a line of its own, in bold where there is colour; a link where there is an address.
    pub fn heading(&self, text: &str, tone: AnsiStyle, address: Option<&str>) -> String {
        let tone = if self.style.color { tone.bold() } else { tone };
        let text = tone.style(text);
        match address {
            Some(address) => format!("\u{1b}]8;;{address}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\\n"),
            None => format!("{text}\n"),
        }
    }

    /// A message with a sign for its severity, and below it the source line, with a label at its mark.
    pub fn message(
        &self,
        severity: Severity,
        message: &str,
        view: Option<SourceView>,
        label: Option<String>,
    ) -> String {
        let mut theme = self.theme.clone();
        theme.styles.highlights = vec![self.tone(severity)];
        let drawing = Drawing {
            severity,
            message: self.fit(message).into_owned(),
            view,
            label: label.map(|label| self.fit(&label).into_owned()),
        };
        let mut text = String::new();
        // Writing to a string fails only where the view fails, and it never does.
        _ = self
            .handler
            .clone()
            .with_theme(theme)
            .render_report(&mut text, &drawing);
        text
    }

    /// The columns that are left for the source line of a place.
    pub fn room(&self, place: &Place<'_>) -> usize {
        self.style.width.saturating_sub(gutter(place))
    }

    /// Whether a label ends within the terminal. It hangs from the middle of the mark.
    pub fn has_room(&self, place: &Place<'_>, view: &SourceView, label: &str) -> bool {
        let [before, marked, _] = view.parts().map(view_width);
        let hook = display_width("╰── ");
        before + marked / 2 + hook + display_width(label) <= self.room(place)
    }

    /// `text` behind a coloured name, indented and wrapped.
    pub fn paragraph(&self, name: &str, text: &str) -> String {
        let first = format!("  {}: ", self.theme.styles.help.style(name));
        self.wrapped(&first, &" ".repeat("  : ".len() + name.len()), text)
    }

    /// The same for what is read only by those who look for it.
    pub fn quiet_paragraph(&self, name: &str, text: &str) -> String {
        let quiet = self.theme.styles.linum;
        let indent = "  : ".len() + name.len();
        let first = format!("  {}: ", self.theme.styles.help.style(name));
        let rest = " ".repeat(indent);
        let leads = std::iter::once(&first).chain(std::iter::repeat(&rest));
        let text = self.fit(text);
        let lines = textwrap::wrap(&text, options(self.style.width.saturating_sub(indent)));
        // Pagers end a style with its line.
        let lines = leads
            .zip(&lines)
            .map(|(lead, line)| format!("{lead}{}\n", quiet.style(line)));
        lines.collect()
    }

    /// `text` indented, wrapped, and held back in colour.
    pub fn quiet_lines(&self, indent: &str, text: &str) -> String {
        let quiet = self.theme.styles.linum;
        let text = self.fit(text);
        let lines = textwrap::wrap(
            &text,
            options(self.style.width.saturating_sub(indent.len())),
        );
        let lines = lines
            .iter()
            .map(|line| format!("{indent}{}\n", quiet.style(line)));
        lines.collect()
    }

    pub fn lines(&self, indent: &str, text: &str) -> String {
        self.wrapped(indent, indent, text)
    }

    pub fn wrapped(&self, first: &str, rest: &str, text: &str) -> String {
        let options = options(self.style.width)
            .initial_indent(first)
            .subsequent_indent(rest);
        textwrap::fill(&self.fit(text), options) + "\n"
    }
}

/// Words stay whole, so that names and digests can be copied.
fn options<'a>(width: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
}

/// The columns that miette puts before a source line: the line number, a bar and the blanks.
fn gutter(place: &Place<'_>) -> usize {
    display_width(&format!(" {} │ ", place.start.line))
}

/// The columns of a part of a source line, with tabs as wide as they can be.
fn view_width(text: &str) -> usize {
    display_width(text) + TAB * text.matches('\t').count()
}

/// What miette draws.
struct Drawing {
    severity: Severity,
    message: String,
    view: Option<SourceView>,
    label: Option<String>,
}

impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawing {}

impl Diagnostic for Drawing {
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
