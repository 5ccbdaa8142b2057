//! Where a failure was seen.

/// The pod, its node and the cluster, as far as the input tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The node.
    pub node: Option<String>,
    /// The namespace of the pod.
    pub namespace: Option<String>,
    /// The pod.
    pub pod: Option<String>,
    /// The service account of the pod.
    pub service_account: Option<String>,
    /// Who asked for the image, as an audit log names it: the address of an account.
    pub identity: Option<String>,
    /// The cluster.
    pub cluster: Option<String>,
    /// The region or zone of the cluster.
    pub location: Option<String>,
    /// The project of the cluster.
    pub project: Option<String>,
}

impl Place {
    /// The same, with what is not known taken from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            node: self.node.or(other.node),
            namespace: self.namespace.or(other.namespace),
            pod: self.pod.or(other.pod),
            service_account: self.service_account.or(other.service_account),
            identity: self.identity.or(other.identity),
            cluster: self.cluster.or(other.cluster),
            location: self.location.or(other.location),
            project: self.project.or(other.project),
        }
    }
}
