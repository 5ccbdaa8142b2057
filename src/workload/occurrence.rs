//! Places in sources that name an image.

use std::sync::Arc;

use super::Placement;
use crate::oci::{Platform, Reference, ReferenceError};
use crate::text::Span;

/// One place in one source that names an image, with the workload around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The image as it is written in the source: the text under [`Occurrence::span`].
    pub written: String,
    /// What the text means once quotes, escapes and line folding are read.
    pub reference: Result<Reference, ReferenceError>,
    /// The value of the field once quotes, escapes and line folding are read; mostly equal to `written`.
    pub value: String,
    /// The bytes of the image text itself, inside any quotes.
    pub span: Span,
    /// The object that the place belongs to.
    pub owner: Owner,
    /// The path of the field in its document, such as `spec.template.spec.containers[0].image`.
    pub field: String,
    /// The name of the container or volume.
    pub container: Option<String>,
    /// What the image is for.
    pub role: Role,
    /// When the kubelet pulls, where the source says it.
    pub pull_policy: Option<PullPolicy>,
    /// The pull secrets that the pod names, in its order.
    pub pull_secrets: Vec<String>,
    /// The service account of the pod, where it names one.
    pub service_account: Option<String>,
    /// Where the pod may run. Containers of one pod share it.
    pub placement: Arc<Placement>,
}

impl Occurrence {
    /// The same place, for the platform that its source asks for.
    #[must_use]
    pub fn on_platform(self, platform: Option<Platform>) -> Self {
        let Some(platform) = platform else {
            return self;
        };
        Self {
            placement: Arc::new(Placement {
                platform: Some(platform),
                ..Placement::clone(&self.placement)
            }),
            ..self
        }
    }
}

/// A Kubernetes object. Every field is as the source has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// The API version.
    pub api_version: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The name.
    pub name: Option<String>,
}

/// What an image is for in its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs beside the others.
    Container,
    /// Runs before the others.
    InitContainer,
    /// Added to a running pod for debugging.
    EphemeralContainer,
    /// Mounted as files and not run (`volumes[].image.reference`).
    Volume,
    /// Named outside of any pod, such as on the command line.
    Unplaced,
    /// Pulled by a builder or by another machine than the cluster's nodes: a base of a build, a service of Compose, a step
    /// of a pipeline.
    OffCluster,
    /// A text that looks like an image where nobody knows whether it is one. It counts only where a registry says that it is.
    Guess,
    /// Completed or replaced by another program before anything pulls it, such as a Helm value without a tag or the name
    /// of an image that is built. It says nothing about what will be pulled.
    Provisional,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 8] = [
        Self::Container,
        Self::InitContainer,
        Self::EphemeralContainer,
        Self::Volume,
        Self::Unplaced,
        Self::OffCluster,
        Self::Guess,
        Self::Provisional,
    ];

    /// Whether a node executes what is in the image.
    #[must_use]
    pub const fn runs(self) -> bool {
        !matches!(self, Self::Volume | Self::Guess | Self::Provisional)
    }

    /// Whether the cluster's nodes pull it.
    #[must_use]
    pub const fn is_deployed(self) -> bool {
        !matches!(self, Self::Unplaced | Self::OffCluster | Self::Provisional)
    }

    /// The word of the report; none for what is in no pod.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Container => Some("container"),
            Self::InitContainer => Some("init-container"),
            Self::EphemeralContainer => Some("ephemeral-container"),
            Self::Volume => Some("volume"),
            Self::OffCluster => Some("off-cluster"),
            Self::Guess => Some("guess"),
            Self::Provisional => Some("provisional"),
            Self::Unplaced => None,
        }
    }
}

/// `imagePullPolicy` (<https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// When the node does not have the image.
    IfNotPresent,
    /// Never: the image is on the node or the pod does not start.
    Never,
}
