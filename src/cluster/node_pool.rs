//! Nodes that are alike.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{
    Evidence, KubernetesVersion, Labels, MachineArchitecture, OperatingSystem, Runtime, RuntimeKind,
};
use crate::oci::{Bytes, Matching, Platform};
use crate::text::Span;

/// A set of nodes that are alike: what a pod can land on.
///
/// A pool whose nodes may be of several platforms stands as one `NodePool` of the same name for each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePool {
    /// The pool's name.
    pub name: String,
    /// What the nodes run; none where the description does not tell. It is never guessed.
    pub platform: Option<Platform>,
    /// Why the platform is not known, or that it is told by a naming rule only: a clause without a full stop.
    pub platform_note: Option<String>,
    /// The machine type as the provider writes it; several are joined by commas.
    pub machine_type: Option<String>,
    /// Who runs the cluster.
    pub provider: Provider,
    /// The version of the kubelets.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The image of the node's own operating system, as the provider names it: GKE's `COS_CONTAINERD`, the AMI type of EKS,
    /// the node image version of AKS.
    pub node_image: Option<String>,
    /// The container runtime, where the nodes state it.
    pub runtime: Option<Runtime>,
    /// The labels of the nodes, with those that the kubelet and the provider add.
    pub labels: Labels,
    /// The taints of the nodes, with those that the provider adds.
    pub taints: Vec<Taint>,
    /// The OAuth scopes of the nodes (GKE); none where the description does not tell.
    pub oauth_scopes: Option<Vec<String>>,
    /// The service account of the nodes (GKE): an address, or `default`; none where the description does not tell.
    pub service_account: Option<String>,
    /// Whether the nodes stream images (GKE).
    pub image_streaming: bool,
    /// The boot disk, where the description tells it.
    pub disk: Option<Disk>,
    /// Whether the pool is one node, whose name is the pool's.
    pub single_node: bool,
    /// The names of the existing pools that alone stand behind this one (a `ComputeClass` that makes no nodes).
    pub stands_for: Vec<String>,
    /// Whether no description names the pool, and the cluster may make it by itself.
    pub on_demand: bool,
    /// The file that describes the pool, as the user would write its path; `--platform` for a stand-in.
    pub described_in: String,
    /// The place of the pool in that file.
    pub span: Option<Span>,
}

impl NodePool {
    /// A pool of which nothing is known but its name. Its architecture and operating system are open.
    #[must_use]
    pub fn new(name: impl Into<String>, provider: Provider) -> Self {
        let mut labels = Labels::default();
        labels.leave_place_open();
        for prefix in ["kubernetes.io", "beta.kubernetes.io"] {
            labels.leave_open(format!("{prefix}/os"));
            labels.leave_open(format!("{prefix}/arch"));
        }
        Self {
            name: name.into(),
            platform: None,
            platform_note: None,
            machine_type: None,
            provider,
            kubernetes_version: None,
            node_image: None,
            runtime: None,
            labels,
            taints: Vec::new(),
            oauth_scopes: None,
            service_account: None,
            image_streaming: false,
            disk: None,
            single_node: false,
            stands_for: Vec::new(),
            on_demand: false,
            described_in: String::new(),
            span: None,
        }
    }

    /// A stand-in for a pool of which only the platform is known: it may have any label, and has no taint.
    #[must_use]
    pub fn of_platform(platform: Platform) -> Self {
        let mut pool = Self::new(platform.to_string(), Provider::Unknown);
        pool.labels.leave_open("");
        pool.set_platform(platform);
        "--platform".clone_into(&mut pool.described_in);
        pool
    }

    /// Says what the nodes run, with the labels that follow from it.
    pub fn set_platform(&mut self, platform: Platform) {
        self.labels.set_platform(&platform);
        self.platform = Some(platform);
    }

    /// The pool with these machine types, as one pool for each architecture that they have.
    ///
    /// `judge` tells the architecture of a machine type. Where it can't, the platform stays unknown and a note says why.
    #[must_use]
    pub fn with_machine_types(
        self,
        system: OperatingSystem,
        machine_types: &[String],
        judge: impl Fn(&str) -> Option<MachineArchitecture>,
    ) -> Vec<Self> {
        let mut groups: Vec<(Option<&str>, Vec<String>)> = Vec::new();
        for machine_type in machine_types {
            let architecture = judge(machine_type).map(|found| found.architecture);
            match groups.iter_mut().find(|(known, _)| *known == architecture) {
                Some((_, group)) => group.push(machine_type.clone()),
                None => groups.push((architecture, vec![machine_type.clone()])),
            }
        }
        groups
            .into_iter()
            .map(|(architecture, group)| {
                let mut pool = self.clone();
                let by_rule = group.iter().find(|machine_type| {
                    judge(machine_type).is_some_and(|found| found.evidence == Evidence::NamingRule)
                });
                pool.platform_note = match (architecture, by_rule) {
                    (None, _) => Some(format!("the machine type `{}` is not known", group[0])),
                    (Some(_), Some(machine_type)) => Some(format!(
                        "the provider's naming rule tells the architecture of {machine_type}"
                    )),
                    (Some(_), None) => None,
                };
                pool.machine_type = Some(group.join(", "));
                pool.labels.set_machine_type(&group);
                if let Some(architecture) = architecture {
                    pool.set_platform_of(system, architecture);
                }
                pool
            })
            .collect()
    }

    /// Says what the nodes run by operating system and architecture.
    pub fn set_platform_of(&mut self, system: OperatingSystem, architecture: &str) {
        self.set_platform(Platform::new(
            system.name,
            architecture,
            None,
            system.version,
        ));
    }

    /// The pool with the taints that its provider adds by the platform: GKE's of Arm pools
    /// (<https://cloud.google.com/kubernetes-engine/docs/how-to/prepare-arm-workloads-for-deployment>) and of Windows pools
    /// (<https://cloud.google.com/kubernetes-engine/docs/how-to/creating-a-cluster-windows>). EKS and AKS add none.
    #[must_use]
    pub fn with_provider_taints(mut self) -> Self {
        let taint = match (self.provider, &self.platform) {
            (Provider::Gke, Some(platform)) if platform.architecture == "arm64" => {
                Taint::new("kubernetes.io/arch", "arm64", Effect::NoSchedule)
            }
            (Provider::Gke, Some(platform)) if platform.os == "windows" => {
                Taint::new("node.kubernetes.io/os", "windows", Effect::NoSchedule)
            }
            _ => return self,
        };
        self.taint(taint);
        self
    }

    /// Adds a taint that a provider puts there by itself, unless the description has it already.
    pub fn taint(&mut self, taint: Taint) {
        if !self.taints.contains(&taint) {
            self.taints.push(taint);
        }
    }

    /// The platform for reports, without the version of Windows; `unknown` where it is not known.
    #[must_use]
    pub fn platform_text(&self) -> String {
        let Some(platform) = &self.platform else {
            return "unknown".to_owned();
        };
        let without_version = Platform {
            os_version: None,
            ..platform.clone()
        };
        without_version.to_string()
    }

    /// How the nodes match the entries of an index. Where the runtime is not known, as containerd did the longest.
    ///
    /// containerd pulls through its transfer service from 2.1 on, unless its configuration keeps it from that, as the
    /// nodes of EKS do with `discard_unpacked_layers` (containerd `docs/cri/config.md`; awslabs/amazon-eks-ami,
    /// `nodeadm/internal/containerd/config2.template.toml`).
    #[must_use]
    pub fn matching(&self) -> Matching {
        match self.container_runtime() {
            Some(runtime) if runtime.kind == RuntimeKind::CriO => Matching::CriO,
            Some(runtime)
                if runtime.kind == RuntimeKind::Containerd
                    && (runtime.major, runtime.minor) >= (2, 1)
                    && self.provider != Provider::Eks =>
            {
                Matching::TransferService
            }
            _ => Matching::LocalPull,
        }
    }

    /// The container runtime: as the nodes state it, else as the provider's versions have it, else none.
    #[must_use]
    pub fn container_runtime(&self) -> Option<Runtime> {
        let windows = self.platform.as_ref().is_some_and(|p| p.os == "windows");
        self.runtime.clone().or_else(|| {
            Runtime::of(
                self.provider,
                self.kubernetes_version.as_ref()?,
                self.node_image.as_deref(),
                windows,
            )
        })
    }
}

/// Who runs the cluster. Providers add labels, taints and tolerations of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Google Kubernetes Engine.
    Gke,
    /// Amazon Elastic Kubernetes Service.
    Eks,
    /// Azure Kubernetes Service.
    Aks,
    /// Another, or none that is known.
    Unknown,
}

/// The boot disk of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The provider's type, such as `pd-balanced`.
    pub kind: Option<String>,
    /// The size.
    pub size: Bytes,
}

/// A taint keeps pods away that do not tolerate it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value, empty where there is none.
    pub value: String,
    /// What it does.
    pub effect: Effect,
}

impl Taint {
    /// A taint of these words.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<String>, effect: Effect) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            effect,
        }
    }
}

impl FromStr for Taint {
    type Err = TaintError;

    /// Reads `key=value:Effect` and `key:Effect`, as `kubectl taint` and the Azure API write it.
    fn from_str(text: &str) -> Result<Self, TaintError> {
        let error = || TaintError(text.to_owned());
        let (label, effect) = text.rsplit_once(':').ok_or_else(error)?;
        let (key, value) = label.split_once('=').unwrap_or((label, ""));
        let effect = Effect::from_spelling(effect).ok_or_else(error)?;
        if key.is_empty() {
            return Err(error());
        }
        Ok(Self::new(key, value, effect))
    }
}

/// Why a text is no taint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no taint: write KEY=VALUE:EFFECT, such as spot=true:NoSchedule")]
pub struct TaintError(pub String);

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if !self.value.is_empty() {
            write!(f, "={}", self.value)?;
        }
        write!(f, ":{}", self.effect.as_str())
    }
}

/// What a taint does to pods that do not tolerate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// They are not scheduled there.
    NoSchedule,
    /// They are scheduled there last.
    PreferNoSchedule,
    /// They are not scheduled there, and evicted.
    NoExecute,
}

impl Effect {
    /// The word of the Kubernetes API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }

    /// Reads the spelling of the Kubernetes API (`NoSchedule`) or of the providers' APIs (`NO_SCHEDULE`).
    #[must_use]
    pub fn from_spelling(text: &str) -> Option<Self> {
        match text.replace(['_', '-'], "").to_ascii_lowercase().as_str() {
            "noschedule" => Some(Self::NoSchedule),
            "prefernoschedule" => Some(Self::PreferNoSchedule),
            "noexecute" => Some(Self::NoExecute),
            _ => None,
        }
    }
}
