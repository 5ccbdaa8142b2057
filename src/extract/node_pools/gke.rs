//! Google Kubernetes Engine: `gcloud container node-pools list`, `clusters describe` and `clusters list`, as JSON or YAML.
//!
//! Type: `google.container.v1.NodePool` and `Cluster`
//! (<https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters>).

use super::File;
use super::fields::Fields;
use crate::cluster::{
    Disk, Effect, KubernetesVersion, NodePool, OperatingSystem, Provider, Taint, gce_architecture,
};
use crate::oci::{Bytes, Platform};
use crate::text::yaml::Node;

/// The machine type of a pool for which none is asked
/// (<https://cloud.google.com/kubernetes-engine/docs/concepts/node-pools>).
const DEFAULT_MACHINE_TYPE: &str = "e2-medium";

/// Whether an object is a node pool of the API.
pub(super) fn is_pool(object: &Node<'_>) -> bool {
    let has = |path: &[&str]| object.at(path).is_some();
    has(&["config", "machineType"])
        || has(&["instanceGroupUrls"])
        || object
            .text(&["selfLink"])
            .is_some_and(|link| link.contains("/nodePools/"))
}

/// Whether an object is a cluster of the API.
pub(super) fn is_cluster(object: &Node<'_>) -> bool {
    object.at(&["nodePools"]).is_some() || object.at(&["currentMasterVersion"]).is_some()
}

/// The pools of a cluster, and those that it may make by itself.
pub(super) fn cluster(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    let version = object.text(&["currentNodeVersion"]);
    let mut pools: Vec<NodePool> = object
        .objects(&["nodePools"])
        .into_iter()
        .flat_map(|node| {
            pool(file, node)
                .into_iter()
                .map(|pool| with_version(pool, version))
        })
        .collect();
    if object.is_true(&["autopilot", "enabled"])
        || object.is_true(&["autoscaling", "enableNodeAutoprovisioning"])
    {
        let defaults = object.at(&["autoscaling", "autoprovisioningNodePoolDefaults"]);
        pools.extend(provisioned(file, object, defaults).map(|pool| with_version(pool, version)));
    }
    pools
}

fn with_version(pool: NodePool, version: Option<&str>) -> NodePool {
    NodePool {
        kubernetes_version: pool
            .kubernetes_version
            .or_else(|| version.and_then(|text| text.parse().ok())),
        ..pool
    }
}

/// What node auto-provisioning and Autopilot may make: nodes with the labels that pods ask for. Pods that don't ask for
/// Arm get amd64 nodes (<https://cloud.google.com/kubernetes-engine/docs/how-to/autopilot-arm-workloads>).
pub(super) fn provisioned(
    file: &File<'_, '_>,
    cluster: Node<'_>,
    defaults: Option<Node<'_>>,
) -> impl Iterator<Item = NodePool> {
    let name = cluster.text(&["name"]).unwrap_or("cluster");
    let mut open = file.pool(
        cluster,
        &format!("{name} (auto-provisioned)"),
        Provider::Gke,
    );
    open.on_demand = true;
    open.labels.leave_open("");
    open.labels.forbid("cloud.google.com/gke-nodepool");
    if let Some(defaults) = defaults {
        describe_nodes(&mut open, &defaults);
    }
    ["amd64", "arm64"].into_iter().map(move |architecture| {
        let mut pool = open.clone();
        pool.set_platform(Platform::new("linux", architecture, None, None));
        pool.with_provider_taints()
    })
}

/// One pool of the API.
pub(super) fn pool(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    let name = object.text(&["name"]).unwrap_or("node pool");
    let version = object.text(&["version"]).and_then(|text| text.parse().ok());
    let Some(config) = object.at(&["config"]) else {
        let mut pool = file.pool(object, name, Provider::Gke);
        pool.kubernetes_version = version;
        pool.platform_note = Some("the description has no `config` with a machine type".to_owned());
        return vec![pool];
    };
    let zones = object.texts(&["locations"]);
    nodes(file, object, name, Some(config), version, zones)
}

/// The pool of a name whose nodes `config` describes (`google.container.v1.NodeConfig`).
pub(super) fn nodes(
    file: &File<'_, '_>,
    object: Node<'_>,
    name: &str,
    config: Option<Node<'_>>,
    version: Option<KubernetesVersion>,
    zones: Vec<String>,
) -> Vec<NodePool> {
    let mut pool = file.pool(object, name, Provider::Gke);
    pool.kubernetes_version = version;
    for prefix in ["cloud.google.com/", "topology.gke.io/", "iam.gke.io/"] {
        pool.labels.leave_open(prefix);
    }
    pool.labels.set("cloud.google.com/gke-nodepool", name);
    if !zones.is_empty() {
        pool.labels.choose("topology.kubernetes.io/zone", zones);
    }
    let machine_type = config
        .and_then(|config| config.text(&["machineType"]))
        .unwrap_or(DEFAULT_MACHINE_TYPE);
    let mut system = OperatingSystem::LINUX;
    if let Some(config) = config {
        describe_nodes(&mut pool, &config);
        system = operating_system(&config);
    }
    describe_machine(&mut pool, machine_type);
    pool.with_machine_types(system, &[machine_type.to_owned()], gce_architecture)
        .into_iter()
        .map(|pool| file.at_machine_type(pool, config.as_ref(), "machineType"))
        .map(NodePool::with_provider_taints)
        .collect()
}

/// The image type tells Windows. That there is a `windowsNodeConfig` does not: the API gives an empty one for Linux too.
fn operating_system(config: &Node<'_>) -> OperatingSystem {
    let image = config.text(&["imageType"]).unwrap_or_default();
    let system = OperatingSystem::of_node_image(image);
    let release = config.text(&["windowsNodeConfig", "osVersion"]);
    match release {
        Some(release) if system != OperatingSystem::LINUX && system.version.is_none() => {
            OperatingSystem::of_node_image(&format!("windows {release}"))
        }
        _ => system,
    }
}

fn describe_nodes(pool: &mut NodePool, config: &Node<'_>) {
    let labels = &mut pool.labels;
    for (key, value) in config.pairs(&["labels"]) {
        labels.set(key, value);
    }
    pool.node_image = config.text(&["imageType"]).map(ToOwned::to_owned);
    if let Some(image) = &pool.node_image {
        let image = image.to_ascii_lowercase();
        let distribution = image.split('_').next().unwrap_or_default();
        labels.set(
            "cloud.google.com/gke-os-distribution",
            if distribution == "windows" {
                image.trim_end_matches("_containerd")
            } else {
                distribution
            },
        );
    }
    pool.image_streaming = config.is_true(&["gcfsConfig", "enabled"]);
    for (key, value, present) in [
        (
            "cloud.google.com/gke-spot",
            "true",
            config.is_true(&["spot"]),
        ),
        (
            "cloud.google.com/gke-preemptible",
            "true",
            config.is_true(&["preemptible"]),
        ),
        (
            "cloud.google.com/gke-image-streaming",
            "true",
            pool.image_streaming,
        ),
    ] {
        if present {
            labels.set(key, value);
        } else if !pool.on_demand {
            labels.forbid(key);
        }
    }
    pool.taints.extend(config.taints(&["taints"]));
    pool.taints.extend(config.taints(&["taint"]));
    pool.oauth_scopes = config
        .at(&["oauthScopes"])
        .map(|_| config.texts(&["oauthScopes"]));
    pool.service_account = config.text(&["serviceAccount"]).map(ToOwned::to_owned);
    pool.disk = config.number(&["diskSizeGb"]).map(|gigabytes| Disk {
        kind: config.text(&["diskType"]).map(ToOwned::to_owned),
        size: Bytes(gigabytes.saturating_mul(1 << 30)),
    });
    describe_accelerators(pool, config);
    describe_sandbox(pool, config);
}

/// GKE taints pools with accelerators
/// (<https://cloud.google.com/kubernetes-engine/docs/how-to/gpus>); a pod that asks for the resource tolerates the taint.
fn describe_accelerators(pool: &mut NodePool, config: &Node<'_>) {
    const LABEL: &str = "cloud.google.com/gke-accelerator";
    let mut accelerators = config.objects(&["accelerators"]);
    accelerators.extend(config.objects(&["guestAccelerator"]));
    let kind = accelerators.iter().find_map(|accelerator| {
        accelerator
            .text(&["acceleratorType"])
            .or_else(|| accelerator.text(&["type"]))
    });
    if let Some(kind) = kind {
        pool.labels.set(LABEL, kind);
        pool.taint(Taint::new("nvidia.com/gpu", "present", Effect::NoSchedule));
    } else if !pool.on_demand {
        pool.labels.forbid(LABEL);
    }
}

/// <https://cloud.google.com/kubernetes-engine/docs/how-to/sandbox-pods>
fn describe_sandbox(pool: &mut NodePool, config: &Node<'_>) {
    let kind = ["type", "sandboxType"]
        .iter()
        .find_map(|key| config.text(&["sandboxConfig", key]));
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("gvisor")) {
        pool.labels.set("sandbox.gke.io/runtime", "gvisor");
        pool.taint(Taint::new(
            "sandbox.gke.io/runtime",
            "gvisor",
            Effect::NoSchedule,
        ));
    }
}

fn describe_machine(pool: &mut NodePool, machine_type: &str) {
    let family = machine_type.split('-').next().unwrap_or_default();
    let family = if family == "custom" { "n1" } else { family };
    pool.labels.set("cloud.google.com/machine-family", family);
    if family.starts_with("ct") || family.starts_with("tpu") {
        pool.taint(Taint::new("google.com/tpu", "present", Effect::NoSchedule));
    } else {
        pool.labels.forbid("cloud.google.com/gke-tpu-accelerator");
    }
}
