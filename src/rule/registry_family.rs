//! What registries mean by a refusal, and who may read them: a table by host name.

/// Registries of one kind.
#[derive(Debug)]
pub struct RegistryFamily {
    /// Its name for a person.
    pub name: &'static str,
    /// Host names: `.x.y` stands for every host below it, others for themselves.
    hosts: &'static [&'static str],
    /// Whether a refusal may also mean that the repository does not exist.
    pub hides_missing: bool,
    /// What gives a node the right to read, or what gives a pod the credentials.
    pub advice: &'static str,
}

/// The families, by what their documentation says.
///
/// Sources: <https://cloud.google.com/artifact-registry/docs/access-control>,
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html>,
/// <https://learn.microsoft.com/azure/aks/cluster-container-registry-integration>,
/// <https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry>,
/// <https://docs.docker.com/docker-hub/usage/pulls/>, <https://docs.quay.io/glossary/robot-accounts.html>,
/// <https://docs.gitlab.com/user/project/deploy_tokens/>.
static FAMILIES: &[RegistryFamily] = &[
    RegistryFamily {
        name: "Artifact Registry",
        hosts: &[".pkg.dev"],
        hides_missing: true,
        advice: "Give the node pool's service account `roles/artifactregistry.reader` on the repository's project; its nodes need the scope devstorage.read_only or cloud-platform.",
    },
    RegistryFamily {
        name: "Artifact Registry (gcr.io)",
        hosts: &["gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io"],
        hides_missing: true,
        advice: "gcr.io is served by Artifact Registry: give the node pool's service account `roles/artifactregistry.reader` there; a role on the old storage bucket does not count any more.",
    },
    RegistryFamily {
        name: "Amazon ECR",
        hosts: &[".amazonaws.com", ".amazonaws.com.cn"],
        hides_missing: false,
        advice: "Give the nodes' role the policy `AmazonEC2ContainerRegistryPullOnly`; for another account, a repository policy too. A pull secret made of an ECR token is dead after 12 hours.",
    },
    RegistryFamily {
        name: "Amazon ECR Public",
        hosts: &["public.ecr.aws"],
        hides_missing: false,
        advice: "The registry is public: remove stale credentials for public.ecr.aws (`docker logout public.ecr.aws`).",
    },
    RegistryFamily {
        name: "Azure Container Registry",
        hosts: &[".azurecr.io"],
        hides_missing: true,
        advice: "Give the kubelet's identity the role AcrPull: `az aks update --attach-acr NAME`. Check the registry's firewall too.",
    },
    RegistryFamily {
        name: "GitHub's container registry",
        hosts: &["ghcr.io"],
        hides_missing: true,
        advice: "Make the package public, or give the pod a pull secret with a token that has `read:packages`.",
    },
    RegistryFamily {
        name: "Docker Hub",
        hosts: &["docker.io"],
        hides_missing: true,
        advice: "Check the name: Docker Hub answers alike for a private repository and for none. For a private one, give the pod a pull secret with an access token.",
    },
    RegistryFamily {
        name: "Quay",
        hosts: &["quay.io"],
        hides_missing: true,
        advice: "Make the repository public, or give the pod the pull secret of a robot account (`organisation+name`) that may read it.",
    },
    RegistryFamily {
        name: "GitLab",
        hosts: &["registry.gitlab.com"],
        hides_missing: true,
        advice: "Give the pod a pull secret with a deploy token that has `read_registry`.",
    },
];

/// A registry that is in no family.
static OTHER: RegistryFamily = RegistryFamily {
    name: "the registry",
    hosts: &[],
    hides_missing: true,
    advice: "Give the pod a pull secret for this host: `kubectl create secret docker-registry`, and name it in `imagePullSecrets`.",
};

impl RegistryFamily {
    /// The family of a registry host. A port does not count.
    pub fn of(host: &str) -> &'static Self {
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        FAMILIES
            .iter()
            .find(|family| {
                family.hosts.iter().any(|pattern| {
                    host == *pattern || (pattern.starts_with('.') && host.ends_with(pattern))
                })
            })
            .unwrap_or(&OTHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_belong_to_their_family() {
        for (host, name) in [
            ("europe-west3-docker.pkg.dev", "Artifact Registry"),
            ("eu.gcr.io", "Artifact Registry (gcr.io)"),
            (
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
                "Amazon ECR",
            ),
            ("team.azurecr.io", "Azure Container Registry"),
            ("ghcr.io", "GitHub's container registry"),
            ("docker.io", "Docker Hub"),
            ("quay.io:443", "Quay"),
            ("registry.example.com:5000", "the registry"),
            ("notpkg.dev", "the registry"),
            ("mirror.gcr.io", "the registry"),
        ] {
            assert_eq!(RegistryFamily::of(host).name, name, "{host}");
        }
    }
}
