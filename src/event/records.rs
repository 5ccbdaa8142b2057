//! Cuts a stream into JSON objects and lines of text, without ever holding more than one of them.

use std::io::{self, BufRead};
use std::mem;

/// The largest JSON object that is held, in bytes: above what a cluster can store (1.5 MiB), printed with indents.
const MAX_RECORD_BYTES: usize = 4 << 20;
/// The most of one line of text that is kept, in bytes.
const MAX_LINE_BYTES: usize = 64 << 10;
/// The keys of lists of records: Kubernetes' and Cloud Logging's, `aws logs filter-log-events`'.
const LISTS: [&[u8]; 3] = [b"\"items\"", b"\"entries\"", b"\"events\""];

/// One piece of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// An object whose braces are balanced. It need not be valid JSON.
    Object(&'a [u8]),
    /// A line of text with the blanks before it, without its end; it may be empty.
    Line(&'a [u8]),
}

/// Reads `input` to its end and hands every piece to `sink`.
///
/// Arrays, and objects with a list of objects under one of [`LISTS`], are not pieces themselves; the objects in them are.
pub(super) fn split(mut input: impl BufRead, mut sink: impl FnMut(Piece<'_>)) -> io::Result<()> {
    let mut splitter = Splitter::new();
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            splitter.finish(&mut sink);
            return Ok(());
        }
        let length = chunk.len();
        splitter.feed(chunk, &mut sink);
        input.consume(length);
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between pieces.
    #[default]
    Between,
    /// Behind a `[` that may open an array or be the start of a line of text.
    Bracket,
    /// In an object.
    Object,
    /// In the rest of an object whose list has ended.
    Tail,
    /// In a line of text.
    Line,
}

#[derive(Debug)]
struct Splitter {
    state: State,
    held: Vec<u8>,
    /// The blanks since the line began; none where something else stands in it.
    indent: Option<Vec<u8>>,
    /// Open braces and brackets of the object that is read.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Whether nothing stands behind the opening brace yet.
    fresh: bool,
    /// How many objects around the current list are open.
    wrappers: usize,
    /// How many arrays at the top are open.
    arrays: usize,
}

impl Splitter {
    const fn new() -> Self {
        Self {
            state: State::Between,
            held: Vec::new(),
            indent: Some(Vec::new()),
            depth: 0,
            in_string: false,
            escaped: false,
            fresh: false,
            wrappers: 0,
            arrays: 0,
        }
    }

    fn feed(&mut self, chunk: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        let mut at = 0;
        while at < chunk.len() {
            at += match self.state {
                State::Between => self.between(chunk[at], sink),
                State::Bracket => self.bracket(chunk[at]),
                State::Object => self.object(&chunk[at..], sink),
                State::Tail => self.tail(chunk[at]),
                State::Line => self.line(&chunk[at..], sink),
            };
        }
    }

    fn finish(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        match self.state {
            State::Object | State::Line | State::Bracket => {
                self.give_up(sink);
                sink(Piece::Line(&self.held));
            }
            State::Between | State::Tail => {}
        }
    }

    /// Each step returns how many bytes it has used.
    fn between(&mut self, byte: u8, sink: &mut impl FnMut(Piece<'_>)) -> usize {
        match byte {
            b'\n' => {
                let is_empty = self.indent.replace(Vec::new()).is_some();
                if is_empty && self.arrays + self.wrappers == 0 {
                    sink(Piece::Line(b""));
                }
                return 1;
            }
            b' ' | b'\t' | b'\r' => {
                if let Some(indent) = &mut self.indent
                    && indent.len() < MAX_LINE_BYTES
                {
                    indent.push(byte);
                }
                return 1;
            }
            b',' if self.arrays + self.wrappers > 0 => return 1,
            b'{' => {
                self.start(byte, State::Object);
                self.depth = 1;
                self.fresh = true;
                self.in_string = false;
                self.escaped = false;
            }
            b'[' => self.start(byte, State::Bracket),
            b']' if self.wrappers > 0 => {
                self.depth = 1;
                self.in_string = false;
                self.escaped = false;
                self.state = State::Tail;
            }
            b']' if self.arrays > 0 => {
                self.arrays -= 1;
                self.indent = None;
            }
            _ => self.start(byte, State::Line),
        }
        1
    }

    fn start(&mut self, byte: u8, state: State) {
        self.held.clear();
        let indent = self.indent.take().unwrap_or_default();
        if state == State::Line {
            self.held.extend(indent);
        }
        self.held.push(byte);
        self.state = state;
    }

    fn bracket(&mut self, byte: u8) -> usize {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return 1,
            b'{' | b']' => {
                self.arrays += 1;
                self.state = State::Between;
            }
            _ => self.state = State::Line,
        }
        0
    }

    fn object(&mut self, bytes: &[u8], sink: &mut impl FnMut(Piece<'_>)) -> usize {
        if self.in_string && !self.escaped {
            let plain = bytes
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\'))
                .unwrap_or(bytes.len());
            if plain > 0 {
                self.hold(&bytes[..plain], sink);
                return plain;
            }
        }
        if !self.in_string && !self.fresh {
            let plain = bytes
                .iter()
                .position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
                .unwrap_or(bytes.len());
            if plain > 0 {
                self.hold(&bytes[..plain], sink);
                return plain;
            }
        }
        let byte = bytes[0];
        self.held.push(byte);
        if self.escaped {
            self.escaped = false;
        } else if self.in_string {
            self.escaped = byte == b'\\';
            self.in_string = byte != b'"';
        } else {
            self.structure(byte, sink);
        }
        1
    }

    fn structure(&mut self, byte: u8, sink: &mut impl FnMut(Piece<'_>)) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return,
            _ if mem::take(&mut self.fresh) && !matches!(byte, b'"' | b'}') => self.give_up(sink),
            b'"' => self.in_string = true,
            b'[' if self.depth == 1 && self.opens_a_list() => {
                self.wrappers += 1;
                self.state = State::Between;
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.state = State::Between;
                    sink(Piece::Object(&self.held));
                }
            }
            _ => {}
        }
        if self.held.len() > MAX_RECORD_BYTES {
            self.give_up(sink);
        }
    }

    /// Whether what is held ends with the key of a list of records.
    fn opens_a_list(&self) -> bool {
        let before = self.held[..self.held.len() - 1].trim_ascii_end();
        let Some(key) = before.strip_suffix(b":").map(<[u8]>::trim_ascii_end) else {
            return false;
        };
        LISTS.iter().any(|list| key.ends_with(list))
    }

    fn hold(&mut self, bytes: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        self.held.extend_from_slice(bytes);
        if self.held.len() > MAX_RECORD_BYTES {
            self.give_up(sink);
        }
    }

    /// What is held is no object: its lines are text, and the last one may go on.
    fn give_up(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        let held = mem::take(&mut self.held);
        let mut lines = held.split(|byte| *byte == b'\n');
        let last = lines.next_back().unwrap_or_default();
        for line in lines {
            sink(Piece::Line(&line[..line.len().min(MAX_LINE_BYTES)]));
        }
        self.held
            .extend_from_slice(&last[..last.len().min(MAX_LINE_BYTES)]);
        self.state = State::Line;
        self.in_string = false;
        self.escaped = false;
    }

    fn tail(&mut self, byte: u8) -> usize {
        if self.escaped {
            self.escaped = false;
        } else if self.in_string {
            self.escaped = byte == b'\\';
            self.in_string = byte != b'"';
        } else {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.wrappers -= 1;
                        self.state = State::Between;
                    }
                }
                _ => {}
            }
        }
        1
    }

    fn line(&mut self, bytes: &[u8], sink: &mut impl FnMut(Piece<'_>)) -> usize {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        let room = MAX_LINE_BYTES.saturating_sub(self.held.len());
        self.held.extend_from_slice(&part[..part.len().min(room)]);
        if end.is_some() {
            self.state = State::Between;
            self.indent = Some(Vec::new());
            sink(Piece::Line(&self.held));
        }
        part.len() + usize::from(end.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(text: &[u8], chunk: usize) -> Vec<String> {
        let mut found = Vec::new();
        let reader = io::BufReader::with_capacity(chunk, text);
        split(reader, |piece| {
            found.push(match piece {
                Piece::Object(bytes) => format!("object {}", String::from_utf8_lossy(bytes)),
                Piece::Line(bytes) => format!("line {}", String::from_utf8_lossy(bytes)),
            });
        })
        .expect("a slice can be read");
        found
    }

    #[test]
    fn the_objects_of_a_list_are_pieces() {
        let list = br#"{"apiVersion": "v1", "items": [ {"a": "}"}, {"b": [1]} ], "kind": "List"} {"c":{}}"#;
        assert_eq!(
            pieces(list, 7),
            [
                r#"object {"a": "}"}"#,
                r#"object {"b": [1]}"#,
                r#"object {"c":{}}"#
            ]
        );
    }

    #[test]
    fn arrays_and_lines_of_objects_are_the_same() {
        let expected = [r#"object {"a":1}"#, r#"object {"b":2}"#];
        assert_eq!(pieces(br#"[{"a":1},{"b":2}]"#, 3), expected);
        assert_eq!(pieces(b"{\"a\":1}\n{\"b\":2}\n", 3), expected);
    }

    #[test]
    fn text_stays_text_whatever_it_begins_with() {
        assert_eq!(
            pieces(b"[12:00] failed\n{{ x }}\n\n  plain", 4),
            [
                "line [12:00] failed",
                "line {{ x }}",
                "line ",
                "line   plain"
            ]
            .map(ToOwned::to_owned)
        );
    }

    #[test]
    fn an_object_that_never_ends_is_text() {
        assert_eq!(
            pieces(b"{\"message\": \"Failed to pull", 5),
            ["line {\"message\": \"Failed to pull"]
        );
    }

    #[test]
    fn a_line_is_bounded() {
        let long = vec![b'x'; MAX_LINE_BYTES * 3];
        assert_eq!(pieces(&long, 1000)[0].len(), MAX_LINE_BYTES + "line ".len());
    }

    proptest! {
        #[test]
        fn the_size_of_chunks_does_not_matter(text in r#"[\[\]{}",:a\\ \n]{0,60}"#, chunk in 1_usize..9) {
            prop_assert_eq!(pieces(text.as_bytes(), chunk), pieces(text.as_bytes(), 1000));
        }
    }
}
