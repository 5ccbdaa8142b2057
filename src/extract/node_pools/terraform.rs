//! `terraform show -json` of a plan or a state (<https://developer.hashicorp.com/terraform/internals/json-format>).
//!
//! Values that are known only after the apply are not there, and read as what the provider defaults to.

use super::fields::Fields;
use super::{File, aks, eks, gke};
use crate::cluster::NodePool;
use crate::text::yaml::Node;

/// How deep modules may call modules.
const MAX_DEPTH: usize = 32;

/// The instance type of a node group for which none is asked
/// (<https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html>).
const DEFAULT_INSTANCE_TYPE: &str = "t3.medium";

/// The pools of all resources.
pub(super) fn pools(file: &File<'_, '_>, object: Node<'_>) -> Vec<NodePool> {
    let mut resources = Vec::new();
    for values in ["planned_values", "values"] {
        if let Some(module) = object.at(&[values, "root_module"]) {
            collect(module, MAX_DEPTH, &mut resources);
        }
    }
    if resources.is_empty() {
        resources = changes(object);
    }
    resources
        .iter()
        .flat_map(|resource| pools_of(file, resource))
        .collect()
}

/// A resource: its type, its name in the configuration, and its values.
struct Resource<'t> {
    kind: &'t str,
    name: &'t str,
    values: Node<'t>,
}

fn collect<'t>(module: Node<'t>, depth: usize, resources: &mut Vec<Resource<'t>>) {
    for resource in module.objects(&["resources"]) {
        resources.extend(read(&resource, resource.at(&["values"])));
    }
    if depth > 0 {
        for child in module.objects(&["child_modules"]) {
            collect(child, depth - 1, resources);
        }
    }
}

fn changes(object: Node<'_>) -> Vec<Resource<'_>> {
    object
        .objects(&["resource_changes"])
        .iter()
        .filter_map(|resource| read(resource, resource.at(&["change", "after"])))
        .collect()
}

fn read<'t>(resource: &Node<'t>, values: Option<Node<'t>>) -> Option<Resource<'t>> {
    let managed = resource.text(&["mode"]).unwrap_or("managed") == "managed";
    let kind = resource.text(&["type"]).filter(|_| managed)?;
    Some(Resource {
        kind,
        name: resource.text(&["name"]).unwrap_or("node pool"),
        values: values?,
    })
}

fn pools_of(file: &File<'_, '_>, resource: &Resource<'_>) -> Vec<NodePool> {
    let values = resource.values;
    match resource.kind {
        "google_container_node_pool" => {
            let name = name(values, &["name", "name_prefix"], resource.name);
            google_pool(file, values, name)
        }
        "google_container_cluster" => google_cluster(file, values),
        "aws_eks_node_group" => {
            let name = name(
                values,
                &["node_group_name", "node_group_name_prefix"],
                resource.name,
            );
            amazon_group(file, values, name)
        }
        "azurerm_kubernetes_cluster" => azure_cluster(file, values),
        "azurerm_kubernetes_cluster_node_pool" => aks::pool(file, values),
        _ => Vec::new(),
    }
}

fn name<'t>(values: Node<'t>, keys: &[&str], otherwise: &'t str) -> &'t str {
    keys.iter()
        .find_map(|key| values.text(&[key]))
        .unwrap_or(otherwise)
}

fn google_pool(file: &File<'_, '_>, values: Node<'_>, name: &str) -> Vec<NodePool> {
    let version = values.text(&["version"]).and_then(|text| text.parse().ok());
    let config = values.objects(&["node_config"]).first().copied();
    gke::nodes(
        file,
        values,
        name,
        config,
        version,
        values.texts(&["node_locations"]),
    )
}

/// A cluster has its default pool unless it removes it, the pools written inside it, and what it makes by itself.
fn google_cluster(file: &File<'_, '_>, values: Node<'_>) -> Vec<NodePool> {
    let inside = values.objects(&["node_pool"]);
    let autopilot = values.is_true(&["enable_autopilot"]);
    let mut pools: Vec<NodePool> = inside
        .iter()
        .flat_map(|pool| {
            google_pool(
                file,
                *pool,
                name(*pool, &["name", "name_prefix"], "node pool"),
            )
        })
        .collect();
    if inside.is_empty() && !autopilot && !values.is_true(&["remove_default_node_pool"]) {
        pools.extend(google_pool(file, values, "default-pool"));
    }
    if autopilot || values.is_true(&["cluster_autoscaling", "enabled"]) {
        let defaults = values.at(&["cluster_autoscaling", "auto_provisioning_defaults"]);
        pools.extend(gke::provisioned(file, values, defaults));
    }
    let version = ["node_version", "min_master_version"]
        .iter()
        .find_map(|key| values.text(&[key])?.parse().ok());
    for pool in &mut pools {
        pool.kubernetes_version = pool.kubernetes_version.take().or_else(|| version.clone());
    }
    pools
}

fn amazon_group(file: &File<'_, '_>, values: Node<'_>, name: &str) -> Vec<NodePool> {
    let version = values.text(&["version"]).and_then(|text| text.parse().ok());
    let mut types = values.texts(&["instance_types"]);
    let template = !values.objects(&["launch_template"]).is_empty();
    if types.is_empty() && !template {
        types.push(DEFAULT_INSTANCE_TYPE.to_owned());
    }
    eks::managed(file, values, name, version, &types)
}

fn azure_cluster(file: &File<'_, '_>, values: Node<'_>) -> Vec<NodePool> {
    let version = values
        .text(&["kubernetes_version"])
        .and_then(|text| text.parse().ok());
    values
        .objects(&["default_node_pool"])
        .into_iter()
        .flat_map(|pool| aks::pool(file, pool))
        .map(|mut pool| {
            pool.kubernetes_version = pool.kubernetes_version.take().or_else(|| version.clone());
            pool
        })
        .collect()
}
