//! From JSON records to messages: events, pods and exported log entries.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// One message, with what stands beside it in its record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// The text.
    pub text: String,
    /// How often it was seen.
    pub count: u64,
    /// The image that stands beside the text.
    pub image: Option<String>,
    /// The node.
    pub node: Option<String>,
    /// When it was first seen, in RFC 3339.
    pub time: Option<String>,
}

/// The messages of one record. A record of an unknown shape has none.
fn messages_of(record: &Value) -> Vec<Message> {
    if let Some(status) = record
        .pointer("/status")
        .filter(|_| record.get("spec").is_some())
    {
        return pod_messages(record, status);
    }
    let payload = record
        .get("jsonPayload")
        .or_else(|| record.get("protoPayload"));
    let message = one_message(payload.unwrap_or(record));
    message
        .map(|message| beside(message, record))
        .into_iter()
        .collect()
}

fn one_message(record: &Value) -> Option<Message> {
    match Event::deserialize(record) {
        Ok(event) if event.is_event() => event.message(),
        _ => log_message(record),
    }
}

/// The messages of one record, from its bytes. None where they are no JSON.
pub(super) fn messages_in(record: &[u8]) -> Option<Vec<Message>> {
    if let Ok(event) = serde_json::from_slice::<Event>(record)
        && event.is_event()
    {
        return Some(event.message().into_iter().collect());
    }
    let record = serde_json::from_slice(record).ok()?;
    Some(messages_of(&record))
}

/// An event of `v1` or `events.k8s.io/v1`: only what is needed, as there are many.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the names are those of the API")]
struct Event {
    involved_object: Option<IgnoredAny>,
    regarding: Option<IgnoredAny>,
    #[serde(alias = "note")]
    message: Option<String>,
    r#type: Option<String>,
    reason: Option<String>,
    #[serde(alias = "deprecatedCount")]
    count: Option<u64>,
    series: Option<Series>,
    #[serde(alias = "deprecatedSource")]
    source: Option<EventSource>,
    reporting_instance: Option<String>,
    #[serde(alias = "deprecatedFirstTimestamp")]
    first_timestamp: Option<String>,
    event_time: Option<String>,
}

#[derive(Deserialize)]
struct Series {
    count: Option<u64>,
}

#[derive(Deserialize)]
struct EventSource {
    host: Option<String>,
}

impl Event {
    const fn is_event(&self) -> bool {
        self.involved_object.is_some() || self.regarding.is_some()
    }

    /// None where all went well.
    fn message(self) -> Option<Message> {
        let is_normal = self.r#type.as_deref() == Some("Normal");
        if is_normal && self.reason.as_deref() != Some("BackOff") {
            return None;
        }
        let count = self.count.or(self.series.and_then(|series| series.count));
        let host = self.source.and_then(|source| source.host);
        Some(Message {
            text: self.message?,
            count: count.unwrap_or(1).max(1),
            image: None,
            node: host
                .or(self.reporting_instance)
                .filter(|node| !node.is_empty()),
            time: self.first_timestamp.or(self.event_time),
        })
    }
}

/// What the container statuses of a pod say, and why the pod itself ended.
fn pod_messages(pod: &Value, status: &Value) -> Vec<Message> {
    let node = text_at(pod, &["/spec/nodeName"]);
    let time = text_at(pod, &["/metadata/creationTimestamp"]);
    let lists = [
        "containerStatuses",
        "initContainerStatuses",
        "ephemeralContainerStatuses",
    ];
    let statuses = lists
        .iter()
        .filter_map(|list| status.get(list)?.as_array())
        .flatten();
    let mut messages: Vec<Message> = statuses
        .flat_map(|container| {
            let image = text_at(container, &["/image"]).filter(|image| !image.is_empty());
            let paths = [
                "/state/waiting",
                "/state/terminated",
                "/lastState/terminated",
            ];
            paths.map(|path| (state_text(container.pointer(path)), image.clone()))
        })
        .filter_map(|(text, image)| {
            Some(Message {
                text: text?,
                count: 1,
                image,
                ..Message::default()
            })
        })
        .collect();
    messages.extend(state_text(Some(status)).map(|text| Message {
        text,
        count: 1,
        ..Message::default()
    }));
    for message in &mut messages {
        message.node.clone_from(&node);
        message.time.clone_from(&time);
    }
    messages
}

/// Reason and message of one state, as one text.
fn state_text(state: Option<&Value>) -> Option<String> {
    let state = state?;
    let reason = text_at(state, &["/reason"]);
    let message = text_at(state, &["/message"]);
    match (reason, message) {
        (Some(reason), Some(message)) => Some(format!("{reason}: {message}")),
        (Some(text), None) | (None, Some(text)) => Some(text),
        (None, None) => None,
    }
}

/// A log entry: its message, and its error where that stands apart.
fn log_message(record: &Value) -> Option<Message> {
    let text = text_at(
        record,
        &[
            "/textPayload",
            "/message",
            "/MESSAGE",
            "/msg",
            "/log",
            "/note",
            "/status/message",
        ],
    );
    let error = text_at(record, &["/err", "/error", "/error/message"]);
    let text = match (text, error) {
        (Some(text), Some(error)) => format!("{text}: {error}"),
        (Some(text), None) | (None, Some(text)) => text,
        (None, None) => return None,
    };
    Some(Message {
        text,
        count: 1,
        image: text_at(record, &["/image"]),
        node: None,
        time: None,
    })
}

/// Adds node and time from the envelope of a log entry.
fn beside(message: Message, record: &Value) -> Message {
    Message {
        node: message.node.or_else(|| {
            text_at(
                record,
                &[
                    "/resource/labels/node_name",
                    "/labels/compute.googleapis.com~1resource_name",
                    "/jsonPayload/_HOSTNAME",
                    "/kubernetes/host",
                    "/node",
                    "/host",
                    "/hostname",
                ],
            )
        }),
        time: message.time.or_else(|| {
            text_at(
                record,
                &[
                    "/timestamp",
                    "/receiveTimestamp",
                    "/time",
                    "/ts",
                    "/@timestamp",
                ],
            )
        }),
        ..message
    }
}

/// The first of the paths that holds a text.
fn text_at(value: &Value, paths: &[&str]) -> Option<String> {
    paths
        .iter()
        .find_map(|path| value.pointer(path)?.as_str())
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_gives_its_message_count_and_node() {
        let event = json!({
            "kind": "Event", "type": "Warning", "reason": "Failed", "count": 4, "message": "Failed to pull image",
            "involvedObject": {"kind": "Pod"}, "source": {"component": "kubelet", "host": "node-1"},
            "firstTimestamp": "2026-01-01T00:00:00Z"
        });
        let messages = messages_of(&event);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].count, 4);
        assert_eq!(messages[0].node.as_deref(), Some("node-1"));
    }

    #[test]
    fn what_went_well_is_no_message() {
        let event = json!({
            "type": "Normal", "reason": "Pulled", "message": "Successfully pulled image \"not-found\"",
            "involvedObject": {"kind": "Pod"}
        });
        assert_eq!(messages_of(&event), []);
    }

    #[test]
    fn a_pod_gives_the_states_of_its_containers() {
        let pod = json!({
            "spec": {"nodeName": "node-2"},
            "status": {"containerStatuses": [
                {"image": "ghcr.io/team/app:1", "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}},
                {"image": "nginx", "state": {"running": {}}}
            ]}
        });
        let messages = messages_of(&pod);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].text, "ErrImagePull: not found");
        assert_eq!(messages[0].image.as_deref(), Some("ghcr.io/team/app:1"));
        assert_eq!(messages[0].node.as_deref(), Some("node-2"));
    }

    #[test]
    fn a_log_entry_gives_its_payload() {
        for entry in [
            json!({"textPayload": "Failed to pull image", "resource": {"labels": {"node_name": "n"}}}),
            json!({"jsonPayload": {"MESSAGE": "Failed to pull image"}, "resource": {"labels": {"node_name": "n"}}}),
            json!({"protoPayload": {"status": {"message": "Failed to pull image"}}, "resource": {"labels": {"node_name": "n"}}}),
        ] {
            let messages = messages_of(&entry);
            assert_eq!(messages.len(), 1, "{entry}");
            assert_eq!(messages[0].text, "Failed to pull image");
            assert_eq!(messages[0].node.as_deref(), Some("n"));
        }
    }
}
