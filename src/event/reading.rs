//! From the pieces of an input to its failures.

use std::mem;

use super::explanation::{Explained, Explanation, Gatherer, Input};
use super::lines::{Lines, begins_message};
use super::message::{Message, messages_in, messages_of};
use super::parallel::in_portions;
use super::records::Piece;
use super::yaml::{self, Taken, YamlObjects};

/// The longest input that is taken for one pasted message, in bytes.
const MAX_PASTED_BYTES: usize = 16 << 10;
/// The most bytes of records that are held before they are read, on all processors.
const MAX_HELD_BYTES: usize = 2 << 20;

/// What is known while the input is read.
#[derive(Default)]
pub(super) struct Reading {
    gatherer: Gatherer,
    lines: Lines,
    yaml: YamlObjects,
    /// The lines of text from the start, as long as they may be one pasted message.
    pasted: Vec<String>,
    pasted_bytes: usize,
    /// How many lines begin a message of the kubelet.
    begun: u64,
    objects: u64,
    /// Whether there was a line of text, and one that is none.
    has_text: bool,
    has_data: bool,
    /// Records that are not read yet.
    held: Vec<Vec<u8>>,
    held_bytes: usize,
}

impl Reading {
    pub(super) fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Object(bytes) => self.object(bytes),
            Piece::Line(bytes) => {
                self.read_held();
                self.line(bytes);
            }
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
        if self.held.is_empty() {
            return;
        }
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
        if is_data(bytes) {
            self.has_data = true;
            return;
        }
        self.has_text |= !bytes.trim_ascii().is_empty();
        let line = String::from_utf8_lossy(bytes);
        let line = line.trim_end_matches('\r');
        while let Taken::Behind(object) = match self.yaml.take(line) {
            Taken::Held => return,
            taken => taken,
        } {
            self.yaml_object(&object);
        }
        self.text(line);
    }

    /// What an object in YAML says; its lines as text where it is none.
    fn yaml_object(&mut self, text: &str) {
        let Some(object) = yaml::object(text) else {
            text.lines().for_each(|line| self.text(line));
            return;
        };
        self.objects += 1;
        for message in messages_of(&object) {
            self.message(message);
        }
    }

    fn text(&mut self, line: &str) {
        if self.pasted_bytes <= MAX_PASTED_BYTES {
            self.pasted_bytes += line.len() + 1;
            self.pasted.push(line.to_owned());
        }
        self.begun += u64::from(begins_message(line));
        if let Some(message) = self.lines.read(line) {
            self.message(message);
        }
    }

    fn message(&mut self, message: Message) {
        let judged = self.gatherer.judge(message);
        self.gatherer.take(judged);
    }

    pub(super) fn finish(mut self) -> Explanation {
        self.read_held();
        let object = self.yaml.close();
        if !object.is_empty() {
            self.yaml_object(&object);
        }
        if let Some(message) = self.lines.close() {
            self.message(message);
        }
        let objects = self.objects;
        let is_binary = self.has_data && !self.has_text && objects == 0;
        let input = if is_binary {
            Input::Binary
        } else {
            Input::Text { objects }
        };
        let explanation = self.gatherer.finish(input);
        let is_pasted = objects == 0 && self.pasted_bytes <= MAX_PASTED_BYTES;
        let is_unknown = explanation
            .events
            .iter()
            .all(|event| event.causes().is_empty());
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
    let [spaced, dense] =
        [" ", ""].map(|joint| Explained::of(&Message::new(lines.join(joint).trim())));
    let best = if spaced.causes().is_empty() && !dense.causes().is_empty() {
        dense
    } else {
        spaced
    };
    if best.causes().is_empty() && (!explanation.events.is_empty() || best.text.is_empty()) {
        return explanation;
    }
    Explanation {
        events: vec![best],
        ..explanation
    }
}

/// Whether a line is no text: it holds characters that stand in none, or is not UTF-8 for the most part. Terminals' colours
/// begin with an escape.
fn is_data(line: &[u8]) -> bool {
    let is_control =
        |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\r' | 0x08 | 0x0c | 0x1b);
    if line.iter().any(is_control) {
        return true;
    }
    let foreign = line
        .utf8_chunks()
        .filter(|chunk| !chunk.invalid().is_empty())
        .count();
    foreign > 0 && foreign * 4 > line.len()
}
