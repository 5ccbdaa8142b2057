//! The source line of a place, cut and made harmless, as miette wants it.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use textwrap::core::display_width;

use super::place::Place;
use super::visible::{visible, visible_source};
use crate::text::SourceMap;

/// The narrowest view of a line, in columns of the terminal.
const MIN_WIDTH: usize = 30;

/// One line of a source with a marked part. Long lines are cut around the mark, so that its cost does not depend on the
/// length of line or source.
pub(super) struct SourceView {
    name: String,
    line: usize,
    column: usize,
    text: String,
    mark: SourceSpan,
}

impl SourceView {
    /// The view of `place` in at most about `width` columns. Of a place that goes over several lines, the first.
    pub fn new(sources: &SourceMap, place: &Place<'_>, width: usize, ellipsis: &str) -> Self {
        let width = width.max(MIN_WIDTH);
        let text = &sources.get(place.span.source).text;
        let line = sources
            .lines(place.span.source)
            .range(text, place.start.line - 1);
        let start = text.floor_char_boundary(place.span.start);
        let end = text.floor_char_boundary(place.span.end.min(line.end).max(start));

        let marked = cut_behind(&text[start..end], width, ellipsis);
        let left = width.saturating_sub(display_width(&marked));
        let after = &text[end..line.end.max(end)];
        let after = cut_behind(after, left / 2, ellipsis);
        let left = left.saturating_sub(display_width(&after));
        let before = text[line.start.min(start)..start].trim_start_matches('\u{feff}');
        let before = cut_before(before, left, ellipsis);
        Self {
            name: visible(place.path).into_owned(),
            line: place.start.line - 1,
            column: place.start.column - 1,
            mark: (before.len(), marked.len()).into(),
            text: before + &marked + &after,
        }
    }

    /// What stands before the mark, in it, and behind it.
    pub fn parts(&self) -> [&str; 3] {
        let (before, rest) = self.text.split_at(self.mark.offset());
        let (marked, after) = rest.split_at(self.mark.len());
        [before, marked, after]
    }

    /// Where the marked part lies in the view.
    pub const fn mark(&self) -> SourceSpan {
        self.mark
    }
}

/// The first line of `text`, escaped, where it fits into `width` columns; else its beginning and an ellipsis.
fn cut_behind(text: &str, width: usize, ellipsis: &str) -> String {
    let line = text.chars().take_while(|c| !matches!(c, '\r' | '\n'));
    let (kept, whole) = fitting(line, width, ellipsis);
    let end = if whole { "" } else { ellipsis };
    kept.concat() + end
}

/// The whole of `text`, escaped, where it fits into `width` columns; else an ellipsis and its end.
fn cut_before(text: &str, width: usize, ellipsis: &str) -> String {
    let (kept, whole) = fitting(text.chars().rev(), width, ellipsis);
    let start = if whole { "" } else { ellipsis };
    kept.into_iter()
        .rev()
        .fold(start.to_owned(), |text, character| text + &character)
}

/// The first characters, escaped, that fit into `width` columns, and whether they are all. Where they are not, there is
/// room left for an ellipsis.
fn fitting(
    characters: impl Iterator<Item = char>,
    width: usize,
    ellipsis: &str,
) -> (Vec<String>, bool) {
    let short = width.saturating_sub(display_width(ellipsis));
    let (mut kept, mut short_of) = (Vec::new(), 0);
    let mut columns = 0;
    for c in characters {
        let shown = visible_source(c.encode_utf8(&mut [0; 4]));
        columns += display_width(&shown);
        if columns > width {
            kept.truncate(short_of);
            return (kept, false);
        }
        kept.push(shown);
        if columns <= short {
            short_of = kept.len();
        }
    }
    (kept, true)
}

impl SourceCode for SourceView {
    fn read_span<'a>(
        &'a self,
        _span: &SourceSpan,
        _context_lines_before: usize,
        _context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            self.text.as_bytes(),
            (0, self.text.len()).into(),
            self.line,
            self.column,
            1,
        )))
    }
}
