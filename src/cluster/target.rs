//! What images are held against.

use super::{NodePool, Permissions};

/// The cluster, as far as its descriptions tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// All node pools; empty where none are described.
    pub pools: Vec<NodePool>,
    /// What the nodes' service accounts may read (GKE).
    pub permissions: Permissions,
}
