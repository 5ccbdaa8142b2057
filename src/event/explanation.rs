//! Equal failures brought together, with their causes.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::advice::{Step, advice};
use super::class::Cause;
use super::clues::Clues;
use super::foresight::Foresight;
use super::lines::is_progress;
use super::message::Message;
use super::place::Place;
use super::runtime::Runtime;
use super::verdict::{Verdict, Verdicts};

/// The most bytes of message text that are kept; failures beyond are counted, not shown.
const MAX_KEPT_BYTES: usize = 48 << 20;
/// The most of one message that is kept, in bytes.
const MAX_SHOWN_BYTES: usize = 4096;
/// The most texts that are remembered so that they need not be read again.
const MAX_REMEMBERED: usize = 200_000;
/// The most nodes, and the most pods, that are kept for one failure.
const MAX_PLACES: usize = 100;

/// What was found in an input.
#[derive(Debug, Default)]
pub struct Explanation {
    /// The failures: those that were seen most often first, then by time where the input tells it, else in the input's order.
    pub events: Vec<Explained>,
    /// Failures that are not shown, because there were too many different ones.
    pub unshown: u64,
    /// What the input was.
    pub input: Input,
    /// Why the rest of a compressed input was not read.
    pub damage: Option<String>,
}

/// What an input was, for the case that nothing is found in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Input {
    /// Nothing at all.
    #[default]
    Empty,
    /// Data that is no text.
    Binary,
    /// Text, among it this many objects.
    Text {
        /// Events, pods and log entries.
        objects: u64,
    },
}

/// One failure, however often it was seen.
#[derive(Debug)]
pub struct Explained {
    /// The message as it was first seen.
    pub text: Box<str>,
    /// How often it was seen.
    pub count: u64,
    /// The nodes on which it was seen, in the order of the input.
    pub nodes: Vec<Box<str>>,
    /// The pods that it kept from running, with their namespaces where the input tells them, in the order of the input.
    pub pods: Vec<Box<str>>,
    verdict: Arc<Verdict>,
    /// The image as the message has it, in its fullest form.
    image: Option<Box<str>>,
    resource: Option<Box<str>>,
    place: Box<Place>,
    time: Option<Box<str>>,
}

/// What follows from the text of a failure.
#[derive(Debug)]
pub struct Details {
    /// The image in its full form; as the message has it where it is no valid name.
    pub reference: Option<String>,
    /// What to say about each of the causes, in their order.
    pub advice: Vec<Advice>,
}

/// What to say about one cause of a failure.
#[derive(Debug)]
pub struct Advice {
    /// The cause.
    pub cause: Cause,
    /// What to check and mend, in order.
    pub steps: Vec<Step>,
    /// What would have found it before the deploy.
    pub foresight: Option<Foresight>,
}

impl Explanation {
    /// That of an input in which nothing can be found.
    pub(super) fn of_none(input: Input) -> Self {
        Self {
            input,
            ..Self::default()
        }
    }

    /// The images of the failures, each once, in order. What is no valid name is left out.
    #[must_use]
    pub fn references(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        self.events
            .iter()
            .filter_map(|event| event.clues().reference)
            .map(|reference| reference.to_string())
            .filter(|text| seen.insert(text.clone()))
            .collect()
    }
}

impl Explained {
    /// The causes, the most probable first. None where it is no pull failure, or none that is known.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.verdict.causes
    }

    /// Which program wrote it.
    #[must_use]
    pub fn runtime(&self) -> Option<Runtime> {
        self.verdict.runtime
    }

    /// What to say where there is no cause.
    #[must_use]
    pub fn note(&self) -> Option<&'static str> {
        self.verdict.note
    }

    /// What follows from the text. It is found out anew each time, as a cluster's events are many.
    #[must_use]
    pub fn details(&self) -> Details {
        let clues = self.clues();
        let advise = |cause: &Cause| Advice {
            cause: *cause,
            steps: advice(cause.class, &clues, &self.place),
            foresight: Foresight::of(cause.class, &clues),
        };
        Details {
            advice: self.causes().iter().map(advise).collect(),
            reference: name_of(&clues),
        }
    }

    fn clues(&self) -> Clues {
        let resource = self.resource.as_deref();
        Clues::of_image(self.image.as_deref(), &self.text, resource)
    }

    /// The message on its own: what it means, whatever stood around it.
    pub(super) fn of(message: &Message) -> Self {
        let clues = clues_of(message);
        let verdict = Arc::new(Verdict::of(&clues));
        Self::new(message, &clues, verdict)
    }

    fn new(message: &Message, clues: &Clues, verdict: Arc<Verdict>) -> Self {
        let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
        let mut explained = Self {
            text: shown(&message.text).into(),
            count: 0,
            nodes: Vec::new(),
            pods: Vec::new(),
            verdict,
            image: boxed(&clues.image),
            resource: boxed(&message.resource),
            place: Box::new(message.place.clone()),
            time: None,
        };
        explained.add(message);
        explained
    }

    fn add(&mut self, message: &Message) {
        self.count = self.count.saturating_add(message.count);
        let place = &message.place;
        add_once(&mut self.nodes, place.node.as_deref());
        let pod = match (&place.namespace, &place.pod) {
            (Some(namespace), Some(pod)) => Some(format!("{namespace}/{pod}")),
            (_, pod) => pod.clone(),
        };
        add_once(&mut self.pods, pod.as_deref());
        if let Some(time) = message.time.as_deref()
            && self.time.as_deref().is_none_or(|known| time < known)
        {
            self.time = Some(time.into());
        }
    }
}

fn add_once(places: &mut Vec<Box<str>>, place: Option<&str>) {
    if let Some(place) = place
        && places.len() < MAX_PLACES
        && !places.iter().any(|known| **known == *place)
    {
        places.push(place.into());
    }
}

fn clues_of(message: &Message) -> Clues {
    Clues::of(
        &message.text,
        message.image.as_deref(),
        message.resource.as_deref(),
    )
}

/// The image in its full form; as the message has it where it is no valid name.
fn name_of(clues: &Clues) -> Option<String> {
    let reference = clues.reference.as_ref();
    reference.map_or_else(
        || clues.image.clone(),
        |reference| Some(reference.to_string()),
    )
}

/// A message that was read, before it is gathered.
#[derive(Debug)]
pub(super) struct Judged {
    message: Message,
    /// Hash of the text and the image.
    key: u64,
    told: Option<Box<Told>>,
}

/// What a message is, where no equal text was gathered before and it is worth to be told.
#[derive(Debug)]
struct Told {
    explained: Explained,
    /// Hash of the image and of what the text says, without what differs at every try.
    key: u64,
    /// Hash of the image.
    image: u64,
}

/// Gathers messages.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    explanation: Explanation,
    /// The hashes of the images of the events.
    images: Vec<u64>,
    /// Key of a text → place among the events; none where nothing is to be told of it.
    texts: HashMap<u64, Option<usize>>,
    /// Key of a failure → place among the events.
    failures: HashMap<u64, usize>,
    hasher: RandomState,
    verdicts: Verdicts,
    kept_bytes: usize,
}

impl Gatherer {
    /// Reads one message. It may be done for many at a time.
    pub(super) fn judge(&self, mut message: Message) -> Judged {
        message.place = message.place.or_of_log(&message.text);
        let key = self
            .hasher
            .hash_one((&message.text, &message.image, &message.resource));
        let is_known = self.texts.contains_key(&key);
        Judged {
            key,
            told: (!is_known).then(|| self.explain(&message)).flatten(),
            message,
        }
    }

    fn explain(&self, message: &Message) -> Option<Box<Told>> {
        if is_progress(&message.text) {
            return None;
        }
        let clues = clues_of(message);
        let verdict = self.verdicts.of(&clues);
        let is_known = !verdict.causes.is_empty() && verdict.speaks_of_pulls;
        let is_told = verdict.note.is_some() || is_known;
        is_told.then(|| {
            let name = name_of(&clues);
            Box::new(Told {
                key: self.hasher.hash_one((&name, &verdict.core)),
                image: self.hasher.hash_one(&name),
                explained: Explained::new(message, &clues, verdict),
            })
        })
    }

    /// Takes one message in.
    pub(super) fn take(&mut self, judged: Judged) {
        let Judged { message, key, told } = judged;
        let known = self.texts.get(&key).copied();
        if let Some(place) = known {
            self.add(place, &message);
            return;
        }
        let place = match told {
            Some(told) => match self.failures.get(&told.key).copied() {
                Some(place) => {
                    self.add(Some(place), &message);
                    Some(place)
                }
                None => match self.push(*told) {
                    Some(place) => Some(place),
                    None => return,
                },
            },
            None => None,
        };
        if self.texts.len() < MAX_REMEMBERED {
            self.texts.insert(key, place);
        }
    }

    fn add(&mut self, place: Option<usize>, message: &Message) {
        if let Some(event) = place.and_then(|place| self.explanation.events.get_mut(place)) {
            event.add(message);
        }
    }

    /// The place of a new failure; none where there are too many.
    fn push(&mut self, told: Told) -> Option<usize> {
        let explained = told.explained;
        if self.kept_bytes >= MAX_KEPT_BYTES {
            let unshown = &mut self.explanation.unshown;
            *unshown = unshown.saturating_add(explained.count);
            return None;
        }
        self.kept_bytes += explained.text.len() + 256;
        let place = self.explanation.events.len();
        self.failures.insert(told.key, place);
        self.images.push(told.image);
        self.explanation.events.push(explained);
        Some(place)
    }

    /// The whole, in order. Messages that only say that a pull failed are left out where another one says why.
    pub(super) fn finish(self, input: Input) -> Explanation {
        let images = self.images;
        let mut explanation = self.explanation;
        let has_cause = |event: &Explained| !event.causes().is_empty();
        let explained: HashSet<u64> = explanation
            .events
            .iter()
            .zip(&images)
            .filter(|(event, _)| has_cause(event))
            .map(|(_, image)| *image)
            .collect();
        let nameless = self.hasher.hash_one(None::<String>);
        let mut image = images.iter();
        explanation.events.retain(|event| {
            let image = image.next().copied().unwrap_or_default();
            has_cause(event)
                || !explained.contains(&image) && (image != nameless || explained.is_empty())
        });
        explanation.events.sort_by(|one, other| {
            let order = |event: &Explained| (!has_cause(event), Reverse(event.count));
            let times = (one.time.as_deref(), other.time.as_deref());
            order(one).cmp(&order(other)).then_with(|| match times {
                (Some(one), Some(other)) => one.cmp(other),
                (one, other) => other.is_some().cmp(&one.is_some()),
            })
        });
        explanation.input = input;
        explanation
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

    fn gathered(texts: &[&str]) -> Vec<Explained> {
        let mut gatherer = Gatherer::default();
        for text in texts {
            let judged = gatherer.judge(message(text, "a"));
            gatherer.take(judged);
        }
        gatherer.finish(Input::default()).events
    }

    fn message(text: &str, node: &str) -> Message {
        Message {
            text: text.to_owned(),
            count: 2,
            place: Place {
                node: Some(node.to_owned()),
                ..Place::default()
            },
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
        let explanation = gatherer.finish(Input::default());
        assert_eq!(explanation.events.len(), 1);
        assert_eq!(explanation.events[0].count, 4);
        assert_eq!(explanation.events[0].nodes, ["a".into(), "b".into()]);
    }

    #[test]
    fn one_failure_is_one_however_it_was_logged() {
        let reason = "failed to pull and unpack image \"docker.io/library/app:1\": failed to resolve reference \"docker.io/library/app:1\": \
                      unexpected status from HEAD request to https://registry-1.docker.io/v2/library/app/manifests/1: 401 Unauthorized";
        let logged = [
            format!(
                "E1124 04:00:00.000001 812 log.go:32] \"PullImage from image service failed\" err=\"rpc error: code = Unknown desc = {reason}\" image=\"app:1\""
            ),
            format!(
                "E1124 04:07:13.300000 812 pod_workers.go:1298] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"app\\\" with ErrImagePull: \\\"rpc error: code = Unknown desc = {}\\\"\" pod=\"shop/app-7c9f8d6b5d-x2v4q\" podUID=\"0c1c7c59-0f5c-4a3e-8f5e-3d5f4e1a2b3c\"",
                reason.replace('"', "\\\\\\\"")
            ),
            format!(
                "time=\"2026-11-24T04:00:00Z\" level=error msg=\"PullImage \\\"app:1\\\" failed\" error=\"rpc error: code = Unknown desc = {reason}\""
            ),
            format!("Failed to pull image \"app:1\": rpc error: code = Unknown desc = {reason}"),
        ];
        let texts: Vec<&str> = logged.iter().map(String::as_str).collect();
        let events = gathered(&texts);
        assert_eq!(events.len(), 1, "{events:#?}");
        assert_eq!(events[0].count, 8);
    }

    #[test]
    fn failures_that_differ_in_their_reason_or_image_are_several() {
        let events = gathered(&[
            "Failed to pull image \"a.io/x:1\": not found",
            "Failed to pull image \"a.io/x:2\": not found",
            "Failed to pull image \"a.io/x:1\": toomanyrequests",
        ]);
        assert_eq!(events.len(), 3);
    }

    #[test]
    fn what_was_seen_most_often_comes_first() {
        let often = "Failed to pull image \"a.io/x:2\": toomanyrequests";
        let events = gathered(&["Failed to pull image \"a.io/x:1\": not found", often, often]);
        assert_eq!(&*events[0].text, often);
    }

    #[test]
    fn a_message_without_reason_gives_way_to_one_with_it() {
        let events = gathered(&[
            "Back-off pulling image \"nginx:0\"",
            "Error: ErrImagePull",
            "Failed to pull image \"nginx:0\": manifest for nginx:0 not found: manifest unknown",
        ]);
        assert_eq!(events.len(), 1);
        assert!(!events[0].causes().is_empty());
    }
}
