//! Equal failures brought together, with their causes.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use regex::Regex;

use super::advice::{Step, advice};
use super::class::Cause;
use super::clues::Clues;
use super::lines::is_progress;
use super::message::Message;
use super::runtime::Runtime;
use super::verdict::{Verdict, Verdicts};

/// The most bytes of message text that are kept; failures beyond are counted, not shown.
const MAX_KEPT_BYTES: usize = 48 << 20;
/// The most of one message that is kept, in bytes.
const MAX_SHOWN_BYTES: usize = 4096;
/// The most messages that are remembered because nothing is to be told of them.
const MAX_PASSED_OVER: usize = 100_000;
/// The most nodes that are kept for one failure.
const MAX_NODES: usize = 100;

/// What was found in an input.
#[derive(Debug, Default)]
pub struct Explanation {
    /// The failures, in the order of time where the input tells it, else in the input's order.
    pub events: Vec<Explained>,
    /// Failures that are not shown, because there were too many different ones.
    pub unshown: u64,
}

/// One failure, however often it was seen.
#[derive(Debug)]
pub struct Explained {
    /// The message as it was first seen.
    pub text: String,
    /// How often it was seen.
    pub count: u64,
    /// The image in its full form; as the message has it where it is no valid name.
    pub reference: Option<String>,
    /// The nodes on which it was seen, in the order of the input.
    pub nodes: Vec<String>,
    /// Which program wrote it.
    pub runtime: Option<Runtime>,
    /// The causes, the most probable first. None where it is no pull failure, or none that is known.
    pub causes: Vec<Cause>,
    /// What to say where there is no cause.
    pub note: Option<&'static str>,
    time: Option<String>,
    clues: Box<Clues>,
}

impl Explanation {
    /// The images of the failures, each once, in order. What is no valid name is left out.
    #[must_use]
    pub fn references(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        self.events
            .iter()
            .filter_map(|event| event.clues.reference.as_ref())
            .map(ToString::to_string)
            .filter(|text| seen.insert(text.clone()))
            .collect()
    }
}

impl Explained {
    /// What to check and mend for one of its causes, in order.
    #[must_use]
    pub fn steps(&self, cause: Cause) -> Vec<Step> {
        advice(cause.class, &self.clues)
    }

    /// The message on its own: what it means, whatever stood around it.
    pub(super) fn of(message: &Message) -> Self {
        let clues = Clues::of(&message.text, message.image.as_deref());
        let verdict = Verdict::of(&clues);
        Self::new(message, clues, verdict)
    }

    fn new(message: &Message, mut clues: Clues, verdict: Verdict) -> Self {
        clues.text = String::new();
        Self {
            text: shown(&message.text),
            count: message.count,
            reference: clues
                .reference
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| clues.image.clone()),
            nodes: message.node.iter().cloned().collect(),
            runtime: verdict.runtime,
            note: verdict.note,
            causes: verdict.causes,
            time: message.time.clone(),
            clues: Box::new(clues),
        }
    }

    fn add(&mut self, message: &Message) {
        self.count = self.count.saturating_add(message.count);
        if let Some(node) = &message.node
            && self.nodes.len() < MAX_NODES
            && !self.nodes.contains(node)
        {
            self.nodes.push(node.clone());
        }
        if let Some(time) = &message.time
            && self.time.as_ref().is_none_or(|known| time < known)
        {
            self.time = Some(time.clone());
        }
    }
}

/// A message that was read, before it is gathered.
#[derive(Debug)]
pub(super) struct Judged {
    message: Message,
    /// Hash of the text without what differs at every try, and of the image.
    key: u64,
    /// What it is, where nothing equal was gathered before and it is worth to be told.
    explained: Option<Box<Explained>>,
}

/// Gathers messages.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    explanation: Explanation,
    /// Key of a message → place among the events.
    places: HashMap<u64, usize>,
    /// Keys of messages of which nothing is to be told.
    passed_over: HashSet<u64>,
    hasher: RandomState,
    verdicts: Verdicts,
    kept_bytes: usize,
}

impl Gatherer {
    /// Reads one message. It may be done for many at a time.
    pub(super) fn judge(&self, message: Message) -> Judged {
        let key = self
            .hasher
            .hash_one((without_passing(&message.text), &message.image));
        let is_known = self.places.contains_key(&key) || self.passed_over.contains(&key);
        Judged {
            key,
            explained: (!is_known).then(|| self.explain(&message)).flatten(),
            message,
        }
    }

    fn explain(&self, message: &Message) -> Option<Box<Explained>> {
        if is_progress(&message.text) {
            return None;
        }
        let clues = Clues::of(&message.text, message.image.as_deref());
        let verdict = self.verdicts.of(&clues);
        let is_known = !verdict.causes.is_empty() && verdict.speaks_of_images;
        let is_told = verdict.note.is_some() || is_known;
        is_told.then(|| Box::new(Explained::new(message, clues, verdict)))
    }

    /// Takes one message in.
    pub(super) fn take(&mut self, judged: Judged) {
        let Judged {
            message,
            key,
            explained,
        } = judged;
        if let Some(place) = self.places.get(&key) {
            if let Some(event) = self.explanation.events.get_mut(*place) {
                event.add(&message);
            }
            return;
        }
        let Some(event) = explained else {
            if self.passed_over.len() < MAX_PASSED_OVER {
                self.passed_over.insert(key);
            }
            return;
        };
        if self.kept_bytes >= MAX_KEPT_BYTES {
            self.explanation.unshown = self.explanation.unshown.saturating_add(message.count);
            return;
        }
        self.kept_bytes += event.text.len() + 256;
        self.places.insert(key, self.explanation.events.len());
        self.explanation.events.push(*event);
    }

    /// The whole, in order. Messages that only say that a pull failed are left out where another one says why.
    pub(super) fn finish(self) -> Explanation {
        let mut explanation = self.explanation;
        let explained: HashSet<Option<String>> = explanation
            .events
            .iter()
            .filter(|event| !event.causes.is_empty())
            .map(|event| event.reference.clone())
            .collect();
        explanation.events.retain(|event| {
            !event.causes.is_empty()
                || !explained.contains(&event.reference)
                    && (event.reference.is_some() || explained.is_empty())
        });
        explanation
            .events
            .sort_by(|one, other| match (&one.time, &other.time) {
                (Some(one), Some(other)) => one.cmp(other),
                (one, other) => other.is_some().cmp(&one.is_some()),
            });
        explanation
    }
}

/// Ports of the asking side, which differ at every try.
static PASSING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r":\d+->").ok());

fn without_passing(text: &str) -> std::borrow::Cow<'_, str> {
    match &*PASSING {
        Some(passing) if text.contains("->") => passing.replace_all(text, "->"),
        _ => text.into(),
    }
}

/// The text as it is kept: bounded.
fn shown(text: &str) -> String {
    let text = text.trim();
    if text.len() <= MAX_SHOWN_BYTES {
        return text.to_owned();
    }
    let end = (0..=MAX_SHOWN_BYTES)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str, node: &str) -> Message {
        Message {
            text: text.to_owned(),
            count: 2,
            node: Some(node.to_owned()),
            ..Message::default()
        }
    }

    #[test]
    fn equal_failures_are_one() {
        let mut gatherer = Gatherer::default();
        for (port, node) in [(40_001, "a"), (40_002, "b")] {
            let text = format!(
                "Failed to pull image \"nginx\": read tcp 10.0.0.1:{port}->1.2.3.4:443: connection reset by peer"
            );
            let judged = gatherer.judge(message(&text, node));
            gatherer.take(judged);
        }
        let explanation = gatherer.finish();
        assert_eq!(explanation.events.len(), 1);
        assert_eq!(explanation.events[0].count, 4);
        assert_eq!(explanation.events[0].nodes, ["a", "b"]);
    }

    #[test]
    fn a_message_without_reason_gives_way_to_one_with_it() {
        let mut gatherer = Gatherer::default();
        for text in [
            "Back-off pulling image \"nginx:0\"",
            "Error: ErrImagePull",
            "Failed to pull image \"nginx:0\": manifest for nginx:0 not found: manifest unknown",
        ] {
            let judged = gatherer.judge(message(text, "a"));
            gatherer.take(judged);
        }
        let texts: Vec<usize> = gatherer
            .finish()
            .events
            .iter()
            .map(|event| event.causes.len())
            .collect();
        assert_eq!(texts.len(), 1);
        assert!(texts[0] > 0);
    }
}
