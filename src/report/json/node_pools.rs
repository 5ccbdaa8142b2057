//! The node pools of the report, and where pods can land.

use serde::Serialize;

use crate::cluster::NodePool;
use crate::workload::{Landing, Placement, landing};

#[derive(Serialize)]
pub(super) struct NodePoolEntry<'a> {
    name: &'a str,
    platform: String,
    platform_note: Option<&'a str>,
    os_version: Option<&'a str>,
    machine_type: Option<&'a str>,
    kubernetes_version: Option<String>,
    runtime: Option<String>,
    source: &'a str,
}

/// What the cluster may make by itself.
#[derive(Serialize)]
pub(super) struct OnDemandEntry<'a> {
    position: usize,
    #[serde(flatten)]
    pool: NodePoolEntry<'a>,
}

impl<'a> From<&'a NodePool> for NodePoolEntry<'a> {
    fn from(pool: &'a NodePool) -> Self {
        let platform = pool.platform.as_ref();
        Self {
            name: &pool.name,
            platform: pool.platform_text(),
            platform_note: pool.platform_note.as_deref(),
            os_version: platform.and_then(|platform| platform.os_version.as_deref()),
            machine_type: pool.machine_type.as_deref(),
            kubernetes_version: pool.kubernetes_version.as_ref().map(ToString::to_string),
            runtime: pool.container_runtime().map(|runtime| runtime.node_info()),
            source: &pool.described_in,
        }
    }
}

/// The node pools that somebody named. What the cluster may make by itself is none.
pub(super) fn named(node_pools: &[NodePool]) -> Vec<NodePoolEntry<'_>> {
    let named = node_pools.iter().filter(|pool| !pool.on_demand);
    named.map(NodePoolEntry::from).collect()
}

/// Those that the cluster may make, with their places among all.
pub(super) fn on_demand(node_pools: &[NodePool]) -> Vec<OnDemandEntry<'_>> {
    let all = node_pools.iter().enumerate();
    all.filter(|(_, pool)| pool.on_demand)
        .map(|(position, pool)| OnDemandEntry {
            position,
            pool: pool.into(),
        })
        .collect()
}

/// The positions of the pools where the pod can land, in the list of those that are on demand or of those that are not; none
/// where there are no pools at all.
pub(super) fn landings(
    placement: &Placement,
    node_pools: &[NodePool],
    on_demand: bool,
) -> Option<Vec<usize>> {
    let listed = node_pools.iter().filter(|pool| pool.on_demand == on_demand);
    let possible = listed
        .enumerate()
        .filter(|(_, pool)| landing(placement, pool) == Landing::Possible);
    (!node_pools.is_empty()).then(|| possible.map(|(position, _)| position).collect())
}
