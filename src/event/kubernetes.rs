//! Events and pods, as the API of Kubernetes has them.
//!
//! Source: kubernetes.io/docs/reference/kubernetes-api, Event v1, Event v1 `events.k8s.io` and Pod v1.

use serde::Deserialize;
use serde_json::Value;

use super::message::{Message, text_at};
use super::place::Place;

/// An event of `v1` or `events.k8s.io/v1`: only what is needed, as there are many.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the names are those of the API")]
pub(super) struct Event {
    involved_object: Option<Involved>,
    regarding: Option<Involved>,
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

/// What an event is about.
#[derive(Deserialize)]
struct Involved {
    kind: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
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
    /// The event that `object` is.
    pub fn of(object: &Value) -> Option<Self> {
        Self::deserialize(object).ok().filter(Self::is_event)
    }

    /// Whether it is about an object, as every event is.
    pub const fn is_event(&self) -> bool {
        self.involved_object.is_some() || self.regarding.is_some()
    }

    /// None where all went well.
    pub fn message(self) -> Option<Message> {
        let is_normal = self.r#type.as_deref() == Some("Normal");
        if is_normal && self.reason.as_deref() != Some("BackOff") {
            return None;
        }
        let count = self.count.or(self.series.and_then(|series| series.count));
        let host = self.source.and_then(|source| source.host);
        let node = host
            .or(self.reporting_instance)
            .filter(|node| !node.is_empty());
        let pod = self
            .involved_object
            .or(self.regarding)
            .filter(|object| object.kind.as_deref().is_none_or(|kind| kind == "Pod"));
        let (namespace, pod) = pod.map_or((None, None), |pod| (pod.namespace, pod.name));
        Some(Message {
            text: self.message?,
            count: count.unwrap_or(1).max(1),
            place: Place {
                node,
                namespace,
                pod,
                ..Place::default()
            },
            time: self.first_timestamp.or(self.event_time),
            ..Message::default()
        })
    }
}

/// What the container statuses of a pod say, and why the pod itself ended.
pub(super) fn pod_messages(pod: &Value, status: &Value) -> Vec<Message> {
    let place = Place {
        node: text_at(pod, &["/spec/nodeName"]),
        namespace: text_at(pod, &["/metadata/namespace"]),
        pod: text_at(pod, &["/metadata/name"]),
        service_account: text_at(pod, &["/spec/serviceAccountName"]),
        ..Place::default()
    };
    let time = text_at(pod, &["/metadata/creationTimestamp"]);
    let lists = [
        "containerStatuses",
        "initContainerStatuses",
        "ephemeralContainerStatuses",
    ];
    let containers = lists
        .iter()
        .filter_map(|list| status.get(list)?.as_array())
        .flatten();
    let waiting = containers.flat_map(|container| {
        let image = text_at(container, &["/image"]);
        let paths = [
            "/state/waiting",
            "/state/terminated",
            "/lastState/terminated",
        ];
        paths.map(|path| (state_text(container.pointer(path)), image.clone()))
    });
    waiting
        .chain([(state_text(Some(status)), None)])
        .filter_map(|(text, image)| {
            Some(Message {
                image,
                place: place.clone(),
                time: time.clone(),
                ..Message::new(text?)
            })
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::message::messages_of;
    use serde_json::json;

    #[test]
    fn an_event_gives_its_message_count_and_place() {
        let event = json!({
            "kind": "Event", "type": "Warning", "reason": "Failed", "count": 4, "message": "Failed to pull image",
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "api-1"},
            "source": {"component": "kubelet", "host": "node-1"}, "firstTimestamp": "2026-01-01T00:00:00Z"
        });
        let messages = messages_of(&event);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].count, 4);
        assert_eq!(
            messages[0].place,
            Place {
                node: Some("node-1".to_owned()),
                namespace: Some("shop".to_owned()),
                pod: Some("api-1".to_owned()),
                ..Place::default()
            }
        );
    }

    #[test]
    fn an_event_about_a_node_names_no_pod() {
        let event = json!({
            "type": "Warning", "message": "ImageGCFailed", "involvedObject": {"kind": "Node", "name": "node-1"}
        });
        assert_eq!(messages_of(&event)[0].place.pod, None);
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
            "metadata": {"namespace": "shop", "name": "api-1"},
            "spec": {"nodeName": "node-2", "serviceAccountName": "api"},
            "status": {"containerStatuses": [
                {"image": "ghcr.io/team/app:1", "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}},
                {"image": "nginx", "state": {"running": {}}}
            ]}
        });
        let messages = messages_of(&pod);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].text, "ErrImagePull: not found");
        assert_eq!(messages[0].image.as_deref(), Some("ghcr.io/team/app:1"));
        assert_eq!(messages[0].place.node.as_deref(), Some("node-2"));
        assert_eq!(messages[0].place.service_account.as_deref(), Some("api"));
    }
}
