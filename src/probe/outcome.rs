//! What a probe found, and how it is written down.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::fault::Fault;
use crate::event::Class;

/// The width that the text is laid out for, in columns.
const WIDTH: usize = 80;

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StageVerdict {
    /// It worked.
    Ok,
    /// It did not.
    Failed,
    /// It was not tried, because an earlier stage failed or there is nothing to try.
    Skipped,
}

impl StageVerdict {
    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One stage on the way to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Which stage: proxy, dns, tcp, proxy-tls, tunnel, tls, http, credentials, token, manifest, blob, layer or
    /// redirect.
    pub stage: &'static str,
    /// What was asked: a host, an address, an image.
    pub target: String,
    /// How it ended.
    pub verdict: StageVerdict,
    /// How long it took.
    pub duration: Duration,
    /// What was seen, in words.
    pub detail: String,
}

/// The way to a registry, stage by stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// What was probed, as it was asked for.
    pub target: String,
    /// The stages, in the order in which they were tried.
    pub stages: Vec<Stage>,
    /// What is wrong; none where the way is clear.
    pub fault: Option<Fault>,
}

impl ProbeReport {
    /// Whether the way is clear.
    #[must_use]
    pub const fn is_clear(&self) -> bool {
        self.fault.is_none()
    }

    /// The format of `probe --output json`, version 1.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let stages: Vec<Value> = self
            .stages
            .iter()
            .map(|stage| {
                json!({
                    "stage": stage.stage,
                    "target": stage.target,
                    "verdict": stage.verdict.as_str(),
                    "ms": u64::try_from(stage.duration.as_millis()).unwrap_or(u64::MAX),
                    "detail": stage.detail,
                })
            })
            .collect();
        json!({
            "version": 1,
            "target": self.target,
            "stages": stages,
            "verdict": if self.is_clear() { "ok" } else { "failed" },
            "class": self.fault.as_ref().and_then(Fault::class).map(Class::as_str),
            "side": self.fault.as_ref().map(|fault| fault.side().as_str()),
            "help": self.fault.as_ref().map(Fault::help),
        })
    }

    /// Plain text for a person, without colours.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("The way to {}\n\n", visible(&self.target));
        for stage in &self.stages {
            let time = match stage.verdict {
                StageVerdict::Skipped => String::new(),
                _ => format!("{} ms", stage.duration.as_millis()),
            };
            let head = format!(
                "  {:11} {:7} {time:>8}  ",
                stage.stage,
                stage.verdict.as_str()
            );
            let words = match stage.verdict {
                StageVerdict::Skipped => stage.detail.clone(),
                _ => format!("{}: {}", stage.target, stage.detail),
            };
            let indent = " ".repeat(head.len());
            let options = layout().initial_indent(&head).subsequent_indent(&indent);
            let _ = writeln!(text, "{}", textwrap::fill(&visible(&words), options));
        }
        let verdict = match &self.fault {
            None => "The way is clear.".to_owned(),
            Some(fault) => visible(&fault.help()),
        };
        let _ = writeln!(text, "\n{}", textwrap::fill(&verdict, layout()));
        text
    }
}

/// Lines that break between words only, because names of hosts have dashes.
fn layout() -> textwrap::Options<'static> {
    textwrap::Options::new(WIDTH).word_splitter(textwrap::WordSplitter::NoHyphenation)
}

/// The text with control characters made visible: much of it comes from servers.
fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escape = character.is_control().then(|| character.escape_default());
            let plain = (!character.is_control()).then_some(character);
            escape.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_every_field_and_text_shows_no_control_characters() {
        let report = ProbeReport {
            target: "registry.example.com".to_owned(),
            stages: vec![Stage {
                stage: "dns",
                target: "registry.example.com".to_owned(),
                verdict: StageVerdict::Failed,
                duration: Duration::from_millis(12),
                detail: "no\u{1b}[31m such host".to_owned(),
            }],
            fault: Some(Fault::Name("registry.example.com".to_owned())),
        };
        let json = report.to_json();
        assert_eq!(json["stages"][0]["ms"], 12);
        assert_eq!(json["verdict"], "failed");
        assert!(
            json["help"]
                .as_str()
                .is_some_and(|help| help.contains("resolver"))
        );
        let text = report.to_text();
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
    }
}
