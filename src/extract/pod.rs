//! Pod specs, recognised by their shape.

use std::sync::Arc;

use super::arguments;
use super::field::Field;
use super::place::{Text, string};
use super::placement::placement;
use crate::text::yaml::Node;
use crate::workload::{Occurrence, Owner, Placement, PullPolicy, Role};

/// The lists of containers of a pod spec
/// (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#containers>).
const CONTAINERS: [(&str, Role); 3] = [
    ("initContainers", Role::InitContainer),
    ("containers", Role::Container),
    ("ephemeralContainers", Role::EphemeralContainer),
];

/// Whether `node` is a pod spec: it has a list of containers, and each container is a mapping.
pub(super) fn is_pod_spec(node: Node<'_>) -> bool {
    CONTAINERS.iter().any(|(key, _)| {
        node.get(key).is_some_and(|list| {
            list.items().next().is_some() && list.items().all(|item| item.is_mapping())
        })
    })
}

/// Whether a field of a pod spec has been read by [`images`].
pub(super) fn is_read(key: &str) -> bool {
    key == "volumes" || CONTAINERS.iter().any(|(list, _)| *list == key)
}

/// The images of a pod spec that belongs to `owner`; `field` is the path of the pod spec.
pub(super) fn images(
    spec: Node<'_>,
    owner: &Owner,
    field: &mut Field,
    text: Text<'_>,
) -> Vec<Occurrence> {
    let mut pod = Pod::new(spec, owner, text);
    for (key, role) in CONTAINERS {
        pod.each_item(spec, key, field, |pod, container, field| {
            pod.container(container, role, field);
        });
    }
    pod.each_item(spec, "volumes", field, Pod::volume);
    pod.occurrences
}

/// The image of a container that stands outside of a pod spec; `field` is the path of the container.
pub(super) fn container(
    container: Node<'_>,
    owner: &Owner,
    field: &mut Field,
    text: Text<'_>,
) -> Vec<Occurrence> {
    let mut pod = Pod::new(container, owner, text);
    pod.container(container, Role::Container, field);
    pod.occurrences
}

struct Pod<'a> {
    text: Text<'a>,
    owner: &'a Owner,
    pull_secrets: Vec<String>,
    service_account: Option<String>,
    placement: Arc<Placement>,
    occurrences: Vec<Occurrence>,
}

impl<'a> Pod<'a> {
    fn new(spec: Node<'_>, owner: &'a Owner, text: Text<'a>) -> Self {
        let secrets = spec
            .get("imagePullSecrets")
            .into_iter()
            .flat_map(|list| list.items());
        Self {
            text,
            owner,
            pull_secrets: secrets
                .filter_map(|secret| string(secret, "name"))
                .collect(),
            service_account: string(spec, "serviceAccountName")
                .or_else(|| string(spec, "serviceAccount")),
            placement: Arc::new(placement(spec, owner.kind.as_deref() == Some("DaemonSet"))),
            occurrences: Vec::new(),
        }
    }

    fn each_item<'t>(
        &mut self,
        spec: Node<'t>,
        key: &str,
        field: &mut Field,
        mut read: impl FnMut(&mut Self, Node<'t>, &mut Field),
    ) {
        let Some(list) = spec.get(key) else { return };
        field.key(key, |field| {
            for (index, item) in list.items().enumerate() {
                field.item(index, |field| read(self, item, field));
            }
        });
    }

    fn container(&mut self, container: Node<'_>, role: Role, field: &mut Field) {
        let keys = ("image", "imagePullPolicy");
        field.key("image", |field| {
            self.images(container, container, keys, role, field);
        });
        let named = arguments::images(container, self.owner, field, self.text);
        self.occurrences.extend(named);
    }

    /// <https://kubernetes.io/docs/concepts/storage/volumes/#image>
    fn volume(&mut self, volume: Node<'_>, field: &mut Field) {
        let Some(image) = volume.get("image") else {
            return;
        };
        field.key("image", |field| {
            field.key("reference", |field| {
                self.images(
                    volume,
                    image,
                    ("reference", "pullPolicy"),
                    Role::Volume,
                    field,
                );
            });
        });
    }

    /// The images that the first key of `keys` names in `node`, with the pull policy that the second one names. Duplicate
    /// keys each count: which of them wins depends on who reads the source.
    fn images(
        &mut self,
        named: Node<'_>,
        node: Node<'_>,
        keys: (&str, &str),
        role: Role,
        field: &Field,
    ) {
        let policy = node.get(keys.1).and_then(|policy| policy.as_str());
        for image in node.get_all(keys.0) {
            let Some(occurrence) = self.text.image(image, self.owner, field) else {
                continue;
            };
            self.occurrences.push(Occurrence {
                container: string(named, "name"),
                role,
                pull_policy: policy.and_then(pull_policy),
                pull_secrets: self.pull_secrets.clone(),
                service_account: self.service_account.clone(),
                placement: Arc::clone(&self.placement),
                ..occurrence
            });
        }
    }
}

fn pull_policy(word: &str) -> Option<PullPolicy> {
    match word {
        "Always" => Some(PullPolicy::Always),
        "IfNotPresent" => Some(PullPolicy::IfNotPresent),
        "Never" => Some(PullPolicy::Never),
        _ => None,
    }
}
