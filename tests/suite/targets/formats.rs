//! Each format of node pools: what it gives, and what it leaves open.

use oci_preflight::cluster::{Label, NodePool, Provider, RuntimeKind};
use oci_preflight::extract::node_pools::node_pools_among;
use oci_preflight::oci::Bytes;
use oci_preflight::text::{Origin, Source, SourceMap};
use proptest::prelude::*;

use super::{pairs, read};

fn pools(text: &str) -> Vec<NodePool> {
    read("pools", text).unwrap_or_else(|error| panic!("{error}"))
}

fn pool(text: &str) -> NodePool {
    pools(text).into_iter().next().expect("a pool")
}

fn taints(pool: &NodePool) -> Vec<String> {
    pool.taints.iter().map(ToString::to_string).collect()
}

fn runtime(pool: &NodePool) -> Option<(u32, u32)> {
    let runtime = pool.container_runtime()?;
    assert_eq!(runtime.kind, RuntimeKind::Containerd);
    Some((runtime.major, runtime.minor))
}

/// What describes pools, and the pools as `name=platform`.
const POOLS: &[(&str, &str)] = &[
    // gcloud: a pool, a list, a cluster, a list of clusters, and YAML
    (
        r#"{"name": "a", "config": {"machineType": "t2a-standard-1"}}"#,
        "a=linux/arm64",
    ),
    (
        r#"[{"name": "a", "config": {"machineType": "e2-medium"}}, {"name": "b", "config": {"machineType": "a4x-highgpu-4g"}}]"#,
        "a=linux/amd64 b=linux/arm64",
    ),
    (
        r#"{"currentMasterVersion": "1.33", "nodePools": [{"name": "a", "config": {"machineType": "n1-standard-1", "windowsNodeConfig": {}}}]}"#,
        "a=linux/amd64",
    ),
    (
        r#"[{"name": "c", "nodePools": [{"name": "a", "config": {"machineType": "c4a-standard-1"}}]}]"#,
        "a=linux/arm64",
    ),
    (
        "name: a\nconfig:\n  machineType: e2-medium\n  imageType: windows_ltsc_containerd\n",
        "a=windows/amd64",
    ),
    (
        r#"{"name": "a", "config": {"machineType": "tpu7x-standard-4t"}}"#,
        "a=unknown",
    ),
    (
        r#"{"name": "a", "selfLink": "https://container.googleapis.com/v1/projects/p/zones/z/clusters/c/nodePools/a"}"#,
        "a=unknown",
    ),
    // kubectl
    (
        "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {nodeInfo: {operatingSystem: linux, architecture: s390x}}",
        "n=linux/s390x",
    ),
    (
        "kind: NodeList\nitems: [{metadata: {name: n, labels: {kubernetes.io/os: linux, kubernetes.io/arch: arm}}, status: {nodeInfo: {}}}]",
        "n=linux/arm/v7",
    ),
    // aws
    (
        r#"{"nodegroup": {"nodegroupName": "g", "amiType": "BOTTLEROCKET_ARM_64_FIPS", "instanceTypes": null}}"#,
        "g=linux/arm64",
    ),
    (
        r#"{"nodegroup": {"nodegroupName": "g", "amiType": "CUSTOM", "instanceTypes": ["m6g.large", "m5.large"]}}"#,
        "g=linux/arm64 g=linux/amd64",
    ),
    (
        r#"{"nodegroup": {"nodegroupName": "g", "amiType": "CUSTOM", "launchTemplate": {"id": "lt-1"}}}"#,
        "g=unknown",
    ),
    (
        r#"[{"nodegroup": {"nodegroupName": "g", "amiType": "AL2_x86_64"}}, {"nodegroupName": "h", "instanceTypes": ["c7g.large"]}]"#,
        "g=linux/amd64 h=linux/arm64",
    ),
    // eksctl
    (
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmanagedNodeGroups:\n- {name: a, instanceSelector: {cpuArchitecture: arm64}}\n- {name: b, instanceTypes: [t4g.small]}",
        "a=linux/arm64 b=linux/arm64",
    ),
    (
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nnodeGroups:\n- {name: a, instanceType: mixed, instancesDistribution: {instanceTypes: [m5.large, m5a.large]}}\n- {name: w, amiFamily: WindowsServer2022CoreContainer}",
        "a=linux/amd64 w=windows/amd64",
    ),
    // az
    (
        r#"[{"name": "a", "vmSize": "standard_d2ps_v5", "osType": "Linux"}, {"name": "w", "vmSize": "Standard_D2s_v3", "osType": "Windows", "osSKU": "Windows2019"}]"#,
        "a=linux/arm64 w=windows/amd64",
    ),
    (
        r#"{"value": [{"name": "a", "type": "Microsoft.ContainerService/managedClusters/agentPools", "properties": {"vmSize": "Standard_NP10s", "osType": "Linux"}}]}"#,
        "a=linux/amd64",
    ),
    (
        r#"{"kubernetesVersion": "1.33", "agentPoolProfiles": [{"name": "a", "vmSize": "Standard_B2pts_v2"}]}"#,
        "a=linux/arm64",
    ),
    (
        r#"{"name": "a", "osType": "Linux", "type": "Microsoft.ContainerService/managedClusters/agentPools", "virtualMachinesProfile": {"scale": {"manual": [{"size": "Standard_D2s_v3", "count": 2}]}}}"#,
        "a=linux/amd64",
    ),
    // Karpenter
    (
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: k}\nspec: {template: {spec: {requirements: []}}}",
        "k=linux/amd64 k=linux/arm64",
    ),
    (
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: k}\nspec: {template: {spec: {requirements: [{key: karpenter.k8s.aws/instance-family, operator: In, values: [m7g, c7g]}]}}}",
        "k=linux/arm64",
    ),
    (
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: k}\nspec: {template: {spec: {requirements: [{key: kubernetes.io/arch, operator: NotIn, values: [arm64]}]}}}",
        "k=linux/amd64",
    ),
    (
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: k}\nspec: {template: {spec: {requirements: [{key: karpenter.k8s.aws/instance-cpu-manufacturer, operator: In, values: [aws]}]}}}",
        "k=linux/arm64",
    ),
    (
        "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: k}\nspec: {template: {spec: {requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: ['${TYPE}']}]}}}",
        "k=unknown",
    ),
    (
        "apiVersion: karpenter.sh/v1alpha5\nkind: Provisioner\nmetadata: {name: k}\nspec: {requirements: [{key: kubernetes.io/arch, operator: In, values: [arm64]}]}",
        "k=linux/arm64",
    ),
    // ComputeClass
    (
        "apiVersion: cloud.google.com/v1\nkind: ComputeClass\nmetadata: {name: c}\nspec: {priorities: [{machineFamily: n2}, {spot: true}, {gpu: {type: nvidia-l4, count: 1}}]}",
        "c=linux/amd64",
    ),
    (
        "apiVersion: cloud.google.com/v1\nkind: ComputeClass\nmetadata: {name: c}\nspec: {priorities: [{machineFamily: c4a}, {nodepools: [spare]}, {machineFamily: n4}]}",
        "c=linux/arm64 c=linux/amd64",
    ),
    (
        "apiVersion: cloud.google.com/v1\nkind: ComputeClass\nmetadata: {name: c}\nspec: {priorities: [{nodepools: [spare]}]}",
        "c=unknown",
    ),
    // kops
    (
        "apiVersion: kops.k8s.io/v1alpha2\nkind: InstanceGroup\nmetadata: {name: i}\nspec: {role: Node, machineType: e2-medium}\n---\napiVersion: kops.k8s.io/v1alpha2\nkind: InstanceGroup\nmetadata: {name: b}\nspec: {role: Bastion, machineType: t3.micro}",
        "i=linux/amd64",
    ),
    // Terraform
    (
        r#"{"planned_values": {"root_module": {"child_modules": [{"resources": [{"type": "aws_eks_node_group", "name": "r", "values": {"node_group_name": "g", "instance_types": ["t4g.large"]}}]}]}}}"#,
        "g=linux/arm64",
    ),
    (
        r#"{"planned_values": {"root_module": {"resources": [{"type": "aws_eks_node_group", "name": "r", "values": {"node_group_name": "g"}}]}}}"#,
        "g=linux/amd64",
    ),
    (
        r#"{"planned_values": {"root_module": {"resources": [{"type": "azurerm_kubernetes_cluster", "name": "r", "values": {"default_node_pool": [{"name": "d", "vm_size": "Standard_D2s_v3"}]}}, {"type": "azurerm_kubernetes_cluster_node_pool", "name": "r", "values": {"name": "w", "vm_size": "Standard_D2s_v3", "os_type": "Windows"}}]}}}"#,
        "d=linux/amd64 w=windows/amd64",
    ),
    (
        r#"{"planned_values": {"root_module": {"resources": [{"type": "google_container_cluster", "name": "r", "values": {"name": "c", "node_config": [{"machine_type": "t2a-standard-2"}]}}]}}}"#,
        "default-pool=linux/arm64",
    ),
    // A machine type that is known only after the apply, in a module with an index, and one that is not set at all.
    (
        r#"{"planned_values": {"root_module": {"child_modules": [{"resources": [
            {"address": "module.k[\"a.b\"].google_container_node_pool.arm[0]", "type": "google_container_node_pool", "name": "arm", "values": {"name": "p", "node_config": [{"disk_size_gb": 50}]}},
            {"address": "module.k[\"a.b\"].google_container_node_pool.plain", "type": "google_container_node_pool", "name": "plain", "values": {"name": "q", "node_config": [{}]}},
            {"address": "module.k[\"a.b\"].aws_eks_node_group.g", "type": "aws_eks_node_group", "name": "g", "values": {"node_group_name": "g"}},
            {"address": "module.k[\"a.b\"].aws_eks_node_group.h", "type": "aws_eks_node_group", "name": "h", "values": {"node_group_name": "h", "ami_type": "AL2_ARM_64"}}]}]}},
           "configuration": {"root_module": {"module_calls": {"k": {"module": {"resources": [
            {"type": "google_container_node_pool", "name": "arm", "expressions": {"node_config": [{"machine_type": {"references": ["data.x.y"]}}]}},
            {"type": "google_container_node_pool", "name": "plain", "expressions": {"node_config": [{}]}},
            {"type": "aws_eks_node_group", "name": "g", "expressions": {"instance_types": {"references": ["data.x.y"]}}},
            {"type": "aws_eks_node_group", "name": "h", "expressions": {"instance_types": {"references": ["data.x.y"]}}}]}}}}}}"#,
        "p=unknown q=linux/amd64 g=unknown h=linux/arm64",
    ),
    (
        r#"{"planned_values": {"root_module": {"resources": [
            {"address": "azurerm_kubernetes_cluster.k", "type": "azurerm_kubernetes_cluster", "name": "k", "values": {"default_node_pool": [{"name": "d"}]}}]}},
           "configuration": {"root_module": {"resources": [{"type": "azurerm_kubernetes_cluster", "name": "k", "expressions": {"default_node_pool": [{"vm_size": {"references": ["var.size"]}}]}}]}}}"#,
        "d=unknown",
    ),
    (
        r#"{"resource_changes": [{"type": "google_container_node_pool", "name": "r", "change": {"after": {"node_config": [{"machine_type": "c4a-standard-4"}]}}}]}"#,
        "r=linux/arm64",
    ),
];

#[test]
fn pools_have_the_platform_of_their_machine_types() {
    for (text, expected) in POOLS {
        assert_eq!(&pairs(&pools(text)).join(" "), expected, "{text}");
    }
}

#[test]
fn a_gke_pool_is_read_whole() {
    let text = r#"[{"name": "p", "version": "1.33.5-gke.1162000", "locations": ["b"], "config": {
        "machineType": "t2a-standard-4", "imageType": "COS_CONTAINERD", "diskSizeGb": 100, "diskType": "pd-balanced",
        "labels": {"env": "demo"}, "taints": [{"key": "a", "value": "b", "effect": "NO_SCHEDULE"}], "spot": true,
        "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"], "serviceAccount": "x@p.iam.gserviceaccount.com",
        "gcfsConfig": {"enabled": true}}}]"#;
    let pool = pool(text);
    assert_eq!(pool.provider, Provider::Gke);
    assert_eq!(pool.machine_type.as_deref(), Some("t2a-standard-4"));
    assert_eq!(runtime(&pool), Some((2, 0)));
    assert_eq!(
        taints(&pool),
        ["a=b:NoSchedule", "kubernetes.io/arch=arm64:NoSchedule"]
    );
    assert_eq!(
        pool.oauth_scopes.as_deref(),
        Some(&["https://www.googleapis.com/auth/cloud-platform".to_owned()][..])
    );
    assert_eq!(
        pool.service_account.as_deref(),
        Some("x@p.iam.gserviceaccount.com")
    );
    assert!(pool.image_streaming && !pool.on_demand && !pool.single_node);
    let disk = pool.disk.expect("a disk");
    assert_eq!(
        (disk.kind.as_deref(), disk.size),
        (Some("pd-balanced"), Bytes(100 << 30))
    );
    for (key, value) in [
        ("env", "demo"),
        ("kubernetes.io/arch", "arm64"),
        ("kubernetes.io/os", "linux"),
        ("beta.kubernetes.io/arch", "arm64"),
        ("node.kubernetes.io/instance-type", "t2a-standard-4"),
        ("cloud.google.com/gke-nodepool", "p"),
        ("cloud.google.com/machine-family", "t2a"),
        ("cloud.google.com/gke-os-distribution", "cos"),
        ("cloud.google.com/gke-spot", "true"),
        ("topology.kubernetes.io/zone", "b"),
    ] {
        assert_eq!(pool.labels.value(key), Some(value), "{key}");
    }
    assert_eq!(
        pool.labels.get("cloud.google.com/gke-accelerator"),
        Label::Absent
    );
    let span = pool.span.expect("a place");
    assert_eq!(&text[span.range()], "\"p\"");
}

#[test]
fn fields_that_are_left_out_are_not_told() {
    let pool = pool(r#"{"name": "p", "config": {"machineType": "e2-medium"}}"#);
    assert_eq!(pool.oauth_scopes, None);
    assert_eq!(pool.service_account, None);
    assert_eq!(pool.disk, None);
    assert_eq!(pool.container_runtime(), None);
    assert!(pool.taints.is_empty() && !pool.image_streaming);
}

#[test]
fn a_machine_type_that_is_not_known_is_told_at_its_place() {
    let text = r#"[{"name": "p", "config": {"machineType": "tpu7x-standard-4t"}}]"#;
    let pool = pool(text);
    assert_eq!(pool.platform, None);
    assert_eq!(
        pool.platform_note.as_deref(),
        Some("the machine type `tpu7x-standard-4t` is not known")
    );
    assert_eq!(
        &text[pool.span.expect("a place").range()],
        "\"tpu7x-standard-4t\""
    );
    assert_eq!(pool.labels.get("kubernetes.io/arch"), Label::Open);
}

#[test]
fn a_type_that_is_judged_by_rule_says_so() {
    let judged = pool(r#"{"name": "p", "config": {"machineType": "n9a-standard-1"}}"#);
    assert_eq!(judged.platform_text(), "linux/arm64");
    assert_eq!(
        judged.platform_note.as_deref(),
        Some("the provider's naming rule tells the architecture of n9a-standard-1")
    );
    let known = pool(r#"{"name": "p", "config": {"machineType": "n4a-standard-1"}}"#);
    assert_eq!(known.platform_note, None);
}

#[test]
fn clusters_that_make_pools_by_themselves_are_open_sets() {
    for cluster in [
        r#"{"name": "c", "autopilot": {"enabled": true}, "nodePools": []}"#,
        r#"{"name": "c", "autoscaling": {"enableNodeAutoprovisioning": true}, "nodePools": []}"#,
        r#"{"planned_values": {"root_module": {"resources": [{"type": "google_container_cluster", "name": "r", "values": {"name": "c", "enable_autopilot": true}}]}}}"#,
    ] {
        let pools = pools(cluster);
        let made: Vec<_> = pools
            .iter()
            .map(|pool| (pool.platform_text(), pool.on_demand))
            .collect();
        assert_eq!(
            made,
            [
                ("linux/amd64".to_owned(), true),
                ("linux/arm64".to_owned(), true)
            ],
            "{cluster}"
        );
        assert_eq!(pools[0].labels.get("team"), Label::Open);
    }
}

#[test]
fn a_node_states_its_runtime_and_its_taints_of_the_moment_are_left_out() {
    let node = pool(
        "apiVersion: v1\nkind: Node\nmetadata: {name: n, labels: {cloud.google.com/gke-nodepool: p}}\nspec: {taints: [{key: node.kubernetes.io/not-ready, effect: NoExecute}, {key: own, effect: NoSchedule}]}\nstatus:\n  capacity: {ephemeral-storage: 98831908Ki}\n  nodeInfo: {operatingSystem: linux, architecture: arm64, kubeletVersion: v1.33.3-gke.1, containerRuntimeVersion: 'containerd://2.1.3'}\n",
    );
    assert_eq!(node.provider, Provider::Gke);
    assert_eq!(runtime(&node), Some((2, 1)));
    assert_eq!(taints(&node), ["own:NoSchedule"]);
    assert_eq!(node.disk.expect("a disk").size, Bytes(98_831_908 << 10));
    assert_eq!(node.labels.get("anything"), Label::Absent);
}

#[test]
fn windows_nodes_have_the_build_of_their_release() {
    for (text, version) in [
        (
            r#"{"nodegroup": {"nodegroupName": "g", "amiType": "WINDOWS_FULL_2025_x86_64"}}"#,
            "10.0.26100",
        ),
        (
            r#"{"name": "w", "vmSize": "Standard_D2s_v3", "osType": "Windows", "osSku": "Windows2022"}"#,
            "10.0.20348",
        ),
        (
            r#"{"name": "w", "config": {"machineType": "n1-standard-1", "imageType": "WINDOWS_LTSC_CONTAINERD", "windowsNodeConfig": {"osVersion": "OS_VERSION_LTSC2019"}}}"#,
            "10.0.17763",
        ),
        (
            "apiVersion: v1\nkind: Node\nmetadata: {name: w}\nstatus: {nodeInfo: {operatingSystem: windows, architecture: amd64, kernelVersion: 10.0.20348.2527}}",
            "10.0.20348.2527",
        ),
    ] {
        let platform = pool(text).platform.expect(text);
        assert_eq!(
            (platform.os.as_str(), platform.os_version.as_deref()),
            ("windows", Some(version))
        );
    }
}

#[test]
fn pools_that_stand_among_sources_are_found_there() {
    let found = |text: &str| {
        let mut sources = SourceMap::default();
        let id = sources.add(Source {
            name: "k8s.yaml".to_owned(),
            text: text.to_owned(),
            origin: Origin::File,
        });
        pairs(&node_pools_among(id, "k8s.yaml", text))
    };
    let class = "apiVersion: cloud.google.com/v1\nkind: ComputeClass\nmetadata: {name: c}\nspec: {priorities: [{machineFamily: n4}]}\n";
    let pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: a}]}\n";
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {nodeInfo: {}}\n";
    assert_eq!(
        found(&format!("{pod}---\n{class}---\n[\n---\n{node}")),
        ["c=linux/amd64"]
    );
    assert_eq!(found(pod), [""; 0]);
}

#[test]
fn what_is_no_description_is_refused_with_what_would_be_one() {
    for (text, expected) in [
        ("", "describes no node pools in any format"),
        (
            "kind: Deployment\napiVersion: apps/v1\n",
            "describes no node pools in any format",
        ),
        (
            r#"{"nodegroups": ["a", "b"]}"#,
            "aws eks describe-nodegroup",
        ),
        ("{\"a\": [", "line 1 is neither JSON nor YAML"),
        (
            "NAME     MACHINE_TYPE  DISK_SIZE_GB  NODE_VERSION\np  e2-medium 100 1.33\n",
            "run the command again with --format=json",
        ),
        (
            r#"{"currentMasterVersion": "1.33", "nodePools": []}"#,
            "is a GKE cluster, and has no node pool in it",
        ),
        (
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n",
            "is an eksctl ClusterConfig, and has no node pool in it",
        ),
    ] {
        let error = read("pools.json", text).expect_err(text);
        assert!(
            error.contains(expected) && error.starts_with("pools.json"),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_crash(text in "\\PC{0,60}") {
        let _ = read("pools", &text);
    }

    #[test]
    fn any_object_is_read_without_a_crash(
        keys in proptest::collection::vec("name|config|machineType|nodePools|kind|apiVersion|spec|requirements|nodegroup|agentPoolProfiles|vmSize|osType|planned_values|root_module|resources|priorities|status|nodeInfo|metadata", 1..8),
        value in "(karpenter.sh/v1|v1|Node|NodePool|InstanceGroup|kops.k8s.io/v1alpha2|ClusterConfig|\\[\\]|\\{\\}|null|1|\\[\\[\\]\\]|\\[\\{\\}\\])",
    ) {
        let mut text = value;
        for key in keys.iter().rev() {
            text = format!("{{\"{key}\": {text}, kind: NodePool, apiVersion: karpenter.sh/v1}}");
        }
        let _ = read("pools", &text);
    }
}
