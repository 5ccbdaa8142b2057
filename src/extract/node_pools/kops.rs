//! kops' `InstanceGroup` (<https://kops.sigs.k8s.io/instance_groups/>).

use super::File;
use super::fields::Fields;
use crate::cluster::{
    Disk, Effect, MachineArchitecture, NodePool, OperatingSystem, Provider, Taint,
    machine_architecture,
};
use crate::oci::Bytes;
use crate::text::yaml::Node;

/// The nodes of an instance group; none for a bastion, which is no node.
pub(super) fn pools(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";
    let role = object.text(&["spec", "role"]).unwrap_or("Node");
    if role.eq_ignore_ascii_case("bastion") {
        return Vec::new();
    }
    let name = object
        .text(&["metadata", "name"])
        .unwrap_or("instance group");
    let mut pool = file.pool(object, name, Provider::Unknown);
    pool.kubernetes_version = cluster_version(file, &object).and_then(|text| text.parse().ok());
    let image = object.text(&["spec", "image"]);
    pool.node_image = image.map(ToOwned::to_owned);
    pool.taints = object.taints(&["spec", "taints"]);
    pool.labels.set("kops.k8s.io/instancegroup", name);
    if role.eq_ignore_ascii_case("master")
        || role.eq_ignore_ascii_case("control-plane")
        || role == "ControlPlane"
    {
        pool.labels.set(CONTROL_PLANE, "");
        pool.taint(Taint::new(CONTROL_PLANE, "", Effect::NoSchedule));
    } else {
        pool.labels.set("node-role.kubernetes.io/node", "");
    }
    for (key, value) in object.pairs(&["spec", "nodeLabels"]) {
        pool.labels.set(key, value);
    }
    let size = object
        .number(&["spec", "rootVolume", "size"])
        .or_else(|| object.number(&["spec", "rootVolumeSize"]));
    pool.disk = size.map(|gibibytes| Disk {
        kind: None,
        size: Bytes(gibibytes.saturating_mul(1 << 30)),
    });
    let mut types = object.texts(&["spec", "mixedInstancesPolicy", "instances"]);
    if types.is_empty() {
        types.extend(object.text(&["spec", "machineType"]).map(ToOwned::to_owned));
    }
    if types.is_empty() {
        pool.platform_note = Some("the instance group names no machine type".to_owned());
        return vec![pool];
    }
    let system = OperatingSystem::of_node_image(image.unwrap_or_default());
    let judge = |machine_type: &str| {
        machine_architecture(machine_type).or_else(|| architecture_of_image(image?))
    };
    let spec = object.at(&["spec"]);
    pool.with_machine_types(system, &types, judge)
        .into_iter()
        .map(|pool| file.at_machine_type(pool, spec.as_ref(), "machineType"))
        .collect()
}

/// Where the machine type tells nothing, the name of its image may: `…/ubuntu-noble-24.04-arm64-server-20260714`.
fn architecture_of_image(image: &str) -> Option<MachineArchitecture> {
    use crate::cluster::Evidence;
    let words = image.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter_map(|word| match word {
            "arm64" | "aarch64" => Some("arm64"),
            "amd64" | "x86_64" => Some("amd64"),
            _ => None,
        })
        .map(|architecture| MachineArchitecture {
            architecture,
            evidence: Evidence::NamingRule,
        })
        .next()
}

fn cluster_version<'t>(file: &File<'_, 't>, object: &Node<'_>) -> Option<&'t str> {
    let named = object
        .text(&["metadata", "labels", "kops.k8s.io/cluster"])
        .and_then(|name| file.find("Cluster", name))?;
    named.text(&["spec", "kubernetesVersion"])
}
