//! The rules about targets, from the texts that people have to the findings.

use std::collections::BTreeMap;

use oci_preflight::cluster::{NodePool, Target};
use oci_preflight::extract::{extract, permissions::permissions};
use oci_preflight::facts::{Answer, BaseImages, Found, Identity, Lookup, PlatformImage};
use oci_preflight::finding::Finding;
use oci_preflight::oci::{
    Bytes, Descriptor, Digest, ImageManifest, Index, IndexEntry, Manifest, media_type,
};
use oci_preflight::rule::{Budgets, ProbeFlags, Subject, find};
use oci_preflight::text::{Origin, Source, SourceMap};
use oci_preflight::workload::{Landing, PullSecrets, landing};

use super::read;

/// What a rule is to judge.
struct Case {
    target: Target,
    pod: String,
    lookup: Option<Lookup>,
}

impl Case {
    fn new(pools: &str, image: &str) -> Self {
        Self {
            target: Target {
                pools: read("pools", pools).expect(pools),
                ..Target::default()
            },
            pod: format!("containers: [{{name: main, image: '{image}'}}]"),
            lookup: None,
        }
    }

    fn pod(mut self, more: &str) -> Self {
        self.pod = format!("{}, {more}", self.pod);
        self
    }

    fn iam(mut self, text: &str) -> Self {
        let found = permissions("iam.json", text).expect(text);
        self.target.permissions.join(found);
        self
    }

    /// The registry has one image of these layers for each platform.
    fn layers(mut self, platforms: &[&str], sizes: &[u64]) -> Self {
        self.lookup = Some(Answer::Found(index(platforms, sizes)));
        self
    }

    fn findings(&self, rule: &str) -> Vec<Finding> {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: shop}}\nspec: {{{}}}\n",
            self.pod
        );
        let mut sources = SourceMap::default();
        let id = sources.add(Source {
            name: "pod.yaml".to_owned(),
            text,
            origin: Origin::File,
        });
        let extraction = extract(id, sources.get(id));
        let occurrence = extraction.occurrences.first().expect("an image");
        let pools: Vec<&NodePool> = self
            .target
            .pools
            .iter()
            .filter(|pool| landing(&occurrence.placement, pool) == Landing::Possible)
            .collect();
        let rule = find(rule).expect(rule);
        let subject = Subject {
            earlier: &[],
            bases: &BaseImages::default(),
            occurrence,
            lookup: self.lookup.as_ref(),
            as_pod: None,
            is_from_fork: false,
            pools: &pools,
            target: &self.target,
            pull_secrets: &PullSecrets::default(),
            idle_secrets: &[],
            budgets: &Budgets::default(),
            probe_flags: &ProbeFlags::default(),
        };
        (rule.check)(&subject)
    }

    fn message(&self, rule: &str) -> Option<String> {
        let mut findings = self.findings(rule);
        assert!(findings.len() < 2, "{findings:#?}");
        findings.pop().map(|finding| finding.message)
    }
}

fn descriptor(name: &str, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type::OCI_MANIFEST.to_owned(),
        digest: Digest::sha256_of(name.as_bytes()),
        size: Bytes(size),
        urls: Vec::new(),
        annotations: BTreeMap::new(),
    }
}

fn index(platforms: &[&str], sizes: &[u64]) -> Found {
    let layers = sizes.iter().enumerate();
    let manifest = Manifest::Image(ImageManifest {
        media_type: media_type::OCI_MANIFEST.to_owned(),
        config: descriptor("config", 300),
        layers: layers
            .map(|(number, size)| descriptor(&format!("layer {number}"), *size))
            .collect(),
        annotations: BTreeMap::new(),
    });
    let images: Vec<PlatformImage> = platforms
        .iter()
        .map(|platform| PlatformImage {
            declared: Some(platform.parse().expect("a platform")),
            digest: Digest::sha256_of(platform.as_bytes()),
            manifest: Some(Answer::Found(manifest.clone())),
            config: None,
            faulty_blobs: Vec::new(),
            content: None,
        })
        .collect();
    let entries = images
        .iter()
        .zip(platforms)
        .map(|(image, platform)| IndexEntry {
            descriptor: descriptor(platform, 500),
            platform: image.declared.clone(),
        });
    Found {
        identity: Identity::Anonymous,
        digest: Digest::sha256_of(b"index"),
        content_type: media_type::OCI_INDEX.to_owned(),
        manifest: Manifest::Index(Index {
            media_type: media_type::OCI_INDEX.to_owned(),
            entries: entries.collect(),
            annotations: BTreeMap::new(),
        }),
        images,
        tag_digest: None,
        older_tag: None,
    }
}

const MIXED_GKE: &str = r#"[{"name": "intel", "config": {"machineType": "e2-medium"}}, {"name": "arm", "config": {"machineType": "c4a-standard-4"}}]"#;
const MIXED_EKS: &str = r#"[{"nodegroup": {"nodegroupName": "intel", "amiType": "AL2023_x86_64_STANDARD"}}, {"nodegroup": {"nodegroupName": "arm", "amiType": "AL2023_ARM_64_STANDARD"}}]"#;
const AR: &str = "europe-docker.pkg.dev/p/r/app:1";
const GIB: u64 = 1 << 30;

/// The pools where the pod may land and the image does not run.
fn stranded(pools: &str, pod: &str) -> Vec<String> {
    let case = Case::new(pools, "example.com/app:1").pod(pod);
    let found = index(&["linux/amd64"], &[1]);
    let text = format!("apiVersion: v1\nkind: Pod\nspec: {{{}}}\n", case.pod);
    let mut sources = SourceMap::default();
    let id = sources.add(Source {
        name: "pod.yaml".to_owned(),
        text,
        origin: Origin::File,
    });
    let extraction = extract(id, sources.get(id));
    let placement = &extraction.occurrences.first().expect("an image").placement;
    let pools = case.target.pools.iter();
    pools
        .filter(|pool| landing(placement, pool) == Landing::Possible)
        .filter(|pool| found.image_on(pool).is_none())
        .map(|pool| pool.name.clone())
        .collect()
}

#[test]
fn an_amd64_image_is_fine_on_a_mixed_gke_cluster_and_fails_on_a_mixed_eks_cluster() {
    let none: [&str; 0] = [];
    assert_eq!(stranded(MIXED_GKE, "restartPolicy: Always"), none);
    assert_eq!(stranded(MIXED_EKS, "restartPolicy: Always"), ["arm"]);
    let mended = "nodeSelector: {kubernetes.io/arch: amd64}";
    assert_eq!(stranded(MIXED_EKS, mended), none);
    let asks_for_arm = "nodeSelector: {kubernetes.io/arch: arm64}";
    assert_eq!(stranded(MIXED_GKE, asks_for_arm), ["arm"]);
}

#[test]
fn a_workload_that_fits_no_pool_is_told_why_for_each() {
    let case = Case::new(MIXED_GKE, "example.com/app:1").pod("nodeSelector: {disk: ssd}");
    let finding = case.findings("nowhere-to-run").pop().expect("a finding");
    assert_eq!(
        finding.message,
        "Pod shop fits no node pool: intel, arm (no label disk=ssd)"
    );
    assert_eq!(finding.node_pools, ["intel", "arm"]);
    let event = finding.event.expect("an event");
    assert_eq!(event.reason, "FailedScheduling");
    assert_eq!(
        event.message,
        "0/N nodes are available: node(s) didn't match Pod's node affinity/selector."
    );
    let help = finding.help.expect("a help");
    assert!(help.contains("No node pool has the label `disk`"), "{help}");
}

#[test]
fn the_toleration_that_is_missing_is_written_out() {
    let pools = r#"[{"name": "own", "config": {"machineType": "e2-medium", "taints": [{"key": "own", "value": "1", "effect": "NO_SCHEDULE"}]}}]"#;
    let finding = Case::new(pools, "a:1")
        .findings("nowhere-to-run")
        .pop()
        .expect("a finding");
    assert_eq!(
        finding.help.as_deref(),
        Some(
            "Tolerate the taint: add `{key: own, operator: Equal, value: \"1\", effect: NoSchedule}` to the pod's tolerations."
        )
    );
}

#[test]
fn each_way_to_fit_no_pool_has_its_mending() {
    let pools = r#"[{"name": "a", "config": {"machineType": "e2-medium", "labels": {"disk": "hdd"}}},
        {"name": "b", "config": {"machineType": "e2-medium", "labels": {"disk": "ssd"}, "taints": [{"key": "own", "effect": "NO_SCHEDULE"}]}}]"#;
    let affinity = |key: &str| {
        format!(
            "affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{{matchExpressions: [{{key: {key}, operator: In, values: [x]}}]}}]}}}}}}"
        )
    };
    for (pod, mending) in [
        // Only the toleration is missing there, whatever stands against the other pool.
        (
            "nodeSelector: {disk: ssd}".to_owned(),
            "add `{key: own, operator: Exists, effect: NoSchedule}`",
        ),
        (
            "nodeSelector: {disk: nvme}".to_owned(),
            "Node pools have `disk` with `hdd`, `ssd`.",
        ),
        (
            affinity("disk"),
            "Node pools have `disk` with `hdd`, `ssd`.",
        ),
        (affinity("rack"), "No node pool has the label `rack`."),
        (
            "os: {name: windows}".to_owned(),
            "Add a node pool that runs windows.",
        ),
    ] {
        let finding = Case::new(pools, "a:1")
            .pod(&pod)
            .findings("nowhere-to-run")
            .pop();
        let help = finding.and_then(|finding| finding.help).unwrap_or_default();
        assert!(help.contains(mending), "{pod}: {help}");
    }
}

#[test]
fn a_workload_that_fits_one_pool_or_one_that_may_be_made_is_fine() {
    assert_eq!(Case::new(MIXED_GKE, "a:1").message("nowhere-to-run"), None);
    let autopilot = r#"{"name": "c", "autopilot": {"enabled": true}, "nodePools": []}"#;
    let case = Case::new(autopilot, "a:1").pod("nodeSelector: {disk: ssd}");
    assert_eq!(case.message("nowhere-to-run"), None);
}

#[test]
fn a_pool_whose_architecture_is_not_told_is_a_finding_at_its_place() {
    let text = r#"[{"name": "a", "config": {"machineType": "${TYPE}"}}, {"name": "b", "config": {"machineType": "e2-medium"}}]"#;
    let rule = find("unknown-machine-type").expect("the rule");
    let pools = read("pools", text).expect(text);
    let findings: Vec<Finding> = pools.iter().flat_map(rule.check_pool).collect();
    let [finding] = findings.as_slice() else {
        panic!("one finding: {findings:#?}");
    };
    assert_eq!(
        finding.message,
        "no image was checked for the node pool a: the machine type `${TYPE}` is not known"
    );
    assert_eq!(&text[finding.places[0].range()], "\"${TYPE}\"");
}

fn scoped(scopes: &str) -> String {
    format!(
        r#"[{{"name": "p", "config": {{"machineType": "e2-medium", "oauthScopes": [{scopes}]}}}}]"#
    )
}

#[test]
fn nodes_need_a_scope_to_pull_from_artifact_registry() {
    const LOGGING: &str = r#""https://www.googleapis.com/auth/logging.write""#;
    const READ: &str = r#""https://www.googleapis.com/auth/devstorage.read_only""#;
    const CLOUD: &str = r#""https://www.googleapis.com/auth/cloud-platform""#;
    let judge = |scopes: &str, image: &str| {
        Case::new(&scoped(scopes), image)
            .message("missing-pull-scope")
            .is_some()
    };
    assert!(judge(LOGGING, AR));
    assert!(judge(LOGGING, "gcr.io/my-project/app:1"));
    assert!(!judge(READ, AR));
    assert!(!judge(CLOUD, AR));
    assert!(!judge(LOGGING, "nginx:1.27"));
    assert!(!judge(LOGGING, "gcr.io/distroless/static:nonroot"));
    let with_secret = Case::new(&scoped(LOGGING), AR).pod("imagePullSecrets: [{name: s}]");
    assert_eq!(with_secret.message("missing-pull-scope"), None);
    let untold = Case::new(MIXED_GKE, AR);
    assert_eq!(untold.message("missing-pull-scope"), None);
    assert_eq!(Case::new(MIXED_EKS, AR).message("missing-pull-scope"), None);
}

#[test]
fn the_service_account_of_the_nodes_has_to_be_enabled_and_a_reader() {
    let pools = r#"[{"name": "p", "config": {"machineType": "e2-medium", "serviceAccount": "x@p.iam.gserviceaccount.com"}}]"#;
    let judge = |iam: &str| {
        Case::new(pools, AR)
            .iam(iam)
            .message("node-service-account")
    };
    let disabled = judge(r#"[{"email": "x@p.iam.gserviceaccount.com", "disabled": true}]"#);
    assert!(disabled.is_some_and(|message| message.contains("is disabled")));
    assert_eq!(judge(r#"[{"email": "x@p.iam.gserviceaccount.com"}]"#), None);
    let other = judge(
        r#"{"bindings": [{"role": "roles/artifactregistry.reader", "members": ["serviceAccount:y@p"]}]}"#,
    );
    assert!(other.is_some_and(|message| message.contains("has no role")));
    let reader = judge(
        r#"{"bindings": [{"role": "roles/artifactregistry.reader", "members": ["serviceAccount:x@p.iam.gserviceaccount.com"]}]}"#,
    );
    assert_eq!(reader, None);
    assert_eq!(Case::new(pools, AR).message("node-service-account"), None);
}

fn on_disk(kind: &str, gigabytes: u64, more: &str) -> String {
    format!(
        r#"[{{"name": "p", "config": {{"machineType": "e2-medium", "diskType": "{kind}", "diskSizeGb": {gigabytes}{more}}}}}]"#
    )
}

#[test]
fn an_image_has_to_fit_the_disk_twice() {
    let judge = |gigabytes: u64, size: u64| {
        let pools = on_disk("pd-balanced", gigabytes, "");
        let case = Case::new(&pools, "a:1").layers(&["linux/amd64"], &[size]);
        case.message("image-exceeds-disk").is_some()
    };
    assert!(judge(10, 5 * GIB));
    assert!(!judge(100, 5 * GIB));
    assert!(!judge(10, 4 * GIB));
    let eks = r#"{"nodegroup": {"nodegroupName": "g", "amiType": "AL2023_x86_64_STANDARD", "diskSize": 10}}"#;
    let case = |size| {
        Case::new(eks, "a:1")
            .layers(&["linux/amd64"], &[size])
            .message("image-exceeds-disk")
    };
    assert_eq!(case(5 * GIB), None);
    assert!(case(9 * GIB).is_some());
}

#[test]
fn the_time_of_a_pull_is_shown_as_a_sum() {
    let judge = |pools: &str, size: u64| {
        Case::new(pools, "a:1")
            .layers(&["linux/amd64"], &[size])
            .message("slow-pull")
    };
    let standard = on_disk("pd-standard", 100, "");
    assert_eq!(
        judge(&standard, 1_000_000_000).as_deref(),
        Some(
            "docker.io/library/a:1 takes about 3 min to pull on a new node of p: 1.0 GB compressed at 20 to 60 MB/s, and about 2.5 GB unpacked, in one layer at 12.6 MB/s, as fast as the pd-standard of 107.4 GB writes"
        )
    );
    assert_eq!(judge(&standard, 100_000_000), None);
    // Where the disk is not told, the processors are the limit.
    let unknown = on_disk("hyperdisk-balanced", 100, "");
    assert_eq!(judge(&unknown, 1_000_000_000), None);
    let message = judge(&unknown, 20_000_000_000).expect("a finding");
    assert!(
        message.ends_with("50.0 GB unpacked, in one layer at 28.0 MB to 135.0 MB/s"),
        "{message}"
    );
    assert_eq!(judge(&on_disk("pd-ssd", 500, ""), 1_000_000_000), None);
    let streaming = on_disk("pd-standard", 100, r#", "gcfsConfig": {"enabled": true}"#);
    assert_eq!(judge(&streaming, 1_000_000_000), None);
}

#[test]
fn each_reason_against_streaming_is_named() {
    let pools = on_disk("pd-ssd", 100, r#", "gcfsConfig": {"enabled": true}"#);
    let judge = |image: &str, sizes: &[u64]| {
        Case::new(&pools, image)
            .layers(&["linux/amd64"], sizes)
            .message("streaming-ineligible")
    };
    assert_eq!(judge(AR, &[100, 200]), None);
    let message = judge("nginx:1.27", &[100, 32]).expect("a finding");
    assert!(
        message.contains("it is not in Artifact Registry, and it has an empty layer"),
        "{message}"
    );
    let other = Case::new(MIXED_GKE, "nginx:1.27").message("streaming-ineligible");
    assert_eq!(other, None);
}
