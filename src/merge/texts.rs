//! The texts that reports point into.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;

use super::document::{Document, Place};
use crate::input::MAX_SOURCE_BYTES;
use crate::text::{LineIndex, Origin, Position, Source, SourceId, SourceMap, Span};

/// The largest stand-in for a text that is not there, in bytes.
const MAX_SKETCH_BYTES: usize = 64 << 20;

/// What stands at a place: the text, where a report says it.
type Marks<'a> = BTreeMap<&'a Place, Option<&'a str>>;

/// All texts of a merged report. A file that is still as it was is read again, so that reports can show its lines. Of any
/// other text, what the reports tell stands at its place between blanks.
#[derive(Default)]
pub(super) struct Texts {
    pub sources: SourceMap,
    by_path: BTreeMap<String, SourceId>,
    arguments: BTreeMap<String, SourceId>,
}

impl Texts {
    /// Reads or sketches every text that a place is in.
    ///
    /// # Errors
    ///
    /// The path of a text that would be too large.
    pub fn of(documents: &[Document]) -> Result<Self, String> {
        let mut marks: BTreeMap<&str, Marks> = BTreeMap::new();
        let mut arguments = BTreeSet::new();
        for document in documents {
            for image in &document.images {
                for occurrence in &image.occurrences {
                    if occurrence.place.path == ARGUMENT {
                        arguments.insert(occurrence.written.as_str());
                    } else {
                        let of_path = marks.entry(&occurrence.place.path).or_default();
                        of_path.insert(&occurrence.place, Some(&occurrence.written));
                    }
                }
            }
            let withheld = document.part.iter().flat_map(|part| &part.unused_ignores);
            let findings = document.findings.iter().chain(withheld);
            let findings = findings.flat_map(|finding| &finding.places);
            let problems = document.problems.iter().map(|problem| &problem.place);
            for place in findings.chain(problems) {
                if place.path != ARGUMENT {
                    let of_path = marks.entry(&place.path).or_default();
                    of_path.entry(place).or_insert(None);
                }
            }
        }
        let mut texts = Self::default();
        for source in documents.iter().flat_map(|document| &document.sources) {
            marks.entry(&source.path).or_default();
        }
        for (path, marks) in marks {
            texts.add_source(path, &marks)?;
        }
        for written in arguments {
            let id = texts.sources.add(Source {
                name: ARGUMENT.to_owned(),
                text: written.to_owned(),
                origin: Origin::Argument,
            });
            texts.arguments.insert(written.to_owned(), id);
        }
        Ok(texts)
    }

    fn add_source(&mut self, path: &str, marks: &Marks<'_>) -> Result<(), String> {
        let origin = match path {
            STDIN => Origin::Stdin,
            _ => Origin::File,
        };
        let unchanged = |text: &String| {
            let lines = LineIndex::new(text);
            marks.iter().all(|(place, written)| {
                let range = range(&lines, text, place);
                range.is_some_and(|range| written.is_none_or(|written| text[range] == *written))
            })
        };
        let text = match read(path).filter(unchanged) {
            _ if marks.is_empty() => String::new(),
            Some(text) => text,
            None => sketch(marks).ok_or_else(|| path.to_owned())?,
        };
        let id = self.sources.add(Source {
            name: path.to_owned(),
            text,
            origin,
        });
        self.by_path.insert(path.to_owned(), id);
        Ok(())
    }

    /// The source at a path.
    pub fn source(&self, path: &str) -> Option<SourceId> {
        self.by_path.get(path).copied()
    }

    /// The span of a place. An image of the command line is its own source.
    pub fn span(&self, place: &Place, argument: Option<&str>) -> Option<Span> {
        if place.path == ARGUMENT {
            let (written, id) = self.arguments.get_key_value(argument?)?;
            return Some(Span::new(*id, 0..written.len()));
        }
        let id = self.source(&place.path)?;
        let text = &self.sources.get(id).text;
        Some(Span::new(id, range(self.sources.lines(id), text, place)?))
    }
}

/// The names of sources that are no files.
pub(super) const ARGUMENT: &str = "--image";
const STDIN: &str = "<stdin>";

fn range(lines: &LineIndex, text: &str, place: &Place) -> Option<std::ops::Range<usize>> {
    let offset = |line, column| lines.offset(text, Position { line, column });
    let start = offset(place.line, place.column)?;
    let end = offset(place.end_line, place.end_column)?;
    (start <= end).then_some(start..end)
}

fn read(path: &str) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let read = file.take(MAX_SOURCE_BYTES + 1).read_to_string(&mut text);
    (read.ok()? as u64 <= MAX_SOURCE_BYTES).then_some(text)
}

/// A text of blanks with every mark at its place; none where it would be too large.
fn sketch(marks: &Marks<'_>) -> Option<String> {
    let mut text = String::new();
    let (mut line, mut column) = (1, 1);
    for (place, written) in marks {
        let ends = [
            (place.line, place.column),
            (place.end_line, place.end_column),
        ];
        for (index, (to_line, to_column)) in ends.into_iter().enumerate() {
            if index == 1 && (place.line, place.column) == (line, column) {
                for c in written.unwrap_or_default().chars().filter(|c| *c != '\r') {
                    text.push(c);
                    (line, column) = if c == '\n' {
                        (line + 1, 1)
                    } else {
                        (line, column + 1)
                    };
                }
            }
            let lines = to_line.saturating_sub(line);
            let from = if lines > 0 { 1 } else { column };
            let blanks = to_column.saturating_sub(from);
            if text.len().checked_add(lines)?.checked_add(blanks)? > MAX_SKETCH_BYTES {
                return None;
            }
            text.extend(std::iter::repeat_n('\n', lines));
            text.extend(std::iter::repeat_n(' ', blanks));
            line += lines;
            column = from + blanks;
        }
    }
    Some(text)
}
