//! Amazon Elastic Kubernetes Service: `aws eks describe-nodegroup`, one or a list of them.
//!
//! Type: <https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html>.

use super::File;
use super::fields::Fields;
use crate::cluster::{
    Disk, KubernetesVersion, NodePool, OperatingSystem, Provider, aws_architecture,
};
use crate::oci::Bytes;
use crate::text::yaml::Node;

/// A node group of the API.
pub(super) fn nodegroup(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    let name = object.text(&["nodegroupName"]).unwrap_or("node group");
    let version = object.text(&["version"]).and_then(|text| text.parse().ok());
    managed(
        file,
        object,
        name,
        version,
        &object.texts(&["instanceTypes"]),
    )
}

/// The node group of a name and of these instance types, with the fields that the API and Terraform share.
pub(super) fn managed(
    file: &File<'_, '_>,
    object: Node<'_>,
    name: &str,
    version: Option<KubernetesVersion>,
    instance_types: &[String],
) -> Vec<NodePool> {
    let ami_type = object.text(&["amiType"]);
    let mut pool = file.pool(object, name, Provider::Eks);
    pool.kubernetes_version = version;
    pool.node_image = ami_type.map(ToOwned::to_owned);
    pool.labels.leave_open("eks.amazonaws.com/");
    pool.labels.set("eks.amazonaws.com/nodegroup", name);
    if let Some(capacity) = object.text(&["capacityType"]) {
        pool.labels.set("eks.amazonaws.com/capacityType", capacity);
    }
    for (key, value) in object.pairs(&["labels"]) {
        pool.labels.set(key, value);
    }
    pool.taints = object.taints(&["taints"]);
    pool.taints.extend(object.taints(&["taint"]));
    pool.disk = object.number(&["diskSize"]).map(|gibibytes| Disk {
        kind: None,
        size: Bytes(gibibytes.saturating_mul(1 << 30)),
    });
    by_image_or_types(file, pool, object, ami_type, instance_types)
}

/// The AMI type is the stronger witness: an image of one architecture starts on no other.
fn by_image_or_types(
    file: &File<'_, '_>,
    mut pool: NodePool,
    object: Node<'_>,
    ami_type: Option<&str>,
    instance_types: &[String],
) -> Vec<NodePool> {
    let system = OperatingSystem::of_node_image(ami_type.unwrap_or_default());
    if let Some(architecture) = ami_type.and_then(ami_architecture) {
        if !instance_types.is_empty() {
            pool.machine_type = Some(instance_types.join(", "));
            pool.labels.set_machine_type(instance_types);
        }
        pool.set_platform_of(system, architecture);
        return vec![pool];
    }
    if instance_types.is_empty() {
        pool.platform_note = Some(
            "neither the AMI type nor an instance type is told: the launch template has them"
                .to_owned(),
        );
        return vec![pool];
    }
    pool.with_machine_types(system, instance_types, aws_architecture)
        .into_iter()
        .map(|pool| file.at_machine_type(pool, Some(&object), "instanceTypes"))
        .collect()
}

/// `AL2023_ARM_64_STANDARD`, `BOTTLEROCKET_x86_64`, `WINDOWS_CORE_2022_x86_64`; `CUSTOM` says nothing.
fn ami_architecture(ami_type: &str) -> Option<&'static str> {
    let ami_type = ami_type.to_ascii_lowercase();
    if ami_type.contains("arm_64") {
        Some("arm64")
    } else if ami_type.contains("x86_64") {
        Some("amd64")
    } else {
        None
    }
}
