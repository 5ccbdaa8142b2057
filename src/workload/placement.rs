//! What a workload says about where it may run.

use std::collections::BTreeMap;

use crate::cluster::{Effect, Taint};
use crate::oci::Platform;

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
    /// The extended resources that the containers ask for, such as `nvidia.com/gpu`. The admission controller
    /// `ExtendedResourceToleration` adds a toleration for each.
    pub extended_resources: Vec<String>,
    /// The platform that a source outside of any cluster asks for: `platform` of a Compose service, `--platform` of a
    /// Dockerfile's `FROM`.
    pub platform: Option<Platform>,
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
    /// The taint's value is an integer greater than the toleration's (Kubernetes 1.35, behind a feature gate).
    Gt,
    /// The taint's value is an integer less than the toleration's.
    Lt,
}

impl TolerationOperator {
    /// Reads the word of the Kubernetes API; the empty word is `Equal`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "" | "Equal" => Some(Self::Equal),
            "Exists" => Some(Self::Exists),
            "Gt" => Some(Self::Gt),
            "Lt" => Some(Self::Lt),
            _ => None,
        }
    }
}

impl Toleration {
    /// A toleration of every value of a taint.
    #[must_use]
    pub fn exists(key: impl Into<String>, effect: Effect) -> Self {
        Self {
            key: Some(key.into()),
            operator: TolerationOperator::Exists,
            value: String::new(),
            effect: Some(effect),
        }
    }

    /// A toleration of just this taint.
    #[must_use]
    pub fn of(taint: &Taint) -> Self {
        Self {
            key: Some(taint.key.clone()),
            operator: TolerationOperator::Equal,
            value: taint.value.clone(),
            effect: Some(taint.effect),
        }
    }

    /// Whether this toleration covers `taint` (Kubernetes `component-helpers`, `Toleration.ToleratesTaint`). For how long
    /// it does (`tolerationSeconds`) plays no part. Without a key the operator has to be `Exists`, or the API server
    /// refuses the pod.
    #[must_use]
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let key = self.key.as_deref().filter(|key| !key.is_empty());
        if self.effect.is_some_and(|effect| effect != taint.effect)
            || key.is_some_and(|key| key != taint.key)
            || (key.is_none() && self.operator != TolerationOperator::Exists)
        {
            return false;
        }
        let compare = |test: fn(&i64, &i64) -> bool| match (taint.value.parse(), self.value.parse())
        {
            (Ok(taint), Ok(bound)) => test(&taint, &bound),
            _ => false,
        };
        match self.operator {
            TolerationOperator::Exists => true,
            TolerationOperator::Equal => self.value == taint.value,
            TolerationOperator::Gt => compare(i64::gt),
            TolerationOperator::Lt => compare(i64::lt),
        }
    }
}
