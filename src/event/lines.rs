//! From lines of text to messages: pasted messages, `kubectl describe pod`, tables of `kubectl get events`, plain logs.

use std::sync::LazyLock;

use regex::Regex;

use super::message::Message;
use super::pattern::speaks_of_images;

/// What the lines above say about the lines below.
#[derive(Debug, Default)]
pub(super) struct Lines {
    node: Option<String>,
    image: Option<String>,
}

static NODE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^Node:\s+([^\s/]+)|Successfully assigned \S+ to (\S+)").ok());
static IMAGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s+Image:\s+(\S+)\s*$").ok());
static COUNT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\(x(\d{1,9}) over [^)]{1,20}\)").ok());
/// Where the message begins behind the columns of a table.
static START: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"Failed to pull image|Back-off pulling image|Failed (?:to )?create(?: pod)? sandbox|Error: (?:Err|Image|Invalid)|Failed to apply default image tag|Failed to inspect image|Container image ""#,
    )
    .ok()
});

impl Lines {
    /// The message of one line; none where the line speaks of no image, or says that all went well.
    pub(super) fn read(&mut self, line: &str) -> Option<Message> {
        self.learn(line);
        if !speaks_of_images(line.as_bytes()) || is_progress(line) {
            return None;
        }
        let is_field = line.trim_start().starts_with("Message:");
        let start = START.as_ref().and_then(|start| start.find(line));
        Some(Message {
            text: line[start.map_or(0, |start| start.start())..]
                .trim()
                .to_owned(),
            count: count(line),
            image: self.image.clone().filter(|_| is_field),
            node: self.node.clone(),
            time: None,
        })
    }

    fn learn(&mut self, line: &str) {
        if line.starts_with("Name:") {
            *self = Self::default();
        }
        if let Some(found) = NODE.as_ref().and_then(|node| node.captures(line)) {
            let node = found.get(1).or_else(|| found.get(2));
            self.node = node.map(|node| node.as_str().to_owned());
        }
        if let Some(found) = IMAGE.as_ref().and_then(|image| image.captures(line)) {
            self.image = found.get(1).map(|image| image.as_str().to_owned());
        }
    }
}

/// Whether a message of the kubelet begins in a line.
pub(super) fn begins_message(line: &str) -> bool {
    START.as_ref().is_some_and(|start| start.is_match(line))
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
        || [
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

    const DESCRIPTION: &str = "\
Name:             app-1
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
    fn a_description_gives_node_count_and_message() {
        let mut lines = Lines::default();
        let found: Vec<Message> = DESCRIPTION
            .lines()
            .filter_map(|line| lines.read(line))
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            found[0].text,
            "Failed to pull image \"ghcr.io/team/app:1\": not found"
        );
        assert_eq!(found[0].count, 3);
        assert_eq!(found[0].node.as_deref(), Some("gke-pool-1"));
    }
}
