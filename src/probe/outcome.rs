//! What a probe found, and how it is written down.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::choice::{Choice, choice, weightiest};
use super::fault::Fault;
use crate::event::Class;
use crate::oci::{Digest, Reference};
use crate::registry::Blocked;

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

/// How far a host went along with a pull, whatever use its answers were of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// It told nothing of the image.
    #[default]
    Nothing,
    /// It has told which manifest the image is.
    Resolved,
    /// It gave out a manifest.
    Manifest,
}

/// The way to one of the hosts that a node asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostReport {
    /// `host` or `host:port` of its API.
    pub authority: String,
    /// Where its API begins.
    pub url: String,
    /// Whether it answers in place of the registry itself.
    pub is_mirror: bool,
    /// The file that names it, or says how it is asked.
    pub file: Option<PathBuf>,
    /// The stages, in the order in which they were tried.
    pub stages: Vec<Stage>,
    /// What is wrong; none where the way is clear.
    pub fault: Option<Fault>,
    /// Whether a node asks it at all.
    pub is_asked: bool,
    /// How far it went along with the pull.
    pub(super) progress: Progress,
    /// The digest of the image, as it told it.
    pub(super) digest: Option<Digest>,
    /// Whether a node that has got the manifest there asks no other host for the rest.
    pub(super) serves_alone: bool,
}

impl HostReport {
    const fn verdict(&self) -> StageVerdict {
        match (&self.fault, self.is_asked) {
            (Some(_), _) => StageVerdict::Failed,
            (None, true) => StageVerdict::Ok,
            (None, false) => StageVerdict::Skipped,
        }
    }

    fn to_json(&self) -> Value {
        let fault = self.fault.as_ref();
        json!({
            "host": self.authority,
            "url": self.url,
            "mirror": self.is_mirror,
            "file": self.file.as_ref().map(|file| file.display().to_string()),
            "verdict": self.verdict().as_str(),
            "class": fault.and_then(Fault::class).map(Class::as_str),
            "side": fault.map(|fault| fault.side().as_str()),
            "help": fault.map(Fault::help),
        })
    }

    /// What it is, for a line of its own.
    fn heading(&self) -> String {
        match (&self.file, self.is_mirror) {
            (Some(file), true) => format!("{}, a mirror, as {} has it", self.url, file.display()),
            (None, true) => format!("{}, a mirror", self.url),
            (_, false) => format!("{}, the registry itself", self.url),
        }
    }
}

/// The way to a registry, stage by stage, by each of the hosts that a node asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// What was probed, as it was asked for.
    pub target: String,
    /// The hosts, in the order in which a node asks them.
    pub hosts: Vec<HostReport>,
    /// What is wrong; none where a node gets through.
    pub fault: Option<Fault>,
    /// The image; none where a host was asked for.
    image: Option<String>,
    choice: Choice,
}

impl ProbeReport {
    /// What the ways to these hosts come to.
    pub(super) fn of(target: &str, image: Option<&Reference>, hosts: Vec<HostReport>) -> Self {
        let choice = choice(&hosts);
        let fault = match choice {
            Choice::From(_) => None,
            Choice::Stuck(index) => hosts[index].fault.clone(),
            Choice::Nowhere => Some(weightiest(&hosts).cloned().unwrap_or(Fault::NoHost)),
        };
        Self {
            target: target.to_owned(),
            hosts,
            fault,
            image: image.map(ToString::to_string),
            choice,
        }
    }

    /// No node asks at all.
    pub(super) fn blocked(target: &str, blocked: Blocked) -> Self {
        Self {
            target: target.to_owned(),
            hosts: Vec::new(),
            fault: Some(Fault::Blocked(blocked)),
            image: None,
            choice: Choice::Nowhere,
        }
    }

    /// All stages, host by host.
    #[must_use]
    pub fn stages(&self) -> impl DoubleEndedIterator<Item = &Stage> {
        self.hosts.iter().flat_map(|host| &host.stages)
    }

    /// Whether the way is clear.
    #[must_use]
    pub const fn is_clear(&self) -> bool {
        self.fault.is_none()
    }

    /// The format of `probe --output json`, version 1.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let stages = self
            .hosts
            .iter()
            .flat_map(|host| host.stages.iter().map(move |stage| (host, stage)));
        let stages: Vec<Value> = stages
            .map(|(host, stage)| {
                json!({
                    "host": host.authority,
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
            "hosts": self.hosts.iter().map(HostReport::to_json).collect::<Vec<_>>(),
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
        let is_usual = matches!(self.hosts.as_slice(), [only] if !only.is_mirror);
        for (index, host) in self.hosts.iter().enumerate() {
            if !is_usual {
                let heading = visible(&format!("{}. {}", index + 1, host.heading()));
                let options = layout().subsequent_indent("   ");
                let _ = writeln!(text, "{}", textwrap::fill(&heading, options));
            }
            write_stages(host, &mut text);
            if !is_usual {
                let options = layout().initial_indent("  ").subsequent_indent("  ");
                let words = visible(&own_verdict(host));
                let _ = writeln!(text, "{}\n", textwrap::fill(&words, options));
            }
        }
        let verdict = match &self.fault {
            _ if !is_usual && !self.hosts.is_empty() => self.verdict(),
            None => "The way is clear.".to_owned(),
            Some(fault) => fault.help(),
        };
        let line = if is_usual { "\n" } else { "" };
        let verdict = textwrap::fill(&visible(&verdict), layout());
        let _ = writeln!(text, "{line}{verdict}");
        text
    }

    /// What it comes to, where there are several hosts.
    fn verdict(&self) -> String {
        let names = |hosts: &[HostReport]| {
            let asked = hosts.iter().filter(|host| host.is_asked);
            let names: Vec<&str> = asked.map(|host| host.authority.as_str()).collect();
            names.join(", ")
        };
        match self.choice {
            Choice::From(index) => {
                let (before, host) = (&self.hosts[..index], &self.hosts[index].authority);
                let gets = match &self.image {
                    Some(image) => format!("A node gets {image} from {host}"),
                    None => format!("A node gets through to {host}"),
                };
                match names(before).as_str() {
                    "" => format!("{gets}."),
                    others => format!("{gets}, after it has tried {others} in vain."),
                }
            }
            Choice::Stuck(index) => format!(
                "No node gets {}: what {} answers is of no use to it, and it goes on to no other.",
                self.image.as_deref().unwrap_or(&self.target),
                self.hosts[index].authority
            ),
            Choice::Nowhere => {
                let hosts = names(&self.hosts);
                match &self.image {
                    Some(image) => format!("No node gets {image} from any of these: {hosts}."),
                    None => format!("No node gets through to any of these: {hosts}."),
                }
            }
        }
    }
}

/// What the way to one of several hosts comes to.
fn own_verdict(host: &HostReport) -> String {
    match &host.fault {
        Some(fault) => fault.help(),
        None if host.is_asked => "The way is clear.".to_owned(),
        None => "No node asks this host.".to_owned(),
    }
}

fn write_stages(host: &HostReport, text: &mut String) {
    for stage in &host.stages {
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
        let host = HostReport {
            is_asked: true,
            stages: vec![Stage {
                stage: "dns",
                target: "registry.example.com".to_owned(),
                verdict: StageVerdict::Failed,
                duration: Duration::from_millis(12),
                detail: "no\u{1b}[31m such host".to_owned(),
            }],
            fault: Some(Fault::Name("registry.example.com".to_owned())),
            ..HostReport::default()
        };
        let report = ProbeReport::of("registry.example.com", None, vec![host]);
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
