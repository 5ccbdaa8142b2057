//! Who may pull without a pull secret: everybody, or the nodes of a cloud.

use crate::workload::RegistryKey;

/// Images that the kubelets of cloud nodes have credentials of their own for: the `matchImages` of the credential provider
/// plugins.
/// - GKE: `cloud-provider-gcp`, `pkg/credentialconfig`
/// - EKS: <https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/>
/// - AKS: <https://cloud-provider-azure.sigs.k8s.io/topics/credential-provider/>
const NODE_IDENTITY: [&str; 9] = [
    "container.cloud.google.com",
    "gcr.io",
    "*.gcr.io",
    "*.pkg.dev",
    "*.dkr.ecr.*.amazonaws.com",
    "*.dkr.ecr.*.amazonaws.com.cn",
    "*.azurecr.io",
    "*.azurecr.cn",
    "*.azurecr.us",
];

/// Images that everybody may pull.
const PUBLIC: [&str; 4] = [
    "docker.io/library/",
    "registry.k8s.io/",
    "mcr.microsoft.com/",
    "public.ecr.aws/",
];

/// Whether the nodes of a cloud pull the image `name`, which has its host and no tag, by who they are.
#[must_use]
pub fn has_node_identity(name: &str) -> bool {
    NODE_IDENTITY
        .iter()
        .filter_map(|pattern| RegistryKey::new(pattern, true))
        .any(|key| key.matches(name))
}

/// Whether everybody may pull the image `name`, which has its host and no tag.
#[must_use]
pub fn is_public(name: &str) -> bool {
    PUBLIC.iter().any(|prefix| name.starts_with(prefix))
}
