//! `terraform show -json` of a plan or a state (<https://developer.hashicorp.com/terraform/internals/json-format>).
//!
//! A plan does not have the values that are known only after the apply. Where the configuration sets a machine type that the plan
//! does not know yet, the platform is not known either; what the configuration does not set is what the provider defaults to.

use super::fields::Fields;
use super::{File, aks, eks, gke};
use crate::cluster::{NodePool, Provider};
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
        .flat_map(|resource| match unknown_machine_type(object, resource) {
            Some(provider) => vec![unknown(file, resource, provider)],
            None => pools_of(file, resource),
        })
        .collect()
}

/// A resource: its type, its name in the configuration, its address with modules and index, and its values.
struct Resource<'t> {
    kind: &'t str,
    name: &'t str,
    address: &'t str,
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
        address: resource.text(&["address"]).unwrap_or_default(),
        values: values?,
    })
}

/// Who runs the nodes of a resource whose machine type is known only after the apply. The AMI type tells the architecture too.
fn unknown_machine_type(plan: Node<'_>, resource: &Resource<'_>) -> Option<Provider> {
    let (provider, field): (_, &[&str]) = match resource.kind {
        "google_container_node_pool" => (Provider::Gke, &["node_config", "machine_type"]),
        "google_container_cluster" if has_default_pool(resource.values) => {
            (Provider::Gke, &["node_config", "machine_type"])
        }
        "aws_eks_node_group" if resource.values.text(&["ami_type"]).is_none() => {
            (Provider::Eks, &["instance_types"])
        }
        "azurerm_kubernetes_cluster" => (Provider::Aks, &["default_node_pool", "vm_size"]),
        "azurerm_kubernetes_cluster_node_pool" => (Provider::Aks, &["vm_size"]),
        _ => return None,
    };
    let is_known = resource.values.at(field).is_some();
    let is_set = || configured(plan, resource)?.at(field)?.at(&["references"]);
    (!is_known && is_set().is_some()).then_some(provider)
}

/// What the configuration says of a resource: `expressions`, in the module of which `address` is. Indexes of `count` and
/// `for_each` stand in the address only.
fn configured<'t>(plan: Node<'t>, resource: &Resource<'_>) -> Option<Node<'t>> {
    let mut module = plan.at(&["configuration", "root_module"])?;
    let mut rest = resource.address;
    while let Some(inside) = rest.strip_prefix("module.") {
        let name = inside.split(['.', '[']).next()?;
        module = module.at(&["module_calls", name, "module"])?;
        let (_, after) = without_index(inside.strip_prefix(name)?)?;
        rest = after.strip_prefix('.')?;
    }
    let is_it = |other: &Node<'_>| {
        other.text(&["type"]) == Some(resource.kind) && other.text(&["name"]) == Some(resource.name)
    };
    let resources = module.objects(&["resources"]);
    resources.into_iter().find(is_it)?.at(&["expressions"])
}

/// Splits `["a.b"].x` and `[0].x` behind the index. A key may hold any character but an unescaped quote.
fn without_index(text: &str) -> Option<(&str, &str)> {
    let end = match text.strip_prefix('[') {
        None => 0,
        Some(index) if index.starts_with('"') => text.find("\"]")? + 2,
        Some(_) => text.find(']')? + 1,
    };
    Some(text.split_at(end))
}

/// A pool of which the plan does not know the machine type.
fn unknown(file: &File<'_, '_>, resource: &Resource<'_>, provider: Provider) -> NodePool {
    let keys = [
        "name",
        "name_prefix",
        "node_group_name",
        "node_group_name_prefix",
    ];
    let name = match resource.kind {
        "google_container_cluster" => "default-pool",
        "azurerm_kubernetes_cluster" => {
            let name = resource.values.text(&["default_node_pool", "name"]);
            name.unwrap_or(resource.name)
        }
        _ => name(resource.values, &keys, resource.name),
    };
    let mut pool = file.pool(resource.values, name, provider);
    pool.labels.leave_open("");
    pool.platform_note = Some("the plan knows its machine type only after the apply".to_owned());
    pool
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
    if has_default_pool(values) {
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

/// Whether a cluster has the pool that it makes where it is told of none.
fn has_default_pool(cluster: Node<'_>) -> bool {
    cluster.objects(&["node_pool"]).is_empty()
        && !cluster.is_true(&["enable_autopilot"])
        && !cluster.is_true(&["remove_default_node_pool"])
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
