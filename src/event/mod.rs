//! What event messages say: from the words of the kubelet and the container runtimes to causes, and what to do.
//!
//! The words are a table of patterns with sources (`patterns/`); what the same words mean for which registry is part of
//! the rows. The module reads what it is given and nothing else.

mod advice;
mod class;
mod clues;
mod encoding;
mod explanation;
mod family;
mod foresight;
mod json;
mod kubernetes;
mod lines;
mod log_entry;
mod lookalike;
mod message;
mod parallel;
mod pattern;
mod patterns;
mod place;
mod reading;
mod records;
mod runtime;
mod shape;
mod verdict;
mod yaml;

use std::io::{self, BufRead};

use encoding::{Damage, Decoded, decode};
use message::Message;
use reading::Reading;
use records::split;

pub use advice::Step;
pub use class::{Cause, Class, Confidence};
pub use explanation::{Advice, Details, Explained, Explanation, Input};
pub use family::Family;
pub use foresight::Foresight;
pub use runtime::Runtime;

/// The causes of one message, the most probable first; none where the words are not known.
#[must_use]
pub fn classify(message: &str) -> Vec<Cause> {
    Explained::of(&Message::new(message)).causes().to_vec()
}

/// Finds every pull failure in `input` and explains it.
///
/// The input is a pasted message, the text of `kubectl describe pod`, what `kubectl get events` and `kubectl get pods` print as
/// table, JSON or YAML, or exported log entries as JSON or text; mixed, if need be. It is read as a stream. UTF-16 with a byte
/// order mark and gzip are read too. A short text with nothing known in it comes back as one event without causes; data that is
/// no text, as none. Compressed data is read up to where it is damaged or cut off, which the explanation tells.
///
/// # Errors
///
/// What reading `input` gives.
pub fn explain(input: impl BufRead) -> io::Result<Explanation> {
    let damage = Damage::default();
    let text = match decode(input, &damage)? {
        Decoded::Text(text) => text,
        Decoded::Binary => return Ok(Explanation::of_none(Input::Binary)),
        Decoded::Empty => return Ok(Explanation::of_none(Input::Empty)),
    };
    let mut reading = Reading::default();
    split(text, |piece| reading.take(piece))?;
    let mut explanation = reading.finish();
    explanation.damage = damage.told().map(str::to_owned);
    Ok(explanation)
}
