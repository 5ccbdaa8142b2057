//! Node pools on the command line: from the files that people have to the findings of the binary.

use std::fs;

use serde_json::Value;

use super::corpus;
use crate::runner::{Preflight, Sources, pod, project};

const GKE: &str = r#"[{"name": "intel", "version": "1.33.1-gke.1", "config": {"machineType": "e2-medium", "imageType": "COS_CONTAINERD"}},
    {"name": "arm", "version": "1.33.1-gke.1", "config": {"machineType": "c4a-standard-4", "imageType": "COS_CONTAINERD"}}]"#;
const EKS: &str = r#"[{"nodegroup": {"nodegroupName": "intel", "version": "1.33", "amiType": "AL2023_x86_64_STANDARD"}},
    {"nodegroup": {"nodegroupName": "arm", "version": "1.33", "amiType": "AL2023_ARM_64_STANDARD"}}]"#;
/// For linux/amd64 only.
const API: &str = "registry.example.com/shop/api:2.0.0";
/// In the Docker schema 1 format.
const LEGACY: &str = "registry.example.com/shop/legacy:0.9";

/// A lint of a pod with that image on those pools, against the image layout of the fixtures.
fn lint(image: &str, pools: &str) -> Preflight {
    let layout = project().join("fixtures/layout");
    let sources = Sources::new()
        .file("pod.yaml", pod(image))
        .file("pools", pools);
    Preflight::lint(["--layout"])
        .arg(format!("registry.example.com={}", layout.display()))
        .arg("--nodes")
        .arg(sources.join("pools"))
        .arg(sources.join("pod.yaml"))
        .keep(sources)
}

fn findings(report: &Value) -> &[Value] {
    report["findings"].as_array().expect("findings")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn an_amd64_image_is_clean_on_mixed_gke_and_an_error_on_mixed_eks_with_the_reason() {
    let gke = lint(API, GKE).report();
    assert_eq!(findings(&gke), [Value::Null; 0], "{gke:#}");
    let eks = lint(API, EKS).report();
    let [finding] = findings(&eks) else {
        panic!("one finding: {eks:#}");
    };
    assert_eq!(
        (text(&finding["rule"]), text(&finding["severity"])),
        ("missing-platform", "error")
    );
    assert_eq!(
        finding["message"],
        "registry.example.com/shop/api:2.0.0 has no image for linux/arm64: it has linux/amd64 only. EKS puts no taint on \
         its Arm nodes, so the pod may land there"
    );
    assert_eq!(finding["node_pools"], serde_json::json!(["arm"]));
    let help = text(&finding["help"]);
    for part in [
        "nodeSelector: {kubernetes.io/arch: amd64}",
        "docker buildx build --platform linux/amd64,linux/arm64",
    ] {
        assert!(help.contains(part), "{help}");
    }
    assert!(text(&finding["event"]["message"]).contains("no match for platform in manifest"));
}

#[test]
fn every_format_gives_its_pools_to_the_report() {
    let Some(folder) = corpus() else { return };
    let index = fs::read_to_string(folder.join("index.tsv")).expect("the index");
    for row in index.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [file, _, expected, ..] = columns.as_slice() else {
            panic!("a row of three columns: {row}");
        };
        let report = Preflight::lint(["--offline", "--image", "nginx:1.27", "--nodes"])
            .arg(folder.join(file))
            .report();
        let pools = report["node_pools"].as_array().expect("pools").iter();
        let found: Vec<String> = pools
            .map(|pool| format!("{}={}", text(&pool["name"]), text(&pool["platform"])))
            .collect();
        let expected: Vec<&str> = expected
            .split("; ")
            .filter_map(|pair| pair.split_whitespace().next())
            .collect();
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn an_unknown_machine_type_is_a_finding_at_its_place_in_the_file_of_the_pools() {
    let pools =
        "[\n  {\"name\": \"odd\",\n   \"config\": {\"machineType\": \"zz9-plural-4\"}}\n]\n";
    let report = lint(API, pools).report();
    let [finding] = findings(&report) else {
        panic!("one finding: {report:#}");
    };
    assert_eq!(finding["rule"], "unknown-machine-type");
    assert!(text(&finding["path"]).ends_with("/pools"));
    assert_eq!(
        (&finding["line"], &finding["column"], &finding["end_column"]),
        (&3.into(), &30.into(), &44.into())
    );
    assert!(text(&finding["message"]).contains("`zz9-plural-4` is not known"));
    assert_eq!(report["node_pools"][0]["platform"], "unknown");
}

#[test]
fn pools_are_read_from_standard_input() {
    let report = Preflight::lint(["--offline", "--image", "nginx:1.27", "--nodes", "-"])
        .stdin(EKS)
        .report();
    let sources: Vec<&str> = report["node_pools"]
        .as_array()
        .expect("pools")
        .iter()
        .map(|pool| text(&pool["source"]))
        .collect();
    assert_eq!(sources, ["<stdin>", "<stdin>"]);
}

#[test]
fn a_platform_that_only_a_naming_rule_tells_says_so() {
    let pools = r#"[{"name": "new", "config": {"machineType": "z9-standard-2"}}, {"name": "old", "config": {"machineType": "e2-medium"}}]"#;
    let note = "the provider's naming rule tells the architecture of z9-standard-2";
    let report = lint(API, pools).report();
    assert_eq!(report["node_pools"][0]["platform_note"], note);
    assert_eq!(report["node_pools"][1]["platform_note"], Value::Null);
    let shown = lint(API, pools).run().stdout.replace('\n', " ");
    let said = "old (linux/amd64); z9-standard-2 by the provider's naming rule";
    assert!(shown.contains(said), "{shown}");
}

#[test]
fn open_sets_say_so_in_the_summary() {
    for (pools, said) in [
        (
            r#"{"name": "c", "autopilot": {"enabled": true}, "nodePools": []}"#,
            "c (auto-provisioned) (linux/amd64 or linux/arm64). The cluster makes nodes by itself",
        ),
        (
            r#"{"name": "c", "autoscaling": {"enableNodeAutoprovisioning": true}, "nodePools": []}"#,
            "The cluster makes nodes by itself: those that it may make were judged as well.",
        ),
        (
            "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: k}\nspec: {template: {spec: {requirements: []}}}\n",
            "Judged for node pools: k (linux/amd64 or linux/arm64)",
        ),
    ] {
        let shown = lint(API, pools).run().stdout.replace('\n', " ");
        assert!(shown.contains(said), "{shown}");
    }
    let shown = lint(API, GKE).run().stdout;
    assert!(!shown.contains("by itself"), "{shown}");
}

#[test]
fn a_file_that_describes_no_pools_stops_the_run_and_is_told_what_would() {
    for (pools, said) in [
        ("", "describes no node pools"),
        (
            "kind: Deployment\napiVersion: apps/v1\n",
            "gcloud container node-pools list",
        ),
        (
            "NAME  MACHINE_TYPE  DISK_SIZE_GB  NODE_VERSION\np  e2-medium 100 1.33\n",
            "is a table for people",
        ),
        ("{\"a\": [", "line 1 is neither JSON nor YAML"),
        ("[]", "describes no node pools"),
    ] {
        let outcome = lint(API, pools).run();
        assert_eq!(
            (outcome.status, outcome.stdout.as_str()),
            (2, ""),
            "{pools}"
        );
        let error = outcome
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(error.replace(" │", "").contains(said), "{error}");
    }
    let missing =
        Preflight::lint(["--offline", "--image", "nginx:1", "--nodes", "no/such.json"]).run();
    assert_eq!(missing.status, 2);
    assert!(
        missing.stderr.contains("cannot read no/such.json"),
        "{}",
        missing.stderr
    );
}

/// A node that states its runtime.
fn node(runtime: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{name: n}}\nstatus: {{nodeInfo: {{operatingSystem: linux, architecture: amd64, containerRuntimeVersion: '{runtime}'}}}}\n"
    )
}

fn gke(version: &str, image_type: &str) -> String {
    format!(
        r#"[{{"name": "p", "version": "{version}", "config": {{"machineType": "e2-medium", "imageType": "{image_type}"}}}}]"#
    )
}

fn eks(version: &str, ami_type: &str) -> String {
    format!(
        r#"{{"nodegroup": {{"nodegroupName": "p", "version": "{version}", "amiType": "{ami_type}"}}}}"#
    )
}

fn aks(version: &str, node_image: &str) -> String {
    format!(
        r#"[{{"name": "p", "vmSize": "Standard_D2s_v3", "osType": "Linux", "currentOrchestratorVersion": "{version}", "nodeImageVersion": "{node_image}"}}]"#
    )
}

#[test]
fn schema_1_is_judged_by_the_version_of_the_pool() {
    const CONVERTED: (&str, &str) = ("warning", "these nodes still convert it");
    const BY_CRI_O: (&str, &str) = ("warning", "CRI-O still pulls it");
    const DISABLED: (&str, &str) = (
        "error",
        "Pulling Schema 1 images have been deprecated and disabled by default since containerd v2.0",
    );
    const REMOVED: (&str, &str) = (
        "error",
        "schema 1 image manifests are no longer supported: invalid argument",
    );
    for (pools, (severity, words)) in [
        (gke("1.32.6-gke.1", "COS_CONTAINERD"), CONVERTED),
        (gke("1.33.1-gke.1", "COS_CONTAINERD"), DISABLED),
        (gke("1.33.1-gke.1", "UBUNTU_CONTAINERD"), DISABLED),
        (gke("1.36.0-gke.1", "COS_CONTAINERD"), REMOVED),
        (eks("1.32", "AL2_x86_64"), CONVERTED),
        (eks("1.29", "AL2023_x86_64_STANDARD"), CONVERTED),
        // Which containerd the image has can't be told: it is taken for a current one.
        (eks("1.33", "AL2023_x86_64_STANDARD"), DISABLED),
        (eks("1.36", "AL2023_x86_64_STANDARD"), REMOVED),
        (
            aks("1.33.2", "AKSUbuntu-2204gen2containerd-202507.06.0"),
            CONVERTED,
        ),
        (
            aks("1.33.2", "AKSUbuntu-2404gen2containerd-202507.06.0"),
            DISABLED,
        ),
        (node("containerd://1.6.28"), CONVERTED),
        (node("containerd://1.7.27"), CONVERTED),
        (node("containerd://2.0.5"), DISABLED),
        (node("containerd://2.1.3"), REMOVED),
        (node("cri-o://1.33.1"), BY_CRI_O),
        (node("docker://25.0.3"), CONVERTED),
        (node("docker://26.1.0"), DISABLED),
    ] {
        let report = lint(LEGACY, &pools).report();
        let finding = findings(&report)
            .iter()
            .find(|finding| finding["rule"] == "schema1-manifest")
            .unwrap_or_else(|| panic!("a finding: {pools}\n{report:#}"));
        assert_eq!(text(&finding["severity"]), severity, "{pools}");
        let said = [&finding["message"], &finding["event"]["message"]];
        assert!(
            said.iter().any(|text| self::text(text).contains(words)),
            "{pools}: {said:?}"
        );
        assert_eq!(
            report["summary"]["exit_code"],
            i32::from(severity == "error"),
            "{pools}"
        );
    }
}

#[test]
fn a_runtime_class_among_the_sources_decides_where_its_pods_land() {
    let pod = |class: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: app}}\nspec:\n  runtimeClassName: {class}\n  containers: [{{name: app, image: {API}}}]\n"
        )
    };
    let class = "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: intel}\nhandler: runc\nscheduling: {nodeSelector: {kubernetes.io/arch: amd64}}\n";
    let rules = |class_of_pod: &str, classes: &str| {
        let sources = Sources::new()
            .file("k8s/pod.yaml", pod(class_of_pod))
            .file("k8s/z-class.yaml", classes)
            .file("pools", EKS);
        let report = Preflight::lint(["--layout"])
            .arg(format!(
                "registry.example.com={}",
                project().join("fixtures/layout").display()
            ))
            .arg("--nodes")
            .arg(sources.join("pools"))
            .arg(sources.join("k8s"))
            .report();
        let found = findings(&report).iter();
        found
            .map(|finding| text(&finding["rule"]).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(rules("intel", class), [""; 0]);
    assert_eq!(rules("other", class), ["missing-platform"]);
    let differs = class.replace("amd64", "arm64");
    assert_eq!(
        rules("intel", &format!("{class}---\n{differs}")),
        ["missing-platform"]
    );
}

#[test]
fn a_compute_class_of_existing_node_pools_has_no_nodes_of_its_own() {
    let class = |pool: &str| {
        format!(
            "apiVersion: cloud.google.com/v1\nkind: ComputeClass\nmetadata: {{name: c}}\nspec: {{priorities: [{{nodepools: [intel]}}, {{nodepools: [{pool}]}}]}}\n"
        )
    };
    let names = |pool: &str| {
        let sources = Sources::new()
            .file("class.yaml", class(pool))
            .file("pools", GKE);
        let report = Preflight::lint(["--offline", "--image", API, "--nodes"])
            .arg(sources.join("pools"))
            .arg(sources.join("class.yaml"))
            .report();
        let pools = report["node_pools"].as_array().expect("pools").iter();
        pools
            .map(|pool| text(&pool["name"]).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("arm"), ["intel", "arm"]);
    assert_eq!(names("elsewhere"), ["intel", "arm", "c"]);
}

#[test]
fn the_table_of_inspect_knows_which_runtime_takes_schema_1() {
    for (runtime, line) in [
        ("cri-o://1.33.1", "✓ n  linux/amd64  converts schema1"),
        ("containerd://1.7.27", "✓ n  linux/amd64  converts schema1"),
        ("containerd://2.0.5", "✗ n  linux/amd64  is schema1"),
    ] {
        let sources = Sources::new().file("nodes.yaml", node(runtime));
        let shown = Preflight::new(["inspect", LEGACY, "--config", "fixtures/oci-preflight.toml"])
            .arg("--nodes")
            .arg(sources.join("nodes.yaml"))
            .run()
            .stdout;
        assert!(shown.contains(line), "{runtime}: {shown}");
    }
}

/// Two pools of Karpenter: amd64 for everybody, arm64 for those that ask for it.
const KARPENTER: &str = "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: default}\nspec: {template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}, requirements: [{key: kubernetes.io/arch, operator: In, values: [amd64, arm64]}]}}}\n";

#[test]
fn karpenter_pools_among_the_sources_are_nodes_but_not_the_whole_cluster() {
    let judged = |image: &str, selector: &str| {
        let pod = pod(image).replace("spec:", &format!("spec:\n  nodeSelector: {selector}"));
        let sources = Sources::new()
            .file("k8s/pod.yaml", pod)
            .file("k8s/pools.yaml", KARPENTER);
        let layout = project().join("fixtures/layout");
        let report = Preflight::lint(["--layout"])
            .arg(format!("registry.example.com={}", layout.display()))
            .arg(sources.join("k8s"))
            .report();
        assert_eq!(report["node_pools"].as_array().map(Vec::len), Some(2));
        let found = findings(&report).iter();
        found
            .map(|finding| text(&finding["rule"]).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(judged(API, "{}"), ["missing-platform"]);
    assert_eq!(judged(API, "{kubernetes.io/arch: amd64}"), [""; 0]);
    // Perhaps there is a pool for it that nobody described.
    assert_eq!(judged(API, "{eks.amazonaws.com/nodegroup: batch}"), [""; 0]);
}
