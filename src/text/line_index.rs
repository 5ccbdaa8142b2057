//! From byte offsets to lines and columns.

use std::ops::Range;

/// A place as people count it: both numbers start at 1, columns count Unicode scalar values. A byte order mark has no
/// column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// How many bytes lie between two marks. Inside a line of megabytes, a column is counted from the nearest mark.
const MARK_BYTES: usize = 4096;

/// Offsets of the first byte of each line of a text. `\n`, `\r\n` and a lone `\r` end a line, as in YAML 1.2 §5.4.
#[derive(Debug, Clone, Default)]
pub struct LineIndex {
    starts: Vec<usize>,
    marks: Vec<Mark>,
}

/// A place inside a long line whose column is known.
#[derive(Debug, Clone, Copy)]
struct Mark {
    offset: usize,
    columns_before: usize,
}

impl LineIndex {
    /// Finds the lines of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|&(index, &byte)| {
            byte == b'\n' || (byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'))
        });
        let starts: Vec<usize> = std::iter::once(0)
            .chain(ends.map(|(index, _)| index + 1))
            .collect();
        let marks = marks(text, &starts);
        Self { starts, marks }
    }

    /// The line that holds a byte offset, counted from 0.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts
            .partition_point(|&start| start <= offset)
            .saturating_sub(1)
    }

    /// The bytes of a line counted from 0, with its line break; an empty range behind the last line.
    #[must_use]
    pub fn range(&self, text: &str, line: usize) -> Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(text.len());
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        start..end
    }

    /// The byte offset of a place in the text that this index was made of; none where there is no such place.
    #[must_use]
    pub fn offset(&self, text: &str, position: Position) -> Option<usize> {
        let start = *self.starts.get(position.line.checked_sub(1)?)?;
        let before = position.column.checked_sub(1)?;
        let line = text.get(start..)?;
        let mut characters = line.char_indices().filter(|(_, c)| *c != '\u{feff}');
        match characters.nth(before) {
            Some((offset, _)) => Some(start + offset),
            None if columns(line) == before => Some(text.len()),
            None => None,
        }
    }

    /// Line and column of a byte offset in the text that this index was made of.
    #[must_use]
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let line = self.line_of(offset);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let mark = self
            .marks
            .partition_point(|mark| mark.offset <= offset)
            .checked_sub(1)
            .map(|index| self.marks[index])
            .filter(|mark| mark.offset >= start)
            .unwrap_or(Mark {
                offset: start,
                columns_before: 0,
            });
        let before = text
            .get(mark.offset..offset.min(text.len()))
            .unwrap_or_default();
        Position {
            line: line + 1,
            column: mark.columns_before + columns(before) + 1,
        }
    }
}

fn columns(text: &str) -> usize {
    text.chars().filter(|&c| c != '\u{feff}').count()
}

/// The marks of all lines that are longer than [`MARK_BYTES`].
fn marks(text: &str, starts: &[usize]) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(text.len());
        let mut mark = Mark {
            offset: start,
            columns_before: 0,
        };
        while end - mark.offset > MARK_BYTES {
            let next = text.ceil_char_boundary(mark.offset + MARK_BYTES);
            mark = Mark {
                offset: next,
                columns_before: mark.columns_before + columns(&text[mark.offset..next]),
            };
            marks.push(mark);
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_back_to_their_bytes() {
        let text = "\u{feff}é: a\r\n\nimage";
        let lines = LineIndex::new(text);
        for (offset, _) in text.char_indices().skip(1).chain([(text.len(), ' ')]) {
            let position = lines.position(text, offset);
            assert_eq!(lines.offset(text, position), Some(offset), "{position:?}");
        }
        for (line, column) in [(0, 1), (1, 0), (4, 1), (3, 7)] {
            assert_eq!(lines.offset(text, Position { line, column }), None);
        }
    }
    use proptest::prelude::*;

    fn position(text: &str, offset: usize) -> (usize, usize) {
        let Position { line, column } = LineIndex::new(text).position(text, offset);
        (line, column)
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        assert_eq!(position("# ü\nname: ä b", 14), (2, 9));
    }

    #[test]
    fn every_kind_of_line_break_ends_a_line() {
        let text = "a\r\nb\rc\nd";
        assert_eq!(position(text, text.len() - 1), (4, 1));
    }

    #[test]
    fn a_byte_order_mark_has_no_column() {
        assert_eq!(position("\u{feff}image: x", 10), (1, 8));
    }

    #[test]
    fn the_end_of_the_text_is_a_place() {
        assert_eq!(position("ab", 2), (1, 3));
        assert_eq!(position("ab\n", 3), (2, 1));
    }

    #[test]
    fn columns_of_long_lines_are_counted_through() {
        let text = format!("first\n{}", "ü".repeat(3 * MARK_BYTES));
        for columns in [
            0,
            MARK_BYTES / 2 - 1,
            MARK_BYTES / 2,
            2 * MARK_BYTES,
            3 * MARK_BYTES,
        ] {
            assert_eq!(position(&text, 6 + 2 * columns), (2, columns + 1));
        }
        assert_eq!(position(&format!("{text}\nnext"), text.len() + 2), (3, 2));
    }

    proptest! {
        #[test]
        fn the_line_of_an_offset_holds_it(text in "[a-zü\r\n]{0,60}") {
            let index = LineIndex::new(&text);
            for (offset, _) in text.char_indices() {
                prop_assert!(index.range(&text, index.line_of(offset)).contains(&offset));
            }
        }
    }
}
