//! On which node pools a pod can land.
//!
//! Semantics as in Kubernetes' `component-helpers` (`scheduling/corev1/nodeaffinity` and `scheduling/corev1/helpers.go`).

use super::{NodeSelectorTerm, Operator, Placement, Requirement, Toleration, TolerationOperator};
use crate::cluster::{Effect, NodePool, Provider, Taint};

/// Whether a pod can land on a pool, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// The scheduler may choose a node of the pool.
    Possible,
    /// A label of the `nodeSelector` is missing or has another value: `key=value`.
    NodeSelector(String),
    /// No term of the required node affinity holds.
    Affinity,
    /// A taint is not tolerated.
    Taint(Taint),
    /// The pod's `os.name` is another.
    Os(String),
}

/// Judges whether a pod with `placement` can land on `pool`.
///
/// `nodeName` names one node and not a pool, so it rules no pool out. A pool whose description does not tell its labels
/// is judged by those that are known.
#[must_use]
pub fn landing(placement: &Placement, pool: &NodePool) -> Landing {
    if let (Some(os), Some(platform)) = (&placement.os, &pool.platform)
        && *os != platform.os
    {
        return Landing::Os(os.clone());
    }
    let missing = placement
        .node_selector
        .iter()
        .find(|(key, value)| pool.labels.get(*key) != Some(*value));
    if let Some((key, value)) = missing {
        return Landing::NodeSelector(format!("{key}={value}"));
    }
    if let Some(terms) = &placement.required_affinity
        && !terms.iter().any(|term| holds(term, pool))
    {
        return Landing::Affinity;
    }
    let added = added_tolerations(placement, pool);
    let stopped = pool.taints.iter().find(|taint| {
        taint.effect != Effect::PreferNoSchedule
            && !placement
                .tolerations
                .iter()
                .chain(&added)
                .any(|toleration| toleration.tolerates(taint))
    });
    match stopped {
        Some(taint) if placement.node_name.is_none() => Landing::Taint(taint.clone()),
        _ => Landing::Possible,
    }
}

/// The tolerations that GKE adds to pods that ask for Arm nodes
/// (<https://cloud.google.com/kubernetes-engine/docs/how-to/prepare-arm-workloads-for-deployment>).
fn added_tolerations(placement: &Placement, pool: &NodePool) -> Option<Toleration> {
    const ARCHITECTURE: &str = "kubernetes.io/arch";
    let asks_for_arm = placement
        .node_selector
        .get(ARCHITECTURE)
        .map(String::as_str)
        == Some("arm64")
        || placement.required_affinity.iter().flatten().any(|term| {
            term.match_expressions.iter().any(|requirement| {
                requirement.key == ARCHITECTURE
                    && requirement.operator == Operator::In
                    && requirement.values.iter().any(|value| value == "arm64")
            })
        });
    (pool.provider == Provider::Gke && asks_for_arm).then(|| Toleration {
        key: Some(ARCHITECTURE.to_owned()),
        operator: TolerationOperator::Equal,
        value: "arm64".to_owned(),
        effect: Some(Effect::NoSchedule),
    })
}

fn holds(term: &NodeSelectorTerm, pool: &NodePool) -> bool {
    let says_something = !term.match_expressions.is_empty() || !term.match_fields.is_empty();
    says_something
        && term
            .match_expressions
            .iter()
            .all(|requirement| requirement_holds(requirement, pool))
}

fn requirement_holds(requirement: &Requirement, pool: &NodePool) -> bool {
    let label = pool.labels.get(&requirement.key);
    let compare = |test: fn(&i64, &i64) -> bool| {
        let label = label.and_then(|text| text.parse().ok());
        let bound = match requirement.values.as_slice() {
            [value] => value.parse().ok(),
            _ => None,
        };
        matches!((label, bound), (Some(label), Some(bound)) if test(&label, &bound))
    };
    match requirement.operator {
        Operator::In => label.is_some_and(|value| requirement.values.contains(value)),
        Operator::NotIn => label.is_none_or(|value| !requirement.values.contains(value)),
        Operator::Exists => label.is_some(),
        Operator::DoesNotExist => label.is_none(),
        Operator::Gt => compare(i64::gt),
        Operator::Lt => compare(i64::lt),
    }
}
