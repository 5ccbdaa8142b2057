//! Log entries as JSON: Cloud Logging, journald, what collectors such as Fluent Bit write, and what else holds messages.
//!
//! Sources: cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry; systemd, `systemd.journal-fields(7)` and
//! journalctl's JSON; docs.fluentbit.io, Kubernetes filter; docs.aws.amazon.com, `FilterLogEvents`.

use serde_json::Value;

use super::lines::begins_message;
use super::message::{Message, object_messages, text_at};
use super::place::Place;

/// Where the text of an entry stands.
const TEXTS: [&str; 8] = [
    "/textPayload",
    "/message",
    "/MESSAGE",
    "/msg",
    "/log",
    "/note",
    "/status/message",
    "/line",
];
/// Where the error of an entry stands, if it stands apart.
const ERRORS: [&str; 3] = ["/err", "/error", "/error/message"];
/// How deep messages are looked for in records of an unknown shape, and how many of them are taken.
const MAX_DEPTH: usize = 16;
const MAX_FOUND: usize = 1000;

/// The messages of a log entry.
pub(super) fn log_messages(record: &Value) -> Vec<Message> {
    let payload = ["jsonPayload", "protoPayload", "_source"]
        .iter()
        .find_map(|name| record.get(name))
        .unwrap_or(record);
    let is_object = !std::ptr::eq(payload, record);
    let messages = is_object
        .then(|| object_messages(payload))
        .flatten()
        .or_else(|| Some(vec![log_message(payload)?]));
    let messages = messages.unwrap_or_else(|| {
        let mut found = Vec::new();
        search(record, MAX_DEPTH, &mut found);
        found
    });
    messages
        .into_iter()
        .map(|message| beside(message, payload, record))
        .collect()
}

/// The message of an entry, and its error where that stands apart.
fn log_message(entry: &Value) -> Option<Message> {
    let text = text_at(entry, &TEXTS).or_else(|| bytes_at(entry, "/MESSAGE"));
    let text = match (text, text_at(entry, &ERRORS)) {
        (Some(text), Some(error)) => format!("{text}: {error}"),
        (Some(text), None) | (None, Some(text)) => text,
        (None, None) => return None,
    };
    Some(Message {
        image: text_at(entry, &["/image"]),
        ..Message::new(text)
    })
}

/// The text of a field that journalctl prints as numbers, because there are colours in it.
fn bytes_at(entry: &Value, path: &str) -> Option<String> {
    let numbers = entry.pointer(path)?.as_array()?.iter();
    let bytes: Option<Vec<u8>> = numbers
        .map(|number| u8::try_from(number.as_u64()?).ok())
        .collect();
    Some(String::from_utf8_lossy(&bytes?).into_owned())
}

/// The texts anywhere in `value` in which a message of the kubelet begins.
fn search(value: &Value, depth: usize, found: &mut Vec<Message>) {
    if depth == 0 || found.len() >= MAX_FOUND {
        return;
    }
    match value {
        Value::String(text) if begins_message(text) => found.push(Message::new(text.as_str())),
        Value::Array(items) => items.iter().for_each(|item| search(item, depth - 1, found)),
        Value::Object(fields) => {
            for field in fields.values() {
                search(field, depth - 1, found);
            }
        }
        _ => {}
    }
}

/// Adds place and time from the envelope of an entry.
fn beside(message: Message, payload: &Value, record: &Value) -> Message {
    let label = |name: &str| text_at(record, &[&format!("/resource/labels/{name}")]);
    let place = Place {
        node: label("node_name").or_else(|| {
            text_at(
                record,
                &[
                    "/labels/compute.googleapis.com~1resource_name",
                    "/jsonPayload/_HOSTNAME",
                    "/_HOSTNAME",
                    "/kubernetes/host",
                    "/node",
                    "/host",
                    "/hostname",
                ],
            )
        }),
        namespace: label("namespace_name")
            .or_else(|| text_at(record, &["/kubernetes/namespace_name"])),
        pod: label("pod_name").or_else(|| text_at(record, &["/kubernetes/pod_name"])),
        service_account: None,
        identity: text_at(payload, &["/authenticationInfo/principalEmail"]),
        cluster: label("cluster_name"),
        location: label("location"),
        project: label("project_id"),
    };
    Message {
        resource: text_at(payload, &["/resourceName"]),
        place: message.place.or(place),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_log_entry_gives_its_payload() {
        for entry in [
            json!({"textPayload": "Failed to pull image", "resource": {"labels": {"node_name": "n"}}}),
            json!({"jsonPayload": {"MESSAGE": "Failed to pull image"}, "resource": {"labels": {"node_name": "n"}}}),
            json!({"protoPayload": {"status": {"message": "Failed to pull image"}}, "resource": {"labels": {"node_name": "n"}}}),
            json!({"MESSAGE": "Failed to pull image", "_HOSTNAME": "n"}),
            json!({"MESSAGE": "Failed to pull image".as_bytes(), "_HOSTNAME": "n"}),
            json!({"log": "Failed to pull image", "kubernetes": {"host": "n"}}),
        ] {
            let messages = log_messages(&entry);
            assert_eq!(messages.len(), 1, "{entry}");
            assert_eq!(messages[0].text, "Failed to pull image");
            assert_eq!(messages[0].place.node.as_deref(), Some("n"));
        }
    }

    #[test]
    fn an_entry_of_cloud_logging_names_the_cluster() {
        let entry = json!({
            "jsonPayload": {"kind": "Event", "type": "Warning", "message": "Failed to pull image",
                "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "api-1"}},
            "resource": {"labels": {"cluster_name": "prod", "location": "europe-west1", "project_id": "acme"}}
        });
        let place = log_messages(&entry).remove(0).place;
        assert_eq!(place.cluster.as_deref(), Some("prod"));
        assert_eq!(place.location.as_deref(), Some("europe-west1"));
        assert_eq!(place.project.as_deref(), Some("acme"));
        assert_eq!(place.pod.as_deref(), Some("api-1"));
    }

    #[test]
    fn an_audit_entry_names_who_asked_for_what() {
        let entry = json!({"protoPayload": {
            "status": {"code": 7, "message": "Permission denied"},
            "resourceName": "projects/acme/locations/europe-west1/repositories/shop",
            "authenticationInfo": {"principalEmail": "nodes@acme.iam.gserviceaccount.com"}
        }});
        let message = log_messages(&entry).remove(0);
        assert_eq!(
            message.place.identity.as_deref(),
            Some("nodes@acme.iam.gserviceaccount.com")
        );
        assert_eq!(
            message.resource.as_deref(),
            Some("projects/acme/locations/europe-west1/repositories/shop")
        );
    }

    #[test]
    fn messages_are_found_in_records_of_any_shape() {
        let elastic =
            json!({"hits": {"hits": [{"_source": {"text": "Failed to pull image \"a\""}}]}});
        let loki = json!({"data": {"result": [{"values": [["1", "Back-off pulling image \"b\""], ["2", "well"]]}]}});
        assert_eq!(log_messages(&elastic).len(), 1);
        assert_eq!(log_messages(&loki)[0].text, "Back-off pulling image \"b\"");
    }
}
