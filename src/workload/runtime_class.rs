//! What a `RuntimeClass` adds to the pods that name it.

use std::collections::BTreeMap;

use super::{Placement, Toleration};

/// The `scheduling` of a `RuntimeClass`
/// (<https://kubernetes.io/docs/concepts/containers/runtime-class/#scheduling>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeClass {
    /// The name.
    pub name: String,
    /// The labels that its nodes have.
    pub node_selector: BTreeMap<String, String>,
    /// The taints of its nodes that its pods tolerate.
    pub tolerations: Vec<Toleration>,
}

impl RuntimeClass {
    /// Adds what the admission controller adds to a pod of this class. Where both name a label, the pod's own value stays:
    /// the API server refuses another one.
    pub fn admit(&self, placement: &mut Placement) {
        for (key, value) in &self.node_selector {
            let selector = placement.node_selector.entry(key.clone());
            selector.or_insert_with(|| value.clone());
        }
        placement.tolerations.extend(self.tolerations.clone());
    }
}
