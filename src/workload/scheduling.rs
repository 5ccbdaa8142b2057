//! On which node pools a pod can land.
//!
//! Semantics as in Kubernetes' `component-helpers` (`scheduling/corev1/nodeaffinity` and `scheduling/corev1/helpers.go`).
//! Where the description of a pool leaves a label open, it is taken as what lets the pod land: an open set is judged by
//! what it may hold.

use std::collections::BTreeSet;

use super::admission::{added_node_selector, added_tolerations};
use super::{NodeSelectorTerm, Operator, Placement, Requirement};
use crate::cluster::{Effect, Label, NodePool, Taint};

/// Whether a pod can land on a pool, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// The scheduler may choose a node of the pool.
    Possible,
    /// The pod names a node, and the pool is another one.
    NodeName(String),
    /// A label of the `nodeSelector` is missing or has another value: `key=value`.
    NodeSelector(String),
    /// No term of the required node affinity holds.
    Affinity,
    /// A taint is not tolerated.
    Taint(Taint),
    /// The pod's `os.name` is another: the kubelet rejects the pod.
    Os(String),
}

/// Judges whether a pod with `placement` can land on `pool`.
///
/// A pod with a `nodeName` bypasses the scheduler, but not the kubelet, which looks at labels and at taints that evict
/// (`pkg/kubelet/lifecycle/predicate.go`).
#[must_use]
pub fn landing(placement: &Placement, pool: &NodePool) -> Landing {
    if let Some(name) = &placement.node_name
        && pool.single_node
        && *name != pool.name
    {
        return Landing::NodeName(name.clone());
    }
    if let (Some(os), Some(platform)) = (&placement.os, &pool.platform)
        && *os != platform.os
    {
        return Landing::Os(os.clone());
    }
    let selector: Vec<Requirement> = placement
        .node_selector
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .chain(added_node_selector(placement, pool))
        .map(|(key, value)| Requirement {
            key: key.to_owned(),
            operator: Operator::In,
            values: vec![value.to_owned()],
        })
        .collect();
    if let Some(unmet) = selector.iter().find(|entry| !labels_hold(&[entry], pool)) {
        return Landing::NodeSelector(format!("{}={}", unmet.key, unmet.values.concat()));
    }
    let terms = placement.required_affinity.as_deref();
    if terms.is_some_and(|terms| !terms.iter().any(|term| term_holds(term, &selector, pool))) {
        return Landing::Affinity;
    }
    untolerated(placement, pool).map_or(Landing::Possible, |taint| Landing::Taint(taint.clone()))
}

/// The first taint that keeps the pod away. The scheduler looks at the effects `NoSchedule` and `NoExecute`, the kubelet
/// at `NoExecute` only.
fn untolerated<'a>(placement: &Placement, pool: &'a NodePool) -> Option<&'a Taint> {
    let added = added_tolerations(placement, pool);
    let tolerations = || placement.tolerations.iter().chain(&added);
    pool.taints.iter().find(|taint| {
        let counts = match taint.effect {
            Effect::NoExecute => true,
            Effect::NoSchedule => placement.node_name.is_none(),
            Effect::PreferNoSchedule => false,
        };
        counts && !tolerations().any(|toleration| toleration.tolerates(taint))
    })
}

/// Whether a node of the pool satisfies a term and the `nodeSelector` at once. A term that says nothing, or that the API
/// server would refuse, matches no node.
fn term_holds(term: &NodeSelectorTerm, selector: &[Requirement], pool: &NodePool) -> bool {
    let says_something = !term.match_expressions.is_empty() || !term.match_fields.is_empty();
    let expressions: Vec<&Requirement> = term.match_expressions.iter().chain(selector).collect();
    says_something
        && expressions
            .iter()
            .all(|requirement| is_well_formed(requirement))
        && labels_hold(&expressions, pool)
        && term
            .match_fields
            .iter()
            .all(|field| field_holds(field, pool))
}

/// The rules of `labels.NewRequirement`.
fn is_well_formed(requirement: &Requirement) -> bool {
    match requirement.operator {
        Operator::In | Operator::NotIn => !requirement.values.is_empty(),
        Operator::Exists | Operator::DoesNotExist => requirement.values.is_empty(),
        Operator::Gt | Operator::Lt => {
            matches!(requirement.values.as_slice(), [value] if value.parse::<i64>().is_ok())
        }
    }
}

/// Whether for every label there is a value that the pool may have and all requirements on the label accept.
fn labels_hold(requirements: &[&Requirement], pool: &NodePool) -> bool {
    let keys: BTreeSet<&str> = requirements
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    keys.into_iter().all(|key| {
        let accepted = |value: Option<&str>| {
            requirements
                .iter()
                .filter(|entry| entry.key == key)
                .all(|entry| accepts(entry, value))
        };
        match pool.labels.get(key) {
            Label::Absent => accepted(None),
            Label::OneOf(values) => values.iter().any(|value| accepted(Some(value))),
            Label::Open => true,
        }
    })
}

fn accepts(requirement: &Requirement, value: Option<&str>) -> bool {
    let listed = |value: &str| requirement.values.iter().any(|entry| entry == value);
    let compare = |test: fn(&i64, &i64) -> bool| {
        let bound = requirement
            .values
            .first()
            .and_then(|text| text.parse().ok());
        let value = value.and_then(|text| text.parse().ok());
        matches!((value, bound), (Some(value), Some(bound)) if test(&value, &bound))
    };
    match requirement.operator {
        Operator::In => value.is_some_and(listed),
        Operator::NotIn => !value.is_some_and(listed),
        Operator::Exists => value.is_some(),
        Operator::DoesNotExist => value.is_none(),
        Operator::Gt => compare(i64::gt),
        Operator::Lt => compare(i64::lt),
    }
}

/// `metadata.name` is the only field there is, and it takes `In` and `NotIn` with one value. The names of the nodes of a
/// pool are open.
fn field_holds(field: &Requirement, pool: &NodePool) -> bool {
    let [name] = field.values.as_slice() else {
        return false;
    };
    let is_name = field.key == "metadata.name";
    match field.operator {
        Operator::In => is_name && (!pool.single_node || *name == pool.name),
        Operator::NotIn => !is_name || !pool.single_node || *name != pool.name,
        _ => false,
    }
}
