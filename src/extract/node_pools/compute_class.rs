//! GKE's `ComputeClass` (<https://cloud.google.com/kubernetes-engine/docs/reference/crds/computeclass>).
//!
//! Each priority is a fallback for the ones above it, so a pod may land on the nodes of every one.

use super::File;
use super::fields::Fields;
use crate::cluster::{
    Effect, MachineArchitecture, NodePool, OperatingSystem, Provider, Taint, gce_architecture,
    gce_family_architecture,
};
use crate::text::yaml::Node;

/// One pool for each platform that the priorities ask for.
pub(super) fn pools(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    const LABEL: &str = "cloud.google.com/compute-class";
    let name = object
        .text(&["metadata", "name"])
        .unwrap_or("compute class");
    let mut class = file.pool(object, name, Provider::Gke);
    class.labels.leave_open("");
    class.labels.set(LABEL, name);
    class.taint(Taint::new(LABEL, name, Effect::NoSchedule));
    let config = object.at(&["spec", "nodePoolConfig"]);
    if let Some(config) = config {
        class.node_image = config.text(&["imageType"]).map(ToOwned::to_owned);
        class.image_streaming = config.is_true(&["imageStreaming", "enabled"]);
        class.service_account = config.text(&["serviceAccount"]).map(ToOwned::to_owned);
        class.taints.extend(config.taints(&["taints"]));
        for (key, value) in config.pairs(&["nodeLabels"]) {
            class.labels.set(key, value);
        }
    }
    let system = OperatingSystem::of_node_image(class.node_image.as_deref().unwrap_or_default());
    let defaults = object.at(&["spec", "priorityDefaults"]);
    let priorities = object.objects(&["spec", "priorities"]);
    let mut pools: Vec<NodePool> = Vec::new();
    for priority in &priorities {
        let Some(pool) = pool(file, &class, priority, defaults.as_ref(), system) else {
            continue;
        };
        match pools
            .iter_mut()
            .find(|other| other.platform == pool.platform)
        {
            Some(other) => join_machine_types(other, pool.machine_type),
            None => pools.push(pool),
        }
    }
    if pools.is_empty() {
        class.stands_for = priorities.iter().flat_map(node_pool_names).collect();
        class.platform_note = Some("its priorities name no machine, only node pools".to_owned());
        pools.push(class);
    }
    pools
        .into_iter()
        .map(NodePool::with_provider_taints)
        .collect()
}

/// The nodes of one priority; none where it names existing node pools, which other descriptions tell.
fn pool(
    file: &File<'_, '_>,
    class: &NodePool,
    priority: &Node<'_>,
    defaults: Option<&Node<'_>>,
    system: OperatingSystem,
) -> Option<NodePool> {
    if priority.at(&["nodepools"]).is_some() {
        return None;
    }
    let text = |path: &[&str]| {
        priority
            .text(path)
            .or_else(|| defaults.and_then(|defaults| defaults.text(path)))
    };
    let machine_type = text(&["machineType"]);
    let family = text(&["machineFamily"]);
    let gpu = text(&["gpu", "type"]);
    let tpu = text(&["tpu", "type"]);
    let pod_family = text(&["podFamily"]);
    let mut pool = class.clone();
    let asked = machine_type.or(family).or(gpu).or(tpu).or(pod_family);
    pool.machine_type = machine_type.or(family).map(ToOwned::to_owned);
    let architecture = match (machine_type, family) {
        (Some(machine_type), _) => gce_architecture(machine_type),
        (None, Some(family)) => gce_family_architecture(family),
        (None, None) => accelerator_architecture(gpu, tpu, pod_family),
    };
    if let Some(found) = architecture {
        pool.set_platform_of(system, found.architecture);
    } else {
        let asked = asked.unwrap_or_default();
        pool.platform_note = Some(format!("the machine type `{asked}` is not known"));
        pool = file.at_machine_type(pool, Some(priority), "machineType");
    }
    Some(pool)
}

/// The existing node pools that a priority names.
fn node_pool_names(priority: &Node<'_>) -> Vec<String> {
    let names = priority.at(&["nodepools"]).into_iter();
    names
        .flat_map(|list| list.items())
        .filter_map(|name| name.as_str().map(ToOwned::to_owned))
        .collect()
}

/// Without a machine family GKE takes E2, and the series that carries an accelerator
/// (<https://cloud.google.com/kubernetes-engine/docs/concepts/about-custom-compute-classes>): the `GB200` and `GB300` sit
/// in Arm machines.
fn accelerator_architecture(
    gpu: Option<&str>,
    tpu: Option<&str>,
    pod_family: Option<&str>,
) -> Option<MachineArchitecture> {
    let asked = gpu
        .or(tpu)
        .or(pod_family)
        .unwrap_or_default()
        .to_ascii_lowercase();
    if asked.contains("tpu7") || asked.contains("${") {
        None
    } else if asked.contains("gb200") || asked.contains("gb300") || asked.ends_with("-arm") {
        gce_family_architecture("a4x")
    } else {
        gce_family_architecture("e2")
    }
}

fn join_machine_types(pool: &mut NodePool, other: Option<String>) {
    let (Some(known), Some(other)) = (&mut pool.machine_type, other) else {
        return;
    };
    if !known.split(", ").any(|one| one == other) {
        known.push_str(", ");
        known.push_str(&other);
    }
}
