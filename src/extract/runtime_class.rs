//! The `RuntimeClass` objects of a source.

use super::place::string;
use super::placement::placement;
use crate::text::yaml::{Node, documents};
use crate::workload::RuntimeClass;

/// The runtime classes among the Kubernetes objects of a source; a source without any gives none.
#[must_use]
pub fn runtime_classes(text: &str) -> Vec<RuntimeClass> {
    if !text.contains("RuntimeClass") {
        return Vec::new();
    }
    let trees: Vec<_> = documents(text)
        .filter_map(|document| document.parse().ok())
        .collect();
    let roots = trees.iter().map(|tree| tree.root());
    roots.flat_map(objects).filter_map(runtime_class).collect()
}

/// The object itself, or the items of a list.
fn objects(root: Node<'_>) -> Vec<Node<'_>> {
    match root.get("items") {
        Some(items) => items.items().collect(),
        None => vec![root],
    }
}

fn runtime_class(object: Node<'_>) -> Option<RuntimeClass> {
    let is_class = object.get("kind")?.as_str()? == "RuntimeClass"
        && string(object, "apiVersion")?.starts_with("node.k8s.io/");
    let scheduling = object.get("scheduling").filter(|_| is_class)?;
    // Both fields are those of a pod spec.
    let placement = placement(scheduling, false);
    Some(RuntimeClass {
        name: string(object.get("metadata")?, "name")?,
        node_selector: placement.node_selector,
        tolerations: placement.tolerations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: &str = "
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: gpu}
handler: nvidia
scheduling:
  nodeSelector: {accelerator: nvidia}
  tolerations: [{key: gpu, operator: Exists}]
";

    #[test]
    fn selector_and_tolerations_are_read_and_join_those_of_the_pod() {
        let [class] = runtime_classes(CLASS).try_into().expect("one class");
        let mut pod = crate::workload::Placement::default();
        pod.node_selector.insert("zone".to_owned(), "a".to_owned());
        class.admit(&mut pod);
        assert_eq!(class.name, "gpu");
        let labels: Vec<_> = pod.node_selector.keys().collect();
        assert_eq!(labels, ["accelerator", "zone"]);
        assert_eq!(pod.tolerations.len(), 1);
    }

    #[test]
    fn a_class_without_scheduling_and_a_kind_of_another_group_add_nothing() {
        for text in [
            "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: a}\nhandler: runc\n",
            "apiVersion: example.com/v1\nkind: RuntimeClass\nmetadata: {name: a}\nscheduling: {}\n",
            "kind: RuntimeClass",
            "RuntimeClass: [",
        ] {
            assert_eq!(runtime_classes(text), [], "{text}");
        }
    }
}
