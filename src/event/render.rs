//! An explanation, written down: for a person, and as JSON.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::Value;

use super::explanation::{Explained, Explanation};
use super::parallel::in_portions;

/// What is said of an input in which nothing is known.
const NOTHING_FOUND: &str = "Nothing here speaks of a failed pull. Paste the message `Failed to pull image …`, or pipe in \
                             `kubectl get events -A -o json`.\n";
/// How many events are rendered before they are written.
const MAX_RENDERED: usize = 4096;
/// How many causes a person is shown.
const MAX_SHOWN_CAUSES: usize = 3;
/// How many nodes a person is shown.
const MAX_SHOWN_NODES: usize = 5;

impl Explanation {
    /// Writes the format of `explain --output json`, version 1, event by event; with the report of a check of the images,
    /// where there was one, under `lint`.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn write_json(&self, checked: Option<&Value>, mut out: impl io::Write) -> io::Result<()> {
        write!(out, "{{\"version\":1,\"events\":[")?;
        for (index, events) in self.events.chunks(MAX_RENDERED).enumerate() {
            for (portion, written) in in_portions(events, to_json).into_iter().enumerate() {
                if index + portion > 0 {
                    write!(out, ",")?;
                }
                out.write_all(&written?)?;
            }
        }
        write!(out, "]")?;
        if let Some(checked) = checked {
            write!(out, ",\"lint\":{checked}")?;
        }
        writeln!(out, "}}")
    }

    /// Writes plain text for a person, without colours, event by event. Control characters of the messages are escaped.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn write_text(&self, mut out: impl io::Write) -> io::Result<()> {
        if self.events.is_empty() {
            return out.write_all(NOTHING_FOUND.as_bytes());
        }
        for event in &self.events {
            let mut text = String::new();
            write_event(&mut text, event);
            out.write_all(text.as_bytes())?;
        }
        if self.unshown > 0 {
            writeln!(out, "{} more failures are not shown.", self.unshown)?;
        }
        Ok(())
    }
}

/// Events as JSON, with commas between them.
fn to_json(events: &[Explained]) -> serde_json::Result<Vec<u8>> {
    let mut written = Vec::new();
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            written.push(b',');
        }
        serde_json::to_writer(&mut written, &EventJson::of(event))?;
    }
    Ok(written)
}

/// One event of the format. A field without a value is null.
#[derive(Serialize)]
struct EventJson<'a> {
    text: &'a str,
    count: u64,
    reference: Option<&'a str>,
    node: Option<&'a str>,
    runtime: Option<&'static str>,
    causes: Vec<CauseJson>,
}

#[derive(Serialize)]
struct CauseJson {
    class: &'static str,
    confidence: &'static str,
    help: String,
}

impl<'a> EventJson<'a> {
    fn of(event: &'a Explained) -> Self {
        let causes = event.causes.iter().map(|cause| CauseJson {
            class: cause.class.as_str(),
            confidence: cause.confidence.as_str(),
            help: help(event, *cause),
        });
        Self {
            text: &event.text,
            count: event.count,
            reference: event.reference.as_deref(),
            node: event.nodes.first().map(String::as_str),
            runtime: event.runtime.map(super::Runtime::as_str),
            causes: causes.collect(),
        }
    }
}

/// Summary, steps and rule of a cause, one a line.
fn help(event: &Explained, cause: super::Cause) -> String {
    let mut help = cause.class.summary().to_owned();
    for step in event.steps(cause) {
        help.push('\n');
        if step.is_command {
            help.push_str("$ ");
        }
        help.push_str(&step.text);
    }
    if let Some(rule) = cause.class.rule() {
        let _ = write!(help, "\nThe rule {rule} finds this before the deploy.");
    }
    help
}

fn write_event(text: &mut String, event: &Explained) {
    let _ = writeln!(text, "{}", escaped(&event.text));
    let mut about = Vec::new();
    if event.count > 1 {
        about.push(format!("seen {} times", event.count));
    }
    if let Some(reference) = &event.reference {
        about.push(format!("image {}", escaped(reference)));
    }
    if !event.nodes.is_empty() {
        about.push(nodes(&event.nodes));
    }
    if let Some(runtime) = event.runtime {
        about.push(format!("written by {}", runtime.as_str()));
    }
    if !about.is_empty() {
        let _ = writeln!(text, "  {}", about.join(", "));
    }
    for cause in event.causes.iter().take(MAX_SHOWN_CAUSES) {
        let _ = writeln!(
            text,
            "\n  {}: {} [{}]",
            cause.confidence.as_str(),
            cause.class.summary(),
            cause.class
        );
        for step in event.steps(*cause) {
            let mark = if step.is_command { "    $ " } else { "    " };
            let _ = writeln!(text, "{mark}{}", escaped(&step.text));
        }
        if let Some(rule) = cause.class.rule() {
            let _ = writeln!(text, "    The rule {rule} finds this before the deploy.");
        }
    }
    if event.causes.is_empty() {
        let note = event.note.unwrap_or(
            "The cause is unknown: no words here are known from a failed pull. Paste the whole message, from `Failed to pull image` on.",
        );
        let _ = writeln!(text, "\n  {note}");
    }
    text.push('\n');
}

fn nodes(nodes: &[String]) -> String {
    let shown: Vec<String> = nodes
        .iter()
        .take(MAX_SHOWN_NODES)
        .map(|node| escaped(node))
        .collect();
    let more = nodes.len().saturating_sub(MAX_SHOWN_NODES);
    let word = if nodes.len() == 1 { "node" } else { "nodes" };
    match more {
        0 => format!("{word} {}", shown.join(", ")),
        more => format!("{word} {} and {more} more", shown.join(", ")),
    }
}

/// The text with control characters made visible, and those that turn the direction of writing.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
        if character.is_control() || turns {
            let _ = write!(escaped, "{}", character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::explain;

    const MESSAGE: &str = "Failed to pull image \"europe-west2-docker.pkg.dev/acme/ml/app:4\": unexpected status from HEAD \
                           request to https://europe-west2-docker.pkg.dev/v2/acme/ml/app/manifests/4: 403 Forbidden";

    fn text_of(input: &[u8]) -> String {
        let mut written = Vec::new();
        explain(input)
            .expect("a slice can be read")
            .write_text(&mut written)
            .expect("a vector can be written");
        String::from_utf8(written).expect("text")
    }

    #[test]
    fn a_person_reads_what_happened_and_what_to_do() {
        let text = text_of(MESSAGE.as_bytes());
        assert!(
            text.contains("likely: The registry knows who asks"),
            "{text}"
        );
        assert!(text.contains("--project=acme"), "{text}");
        assert!(text.contains("The rule access-denied"), "{text}");
    }

    #[test]
    fn json_has_every_field() {
        let mut written = Vec::new();
        explain(MESSAGE.as_bytes())
            .expect("a slice can be read")
            .write_json(None, &mut written)
            .expect("a vector can be written");
        let json: Value = serde_json::from_slice(&written).expect("valid JSON");
        let event = &json["events"][0];
        assert_eq!(json["version"], 1);
        assert_eq!(
            event["reference"],
            "europe-west2-docker.pkg.dev/acme/ml/app:4"
        );
        assert_eq!(event["count"], 1);
        assert!(event["node"].is_null());
        assert_eq!(event["runtime"], "containerd 1.6.25 or newer");
        assert_eq!(event["causes"][0]["class"], "permission_denied");
    }

    #[test]
    fn control_characters_are_made_visible() {
        let text = text_of(b"Failed to pull image \"a\x1b[31m\": x");
        assert!(
            !text.contains('\u{1b}') && text.contains("\\u{1b}"),
            "{text}"
        );
    }
}
