//! Nodes that are alike.

use std::collections::BTreeMap;
use std::fmt;

use super::{KubernetesVersion, Runtime};
use crate::oci::{Bytes, Platform};
use crate::text::Span;

/// A set of nodes that are alike: what a pod can land on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePool {
    /// The pool's name.
    pub name: String,
    /// What the nodes run; none where the description does not tell. It is never guessed.
    pub platform: Option<Platform>,
    /// The machine type as the provider writes it.
    pub machine_type: Option<String>,
    /// Who runs the cluster.
    pub provider: Provider,
    /// The version of the kubelets.
    pub kubernetes_version: Option<KubernetesVersion>,
    /// The container runtime, where the nodes state it.
    pub runtime: Option<Runtime>,
    /// The labels of the nodes, with those that the kubelet and the provider add.
    pub labels: BTreeMap<String, String>,
    /// The taints of the nodes, with those that the provider adds.
    pub taints: Vec<Taint>,
    /// The OAuth scopes of the nodes (GKE); none where the description does not tell.
    pub oauth_scopes: Option<Vec<String>>,
    /// The boot disk, where the description tells it.
    pub disk: Option<Disk>,
    /// The file that describes the pool, as the user would write its path; `--platform` for a stand-in.
    pub described_in: String,
    /// The place of the pool in that file.
    pub span: Option<Span>,
}

impl NodePool {
    /// A stand-in for a pool of which only the platform is known.
    #[must_use]
    pub fn of_platform(platform: Platform) -> Self {
        let labels = platform_labels(&platform);
        Self {
            name: platform.to_string(),
            platform: Some(platform),
            machine_type: None,
            provider: Provider::Unknown,
            kubernetes_version: None,
            runtime: None,
            labels,
            taints: Vec::new(),
            oauth_scopes: None,
            disk: None,
            described_in: "--platform".to_owned(),
            span: None,
        }
    }

    /// The container runtime: as the nodes state it, else as the provider's versions have it, else none.
    #[must_use]
    pub fn container_runtime(&self) -> Option<Runtime> {
        let windows = self.platform.as_ref().is_some_and(|p| p.os == "windows");
        self.runtime
            .clone()
            .or_else(|| Runtime::of(self.provider, self.kubernetes_version.as_ref()?, windows))
    }
}

/// The labels that every kubelet sets by the platform of its node
/// (<https://kubernetes.io/docs/reference/labels-annotations-taints/>), with their deprecated names.
#[must_use]
pub fn platform_labels(platform: &Platform) -> BTreeMap<String, String> {
    [
        ("kubernetes.io/os", &platform.os),
        ("kubernetes.io/arch", &platform.architecture),
        ("beta.kubernetes.io/os", &platform.os),
        ("beta.kubernetes.io/arch", &platform.architecture),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.clone()))
    .collect()
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
        match text.replace('_', "").to_ascii_lowercase().as_str() {
            "noschedule" => Some(Self::NoSchedule),
            "prefernoschedule" => Some(Self::PreferNoSchedule),
            "noexecute" => Some(Self::NoExecute),
            _ => None,
        }
    }
}
