//! What images are held against.

use super::{NodePool, Permissions};

/// The cluster, as far as its descriptions tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// All node pools; empty where none are described.
    pub pools: Vec<NodePool>,
    /// Whether the cluster has other nodes perhaps: the pools are those that stand among the sources, such as Karpenter's,
    /// and nobody described the cluster itself.
    pub is_partial: bool,
    /// What the nodes' service accounts may read (GKE).
    pub permissions: Permissions,
}
