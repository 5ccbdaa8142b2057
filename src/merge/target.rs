//! The node pools of a merged report, and where its pods can land.

use super::answer;
use super::document::{Document, NodePool as Entry};
use crate::cluster::{NodePool, Provider, Runtime};
use crate::workload::{NodeSelectorTerm, Operator, Placement, Requirement};

/// The label by which a place says where its pod can land.
const POSITION: &str = "position";

/// All node pools in the order of the run. A pool has the label of its position, and the places name the positions.
///
/// # Errors
///
/// What makes no sense in the report.
pub(super) fn node_pools(document: &Document) -> Result<Vec<NodePool>, String> {
    let named = document.node_pools.iter().enumerate();
    let mut pools: Vec<NodePool> = named
        .map(|(position, entry)| node_pool(entry, position.to_string()))
        .collect::<Result<_, _>>()?;
    for (index, entry) in document.on_demand_pools.iter().enumerate() {
        if entry.position > pools.len() {
            return Err(format!("a node pool at position {}", entry.position));
        }
        let mut pool = node_pool(&entry.pool, on_demand(index))?;
        pool.on_demand = true;
        pools.insert(entry.position, pool);
    }
    Ok(pools)
}

fn node_pool(entry: &Entry, position: String) -> Result<NodePool, String> {
    let mut pool = NodePool::new(&entry.name, Provider::Unknown);
    if entry.platform != "unknown" {
        let mut platform = answer::platform(&entry.platform)?;
        platform.os_version.clone_from(&entry.os_version);
        pool.set_platform(platform);
    }
    pool.platform_note.clone_from(&entry.platform_note);
    pool.machine_type.clone_from(&entry.machine_type);
    let version = entry.kubernetes_version.as_deref();
    pool.kubernetes_version = version
        .map(|text| text.parse().map_err(|_| text.to_owned()))
        .transpose()?;
    let runtime = entry.runtime.as_deref();
    pool.runtime = runtime
        .map(|text| Runtime::from_node_info(text).ok_or_else(|| text.to_owned()))
        .transpose()?;
    pool.described_in.clone_from(&entry.source);
    pool.labels.set(POSITION, position);
    Ok(pool)
}

fn on_demand(index: usize) -> String {
    format!("on demand {index}")
}

/// That of a pod that can land on the pools that the place names, and on no other.
pub(super) fn placement(
    node_pools: Option<&[usize]>,
    on_demand_pools: Option<&[usize]>,
) -> Placement {
    let named = node_pools
        .iter()
        .copied()
        .flatten()
        .map(ToString::to_string);
    let made = on_demand_pools.iter().copied().flatten();
    let positions: Vec<String> = named.chain(made.map(|index| on_demand(*index))).collect();
    let terms = node_pools.is_some().then(|| {
        let expression = |position| Requirement {
            key: POSITION.to_owned(),
            operator: Operator::In,
            values: vec![position],
        };
        let terms = positions.into_iter().map(|position| NodeSelectorTerm {
            match_expressions: vec![expression(position)],
            match_fields: Vec::new(),
        });
        terms.collect()
    });
    Placement {
        required_affinity: terms,
        ..Placement::default()
    }
}
