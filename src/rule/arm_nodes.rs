//! Why pods that never asked for Arm nodes land there.

use crate::cluster::{NodePool, Provider};

/// The end of a message about pools that can't run an image while others can, where the reason is that their provider, in
/// contrast to GKE, does not keep pods off Arm nodes
/// (<https://cloud.google.com/kubernetes-engine/docs/how-to/prepare-arm-workloads-for-deployment>); else empty.
pub(super) fn why_on_arm(pools: &[&NodePool]) -> &'static str {
    let is_open_arm = |pool: &&&NodePool| {
        let platform = pool.platform.as_ref();
        pool.taints.is_empty() && platform.is_some_and(|platform| platform.architecture == "arm64")
    };
    match pools.iter().find(is_open_arm).map(|pool| pool.provider) {
        Some(Provider::Eks) => ". EKS puts no taint on its Arm nodes, so the pod may land there",
        Some(Provider::Aks) => ". AKS puts no taint on its Arm nodes, so the pod may land there",
        _ => "",
    }
}
