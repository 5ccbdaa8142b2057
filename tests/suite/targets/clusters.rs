//! The clusters of the scheduling table, as their owners would describe them.

/// What describes a cluster of the table.
pub fn describe(cluster: &str) -> &'static str {
    match cluster {
        "plain" => PLAIN,
        "cordoned" => CORDONED,
        "systems" => SYSTEMS,
        "gke" => GKE,
        "eks" => EKS,
        "aks" => AKS,
        "karpenter" => KARPENTER,
        "autopilot" => AUTOPILOT,
        "classes" => CLASSES,
        other => panic!("no cluster is called {other}"),
    }
}

const PLAIN: &str = "
kind: List
apiVersion: v1
items:
- {apiVersion: v1, kind: Node, metadata: {name: ssd, labels: {disk: ssd, cpu: '16', flag: '', kubernetes.io/hostname: ssd}}, status: {nodeInfo: {operatingSystem: linux, architecture: amd64}}}
- {apiVersion: v1, kind: Node, metadata: {name: hdd, labels: {disk: hdd, cpu: '4', kubernetes.io/hostname: hdd}}, status: {nodeInfo: {operatingSystem: linux, architecture: amd64}}}
- {apiVersion: v1, kind: Node, metadata: {name: bare, labels: {cpu: many}}, status: {nodeInfo: {operatingSystem: linux, architecture: amd64}}}
- {apiVersion: v1, kind: Node, metadata: {name: soft}, spec: {taints: [{key: soft, value: '1', effect: PreferNoSchedule}]}, status: {nodeInfo: {operatingSystem: linux, architecture: amd64}}}
- {apiVersion: v1, kind: Node, metadata: {name: arm}, spec: {taints: [{key: dedicated, value: arm, effect: NoSchedule}]}, status: {nodeInfo: {operatingSystem: linux, architecture: arm64}}}
- {apiVersion: v1, kind: Node, metadata: {name: out}, spec: {taints: [{key: out, value: '3', effect: NoExecute}]}, status: {nodeInfo: {operatingSystem: linux, architecture: amd64}}}
";

/// The taints of a pool, and not of a node: those of a node at a moment are left out.
const CORDONED: &str = "
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
nodeGroups:
- {name: open}
- {name: pressed, taints: [{key: node.kubernetes.io/disk-pressure, effect: NoSchedule}, {key: node.kubernetes.io/memory-pressure, effect: NoSchedule}]}
- {name: unreachable, taints: [{key: node.kubernetes.io/unreachable, effect: NoExecute}]}
- {name: unscheduled, taints: {node.kubernetes.io/unschedulable: NoSchedule}}
- {name: own, taints: [{key: own, value: '1', effect: NoSchedule}]}
";

const SYSTEMS: &str = "
kind: NodeList
apiVersion: v1
items:
- {metadata: {name: linux}, status: {nodeInfo: {operatingSystem: linux, architecture: amd64, kernelVersion: 6.1.0}}}
- {metadata: {name: windows}, status: {nodeInfo: {operatingSystem: windows, architecture: amd64, kernelVersion: 10.0.20348.2527}}}
";

const GKE: &str = r#"[
{"name": "intel", "version": "1.33.1-gke.1", "locations": ["europe-west1-b"], "config": {"machineType": "n2-standard-4", "imageType": "COS_CONTAINERD", "labels": {"team": "shop"}, "windowsNodeConfig": {}}},
{"name": "spot", "config": {"machineType": "n2-standard-4", "imageType": "COS_CONTAINERD", "spot": true}},
{"name": "arm", "config": {"machineType": "c4a-standard-4", "imageType": "COS_CONTAINERD"}},
{"name": "windows", "config": {"machineType": "n2d-standard-4", "imageType": "WINDOWS_LTSC_CONTAINERD"}},
{"name": "gpu", "config": {"machineType": "g2-standard-4", "accelerators": [{"acceleratorCount": "1", "acceleratorType": "nvidia-l4"}]}},
{"name": "sandbox", "config": {"machineType": "e2-standard-4", "sandboxConfig": {"type": "GVISOR"}}}
]"#;

const EKS: &str = r#"[
{"nodegroup": {"nodegroupName": "intel", "version": "1.33", "amiType": "AL2023_x86_64_STANDARD", "instanceTypes": ["m5.large"], "capacityType": "ON_DEMAND"}},
{"nodegroup": {"nodegroupName": "arm", "version": "1.33", "amiType": "AL2023_ARM_64_STANDARD", "instanceTypes": ["m7g.large"], "capacityType": "SPOT"}},
{"nodegroup": {"nodegroupName": "batch", "amiType": "CUSTOM", "instanceTypes": ["c5.large", "c5a.large"], "capacityType": "ON_DEMAND", "labels": {"role": "batch"}, "taints": [{"key": "batch", "value": "true", "effect": "NO_SCHEDULE"}]}},
{"nodegroup": {"nodegroupName": "windows", "amiType": "WINDOWS_CORE_2022_x86_64", "instanceTypes": ["m5.large"], "capacityType": "ON_DEMAND"}}
]"#;

const AKS: &str = r#"[
{"name": "system", "vmSize": "Standard_D4s_v5", "osType": "Linux", "osSku": "Ubuntu", "mode": "System", "nodeTaints": ["CriticalAddonsOnly=true:NoSchedule"]},
{"name": "user", "vmSize": "Standard_D4s_v5", "osType": "Linux", "mode": "User"},
{"name": "arm", "vmSize": "Standard_D4ps_v5", "osType": "Linux", "mode": "User", "nodeLabels": null},
{"name": "windows", "vmSize": "Standard_D4s_v5", "osType": "Windows", "osSku": "Windows2022", "mode": "User"},
{"name": "spot", "vmSize": "standard_d4s_v5", "osType": "Linux", "mode": "User", "scaleSetPriority": "Spot"}
]"#;

const KARPENTER: &str = "
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: any}
spec:
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      requirements:
      - {key: karpenter.sh/capacity-type, operator: In, values: [spot, on-demand]}
      - {key: company.com/team, operator: Exists}
---
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpu}
spec:
  template:
    metadata: {labels: {role: gpu}}
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      requirements:
      - {key: node.kubernetes.io/instance-type, operator: In, values: [g4dn.xlarge, g5.xlarge]}
      taints:
      - {key: nvidia.com/gpu, value: 'true', effect: NoSchedule}
---
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: default}
spec: {amiSelectorTerms: [{alias: al2023@latest}]}
";

const AUTOPILOT: &str = r#"
{"name": "more", "autopilot": {"enabled": true}, "currentNodeVersion": "1.33.1-gke.1", "nodePools": [{"name": "default", "config": {"machineType": "e2-medium"}}]}
"#;

const CLASSES: &str = "
apiVersion: cloud.google.com/v1
kind: ComputeClass
metadata: {name: thrifty}
spec:
  priorities:
  - {machineFamily: n4, spot: true}
  - {machineFamily: c4a, spot: true}
  - {machineType: n4-standard-8}
  nodePoolAutoCreation: {enabled: true}
";
