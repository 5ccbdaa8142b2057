//! Kubernetes objects, as YAML or JSON.
//!
//! A pod spec is recognised by its shape, wherever it stands in an object. So the built-in kinds need no table, and custom
//! resources with embedded pod specs are read as well. What only looks like a pod spec is kept out by the kind of the
//! object: schemas, policies and texts ask for no image.

use super::custom_resource::ImageField;
use super::field::Field;
use super::place::{Text, string};
use super::template::has_placeholder;
use super::{arguments, custom_resource, parts, pod};
use crate::finding::Problem;
use crate::text::Span;
use crate::text::yaml::{Node, Tree};
use crate::workload::{Occurrence, Owner};

/// How deep a document is walked. Aliases can make it deeper than it is written.
const MAX_DEPTH: usize = 200;
/// How many values are visited beyond those that are written. Aliases can make them many more.
const MAX_ALIASED: usize = 100_000;

/// Objects that hold image names which nobody pulls: API group with those below it, and kind where it is not the whole group.
/// - texts for others: <https://kubernetes.io/docs/concepts/configuration/>
/// - schemas: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>
/// - requests under review: <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>
/// - patterns of policies: <https://kyverno.io/docs/policy-types/>,
///   <https://open-policy-agent.github.io/gatekeeper/website/docs/howto/>,
///   <https://cloud.google.com/kubernetes-engine/docs/reference/crds/workloadallowlist>
const NOT_PULLED: [(&str, Option<&str>); 8] = [
    ("", Some("ConfigMap")),
    ("", Some("Secret")),
    ("apiextensions.k8s.io", None),
    ("admission.k8s.io", None),
    ("admissionregistration.k8s.io", None),
    ("kyverno.io", None),
    ("gatekeeper.sh", None),
    ("auto.gke.io", None),
];

/// API groups whose controllers fill in placeholders by themselves when they make the pods.
/// - <https://tekton.dev/docs/pipelines/variables/>
/// - <https://argo-workflows.readthedocs.io/en/latest/variables/>
/// - <https://www.kubeflow.org/docs/components/katib/user-guides/trial-template/>
/// - <https://docs.redhat.com/en/documentation/openshift_container_platform/4.18/html/images/using-templates>
const FILLED_IN: [&str; 4] = [
    "tekton.dev",
    "argoproj.io",
    "kubeflow.org",
    "template.openshift.io",
];

/// Whether a text may hold Kubernetes objects: it has the two keys that each of them needs.
pub(super) fn mentions_object(text: &str) -> bool {
    text.contains("apiVersion") && text.contains("kind")
}

/// The images of the objects in a document, which are its root, or items of it; and what could not be read.
pub(super) fn images(
    tree: &Tree<'_>,
    image_fields: &[ImageField],
    text: Text<'_>,
) -> (Vec<Occurrence>, Vec<Problem>) {
    let mut reader = Reader {
        text,
        image_fields,
        occurrences: Vec::new(),
        problem: None,
        budget: tree.len() + MAX_ALIASED,
    };
    reader.walk(tree.root(), &Object::default(), &mut Field::default(), 0);
    (reader.occurrences, reader.problem.into_iter().collect())
}

struct Reader<'a> {
    text: Text<'a>,
    /// The fields of custom resources that the user knows.
    image_fields: &'a [ImageField],
    occurrences: Vec<Occurrence>,
    problem: Option<Problem>,
    /// How many more values may be visited.
    budget: usize,
}

/// What is known of the object that a walk is in.
#[derive(Debug, Default)]
struct Object {
    owner: Owner,
    /// Whether a controller fills in placeholders.
    filled_in: bool,
    /// Whether it is a list of objects (<https://kubernetes.io/docs/reference/using-api/api-concepts/#collections>).
    is_list: bool,
}

impl Reader<'_> {
    fn walk(&mut self, node: Node<'_>, around: &Object, field: &mut Field, depth: usize) {
        if self.budget == 0 || depth > MAX_DEPTH {
            self.give_up(node);
            return;
        }
        self.budget -= 1;
        for (index, item) in node.items().enumerate() {
            field.item(index, |field| self.walk(item, around, field, depth + 1));
        }
        if !node.is_mapping() {
            return;
        }
        let own = object(node, around);
        let object = own.as_ref().unwrap_or(around);
        if is_not_pulled(&object.owner) {
            return;
        }
        if own.is_some() {
            let images = custom_resource::images(node, &object.owner, field, self.text);
            self.add(images, object);
            let images = custom_resource::images_in_fields(
                node,
                self.image_fields,
                &object.owner,
                field,
                self.text,
            );
            self.add(images, object);
        }
        let annotated = arguments::annotations(node, &object.owner, field, self.text);
        self.add(annotated, object);
        if field.last_key() == "image" {
            let is_image = node.get("repository").is_some();
            let split = parts::image(node, is_image, &object.owner, field, self.text);
            self.add(split.into_iter().collect(), object);
        }
        let is_pod = pod::is_pod_spec(node);
        if is_pod {
            let images = pod::images(node, &object.owner, field, self.text);
            self.add(images, object);
        } else if custom_resource::is_container(node, field) {
            let images = pod::container(node, &object.owner, field, self.text);
            self.add(images, object);
        }
        for (key, value) in node.fields() {
            let key = key.as_str().unwrap_or_default();
            let is_reported = matches!(key, "metadata" | "status");
            let is_read = is_pod && pod::is_read(key);
            if (value.is_mapping() || value.is_sequence()) && !is_reported && !is_read {
                field.key(key, |field| self.walk(value, object, field, depth + 1));
            }
        }
    }

    fn add(&mut self, images: Vec<Occurrence>, object: &Object) {
        let is_image = |image: &Occurrence| {
            object.owner.kind.is_some() && !(object.filled_in && has_placeholder(&image.value))
        };
        self.occurrences.extend(images.into_iter().filter(is_image));
    }

    fn give_up(&mut self, node: Node<'_>) {
        let span = Span::new(self.text.id, node.span());
        self.problem.get_or_insert_with(|| Problem {
            span,
            message:
                "this document nests or repeats values so often that the rest of it was not read"
                    .to_owned(),
            help: Some("Write the values out instead of naming aliases of aliases.".to_owned()),
        });
    }
}

/// The object that `node` is, if it is one. The items of a list such as `PodList` may leave out what it says of all of them.
fn object(node: Node<'_>, around: &Object) -> Option<Object> {
    let list = around.is_list.then_some(&around.owner);
    let kind_of_items = || {
        list?
            .kind
            .as_deref()?
            .strip_suffix("List")
            .map(ToOwned::to_owned)
    };
    let metadata = |key| {
        node.get("metadata")
            .and_then(|metadata| string(metadata, key))
    };
    let api_version = string(node, "apiVersion").or_else(|| list?.api_version.clone())?;
    let kind = string(node, "kind")
        .or_else(kind_of_items)
        .filter(|kind| !kind.is_empty())?;
    Some(Object {
        filled_in: around.filled_in
            || FILLED_IN
                .iter()
                .any(|known| is_in_group(&api_version, known)),
        is_list: kind.ends_with("List") && node.get("items").is_some(),
        owner: Owner {
            namespace: metadata("namespace"),
            name: metadata("name"),
            api_version: Some(api_version),
            kind: Some(kind),
        },
    })
}

/// Whether an API version is of a group, or of one below it: `batch.tekton.dev/v1` is below `tekton.dev`.
pub(super) fn is_in_group(api_version: &str, known: &str) -> bool {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    group == known || (!known.is_empty() && group.ends_with(&format!(".{known}")))
}

fn is_not_pulled(owner: &Owner) -> bool {
    let api_version = owner.api_version.as_deref();
    NOT_PULLED.iter().any(|(group, kind)| {
        api_version.is_some_and(|version| is_in_group(version, group))
            && kind.is_none_or(|kind| owner.kind.as_deref() == Some(kind))
    })
}
