//! eksctl's `ClusterConfig` (<https://eksctl.io/usage/schema/>).

use std::collections::BTreeMap;

use super::File;
use super::fields::Fields;
use crate::cluster::{
    Disk, Effect, KubernetesVersion, NodePool, OperatingSystem, Provider, Taint, aws_architecture,
};
use crate::oci::{Bytes, Platform};
use crate::text::yaml::Node;

/// The instance type where none is asked for (`pkg/apis/eksctl.io/v1alpha5/types.go`, `DefaultNodeType`).
const DEFAULT_INSTANCE_TYPE: &str = "m5.large";

/// All node groups of a cluster, and those that its Auto Mode may make.
pub(super) fn pools(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    let cluster = object.text(&["metadata", "name"]);
    let version = object
        .text(&["metadata", "version"])
        .and_then(|text| text.parse().ok());
    let mut pools: Vec<NodePool> = ["nodeGroups", "managedNodeGroups"]
        .into_iter()
        .flat_map(|key| {
            object
                .objects(&[key])
                .into_iter()
                .map(move |group| (key, group))
        })
        .flat_map(|(key, group)| {
            let managed = key == "managedNodeGroups";
            node_group(file, group, cluster, version.as_ref(), managed)
        })
        .collect();
    if object.is_true(&["autoModeConfig", "enabled"]) {
        pools.extend(auto_mode(file, object));
    }
    pools
}

fn node_group(
    file: &File<'_, '_>,
    group: Node<'_>,
    cluster: Option<&str>,
    version: Option<&KubernetesVersion>,
    managed: bool,
) -> Vec<NodePool> {
    let name = group.text(&["name"]).unwrap_or("node group");
    let mut pool = file.pool(group, name, Provider::Eks);
    pool.kubernetes_version = version.cloned();
    pool.node_image = group.text(&["amiFamily"]).map(ToOwned::to_owned);
    let labels = &mut pool.labels;
    labels.set("alpha.eksctl.io/nodegroup-name", name);
    if let Some(cluster) = cluster {
        labels.set("alpha.eksctl.io/cluster-name", cluster);
    }
    if managed {
        labels.leave_open("eks.amazonaws.com/");
        labels.set("eks.amazonaws.com/nodegroup", name);
        let spot = group.is_true(&["spot"]);
        let capacity = if spot { "SPOT" } else { "ON_DEMAND" };
        labels.set("eks.amazonaws.com/capacityType", capacity);
    }
    for (key, value) in group.pairs(&["labels"]) {
        labels.set(key, value);
    }
    pool.taints = taints(&group);
    pool.disk = group.number(&["volumeSize"]).map(|gibibytes| Disk {
        kind: group.text(&["volumeType"]).map(ToOwned::to_owned),
        size: Bytes(gibibytes.saturating_mul(1 << 30)),
    });
    let system = OperatingSystem::of_node_image(group.text(&["amiFamily"]).unwrap_or_default());
    let selected = group
        .at(&["instanceSelector"])
        .filter(|selector| selector.entries().next().is_some());
    match (instance_types(&group), selected) {
        (types, Some(selector)) if types.is_empty() => {
            let architecture = selector.text(&["cpuArchitecture"]);
            let architecture = architecture.map_or("amd64", selected_architecture);
            pool.set_platform_of(system, architecture);
            vec![pool]
        }
        (types, None) if types.is_empty() => pool.with_machine_types(
            system,
            &[DEFAULT_INSTANCE_TYPE.to_owned()],
            aws_architecture,
        ),
        (types, _) => pool
            .with_machine_types(system, &types, aws_architecture)
            .into_iter()
            .map(|pool| file.at_machine_type(pool, Some(&group), "instanceType"))
            .collect(),
    }
}

/// The instance types that a group names; `mixed` in their place says that `instancesDistribution` has them.
fn instance_types(group: &Node<'_>) -> Vec<String> {
    let mut types: Vec<String> = group
        .text(&["instanceType"])
        .filter(|name| *name != "mixed")
        .map(ToOwned::to_owned)
        .into_iter()
        .collect();
    types.extend(group.texts(&["instanceTypes"]));
    types.extend(group.texts(&["instancesDistribution", "instanceTypes"]));
    types
}

/// `x86_64` is the default of the instance selector.
fn selected_architecture(word: &str) -> &'static str {
    match word {
        "arm64" => "arm64",
        _ => "amd64",
    }
}

/// A list of objects, or the older form: keys to `value:Effect`.
fn taints(group: &Node<'_>) -> Vec<Taint> {
    let mut taints = group.taints(&["taints"]);
    let older: BTreeMap<String, String> = group.pairs(&["taints"]);
    taints.extend(older.iter().filter_map(|(key, text)| {
        let (value, effect) = text.rsplit_once(':').unwrap_or(("", text));
        Some(Taint::new(key, value, Effect::from_spelling(effect)?))
    }));
    taints
}

/// The node pools that EKS Auto Mode brings (<https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html>):
/// `general-purpose` makes amd64 nodes, `system` makes both and keeps pods away that do not tolerate it.
fn auto_mode(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    let configured = object.at(&["autoModeConfig", "nodePools"]).is_some();
    let named = object.texts(&["autoModeConfig", "nodePools"]);
    [
        ("general-purpose", "amd64"),
        ("system", "amd64"),
        ("system", "arm64"),
    ]
    .into_iter()
    .filter(|(name, _)| !configured || named.iter().any(|other| other == name))
    .map(|(name, architecture)| {
        let mut pool = file.pool(object, name, Provider::Eks);
        pool.on_demand = true;
        for prefix in ["eks.amazonaws.com/", "node.kubernetes.io/", "karpenter.sh/"] {
            pool.labels.leave_open(prefix);
        }
        pool.labels.set("karpenter.sh/nodepool", name);
        pool.labels.set("eks.amazonaws.com/compute-type", "auto");
        pool.set_platform(Platform::new("linux", architecture, None, None));
        if name == "system" {
            pool.taint(Taint::new("CriticalAddonsOnly", "", Effect::NoSchedule));
        }
        pool
    })
    .collect()
}
