//! What admission controllers add to a pod before the scheduler sees it.

use super::{Operator, Placement, Toleration};
use crate::cluster::{Effect, NodePool, Provider, Taint};

const ARCHITECTURE: &str = "kubernetes.io/arch";
const COMPUTE_CLASS: &str = "cloud.google.com/compute-class";
const SANDBOX: &str = "sandbox.gke.io/runtime";

/// The taints whose tolerations the `DaemonSet` controller adds
/// (<https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations>).
const DAEMON_SET_TOLERATES: [(&str, Effect); 7] = [
    ("node.kubernetes.io/not-ready", Effect::NoExecute),
    ("node.kubernetes.io/unreachable", Effect::NoExecute),
    ("node.kubernetes.io/disk-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/memory-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/pid-pressure", Effect::NoSchedule),
    ("node.kubernetes.io/unschedulable", Effect::NoSchedule),
    ("node.kubernetes.io/network-unavailable", Effect::NoSchedule),
];

/// The tolerations that a pod gets in the cluster of `pool`.
///
/// Everywhere: one for each extended resource
/// (<https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#extendedresourcetoleration>), and those
/// of a `DaemonSet`. On GKE: pods that ask for Arm nodes
/// (<https://cloud.google.com/kubernetes-engine/docs/how-to/prepare-arm-workloads-for-deployment>), for Windows nodes, for a
/// compute class or for the sandbox get the toleration of the taint that GKE puts there. EKS and AKS add none.
pub(super) fn added_tolerations(placement: &Placement, pool: &NodePool) -> Vec<Toleration> {
    let mut added: Vec<Toleration> = placement
        .extended_resources
        .iter()
        .map(|resource| Toleration::exists(resource, Effect::NoSchedule))
        .collect();
    if placement.daemon_set {
        added.extend(DAEMON_SET_TOLERATES.map(|(key, effect)| Toleration::exists(key, effect)));
    }
    if pool.provider == Provider::Gke {
        let equal =
            |key: &str, value: &str| Toleration::of(&Taint::new(key, value, Effect::NoSchedule));
        if asks_for(placement, ARCHITECTURE).contains(&"arm64") {
            added.push(equal(ARCHITECTURE, "arm64"));
        }
        if asks_for(placement, "kubernetes.io/os").contains(&"windows") {
            added.push(equal("node.kubernetes.io/os", "windows"));
        }
        added.extend(
            asks_for(placement, COMPUTE_CLASS)
                .into_iter()
                .map(|class| equal(COMPUTE_CLASS, class)),
        );
        if placement.runtime_class.as_deref() == Some("gvisor") {
            added.push(equal(SANDBOX, "gvisor"));
        }
    }
    added
}

/// The entries that a pod's `nodeSelector` gets in the cluster of `pool`: GKE's runtime class `gvisor` runs in sandbox
/// pools only (<https://cloud.google.com/kubernetes-engine/docs/how-to/sandbox-pods>).
pub(super) fn added_node_selector(
    placement: &Placement,
    pool: &NodePool,
) -> Option<(&'static str, &'static str)> {
    let sandboxed =
        pool.provider == Provider::Gke && placement.runtime_class.as_deref() == Some("gvisor");
    sandboxed.then_some((SANDBOX, "gvisor"))
}

/// The values of a label that the `nodeSelector` or the required affinity names.
fn asks_for<'a>(placement: &'a Placement, key: &str) -> Vec<&'a str> {
    let terms = placement.required_affinity.iter().flatten();
    let expressions = terms.flat_map(|term| &term.match_expressions);
    placement
        .node_selector
        .get(key)
        .into_iter()
        .chain(
            expressions
                .filter(|entry| entry.key == key && entry.operator == Operator::In)
                .flat_map(|entry| &entry.values),
        )
        .map(String::as_str)
        .collect()
}
