//! From records to messages.

use serde_json::Value;

use super::kubernetes::{Event, pod_messages};
use super::log_entry::log_messages;
use super::place::Place;

/// One message, with what stands beside it in its record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// The text.
    pub text: String,
    /// How often it was seen.
    pub count: u64,
    /// The image that stands beside the text.
    pub image: Option<String>,
    /// The full name of the resource of Google Cloud that stands beside the text.
    pub resource: Option<String>,
    /// Where it was seen.
    pub place: Place,
    /// When it was first seen, in RFC 3339.
    pub time: Option<String>,
}

impl Message {
    /// A message that was seen once.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            count: 1,
            ..Self::default()
        }
    }
}

/// The messages of one record, from its bytes. None where they are no JSON.
pub(super) fn messages_in(record: &[u8]) -> Option<Vec<Message>> {
    // Events are many: what is not needed of them is not kept.
    if let Ok(event) = serde_json::from_slice::<Event>(record)
        && event.is_event()
    {
        return Some(event.message().into_iter().collect());
    }
    let record = serde_json::from_slice(record).ok()?;
    Some(messages_of(&record))
}

/// The messages of one record: an event, a pod, what a watch sends of them, what a registry answers, or a log entry.
pub(super) fn messages_of(record: &Value) -> Vec<Message> {
    if let (Some(object), Some(_)) = (record.get("object"), record.get("type")) {
        return messages_of(object);
    }
    if let Some(messages) = object_messages(record) {
        return messages;
    }
    if is_of_registry(record) {
        return vec![Message::new(record.to_string())];
    }
    log_messages(record)
}

/// Whether a record is what a registry answers to a request that fails (OCI distribution-spec, section Error Codes).
fn is_of_registry(record: &Value) -> bool {
    let errors = record.get("errors").and_then(Value::as_array);
    errors.is_some_and(|errors| {
        let code = |error: &Value| error.get("code").is_some_and(Value::is_string);
        !errors.is_empty() && errors.iter().all(code)
    })
}

/// The messages of an object of Kubernetes; none where it is no such object.
pub(super) fn object_messages(object: &Value) -> Option<Vec<Message>> {
    if let (Some(status), Some(_)) = (object.get("status"), object.get("spec")) {
        return Some(pod_messages(object, status));
    }
    let event = Event::of(object)?;
    Some(event.message().into_iter().collect())
}

/// The first of the paths that holds a text that is not empty.
pub(super) fn text_at(value: &Value, paths: &[&str]) -> Option<String> {
    paths
        .iter()
        .find_map(|path| {
            value
                .pointer(path)?
                .as_str()
                .filter(|text| !text.is_empty())
        })
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_watch_sends_is_the_object_in_it() {
        let watched = json!({"type": "ADDED", "object": {
            "kind": "Event", "type": "Warning", "message": "Failed to pull image",
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "api-1"}
        }});
        let messages = messages_of(&watched);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].place.pod.as_deref(), Some("api-1"));
    }

    #[test]
    fn what_a_registry_answers_is_a_message() {
        let answer =
            json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]});
        assert_eq!(messages_of(&answer).len(), 1);
        assert!(messages_of(&json!({"errors": []})).is_empty());
        assert!(messages_of(&json!({"errors": [{"reason": "x"}]})).is_empty());
    }
}
