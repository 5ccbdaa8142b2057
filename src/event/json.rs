//! An explanation as JSON.

use std::io;

use serde::Serialize;
use serde_json::Value;

use super::explanation::{Advice, Explained, Explanation};
use super::parallel::in_portions;

/// How many events are rendered before they are written.
const MAX_RENDERED: usize = 1024;

impl Explanation {
    /// Writes the format of `explain --output json`, version 1, event by event; with the report of a check of the images,
    /// where there was one, under `lint`; and with why the rest of a damaged input was not read, where it was not, under `damage`.
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
        if let Some(damage) = &self.damage {
            write!(out, ",\"damage\":{}", serde_json::to_string(damage)?)?;
        }
        if let Some(checked) = checked {
            write!(out, ",\"lint\":{checked}")?;
        }
        writeln!(out, "}}")
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
    reference: Option<String>,
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
        let details = event.details();
        let causes = details.advice.iter().map(|advice| CauseJson {
            class: advice.cause.class.as_str(),
            confidence: advice.cause.confidence.as_str(),
            help: help(advice),
        });
        Self {
            text: &event.text,
            count: event.count,
            node: event.nodes.first().map(|node| &**node),
            runtime: event.runtime().map(super::Runtime::as_str),
            causes: causes.collect(),
            reference: details.reference,
        }
    }
}

/// Summary, steps and rule of a cause, one a line.
fn help(advice: &Advice) -> String {
    let mut help = advice.cause.class.summary().to_owned();
    for step in &advice.steps {
        help.push_str(if step.is_command { "\n$ " } else { "\n" });
        help.push_str(&step.text);
    }
    if let Some(foresight) = advice.foresight {
        help.push('\n');
        help.push_str(&foresight.sentence());
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::explain;

    #[test]
    fn every_field_is_there() {
        let message = "Failed to pull image \"europe-west2-docker.pkg.dev/acme/ml/app:4\": unexpected status from HEAD request to \
                       https://europe-west2-docker.pkg.dev/v2/acme/ml/app/manifests/4: 403 Forbidden";
        let mut written = Vec::new();
        explain(message.as_bytes())
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
}
