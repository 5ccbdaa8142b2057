//! Families of registries: what a message means depends on who wrote it, and so does what to do about it.

/// Whose registry it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `docker.io`.
    DockerHub,
    /// `ghcr.io`.
    GitHub,
    /// `registry.gitlab.com`.
    GitLab,
    /// `LOCATION-docker.pkg.dev` and the `gcr.io` hosts, which it serves too.
    ArtifactRegistry,
    /// `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.
    Ecr,
    /// `public.ecr.aws`.
    EcrPublic,
    /// `NAME.azurecr.io`.
    Acr,
    /// `quay.io`.
    Quay,
    /// `registry.redhat.io`, which wants a login for everything.
    RedHat,
    /// Public registries that nobody logs in to, such as `registry.k8s.io` and `mcr.microsoft.com`.
    Open,
    /// The registry inside of an OpenShift cluster.
    OpenShift,
    /// A registry on the machine itself.
    Localhost,
    /// Anyone else's.
    Other,
}

/// Hosts that serve public images to everybody.
const OPEN_HOSTS: [&str; 10] = [
    "registry.k8s.io",
    "k8s.gcr.io",
    "mcr.microsoft.com",
    "registry.access.redhat.com",
    "mirror.gcr.io",
    "docker.elastic.co",
    "nvcr.io",
    "cr.l5d.io",
    "lscr.io",
    "cgr.dev",
];

impl Family {
    /// The family of a registry host, with or without port.
    #[must_use]
    pub fn of(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        let name = host.split(':').next().unwrap_or_default();
        match name {
            "docker.io"
            | "index.docker.io"
            | "registry-1.docker.io"
            | "auth.docker.io"
            | "registry.hub.docker.com" => Self::DockerHub,
            "ghcr.io" | "docker.pkg.github.com" => Self::GitHub,
            "registry.gitlab.com" => Self::GitLab,
            "public.ecr.aws" => Self::EcrPublic,
            "quay.io" => Self::Quay,
            "registry.redhat.io" | "registry.connect.redhat.com" => Self::RedHat,
            "localhost" | "127.0.0.1" | "[" => Self::Localhost,
            _ if is_of_openshift(name) => Self::OpenShift,
            _ if OPEN_HOSTS.contains(&name) => Self::Open,
            _ if name.ends_with("-docker.pkg.dev") || is_under(name, "gcr.io") => {
                Self::ArtifactRegistry
            }
            _ if name.contains(".dkr.ecr.") => Self::Ecr,
            _ if name.ends_with(".azurecr.io") => Self::Acr,
            _ => Self::Other,
        }
    }

    /// Whether its certificates come from authorities that every system trusts, so that an unknown one points to something
    /// in between.
    #[must_use]
    pub const fn is_public(self) -> bool {
        !matches!(self, Self::Localhost | Self::OpenShift | Self::Other)
    }
}

/// Whether it is the service of OpenShift's own registry, of version 4 or 3, with or without the domain of the cluster.
fn is_of_openshift(name: &str) -> bool {
    [
        "image-registry.openshift-image-registry.svc",
        "docker-registry.default.svc",
    ]
    .iter()
    .filter_map(|service| name.strip_prefix(service))
    .any(|domain| domain.is_empty() || domain.starts_with('.'))
}

/// Whether `host` is `domain` or stands below it.
fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether a host stores blobs for registries rather than being one.
#[must_use]
pub fn is_blob_storage(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    ([
        "amazonaws.com",
        "amazonaws.com.cn",
        "cloudfront.net",
        "blob.core.windows.net",
        "storage.googleapis.com",
        "cloudflare.docker.com",
        "cloudfront.docker.com",
        "data.mcr.microsoft.com",
        "cloudflarestorage.com",
        "pkg-containers.githubusercontent.com",
        "cdn.quay.io",
        "aliyuncs.com",
    ]
    .iter()
    .any(|domain| is_under(name, domain))
        || name.starts_with("docker-images-prod"))
        && !name.contains(".dkr.ecr.")
        && !name.starts_with("registry")
}

/// Whether a host gives out the content of a public registry: Docker Hub's, Quay's, GitHub's and Amazon's networks of delivery.
#[must_use]
pub fn is_public_storage(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    let networks = [
        "cloudfront.net",
        "cloudflare.docker.com",
        "cloudfront.docker.com",
        "pkg-containers.githubusercontent.com",
        "cdn.quay.io",
    ];
    networks.iter().any(|domain| is_under(name, domain)) || name.starts_with("docker-images-prod")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_belong_to_their_families() {
        for (host, family) in [
            ("docker.io", Family::DockerHub),
            ("ghcr.io", Family::GitHub),
            ("europe-west2-docker.pkg.dev", Family::ArtifactRegistry),
            ("eu.gcr.io", Family::ArtifactRegistry),
            ("k8s.gcr.io", Family::Open),
            ("notgcr.io", Family::Other),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", Family::Ecr),
            ("team.azurecr.io", Family::Acr),
            ("localhost:5000", Family::Localhost),
            ("harbor.example.com", Family::Other),
        ] {
            assert_eq!(Family::of(host), family, "{host}");
        }
    }

    #[test]
    fn blob_storage_is_told_from_registries() {
        assert!(is_blob_storage(
            "prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com"
        ));
        assert!(is_blob_storage("production.cloudflare.docker.com"));
        assert!(!is_blob_storage(
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
        ));
        assert!(!is_blob_storage("registry.cn-hangzhou.aliyuncs.com"));
    }
}
