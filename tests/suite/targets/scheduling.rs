//! The scheduling table: every row is a workload, a cluster, and the pools where the workload can land.

use std::collections::BTreeMap;

use oci_preflight::cluster::NodePool;
use oci_preflight::extract::extract;
use oci_preflight::text::yaml::{Node, documents};
use oci_preflight::text::{Origin, Source, SourceMap};
use oci_preflight::workload::{Landing, Placement, landing};

use super::clusters::describe;
use super::read;

const TABLE: &str = include_str!("scheduling.txt");

struct Row {
    cluster: &'static str,
    pod: &'static str,
    pools: &'static str,
    source: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = TABLE
        .lines()
        .filter(|line| line.contains(" | ") && !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split(" | ").collect();
            let [cluster, pod, pools, source] = columns[..] else {
                panic!("a row has four columns: {line}");
            };
            Row {
                cluster,
                pod,
                pools,
                source,
            }
        })
        .collect()
}

fn sources() -> BTreeMap<&'static str, &'static str> {
    TABLE
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .collect()
}

/// The workload that a row stands for, as a person would write it.
fn workload(pod: &str) -> String {
    let document = documents(pod).next().expect("what the pod says");
    let tree = document.parse().expect(pod);
    let root = tree.root();
    let written = |key: &str| root.get(key).map(|node| pod[node.span()].to_owned());
    let keys = [
        "nodeSelector",
        "tolerations",
        "nodeName",
        "runtimeClassName",
    ];
    let mut fields: Vec<String> = keys
        .into_iter()
        .filter_map(|key| Some(format!("{key}: {}", written(key)?)))
        .collect();
    fields.extend(written("os").map(|os| format!("os: {{name: {os}}}")));
    let required = root.get("terms").map(|terms| {
        format!(
            "requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{}]}}",
            join(terms, term)
        )
    });
    let preferred = root.get("preferred").map(|terms| {
        let one = |node: Node<'_>| format!("{{weight: 1, preference: {}}}", term(node));
        format!(
            "preferredDuringSchedulingIgnoredDuringExecution: [{}]",
            join(terms, one)
        )
    });
    let affinity = required.or(preferred);
    fields.extend(affinity.map(|terms| format!("affinity: {{nodeAffinity: {{{terms}}}}}")));
    let resources = root.get("resources").map_or(String::new(), |names| {
        let limits = join(names, |name| {
            format!("{}: 1", name.as_str().expect("a name"))
        });
        format!(", resources: {{limits: {{{limits}}}}}")
    });
    fields.push(format!(
        "containers: [{{name: main, image: 'example.com/app:1'{resources}}}]"
    ));
    let spec = format!("{{{}}}", fields.join(", "));
    if root.get("daemonSet").is_some() {
        format!("apiVersion: apps/v1\nkind: DaemonSet\nspec: {{template: {{spec: {spec}}}}}\n")
    } else {
        format!("apiVersion: v1\nkind: Pod\nspec: {spec}\n")
    }
}

fn join(list: Node<'_>, one: impl Fn(Node<'_>) -> String) -> String {
    list.items().map(one).collect::<Vec<_>>().join(", ")
}

fn term(requirements: Node<'_>) -> String {
    let part = |is_field: bool| {
        let texts = requirements.items().filter_map(|node| node.as_str());
        texts
            .filter(|text| text.starts_with('@') == is_field)
            .map(requirement)
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "{{matchExpressions: [{}], matchFields: [{}]}}",
        part(false),
        part(true)
    )
}

fn requirement(text: &str) -> String {
    let mut words = text.trim_start_matches('@').split(' ');
    let (key, operator) = (words.next().expect(text), words.next().expect(text));
    let values: Vec<String> = words
        .map(|word| format!("'{}'", word.trim_matches('\'')))
        .collect();
    format!(
        "{{key: {key}, operator: {operator}, values: [{}]}}",
        values.join(", ")
    )
}

fn placement(workload: &str) -> Placement {
    let mut sources = SourceMap::default();
    let id = sources.add(Source {
        name: "workload.yaml".to_owned(),
        text: workload.to_owned(),
        origin: Origin::File,
    });
    let extraction = extract(id, sources.get(id));
    let [occurrence] = extraction.occurrences.as_slice() else {
        panic!("one image: {workload}: {extraction:?}");
    };
    Placement::clone(&occurrence.placement)
}

fn pools(cluster: &str) -> Vec<NodePool> {
    match cluster {
        "platform" => vec![NodePool::of_platform(
            "linux/arm64".parse().expect("a platform"),
        )],
        other => read(other, describe(other)).expect(other),
    }
}

/// Pools of several platforms are told apart as `name:architecture`.
fn name(pool: &NodePool, cluster: &str) -> String {
    let name = pool.name.trim_end_matches(" (auto-provisioned)");
    match (&pool.platform, cluster) {
        (Some(platform), "karpenter" | "autopilot" | "classes") => {
            format!("{name}:{}", platform.architecture)
        }
        _ => name.to_owned(),
    }
}

#[test]
fn every_workload_of_the_table_lands_where_the_documentation_says() {
    let rows = rows();
    assert!(rows.len() >= 120, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let placement = placement(&workload(row.pod));
        let pools = pools(row.cluster);
        let possible = pools
            .iter()
            .filter(|pool| landing(&placement, pool) == Landing::Possible);
        let found: Vec<String> = possible.map(|pool| name(pool, row.cluster)).collect();
        let expected: Vec<&str> = row
            .pools
            .split(' ')
            .filter(|name| *name != "nowhere")
            .collect();
        if found != expected {
            wrong.push(format!(
                "{} | {} | expected {expected:?}, found {found:?}",
                row.cluster, row.pod
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_of_the_table_names_its_documentation() {
    let sources = sources();
    for row in rows() {
        let address = sources
            .get(row.source)
            .unwrap_or_else(|| panic!("{} is no source", row.source));
        assert!(address.starts_with("https://"), "{address}");
    }
}
