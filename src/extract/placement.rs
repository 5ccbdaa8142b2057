//! The parts of a pod spec that say where the pod may run.

use super::place::string;
use crate::cluster::Effect;
use crate::text::yaml::Node;
use crate::workload::{
    NodeSelectorTerm, Operator, Placement, Requirement, Toleration, TolerationOperator,
};

/// Reads the placement of a pod spec
/// (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#scheduling>).
pub(super) fn placement(pod: Node<'_>, daemon_set: bool) -> Placement {
    let node_selector = pod
        .get("nodeSelector")
        .into_iter()
        .flat_map(|labels| labels.fields());
    Placement {
        node_selector: node_selector
            .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.as_str()?.to_owned())))
            .collect(),
        required_affinity: required_affinity(pod),
        tolerations: items(pod, "tolerations").filter_map(toleration).collect(),
        node_name: string(pod, "nodeName"),
        runtime_class: string(pod, "runtimeClassName"),
        os: pod.get("os").and_then(|os| string(os, "name")),
        daemon_set,
        extended_resources: extended_resources(pod),
        platform: None,
    }
}

/// The resources of containers whose names have a domain that is not Kubernetes' own
/// (<https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#extended-resources>).
fn extended_resources(pod: Node<'_>) -> Vec<String> {
    let containers = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| items(pod, list));
    let mut names: Vec<String> = containers
        .filter_map(|container| container.get("resources"))
        .flat_map(|resources| ["limits", "requests"].map(|kind| resources.get(kind)))
        .flatten()
        .flat_map(|amounts| amounts.fields())
        .filter_map(|(name, _)| name.as_str().map(ToOwned::to_owned))
        .filter(|name| {
            name.split_once('/')
                .is_some_and(|(domain, _)| !domain.ends_with("kubernetes.io"))
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

fn required_affinity(pod: Node<'_>) -> Option<Vec<NodeSelectorTerm>> {
    let terms = pod
        .get("affinity")?
        .get("nodeAffinity")?
        .get("requiredDuringSchedulingIgnoredDuringExecution")?
        .get("nodeSelectorTerms")?;
    let term = |term: Node<'_>| NodeSelectorTerm {
        match_expressions: items(term, "matchExpressions")
            .filter_map(requirement)
            .collect(),
        match_fields: items(term, "matchFields").filter_map(requirement).collect(),
    };
    Some(terms.items().map(term).collect())
}

fn requirement(node: Node<'_>) -> Option<Requirement> {
    Some(Requirement {
        key: string(node, "key")?,
        operator: Operator::from_word(node.get("operator")?.as_str()?)?,
        values: items(node, "values")
            .filter_map(|value| value.as_str().map(ToOwned::to_owned))
            .collect(),
    })
}

fn toleration(node: Node<'_>) -> Option<Toleration> {
    let word = node.get("operator").and_then(|operator| operator.as_str());
    let operator = TolerationOperator::from_word(word.unwrap_or_default())?;
    Some(Toleration {
        key: string(node, "key"),
        operator,
        value: string(node, "value").unwrap_or_default(),
        effect: node
            .get("effect")
            .and_then(|effect| Effect::from_spelling(effect.as_str()?)),
    })
}

fn items<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> {
    node.get(key).into_iter().flat_map(|list| list.items())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::yaml;

    fn read(pod: &str) -> Placement {
        let document = yaml::documents(pod).next().expect("a document");
        placement(document.parse().expect("YAML").root(), false)
    }

    #[test]
    fn selectors_are_read_with_the_names_of_node_runtime_and_system() {
        let placement = read(
            "{nodeSelector: {kubernetes.io/arch: arm64}, nodeName: n1, runtimeClassName: gvisor, os: {name: windows}}",
        );
        let label = placement.node_selector.get("kubernetes.io/arch");
        assert_eq!(label.map(String::as_str), Some("arm64"));
        assert_eq!(placement.node_name.as_deref(), Some("n1"));
        assert_eq!(placement.runtime_class.as_deref(), Some("gvisor"));
        assert_eq!(placement.os.as_deref(), Some("windows"));
    }

    #[test]
    fn required_affinity_is_read_with_every_operator_and_preferred_is_not() {
        let required = "
affinity:
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
    - preference: {matchExpressions: [{key: p, operator: Exists}]}
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
      - matchExpressions:
        - {key: a, operator: In, values: [x, y]}
        - {key: b, operator: NotIn, values: [z]}
        - {key: c, operator: Exists}
        - {key: d, operator: DoesNotExist}
        - {key: e, operator: Gt, values: [\"3\"]}
        - {key: f, operator: Lt, values: [4]}
      - matchFields: [{key: metadata.name, operator: In, values: [n1]}]
";
        let terms = read(required).required_affinity.expect("an affinity");
        let read: Vec<_> = terms
            .iter()
            .flat_map(|term| term.match_expressions.iter().chain(&term.match_fields))
            .map(|requirement| {
                format!(
                    "{} {:?} {}",
                    requirement.key,
                    requirement.operator,
                    requirement.values.join(",")
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                "a In x,y",
                "b NotIn z",
                "c Exists ",
                "d DoesNotExist ",
                "e Gt 3",
                "f Lt 4",
                "metadata.name In n1"
            ]
        );
        assert_eq!(self::read("{affinity: {}}").required_affinity, None);
    }

    #[test]
    fn resources_with_a_domain_of_their_own_are_extended() {
        let read = read(
            "{containers: [{resources: {limits: {cpu: 1, nvidia.com/gpu: 1}, requests: {nvidia.com/gpu: 1}}}, {resources: {limits: {kubernetes.io/x: 1, tpu.example/v1: 2}}}]}",
        );
        assert_eq!(
            read.extended_resources,
            ["nvidia.com/gpu", "tpu.example/v1"]
        );
    }

    #[test]
    fn tolerations_have_the_defaults_of_the_api() {
        let tolerations = read("{tolerations: [{key: a, value: b, effect: NoSchedule}, {operator: Exists}, {key: c, operator: Wrong}]}").tolerations;
        assert_eq!(tolerations.len(), 2);
        assert_eq!(tolerations[0].operator, TolerationOperator::Equal);
        assert_eq!(tolerations[0].effect, Some(Effect::NoSchedule));
        assert_eq!((&tolerations[1].key, tolerations[1].effect), (&None, None));
    }
}
