//! `kubectl get nodes -o json` and `-o yaml`: the best description, as the nodes state all of it. Each node is a pool of its
//! own, because nodes say neither which of them are alike nor by which label they are grouped.

use super::File;
use super::fields::Fields;
use crate::cluster::{Disk, NodePool, Provider, Runtime, Taint};
use crate::oci::{Bytes, Platform};
use crate::text::yaml::Node;

/// Taints that a controller sets and removes by the state of the node at the moment
/// (<https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions>). They say
/// nothing of the node that a pod will find.
const PASSING: [&str; 8] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/unschedulable",
    "node.cloudprovider.kubernetes.io/uninitialized",
];

/// A `Node` of the Kubernetes API.
pub(super) fn node(file: &File<'_, '_>, object: Node<'_>) -> NodePool {
    let name = object.text(&["metadata", "name"]).unwrap_or("node");
    let info = |key| object.text(&["status", "nodeInfo", key]);
    let labels = object.pairs(&["metadata", "labels"]);
    let label = |key: &str| labels.get(key).map(String::as_str);
    let mut pool = file.pool(object, name, provider(&object, info("kubeletVersion")));
    pool.single_node = true;
    pool.kubernetes_version = info("kubeletVersion").and_then(|text| text.parse().ok());
    pool.runtime = info("containerRuntimeVersion").and_then(Runtime::from_node_info);
    pool.node_image = info("osImage").map(ToOwned::to_owned);
    pool.machine_type = label("node.kubernetes.io/instance-type")
        .or_else(|| label("beta.kubernetes.io/instance-type"))
        .map(ToOwned::to_owned);
    pool.image_streaming = label("cloud.google.com/gke-image-streaming") == Some("true");
    let os = info("operatingSystem").or_else(|| label("kubernetes.io/os"));
    let architecture = info("architecture").or_else(|| label("kubernetes.io/arch"));
    if let (Some(os), Some(architecture)) = (os, architecture) {
        pool.set_platform(Platform::new(
            os,
            architecture,
            None,
            windows_version(os, info("kernelVersion")),
        ));
    } else {
        pool.platform_note =
            Some("the node states no operating system and architecture".to_owned());
    }
    for (key, value) in labels {
        pool.labels.set(key, value);
    }
    pool.labels.close();
    let taints = object.taints(&["spec", "taints"]);
    pool.taints = taints
        .into_iter()
        .filter(|taint| !is_passing(taint))
        .collect();
    pool.disk = object
        .text(&["status", "capacity", "ephemeral-storage"])
        .and_then(quantity)
        .map(|size| Disk { kind: None, size });
    pool
}

fn is_passing(taint: &Taint) -> bool {
    PASSING.contains(&taint.key.as_str())
}

/// Windows nodes give their build as the version of the kernel: `10.0.20348.2527`.
fn windows_version<'t>(os: &str, kernel: Option<&'t str>) -> Option<&'t str> {
    kernel.filter(|_| os == "windows")
}

fn provider(object: &Node<'_>, kubelet: Option<&str>) -> Provider {
    let has_label = |prefix: &str| {
        let labels = object.pairs(&["metadata", "labels"]);
        labels.keys().any(|key| key.starts_with(prefix))
    };
    let kubelet = kubelet.unwrap_or_default();
    if kubelet.contains("-gke.") || has_label("cloud.google.com/gke-") {
        Provider::Gke
    } else if kubelet.contains("-eks-") || has_label("eks.amazonaws.com/") {
        Provider::Eks
    } else if has_label("kubernetes.azure.com/") {
        Provider::Aks
    } else {
        Provider::Unknown
    }
}

/// A quantity of bytes as the kubelet writes it: `101241290Ki`, `94477123456`.
fn quantity(text: &str) -> Option<Bytes> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().ok()?;
    let unit: u64 = match &text[digits.len()..] {
        "" => 1,
        "k" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    };
    Some(Bytes(number.saturating_mul(unit)))
}
