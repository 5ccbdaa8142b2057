//! Azure Kubernetes Service: `az aks nodepool list` and `show`, `az aks show`, and the same objects of the REST API.
//!
//! Type: <https://learn.microsoft.com/rest/api/aks/agent-pools/get>. The command line writes `osDiskSizeGb` and `osSku`, the
//! REST API `osDiskSizeGB` and `osSKU`, and has the fields under `properties`.

use super::File;
use super::fields::Fields;
use crate::cluster::{
    Disk, Effect, KubernetesVersion, NodePool, OperatingSystem, Provider, Taint, azure_architecture,
};
use crate::oci::{Bytes, Platform};
use crate::text::yaml::Node;

/// Whether an object is an agent pool of the API.
pub(super) fn is_pool(object: &Node<'_>) -> bool {
    let fields = fields_of(*object);
    let is_agent_pool = object
        .text(&["type"])
        .is_some_and(|kind| kind.to_ascii_lowercase().ends_with("/agentpools"));
    is_agent_pool || fields.at(&["vmSize"]).is_some() && fields.at(&["osType"]).is_some()
}

/// The agent pools of a cluster, and those that node auto-provisioning may make.
pub(super) fn cluster(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    let fields = fields_of(object);
    let version = fields
        .text(&["currentKubernetesVersion"])
        .or_else(|| fields.text(&["kubernetesVersion"]))
        .and_then(|text| text.parse::<KubernetesVersion>().ok());
    let mut pools: Vec<NodePool> = fields
        .objects(&["agentPoolProfiles"])
        .into_iter()
        .flat_map(|profile| pool(file, profile))
        .collect();
    for pool in &mut pools {
        pool.kubernetes_version = pool.kubernetes_version.take().or_else(|| version.clone());
    }
    if fields.text(&["nodeProvisioningProfile", "mode"]) == Some("Auto") {
        pools.push(provisioned(file, object));
    }
    pools
}

/// What node auto-provisioning makes by its default pool
/// (<https://learn.microsoft.com/azure/aks/node-auto-provisioning-node-pools>).
fn provisioned(file: &File<'_, '_>, object: Node<'_>) -> NodePool {
    let name = object.text(&["name"]).unwrap_or("cluster");
    let mut pool = file.pool(object, &format!("{name} (auto-provisioned)"), Provider::Aks);
    pool.on_demand = true;
    for prefix in ["karpenter.", "kubernetes.azure.com/", "node.kubernetes.io/"] {
        pool.labels.leave_open(prefix);
    }
    pool.set_platform(Platform::new("linux", "amd64", None, None));
    pool
}

fn fields_of(object: Node<'_>) -> Node<'_> {
    object
        .at(&["properties"])
        .filter(Node::is_mapping)
        .unwrap_or(object)
}

/// One agent pool.
pub(super) fn pool(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    let name = object.text(&["name"]).unwrap_or("agent pool");
    let fields = fields_of(object);
    let text = |keys: &[&str]| keys.iter().find_map(|key| fields.text(&[key]));
    let sku = text(&["osSku", "osSKU"]);
    let mut pool = file.pool(object, name, Provider::Aks);
    pool.kubernetes_version = text(&["currentOrchestratorVersion", "orchestratorVersion"])
        .and_then(|text| text.parse().ok());
    pool.node_image = text(&["nodeImageVersion"]).or(sku).map(ToOwned::to_owned);
    pool.taints = fields.taints(&["nodeTaints"]);
    describe_labels(&mut pool, &fields, name, sku);
    let size = fields
        .number(&["osDiskSizeGb"])
        .or_else(|| fields.number(&["osDiskSizeGB"]));
    pool.disk = size.filter(|size| *size > 0).map(|gigabytes| Disk {
        kind: text(&["osDiskType"]).map(ToOwned::to_owned),
        size: Bytes(gigabytes.saturating_mul(1 << 30)),
    });
    let windows = text(&["osType"]).is_some_and(|os| os.eq_ignore_ascii_case("windows"));
    let system = if windows {
        OperatingSystem::of_node_image(&format!("windows {}", sku.unwrap_or_default()))
    } else {
        OperatingSystem::of_node_image(sku.unwrap_or_default())
    };
    let sizes = machine_types(&fields);
    if sizes.is_empty() {
        pool.platform_note = Some("the description names no `vmSize`".to_owned());
        return vec![pool];
    }
    pool.with_machine_types(system, &sizes, azure_architecture)
        .into_iter()
        .map(|pool| file.at_machine_type(pool, Some(&fields), "vmSize"))
        .collect()
}

/// One size for a scale set; pools of virtual machines list several.
fn machine_types(fields: &Node<'_>) -> Vec<String> {
    let single = ["vmSize", "size"]
        .iter()
        .find_map(|key| fields.text(&[key]));
    match single {
        Some(size) => vec![size.to_owned()],
        None => fields
            .objects(&["virtualMachinesProfile", "scale", "manual"])
            .iter()
            .filter_map(|scale| scale.text(&["size"]))
            .map(ToOwned::to_owned)
            .collect(),
    }
}

/// <https://learn.microsoft.com/azure/aks/use-labels#reserved-system-labels>
fn describe_labels(pool: &mut NodePool, fields: &Node<'_>, name: &str, sku: Option<&str>) {
    const PRIORITY: &str = "kubernetes.azure.com/scalesetpriority";
    let labels = &mut pool.labels;
    for prefix in [
        "kubernetes.azure.com/",
        "topology.disk.csi.azure.com/",
        "storageprofile",
        "storagetier",
    ] {
        labels.leave_open(prefix);
    }
    labels.forbid("kubernetes.azure.com/accelerator");
    for key in ["agentpool", "kubernetes.azure.com/agentpool"] {
        labels.set(key, name);
    }
    labels.set("kubernetes.azure.com/role", "agent");
    labels.set("kubernetes.io/role", "agent");
    if let Some(mode) = fields.text(&["mode"]) {
        labels.set("kubernetes.azure.com/mode", mode.to_ascii_lowercase());
    }
    if let Some(sku) = sku {
        labels.set("kubernetes.azure.com/os-sku", sku);
    }
    for (key, value) in fields.pairs(&["nodeLabels"]) {
        labels.set(key, value);
    }
    let priority = ["scaleSetPriority", "priority"]
        .iter()
        .find_map(|key| fields.text(&[key]));
    if priority.is_some_and(|priority| priority.eq_ignore_ascii_case("spot")) {
        labels.set(PRIORITY, "spot");
        pool.taint(Taint::new(PRIORITY, "spot", Effect::NoSchedule));
    } else {
        labels.forbid(PRIORITY);
    }
}
