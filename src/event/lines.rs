//! From lines of text to messages: pasted messages, `kubectl describe pod`, tables of `kubectl get`, plain logs.
//!
//! Source of the forms: kubectl `pkg/describe/describe.go` and `pkg/printers/internalversion/printers.go`.

use std::sync::LazyLock;

use regex::Regex;

use super::message::Message;
use super::pattern::speaks_of_pulls;
use super::place::Place;

/// The longest message that is put together from several lines, in bytes.
const MAX_JOINED_BYTES: usize = 16 << 10;
/// The narrowest that text is broken to, in bytes. Where a line would have been shorter with its next word, it was not broken
/// for want of room.
const MIN_WIDTH: usize = 40;

/// Reads lines, and remembers what the lines above say about the lines below.
#[derive(Debug, Default)]
pub(super) struct Lines {
    place: Place,
    image: Option<String>,
    open: Option<Open>,
}

/// A message that the next line may go on with.
#[derive(Debug)]
struct Open {
    message: Message,
    /// The lines as they came, the first one without what stands before the message.
    parts: Vec<String>,
    /// How long each line is, with all that stands in it.
    lengths: Vec<usize>,
    may_go_on: bool,
}

fn form(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static NODE: LazyLock<Option<Regex>> =
    LazyLock::new(|| form(r"^\s*Node:\s+([^\s/]+)|Successfully assigned \S+ to (\S+)"));
static FIELD: LazyLock<Option<Regex>> =
    LazyLock::new(|| form(r"^\s*(Name|Namespace|Service Account|Image):\s+(\S+)\s*$"));
/// Any field of a description, and the headings between them.
static ANY_FIELD: LazyLock<Option<Regex>> =
    LazyLock::new(|| form(r"^\s*[A-Z][A-Za-z ()/-]{0,40}:(\s{2,}|\t|\s*$)"));
static COUNT: LazyLock<Option<Regex>> = LazyLock::new(|| form(r"\(x(\d{1,9}) over [^)]{1,20}\)"));
/// A row in the events of a description, or in a table of events; group 1 is the pod of a table.
static EVENT_ROW: LazyLock<Option<Regex>> =
    LazyLock::new(|| form(r"^\s*(?:\S+\s+){0,2}(?:Normal|Warning)\s+[A-Z]\w+\s+(?:pod/(\S+))?"));
/// What `-o wide` prints behind the message of an event: how long ago it was first seen, how often, and its name.
static WIDE: LazyLock<Option<Regex>> =
    LazyLock::new(|| form(r"\s{2,}\d+[smhdy]\S*\s+(\d{1,9})\s+[a-z0-9.-]+\.[0-9a-f]+\s*$"));
/// A row of `kubectl get pods`.
static POD_ROW: LazyLock<Option<Regex>> = LazyLock::new(|| {
    form(&format!(
        r"^\s*(?:([a-z0-9-]+)\s+)?([a-z0-9][a-z0-9.-]*)\s+\d+/\d+\s+(?:Init:)?({STATES})\s"
    ))
});
/// Why a container waits, in a description.
static REASON: LazyLock<Option<Regex>> =
    LazyLock::new(|| form(&format!(r"^\s*Reason:\s+({STATES})\s*$")));
/// The states of a container whose image did not come.
const STATES: &str = "ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|ImageInspectError|RegistryUnavailable|SignatureValidationFailed";
/// Where the message begins behind the columns of a table.
static START: LazyLock<Option<Regex>> = LazyLock::new(|| {
    form(
        r#"Failed to pull image|Back-off pulling image|Failed (?:to )?create(?: pod)? sandbox|Error: (?:Err|Image|Invalid)|Failed to apply default image tag|Failed to inspect image|Container image "|Error syncing pod|PullImage (?:"|from image service failed)"#,
    )
});
/// What a line of a log begins with: a time, a level, or a bracket.
static LOG_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    form(
        r"^\s*(?:\d{4}[-/]\d\d[-/]\d\d[T ]|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|[IWEF]\d{4} \d\d:|\d\d:\d\d:\d\d|(?:time|level|ts|msg)=|[{\[<]|\d+[smhd]\S*\s|(?:INFO|WARN|WARNING|ERRO|ERROR|DEBUG|FATA|FATAL|TRACE)\b)",
    )
});

fn is_match(form: &LazyLock<Option<Regex>>, line: &str) -> bool {
    form.as_ref().is_some_and(|form| form.is_match(line))
}

impl Lines {
    /// The message that ends before this line; none where there is none, or it says that all went well.
    pub(super) fn read(&mut self, line: &str) -> Option<Message> {
        if let Some(open) = &mut self.open
            && open.goes_on_with(line)
        {
            open.add(line);
            return None;
        }
        let ended = self.close();
        self.learn(line);
        self.open = self.begin(line);
        ended
    }

    /// The message that ends with the last line.
    pub(super) fn close(&mut self) -> Option<Message> {
        self.open.take().and_then(Open::into_message)
    }

    /// The message that begins in a line.
    fn begin(&self, line: &str) -> Option<Open> {
        if let Some(message) = self.state(line) {
            return Some(Open::of(message, line, false));
        }
        let row = EVENT_ROW.as_ref().and_then(|row| row.captures(line));
        let start = START.as_ref().and_then(|start| start.find(line));
        let is_broken_off = row.is_some() && start.is_none() && line.contains("Warning");
        if !is_broken_off && !speaks_of_pulls(line.as_bytes()) || is_progress(line) {
            return None;
        }
        let wide = WIDE.as_ref().and_then(|wide| wide.captures(line));
        let wide = wide.filter(|_| row.is_some());
        let end = wide
            .as_ref()
            .and_then(|wide| wide.get(0))
            .map_or(line.len(), |found| found.start());
        let begin = start.map_or(0, |start| start.start());
        let field = line
            .trim_start()
            .strip_prefix("Message:")
            .map(str::trim_start);
        let text = match field {
            Some(text) if start.is_none() => text,
            _ => line.get(begin..end).unwrap_or(line),
        };
        let mut place = self.place.clone();
        if let Some(pod) = row.and_then(|row| row.get(1)) {
            place.pod = Some(pod.as_str().to_owned());
        }
        let message = Message {
            count: wide
                .and_then(|wide| wide.get(1)?.as_str().parse().ok())
                .unwrap_or_else(|| count(line)),
            image: self.image.clone().filter(|_| field.is_some()),
            place,
            ..Message::new(text)
        };
        let may_go_on = is_broken_off || start.is_some() || field.is_some();
        Some(Open::of(message, line, may_go_on))
    }

    /// What a row or a field says of the state of a container.
    fn state(&self, line: &str) -> Option<Message> {
        if let Some(row) = POD_ROW.as_ref()?.captures(line) {
            let group = |index: usize| Some(row.get(index)?.as_str().to_owned());
            return Some(Message {
                place: Place {
                    namespace: group(1),
                    pod: group(2),
                    ..Place::default()
                },
                ..Message::new(group(3)?)
            });
        }
        let reason = REASON.as_ref()?.captures(line)?;
        Some(Message {
            image: self.image.clone(),
            place: self.place.clone(),
            ..Message::new(reason.get(1)?.as_str())
        })
    }

    fn learn(&mut self, line: &str) {
        if let Some(found) = NODE.as_ref().and_then(|node| node.captures(line)) {
            let node = found.get(1).or_else(|| found.get(2));
            self.place.node = node.map(|node| node.as_str().to_owned());
        }
        let Some(field) = FIELD.as_ref().and_then(|field| field.captures(line)) else {
            return;
        };
        let value = field.get(2).map(|value| value.as_str().to_owned());
        match field.get(1).map_or("", |name| name.as_str()) {
            "Name" if line.starts_with('N') => {
                *self = Self::default();
                self.place.pod = value;
            }
            "Namespace" => self.place.namespace = value,
            "Service Account" => self.place.service_account = value,
            "Image" => self.image = value,
            _ => {}
        }
    }
}

impl Open {
    fn of(message: Message, line: &str, may_go_on: bool) -> Self {
        Self {
            parts: vec![message.text.clone()],
            lengths: vec![line.len()],
            message,
            may_go_on,
        }
    }

    /// Whether a line looks like the rest of one that a terminal, a mailer or YAML has broken.
    fn goes_on_with(&self, line: &str) -> bool {
        self.may_go_on
            && self.lengths.last().is_some_and(|last| {
                let word = line.split_whitespace().next().map_or(0, str::len);
                last + 1 + word >= MIN_WIDTH
            })
            && self.lengths.iter().sum::<usize>() + line.len() <= MAX_JOINED_BYTES
            && !line.trim().is_empty()
            && ![&START, &EVENT_ROW, &POD_ROW, &ANY_FIELD, &LOG_LINE]
                .iter()
                .any(|form| is_match(form, line))
            && !is_progress(line)
    }

    fn add(&mut self, line: &str) {
        self.lengths.push(line.len());
        self.parts.push(line.to_owned());
    }

    /// None where it turns out not to be about pulls.
    fn into_message(self) -> Option<Message> {
        let text = match self.parts.as_slice() {
            [text] => text.clone(),
            parts if is_folded(&self.lengths) => parts.concat(),
            parts => joined(parts),
        };
        let start = START.as_ref().filter(|_| self.parts.len() > 1);
        let start = start.and_then(|start| start.find(&text));
        let text = text[start.map_or(0, |start| start.start())..].trim();
        let is_state = STATES.split('|').any(|state| state == text);
        (is_state || speaks_of_pulls(text.as_bytes())).then(|| Message {
            text: text.to_owned(),
            ..self.message
        })
    }
}

/// Whether lines were cut at one column, whatever stands there: all but the last are as long, and there are enough of them to
/// tell.
fn is_folded(lengths: &[usize]) -> bool {
    match lengths {
        [first, middle @ .., last] if !middle.is_empty() => {
            middle.iter().all(|length| length == first) && last <= first
        }
        _ => false,
    }
}

/// The parts as one text. Within quotes nothing is put between two of them, as names have no blanks; elsewhere a blank.
fn joined(parts: &[String]) -> String {
    let mut text = String::new();
    for part in parts {
        let has_blank =
            text.ends_with(char::is_whitespace) || part.starts_with(char::is_whitespace);
        let is_in_name = text.matches('"').count() % 2 == 1 && !has_blank;
        text.truncate(text.trim_end().len());
        if !text.is_empty() && !is_in_name {
            text.push(' ');
        }
        text.push_str(part.trim_start());
    }
    text
}

/// Whether a message of the kubelet begins in a line.
pub(super) fn begins_message(line: &str) -> bool {
    is_match(&START, line)
}

fn count(line: &str) -> u64 {
    let found = COUNT.as_ref().and_then(|count| count.captures(line));
    found
        .and_then(|found| found.get(1)?.as_str().parse().ok())
        .unwrap_or(1)
        .max(1)
}

/// Whether a line tells of a pull that goes on or went well, or is a field of a description.
pub(super) fn is_progress(line: &str) -> bool {
    let trimmed = line.trim_start();
    ["Image:", "Image ID:", "Reason:", "imagePullPolicy:"]
        .iter()
        .any(|field| trimmed.starts_with(field))
        || !line.contains("Error")
            && [
                "Successfully pulled image",
                "already present on machine",
                "Pulling image \"",
            ]
            .iter()
            .any(|words| line.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Message> {
        let mut lines = Lines::default();
        let mut found: Vec<Message> = text.lines().filter_map(|line| lines.read(line)).collect();
        found.extend(lines.close());
        found
    }

    const DESCRIPTION: &str = "\
Name:             app-1
Namespace:        shop
Service Account:  app
Node:             gke-pool-1/10.0.0.5
Containers:
  app:
    Image:          ghcr.io/team/app:1
    State:          Waiting
      Reason:       ErrImagePull
Events:
  Type     Reason   Age                From     Message
  Normal   Pulling  12s (x3 over 40s)  kubelet  Pulling image \"ghcr.io/team/app:1\"
  Warning  Failed   12s (x3 over 40s)  kubelet  Failed to pull image \"ghcr.io/team/app:1\": not found
";

    #[test]
    fn a_description_gives_place_count_and_message() {
        let found = read(DESCRIPTION);
        let texts: Vec<&str> = found.iter().map(|message| message.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "ErrImagePull",
                "Failed to pull image \"ghcr.io/team/app:1\": not found"
            ]
        );
        assert_eq!(found[0].image.as_deref(), Some("ghcr.io/team/app:1"));
        assert_eq!(found[1].count, 3);
        assert_eq!(
            found[1].place,
            Place {
                node: Some("gke-pool-1".to_owned()),
                namespace: Some("shop".to_owned()),
                pod: Some("app-1".to_owned()),
                service_account: Some("app".to_owned()),
                ..Place::default()
            }
        );
    }

    #[test]
    fn why_a_container_ended_is_about_its_image() {
        let found = read(
            "Name:  cache-1\n    Image:   ghcr.io/team/cache:1\n      Message:   exec /bin/cache: exec format error\n",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "exec /bin/cache: exec format error");
        assert_eq!(found[0].image.as_deref(), Some("ghcr.io/team/cache:1"));
    }

    const FAILURE: &str = "Failed to pull image \"europe-west1-docker.pkg.dev/acme/shop/api:1.4.2\": rpc error: code = Unknown desc = \
                           failed to pull and unpack image \"europe-west1-docker.pkg.dev/acme/shop/api:1.4.2\": unexpected status \
                           from HEAD request to https://europe-west1-docker.pkg.dev/v2/acme/shop/api/manifests/1.4.2: 403 Forbidden";

    /// The text in lines of at most `width` bytes, broken anywhere.
    fn fold(text: &str, width: usize) -> String {
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(width)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        lines.join("\n")
    }

    #[test]
    fn a_message_broken_at_a_column_is_one() {
        for width in [60, 80, 100, 120] {
            let row = format!("  Warning  Failed  12s  kubelet  {FAILURE}");
            let text = format!(
                "{}\n  Normal  BackOff  1s  kubelet  Back-off pulling image \"b\"\n",
                fold(&row, width)
            );
            let found = read(&text);
            assert_eq!(found.len(), 2, "{width}: {found:#?}");
            assert_eq!(found[0].text, FAILURE, "{width}");
        }
    }

    #[test]
    fn a_message_broken_between_words_is_one() {
        for width in [60, 80, 120] {
            let row = format!("  Warning  Failed  12s  kubelet  {FAILURE}");
            let options = textwrap::Options::new(width)
                .break_words(false)
                .word_separator(textwrap::WordSeparator::AsciiSpace)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            let text = format!("{}\n\nEvents:  <none>\n", textwrap::fill(&row, options));
            let found = read(&text);
            assert_eq!(found.len(), 1, "{width}: {found:#?}");
            assert_eq!(found[0].text, FAILURE, "{width}");
        }
    }

    #[test]
    fn lines_of_a_log_are_messages_of_their_own() {
        let line = |second: u8| {
            format!(
                "E1124 04:00:0{second}.000000 1 kuberuntime_image.go:55] \"Failed to pull image\" err=\"not found\" image=\"ghcr.io/team/app:1\""
            )
        };
        assert_eq!(read(&format!("{}\n{}\n", line(1), line(2))).len(), 2);
    }

    #[test]
    fn rows_of_tables_name_the_pod() {
        let found = read(
            "NAME   READY  STATUS             RESTARTS  AGE\nweb-1  1/1    Running            0         5m\n\
             web-2  0/1    ImagePullBackOff   0         5m\n",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "ImagePullBackOff");
        assert_eq!(found[0].place.pod.as_deref(), Some("web-2"));

        let found = read(
            "LAST SEEN  TYPE     REASON  OBJECT     SUBOBJECT  SOURCE       MESSAGE  FIRST SEEN  COUNT  NAME\n\
             5m         Warning  Failed  pod/web-2  spec       kubelet, n1  Failed to pull image \"web:2\": not found  9m   7   web-2.17f0a1\n",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "Failed to pull image \"web:2\": not found");
        assert_eq!(found[0].count, 7);
        assert_eq!(found[0].place.pod.as_deref(), Some("web-2"));
    }
}
