//! What event messages say: from the words of the kubelet and the container runtimes to causes, and what to do.
//!
//! The words are a table of patterns with sources (`patterns/`); what the same words mean for which registry is part of
//! the rows. The module reads what it is given and nothing else.

mod advice;
mod class;
mod clues;
mod explanation;
mod family;
mod lines;
mod lookalike;
mod message;
mod parallel;
mod pattern;
mod patterns;
mod records;
mod render;
mod runtime;
mod shape;
mod verdict;

use std::io::{self, BufRead};
use std::mem;

use explanation::Gatherer;
use lines::{Lines, begins_message};
use message::{Message, messages_in};
use parallel::in_portions;
use records::{Piece, split};

pub use advice::Step;
pub use class::{Cause, Class, Confidence};
pub use explanation::{Explained, Explanation};
pub use family::Family;
pub use runtime::Runtime;

/// The longest input that is taken for one pasted message, in bytes.
const MAX_PASTED_BYTES: usize = 16 << 10;

/// The most bytes of records that are held before they are read, on all processors.
const MAX_HELD_BYTES: usize = 4 << 20;

/// The causes of one message, the most probable first; none where the words are not known.
#[must_use]
pub fn classify(message: &str) -> Vec<Cause> {
    Explained::of(&Message {
        text: message.to_owned(),
        count: 1,
        ..Message::default()
    })
    .causes
}

/// Finds every pull failure in `input` and explains it.
///
/// The input is a pasted message, the text of `kubectl describe pod`, what `kubectl get events -o json` and
/// `kubectl get pods -o json` print, or exported log entries as JSON or text; mixed, if need be. It is read as a stream.
/// A short text with nothing known in it comes back as one event without causes; binary data as none.
///
/// # Errors
///
/// What reading `input` gives.
pub fn explain(input: impl BufRead) -> io::Result<Explanation> {
    let mut reading = Reading::default();
    split(input, |piece| reading.take(piece))?;
    Ok(reading.finish())
}

/// What is known while the input is read.
#[derive(Default)]
struct Reading {
    gatherer: Gatherer,
    lines: Lines,
    /// The lines of text from the start, as long as they may be one pasted message.
    pasted: Vec<String>,
    pasted_bytes: usize,
    /// How many lines begin a message of the kubelet.
    begun: u64,
    objects: u64,
    /// Records that are not read yet.
    held: Vec<Vec<u8>>,
    held_bytes: usize,
}

impl Reading {
    fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Object(bytes) => self.object(bytes),
            Piece::Line(bytes) => self.line(bytes),
        }
    }

    fn object(&mut self, bytes: &[u8]) {
        self.held.push(bytes.to_vec());
        self.held_bytes += bytes.len();
        if self.held_bytes >= MAX_HELD_BYTES {
            self.read_held();
        }
    }

    /// Reads the records that are held, on all processors, and takes in what they say in their order.
    fn read_held(&mut self) {
        let held = mem::take(&mut self.held);
        self.held_bytes = 0;
        let gatherer = &self.gatherer;
        let judged = in_portions(&held, |records| {
            let judged = records.iter().map(|record| {
                let messages = messages_in(record)?.into_iter();
                Some(messages.map(|message| gatherer.judge(message)).collect())
            });
            judged.collect::<Vec<Option<Vec<_>>>>()
        });
        for (record, judged) in held.iter().zip(judged.into_iter().flatten()) {
            match judged {
                Some(judged) => {
                    self.objects += 1;
                    for message in judged {
                        self.gatherer.take(message);
                    }
                }
                None => {
                    for line in record.split(|byte| *byte == b'\n') {
                        self.line(line);
                    }
                }
            }
        }
    }

    fn line(&mut self, bytes: &[u8]) {
        self.read_held();
        let line = String::from_utf8_lossy(bytes);
        let line = line.trim_end_matches('\r');
        if self.pasted_bytes <= MAX_PASTED_BYTES {
            self.pasted_bytes += line.len() + 1;
            self.pasted.push(line.to_owned());
        }
        self.begun += u64::from(begins_message(line));
        if let Some(message) = self.lines.read(line) {
            let judged = self.gatherer.judge(message);
            self.gatherer.take(judged);
        }
    }

    fn finish(mut self) -> Explanation {
        self.read_held();
        let explanation = self.gatherer.finish();
        let is_pasted = self.objects == 0 && self.pasted_bytes <= MAX_PASTED_BYTES;
        let is_unknown = explanation
            .events
            .iter()
            .all(|event| event.causes.is_empty());
        let is_broken = self.begun == 1 && explanation.events.len() > 1;
        if is_pasted && (is_unknown || is_broken) {
            return whole(&self.pasted, explanation);
        }
        explanation
    }
}

/// A short text in which no line alone has a cause, or one message goes on over several lines: terminals and YAML break long
/// messages, between words and within them.
fn whole(lines: &[String], explanation: Explanation) -> Explanation {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    let candidates = [" ", ""].map(|joint| {
        Explained::of(&Message {
            text: lines.join(joint).trim().to_owned(),
            count: 1,
            ..Message::default()
        })
    });
    let mut candidates = candidates.into_iter();
    let Some(spaced) = candidates.next() else {
        return explanation;
    };
    let best = match candidates.next() {
        Some(dense) if spaced.causes.is_empty() && !dense.causes.is_empty() => dense,
        _ => spaced,
    };
    let is_text = !best.text.is_empty() && !best.text.contains(is_of_binary_data);
    if best.causes.is_empty() && (!explanation.events.is_empty() || !is_text) {
        return explanation;
    }
    Explanation {
        events: vec![best],
        ..explanation
    }
}

/// Whether a character stands in no text; terminals' colours begin with an escape.
fn is_of_binary_data(letter: char) -> bool {
    letter == char::REPLACEMENT_CHARACTER
        || letter.is_control() && !matches!(letter, '\t' | '\n' | '\r' | '\u{1b}')
}
