//! Karpenter's `NodePool` (<https://karpenter.sh/docs/concepts/nodepools/>) with the node class that it names, and the older
//! `Provisioner`.
//!
//! A pool is an open set: its requirements say which nodes it may make. It becomes one pool for each platform that they leave.

use super::File;
use super::fields::Fields;
use crate::cluster::{
    Disk, NodePool, OperatingSystem, Provider, aws_architecture, aws_family_architecture,
    azure_architecture, gce_family_architecture, machine_architecture,
};
use crate::oci::{Bytes, Platform};
use crate::text::yaml::Node;

const ARCHITECTURE: &str = "kubernetes.io/arch";
const OPERATING_SYSTEM: &str = "kubernetes.io/os";

/// The pool, once for each platform.
pub(super) fn pools(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    let name = object.text(&["metadata", "name"]).unwrap_or("node pool");
    let template = object.at(&["spec", "template"]);
    let spec = template.and_then(|template| template.at(&["spec"]));
    let Some(spec) = spec.or_else(|| object.at(&["spec"])) else {
        return Vec::new();
    };
    let class = node_class(file, &spec);
    let mut pool = file.pool(object, name, provider(&spec));
    pool.taints = spec.taints(&["taints"]);
    pool.disk = class.as_ref().and_then(root_disk);
    pool.node_image = class.as_ref().and_then(image).map(ToOwned::to_owned);
    let requirements: Vec<Requirement<'_>> = spec
        .objects(&["requirements"])
        .into_iter()
        .filter_map(Requirement::read)
        .collect();
    describe_labels(&mut pool, name, &requirements);
    let labels = template
        .map(|template| template.pairs(&["metadata", "labels"]))
        .unwrap_or_default();
    for (key, value) in labels.into_iter().chain(spec.pairs(&["labels"])) {
        pool.labels.set(key, value);
    }
    let types: Vec<String> = requirements
        .iter()
        .filter(|entry| entry.key == "node.kubernetes.io/instance-type" && entry.operator == "In")
        .flat_map(|entry| entry.values.clone())
        .collect();
    pool.machine_type = (!types.is_empty()).then(|| types.join(", "));
    platforms(&pool, &requirements)
        .into_iter()
        .map(|platform| match platform {
            Ok(platform) => {
                let mut pool = pool.clone();
                pool.set_platform(platform);
                pool
            }
            Err(note) => NodePool {
                platform_note: Some(note),
                ..pool.clone()
            },
        })
        .collect()
}

/// A requirement on a label (`NodeSelectorRequirement`).
struct Requirement<'t> {
    key: &'t str,
    operator: &'t str,
    values: Vec<String>,
}

impl<'t> Requirement<'t> {
    fn read(node: Node<'t>) -> Option<Self> {
        Some(Self {
            key: match node.text(&["key"])? {
                "beta.kubernetes.io/arch" => ARCHITECTURE,
                "beta.kubernetes.io/os" => OPERATING_SYSTEM,
                "beta.kubernetes.io/instance-type" => "node.kubernetes.io/instance-type",
                key => key,
            },
            operator: node.text(&["operator"]).unwrap_or("In"),
            values: node.texts(&["values"]),
        })
    }

    fn leaves(&self, value: &str) -> bool {
        let listed = self.values.iter().any(|other| other == value);
        match self.operator {
            "In" => listed,
            "NotIn" => !listed,
            "DoesNotExist" => false,
            _ => true,
        }
    }
}

fn describe_labels(pool: &mut NodePool, name: &str, requirements: &[Requirement<'_>]) {
    let labels = &mut pool.labels;
    for prefix in [
        "karpenter.k8s.aws/",
        "karpenter.k8s.gcp/",
        "karpenter.azure.com/",
        "karpenter.sh/",
        "eks.amazonaws.com/",
        "kubernetes.azure.com/",
        "cloud.google.com/",
        "topology.k8s.aws/",
        "node.kubernetes.io/instance-type",
        "beta.kubernetes.io/instance-type",
    ] {
        labels.leave_open(prefix);
    }
    labels.set("karpenter.sh/nodepool", name);
    labels.forbid("eks.amazonaws.com/nodegroup");
    labels.forbid("cloud.google.com/gke-nodepool");
    for entry in requirements {
        if entry.key == ARCHITECTURE || entry.key == OPERATING_SYSTEM {
            continue;
        }
        match entry.operator {
            "In" => labels.choose(entry.key, entry.values.clone()),
            "DoesNotExist" => labels.forbid(entry.key),
            _ => labels.leave_open(entry.key),
        }
    }
}

/// The platforms that the requirements leave; an error says why none can be told.
fn platforms(pool: &NodePool, requirements: &[Requirement<'_>]) -> Vec<Result<Platform, String>> {
    let left = |key: &str, value: &str| {
        requirements
            .iter()
            .filter(|entry| entry.key == key)
            .all(|entry| entry.leaves(value))
    };
    let image = pool.node_image.as_deref().unwrap_or_default();
    let told = OperatingSystem::of_node_image(image);
    let asks_for_os = requirements
        .iter()
        .any(|entry| entry.key == OPERATING_SYSTEM);
    let systems: Vec<OperatingSystem> = if asks_for_os {
        let windows = OperatingSystem {
            name: "windows",
            version: told.version,
        };
        [OperatingSystem::LINUX, windows]
            .into_iter()
            .filter(|system| left(OPERATING_SYSTEM, system.name))
            .filter(|system| image.is_empty() || system.name == told.name)
            .collect()
    } else {
        vec![told]
    };
    let machines = machine_architectures(requirements);
    if machines.as_ref().is_some_and(Vec::is_empty) {
        return vec![Err(
            "the instance types that it asks for are not known".to_owned()
        )];
    }
    let architectures: Vec<&str> = ["amd64", "arm64"]
        .into_iter()
        .filter(|architecture| left(ARCHITECTURE, architecture))
        .filter(|architecture| {
            machines
                .as_ref()
                .is_none_or(|known| known.contains(architecture))
        })
        .collect();
    if architectures.is_empty() || systems.is_empty() {
        return vec![Err(
            "no platform satisfies all of its requirements".to_owned()
        )];
    }
    systems
        .into_iter()
        .flat_map(|system| {
            architectures
                .iter()
                // There are no Arm nodes with Windows (<https://karpenter.sh/docs/concepts/nodeclasses/>).
                .filter(move |architecture| system.name == "linux" || **architecture == "amd64")
                .map(move |architecture| {
                    Ok(Platform::new(
                        system.name,
                        architecture,
                        None,
                        system.version,
                    ))
                })
        })
        .collect()
}

/// The architectures of the machines that the requirements name; none where they name no machines, and an empty list
/// where nothing that they name is known.
fn machine_architectures(requirements: &[Requirement<'_>]) -> Option<Vec<&'static str>> {
    let mut found: Option<Vec<&'static str>> = None;
    for entry in requirements.iter().filter(|entry| entry.operator == "In") {
        let judge = |value: &str| -> Option<&'static str> {
            let known = match entry.key {
                "node.kubernetes.io/instance-type" => machine_architecture(value)
                    .or_else(|| aws_architecture(value))
                    .or_else(|| azure_architecture(value)),
                "karpenter.k8s.aws/instance-family" | "eks.amazonaws.com/instance-family" => {
                    aws_family_architecture(value)
                }
                "karpenter.k8s.gcp/instance-family" | "cloud.google.com/machine-family" => {
                    gce_family_architecture(value)
                }
                "karpenter.azure.com/sku-name" => azure_architecture(value),
                _ => return manufacturer_architecture(entry.key, value),
            };
            known.map(|known| known.architecture)
        };
        if !NAMES_MACHINES.contains(&entry.key) {
            continue;
        }
        let these: Vec<&'static str> = entry
            .values
            .iter()
            .filter_map(|value| judge(value))
            .collect();
        found = Some(match found {
            Some(before) => before
                .into_iter()
                .filter(|one| these.contains(one))
                .collect(),
            None => these,
        });
    }
    found
}

const NAMES_MACHINES: [&str; 8] = [
    "node.kubernetes.io/instance-type",
    "karpenter.k8s.aws/instance-family",
    "eks.amazonaws.com/instance-family",
    "karpenter.k8s.gcp/instance-family",
    "cloud.google.com/machine-family",
    "karpenter.azure.com/sku-name",
    "karpenter.k8s.aws/instance-cpu-manufacturer",
    "eks.amazonaws.com/instance-cpu-manufacturer",
];

fn manufacturer_architecture(key: &str, value: &str) -> Option<&'static str> {
    if !key.ends_with("/instance-cpu-manufacturer") {
        return None;
    }
    match value {
        "aws" => Some("arm64"),
        "intel" | "amd" => Some("amd64"),
        _ => None,
    }
}

fn provider(spec: &Node<'_>) -> Provider {
    let group = ["group", "apiVersion"]
        .iter()
        .find_map(|key| spec.text(&["nodeClassRef", key]))
        .unwrap_or_default();
    let kind = spec.text(&["nodeClassRef", "kind"]).unwrap_or_default();
    if group.contains("aws") || kind == "EC2NodeClass" || kind == "NodeClass" {
        Provider::Eks
    } else if group.contains("azure") || kind.starts_with("AKS") {
        Provider::Aks
    } else if group.contains("gcp") || kind.starts_with("GCE") {
        Provider::Gke
    } else {
        Provider::Unknown
    }
}

fn node_class<'t>(file: &File<'_, 't>, spec: &Node<'_>) -> Option<Node<'t>> {
    let name = spec.text(&["nodeClassRef", "name"])?;
    match spec.text(&["nodeClassRef", "kind"]) {
        Some(kind) => file.find(kind, name),
        None => file.find("EC2NodeClass", name),
    }
}

/// The image that the class boots, such as `windows2022@latest` or `Bottlerocket`.
fn image<'t>(class: &Node<'t>) -> Option<&'t str> {
    let terms = class.objects(&["spec", "amiSelectorTerms"]);
    let mut terms = terms
        .into_iter()
        .chain(class.objects(&["spec", "imageSelectorTerms"]));
    terms
        .find_map(|term| term.text(&["alias"]))
        .or_else(|| class.text(&["spec", "amiFamily"]))
        .or_else(|| class.text(&["spec", "imageFamily"]))
}

/// The volume that holds the images: Bottlerocket has them on its second one.
fn root_disk(class: &Node<'_>) -> Option<Disk> {
    let mappings = class.objects(&["spec", "blockDeviceMappings"]);
    let mapping = mappings.last()?;
    let size = mapping.text(&["ebs", "volumeSize"])?;
    Some(Disk {
        kind: mapping.text(&["ebs", "volumeType"]).map(ToOwned::to_owned),
        size: quantity(size)?,
    })
}

fn quantity(text: &str) -> Option<Bytes> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().ok()?;
    let unit: u64 = match &text[digits.len()..] {
        "Gi" | "G" => 1 << 30,
        "Ti" | "T" => 1 << 40,
        "Mi" | "M" => 1 << 20,
        _ => return None,
    };
    Some(Bytes(number.saturating_mul(unit)))
}
