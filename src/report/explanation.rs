//! What failures mean, for a person at a terminal.

use std::io;

use super::page::Page;
use super::pretty::Style;
use super::visible::visible;
use crate::event::{Advice, Confidence, Explained, Explanation, Input, Step};
use crate::finding::Severity;

/// How many failures a person is shown.
const MAX_FAILURES: usize = 100;
/// How many causes of each.
const MAX_CAUSES: usize = 3;
/// How many nodes and pods of each.
const MAX_PLACES: usize = 3;
/// The most of a message, in characters.
const MAX_MESSAGE: usize = 1200;

/// Writes an explanation, failure by failure, those first that were seen most often.
///
/// # Errors
///
/// When `out` takes no more.
pub fn write_explanation(
    explanation: &Explanation,
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let page = Page::new(style);
    let events = &explanation.events;
    if let Some(damage) = &explanation.damage {
        let words = format!(
            "The input is damaged or cut off, and was read up to there: {damage}. `gzip -t` tests the file; get it anew."
        );
        out.write_all(format!("{}\n", page.lines("", &words)).as_bytes())?;
    }
    if events.is_empty() {
        return out.write_all(page.lines("", nothing_found(explanation.input)).as_bytes());
    }
    if let [_, _, ..] = events.as_slice() {
        out.write_all(format!("{}\n\n", sum(events)).as_bytes())?;
    }
    for (index, event) in events.iter().take(MAX_FAILURES).enumerate() {
        let gap = if index > 0 { "\n" } else { "" };
        out.write_all(format!("{gap}{}", failure(&page, event)).as_bytes())?;
    }
    let more = events.len().saturating_sub(MAX_FAILURES) as u64 + explanation.unshown;
    if more > 0 {
        let words = format!("{more} more failures are not shown here. `--output json` has more.");
        out.write_all(format!("\n{}", page.lines("", &words)).as_bytes())?;
    }
    Ok(())
}

const fn nothing_found(input: Input) -> &'static str {
    match input {
        Input::Empty => {
            "The input is empty. Paste the message `Failed to pull image …`, or pipe in `kubectl get events -A -o json`."
        }
        Input::Binary => {
            "The input is no text. Paste the message `Failed to pull image …`, or pipe in `kubectl get events -A -o json`."
        }
        Input::Text { objects: 0 } => {
            "Nothing here speaks of a failed pull. Paste the message `Failed to pull image …`, or pipe in `kubectl get events -A -o json`."
        }
        Input::Text { .. } => {
            "None of these objects speaks of a failed pull. Events go after an hour; `kubectl get pods -A -o json` still says why containers wait."
        }
    }
}

/// How much failed, in one line.
fn sum(events: &[Explained]) -> String {
    let count = |places: fn(&Explained) -> &[Box<str>]| {
        let mut all: Vec<&str> = events
            .iter()
            .flat_map(places)
            .map(|place| &**place)
            .collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    let counts = [
        ("failure", events.len()),
        ("pod", count(|event| &event.pods)),
        ("node", count(|event| &event.nodes)),
    ];
    let known = counts.iter().filter(|(_, number)| *number > 0);
    let words: Vec<String> = known.map(|(noun, number)| counted(*number, noun)).collect();
    words.join(", ")
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn failure(page: &Page, event: &Explained) -> String {
    let details = event.details();
    let heading = details.reference.as_deref().unwrap_or("no image is named");
    let mut text = page.heading(&visible(heading), page.tone(Severity::Error), None);
    text += &page.quiet_lines("  ", &message(page, event));
    if let Some(about) = about(event) {
        text += &page.lines("  ", &about);
    }
    let mut before: Option<&[Step]> = None;
    for advice in details.advice.iter().take(MAX_CAUSES) {
        text += "\n";
        text += &cause(page, advice, before);
        before = Some(&advice.steps);
    }
    if details.advice.is_empty() {
        text += "\n";
        text += &page.lines("  ", event.note().unwrap_or(
            "The cause is unknown: no words here are known from a failed pull. Paste the whole message, from `Failed to pull image` on.",
        ));
    }
    text
}

/// The message, with its middle left out where it is very long: the image stands in front, and the reason at the end.
fn message(page: &Page, event: &Explained) -> String {
    let text = visible(&event.text);
    let length = text.chars().count();
    if length <= MAX_MESSAGE {
        return text.into_owned();
    }
    let front: String = text.chars().take(MAX_MESSAGE / 3).collect();
    let end: String = text.chars().skip(length - MAX_MESSAGE * 2 / 3).collect();
    let mark = if page.style.unicode { "…" } else { "..." };
    format!("{front} {mark} {end}")
}

/// How often, where, and which program wrote it.
fn about(event: &Explained) -> Option<String> {
    let mut about = Vec::new();
    if event.count > 1 {
        about.push(format!("seen {} times", event.count));
    }
    about.extend(places("in pod", "in pods", &event.pods));
    about.extend(places("on node", "on nodes", &event.nodes));
    if let Some(runtime) = event.runtime() {
        about.push(format!("written by {}", runtime.as_str()));
    }
    (!about.is_empty()).then(|| about.join(", "))
}

fn places(one: &str, several: &str, places: &[Box<str>]) -> Option<String> {
    let shown: Vec<_> = places
        .iter()
        .take(MAX_PLACES)
        .map(|place| visible(place))
        .collect();
    let noun = match places.len() {
        0 => return None,
        1 => one,
        _ => several,
    };
    let more = match places.len().saturating_sub(MAX_PLACES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("{noun} {}{more}", shown.join(", ")))
}

/// A cause with its steps, unless they are those of the cause before.
fn cause(page: &Page, advice: &Advice, before: Option<&[Step]>) -> String {
    let tone = match advice.cause.confidence {
        Confidence::Sure => Severity::Error,
        Confidence::Likely => Severity::Warning,
        Confidence::Possible => Severity::Note,
    };
    let name = page.tone(tone).style(advice.cause.confidence.as_str());
    let class = advice.cause.class;
    let sentence = format!("{} [{class}]", class.summary());
    let mut text = page.wrapped(&format!("  {name}: "), "    ", &sentence);
    if before == Some(&advice.steps) {
        text += &page.lines("    ", "What to do is the same as above.");
    } else {
        for step in &advice.steps {
            text += &self::step(page, step);
        }
    }
    if let Some(foresight) = &advice.foresight {
        text += &page.lines("    ", &foresight.sentence());
    }
    text
}

/// A step. A command stays on one line, so that it can be copied.
fn step(page: &Page, step: &Step) -> String {
    let text = visible(&step.text);
    if step.is_command {
        let command = page.theme.styles.help.style(format!("$ {text}"));
        format!("      {command}\n")
    } else {
        page.lines("    ", &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::explain;

    fn text_of(input: &[u8], width: usize) -> String {
        let style = Style {
            width,
            ..Style::default()
        };
        let mut written = Vec::new();
        let explanation = explain(input).expect("a slice can be read");
        write_explanation(&explanation, style, &mut written).expect("a vector can be written");
        String::from_utf8(written).expect("text")
    }

    const MESSAGE: &str = "Failed to pull image \"europe-west2-docker.pkg.dev/acme/ml/app:4\": unexpected status from HEAD \
                           request to https://europe-west2-docker.pkg.dev/v2/acme/ml/app/manifests/4: 403 Forbidden";

    #[test]
    fn a_person_reads_what_happened_and_what_to_do() {
        let text = text_of(MESSAGE.as_bytes(), 80);
        for part in [
            "likely: The registry knows who asks",
            "--project=acme",
            "The rules access-denied, missing-pull-scope",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn only_commands_and_long_words_are_wider_than_the_terminal() {
        for width in [40, 60, 80] {
            for line in text_of(MESSAGE.as_bytes(), width).lines() {
                let is_command = line.trim_start().starts_with("$ ");
                let is_word = line.split_whitespace().count() == 1;
                assert!(
                    is_command || is_word || line.chars().count() <= width,
                    "{width}: {line}"
                );
            }
        }
    }

    #[test]
    fn several_failures_are_summed_up() {
        let events = br#"{"items": [
            {"type": "Warning", "message": "Failed to pull image \"a.io/x:1\": not found", "source": {"host": "n1"},
             "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "x-1"}},
            {"type": "Warning", "message": "Failed to pull image \"a.io/x:1\": not found", "source": {"host": "n2"},
             "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "x-2"}},
            {"type": "Warning", "message": "Failed to pull image \"a.io/y:1\": toomanyrequests", "source": {"host": "n1"},
             "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "y-1"}}
        ]}"#;
        let text = text_of(events, 80);
        assert!(text.starts_with("2 failures, 3 pods, 2 nodes\n"), "{text}");
        assert!(
            text.contains("seen 2 times, in pods shop/x-1, shop/x-2, on nodes n1, n2"),
            "{text}"
        );
    }

    #[test]
    fn what_was_read_is_told_where_nothing_is_found() {
        for (input, words) in [
            (&b""[..], "The input is empty"),
            (b"\x7fELF\0\0", "The input is no text"),
            (b"\x01\x02\x03\n", "The input is no text"),
            (b"{\"items\": [{\"kind\": \"Event\", \"type\": \"Normal\", \"involvedObject\": {}}]}", "None of these objects"),
        ] {
            assert!(text_of(input, 80).starts_with(words));
        }
    }

    #[test]
    fn control_characters_are_made_visible() {
        let text = text_of(b"Failed to pull image \"a\x1b[31m\": x", 80);
        assert!(
            !text.contains('\u{1b}') && text.contains("\\u{1b}"),
            "{text}"
        );
    }
}
