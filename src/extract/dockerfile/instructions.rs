//! The instructions of a Dockerfile, word by word (<https://docs.docker.com/reference/dockerfile/#format>).

use std::ops::Range;

/// A word of an instruction, and where it stands in the text.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    pub text: &'a str,
    start: usize,
}

impl Word<'_> {
    /// The bytes of the word.
    pub const fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// What stands before and behind the first `separator`.
    pub fn split_once(&self, separator: char) -> Option<(Self, Self)> {
        let (before, _) = self.text.split_once(separator)?;
        let behind = before.len() + separator.len_utf8();
        Some((
            self.part(0..before.len()),
            self.part(behind..self.text.len()),
        ))
    }

    /// What stands behind `prefix`.
    pub fn strip_prefix(&self, prefix: &str) -> Option<Self> {
        self.text
            .starts_with(prefix)
            .then(|| self.part(prefix.len()..self.text.len()))
    }

    /// The parts between separators.
    pub fn parts(self, separator: char) -> impl Iterator<Item = Self> {
        let mut start = 0;
        self.text.split(separator).map(move |part| {
            let word = self.part(start..start + part.len());
            start += part.len() + separator.len_utf8();
            word
        })
    }

    fn part(&self, range: Range<usize>) -> Self {
        Self {
            text: &self.text[range.clone()],
            start: self.start + range.start,
        }
    }
}

/// The words of each instruction. Comments and the bodies of here-documents are none.
pub fn instructions(text: &str) -> Vec<Vec<Word<'_>>> {
    let escape = escape(text);
    let mut lines = lines(text).filter(|line| !line.text.trim_start().starts_with('#'));
    let mut instructions = Vec::new();
    while let Some(line) = lines.next() {
        let mut words = Vec::new();
        let mut next = Some(line);
        while let Some(line) = next {
            let written = line.text.trim_end();
            let continued = written.strip_suffix(escape);
            words.extend(split(line, continued.unwrap_or(written)));
            next = continued.and_then(|_| lines.find(|line| !line.text.trim().is_empty()));
        }
        for end in heredocs(&words) {
            let is_end = |line: &Word<'_>| line.text.trim() == end;
            let _ = lines.find(is_end);
        }
        if !words.is_empty() {
            instructions.push(words);
        }
    }
    instructions
}

/// The character that lets a line go on: a backslash, or what the directive `escape` says.
fn escape(text: &str) -> char {
    let mut directives = text.lines().take_while(|line| line.starts_with('#'));
    let is_backtick = |line: &str| line.replace(' ', "").eq_ignore_ascii_case("#escape=`");
    if directives.any(is_backtick) {
        '`'
    } else {
        '\\'
    }
}

fn lines(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let word = Word { text: line, start };
        start += line.len();
        word
    })
}

fn split<'a>(line: Word<'a>, written: &'a str) -> impl Iterator<Item = Word<'a>> {
    let words = written.split([' ', '\t']);
    let mut start = line.start;
    words
        .map(move |text| {
            let word = Word { text, start };
            start += text.len() + 1;
            word
        })
        .filter(|word| !word.text.is_empty())
}

/// The words that end the here-documents of an instruction.
fn heredocs<'a>(words: &[Word<'a>]) -> Vec<&'a str> {
    let takes_them = words.first().is_some_and(|name| {
        ["RUN", "COPY", "ADD"]
            .iter()
            .any(|known| name.text.eq_ignore_ascii_case(known))
    });
    let end = |word: &Word<'a>| {
        let name = word.text.strip_prefix("<<")?;
        let name = name
            .strip_prefix('-')
            .unwrap_or(name)
            .trim_matches(['"', '\'']);
        (!name.is_empty()).then_some(name)
    };
    if takes_them {
        words.iter().filter_map(end).collect()
    } else {
        Vec::new()
    }
}
