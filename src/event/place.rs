//! Where a failure was seen.

use std::sync::LazyLock;

use regex::Regex;

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

/// How the kubelet's log names a pod, in quotes that may be escaped.
static POD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\bpod=\\*"([a-z0-9-]+)/([a-z0-9.-]+)"#).ok());

impl Place {
    /// The same, with the pod that a line of the kubelet's log names.
    #[must_use]
    pub fn or_of_log(self, text: &str) -> Self {
        if self.pod.is_some() || !text.contains("pod=") {
            return self;
        }
        let Some(found) = POD.as_ref().and_then(|pod| pod.captures(text)) else {
            return self;
        };
        let group = |index: usize| Some(found.get(index)?.as_str().to_owned());
        self.or(Self {
            namespace: group(1),
            pod: group(2),
            ..Self::default()
        })
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_kubelet_names_the_pod() {
        let pod = |text: &str| Place::default().or_of_log(text).pod;
        let line = r#"E1124 "Error syncing pod, skipping" err="x" pod="shop/api-1" podUID="2f""#;
        assert_eq!(pod(line).as_deref(), Some("api-1"));
        assert_eq!(
            pod(&line.escape_default().to_string()).as_deref(),
            Some("api-1")
        );
        assert_eq!(pod("no pod here"), None);
    }
}
