//! What a workload says about where it may run.

use std::collections::BTreeMap;

use crate::cluster::{Effect, Taint};

/// The part of a pod spec that decides which nodes the pod may run on
/// (<https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/>).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// `nodeSelector`: every label must be there.
    pub node_selector: BTreeMap<String, String>,
    /// The terms of the required node affinity: one of them must hold. `None` where there is no such affinity; an empty
    /// list matches no node.
    pub required_affinity: Option<Vec<NodeSelectorTerm>>,
    /// `tolerations`.
    pub tolerations: Vec<Toleration>,
    /// `nodeName`: the scheduler is not asked.
    pub node_name: Option<String>,
    /// `runtimeClassName`.
    pub runtime_class: Option<String>,
    /// `os.name`.
    pub os: Option<String>,
    /// Whether the pods come from a `DaemonSet`, whose controller adds tolerations.
    pub daemon_set: bool,
}

/// One term of a node affinity: all its requirements must hold. An empty term matches no node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSelectorTerm {
    /// Requirements on labels.
    pub match_expressions: Vec<Requirement>,
    /// Requirements on fields; `metadata.name` is the only field there is.
    pub match_fields: Vec<Requirement>,
}

/// One requirement on a label or field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key or the field's path.
    pub key: String,
    /// How the values are compared.
    pub operator: Operator,
    /// The values.
    pub values: Vec<String>,
}

/// The operators of a node selector requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The value is one of the list.
    In,
    /// The value is none of the list, or the label is not there.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
    /// The value is an integer greater than the one listed.
    Gt,
    /// The value is an integer less than the one listed.
    Lt,
}

impl Operator {
    /// Reads the word of the Kubernetes API.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "In" => Some(Self::In),
            "NotIn" => Some(Self::NotIn),
            "Exists" => Some(Self::Exists),
            "DoesNotExist" => Some(Self::DoesNotExist),
            "Gt" => Some(Self::Gt),
            "Lt" => Some(Self::Lt),
            _ => None,
        }
    }
}

/// A toleration lets a pod run in spite of taints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toleration {
    /// The taint's key; `None` with [`TolerationOperator::Exists`] tolerates every key.
    pub key: Option<String>,
    /// How the value is compared.
    pub operator: TolerationOperator,
    /// The taint's value.
    pub value: String,
    /// The taint's effect; `None` tolerates every effect.
    pub effect: Option<Effect>,
}

/// The operators of a toleration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TolerationOperator {
    /// The value is equal.
    Equal,
    /// Any value.
    Exists,
}

impl Toleration {
    /// Whether this toleration covers `taint` (Kubernetes `component-helpers`, `Toleration.ToleratesTaint`).
    #[must_use]
    pub fn tolerates(&self, taint: &Taint) -> bool {
        if self.effect.is_some_and(|effect| effect != taint.effect) {
            return false;
        }
        match (&self.key, self.operator) {
            (None, TolerationOperator::Exists) => true,
            (None, TolerationOperator::Equal) => false,
            (Some(key), TolerationOperator::Exists) => *key == taint.key,
            (Some(key), TolerationOperator::Equal) => {
                *key == taint.key && self.value == taint.value
            }
        }
    }
}
