//! Versions of Kubernetes and of container runtimes.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::Provider;

/// A Kubernetes version, as far as it decides which container runtime a node has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesVersion {
    /// The major version.
    pub major: u32,
    /// The minor version.
    pub minor: u32,
    text: String,
}

/// Why a text is no Kubernetes version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no Kubernetes version: write MAJOR.MINOR, such as 1.33")]
pub struct VersionError(pub String);

impl FromStr for KubernetesVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let (major, minor) = major_minor(text).ok_or_else(|| VersionError(text.to_owned()))?;
        Ok(Self {
            major,
            minor,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads `v1.33.5-gke.1162000`, `1.30` and the like.
fn major_minor(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim_start_matches('v').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor: String = parts
        .next()?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    Some((major, minor.parse().ok()?))
}

/// The program on the node that pulls images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeKind {
    /// containerd.
    Containerd,
    /// CRI-O.
    CriO,
    /// Docker Engine, through dockershim or cri-dockerd.
    Docker,
}

/// A container runtime and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// Which program.
    pub kind: RuntimeKind,
    /// The major version.
    pub major: u32,
    /// The minor version.
    pub minor: u32,
}

impl Runtime {
    /// containerd of a version.
    #[must_use]
    pub const fn containerd(major: u32, minor: u32) -> Self {
        Self {
            kind: RuntimeKind::Containerd,
            major,
            minor,
        }
    }

    /// The text that a node states it by, in `status.nodeInfo.containerRuntimeVersion`, such as `containerd://2.0`.
    #[must_use]
    pub fn node_info(&self) -> String {
        let name = match self.kind {
            RuntimeKind::Containerd => "containerd",
            RuntimeKind::CriO => "cri-o",
            RuntimeKind::Docker => "docker",
        };
        format!("{name}://{}.{}", self.major, self.minor)
    }

    /// Reads a node's `status.nodeInfo.containerRuntimeVersion`, such as `containerd://2.2.5-k3s2`.
    #[must_use]
    pub fn from_node_info(text: &str) -> Option<Self> {
        let (name, version) = text.split_once("://")?;
        let kind = match name {
            "containerd" => RuntimeKind::Containerd,
            "cri-o" => RuntimeKind::CriO,
            "docker" => RuntimeKind::Docker,
            _ => return None,
        };
        let (major, minor) = major_minor(version)?;
        Some(Self { kind, major, minor })
    }

    /// Whether it pulls Docker manifests of version 2, schema 1 as it comes: containerd up to 1.7 (containerd
    /// `docs/containerd-2.0.md`), CRI-O always, and Docker Engine up to 25 (moby `distribution/errors.go`).
    #[must_use]
    pub const fn pulls_schema1(&self) -> bool {
        match self.kind {
            RuntimeKind::Containerd => self.major < 2,
            RuntimeKind::CriO => true,
            RuntimeKind::Docker => self.major < 26,
        }
    }

    /// The runtime that a provider's nodes of a Kubernetes version and node image have, where the provider ties them
    /// together; none where it cannot be told.
    ///
    /// Everywhere Kubernetes 1.36 needs containerd 2.2 or later (containerd `RELEASES.md`).
    #[must_use]
    pub fn of(
        provider: Provider,
        version: &KubernetesVersion,
        node_image: Option<&str>,
        windows: bool,
    ) -> Option<Self> {
        let version = (version.major, version.minor);
        let image = node_image.unwrap_or_default().to_ascii_uppercase();
        if version >= (1, 36) {
            return Some(Self::containerd(2, 2));
        }
        match provider {
            Provider::Gke => on_gke(version, &image, windows),
            Provider::Eks => on_eks(version, &image),
            Provider::Aks => on_aks(version, &image, windows),
            Provider::Unknown => None,
        }
    }
}

/// Linux nodes have containerd 2.0 from 1.33 on, Windows nodes from 1.35 on
/// (<https://cloud.google.com/kubernetes-engine/docs/deprecations/migrate-containerd-2>). Before 1.24 an image type without
/// `CONTAINERD` in its name runs Docker.
fn on_gke(version: (u32, u32), image: &str, windows: bool) -> Option<Runtime> {
    if version >= (1, if windows { 35 } else { 33 }) {
        return Some(Runtime::containerd(2, 0));
    }
    let docker = version < (1, 24) && !image.contains("CONTAINERD");
    (!docker).then(|| Runtime::containerd(1, 7))
}

/// Amazon Linux 2 has containerd 1.7, and so has Amazon Linux 2023 up to 1.29; later images moved to 2 at a release that
/// the Kubernetes version does not tell (`awslabs/amazon-eks-ami`, `templates/al2023/variables-*.json`).
fn on_eks(version: (u32, u32), image: &str) -> Option<Runtime> {
    let old = image.starts_with("AL2_") && version >= (1, 24)
        || image.starts_with("AL2023_") && version < (1, 30);
    old.then(|| Runtime::containerd(1, 7))
}

/// Ubuntu 22.04 has containerd 1.7 and Ubuntu 24.04 has 2.0; `Ubuntu` alone means 24.04 from 1.35 on
/// (<https://learn.microsoft.com/azure/aks/supported-kubernetes-versions>).
fn on_aks(version: (u32, u32), image: &str, windows: bool) -> Option<Runtime> {
    if windows || version < (1, 24) {
        return None;
    }
    let ubuntu = image.contains("UBUNTU");
    if ubuntu && image.contains("2404") || image == "UBUNTU" && version >= (1, 35) {
        Some(Runtime::containerd(2, 0))
    } else if ubuntu && image.contains("2204") || image == "UBUNTU" {
        Some(Runtime::containerd(1, 7))
    } else {
        None
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            RuntimeKind::Containerd => "containerd",
            RuntimeKind::CriO => "CRI-O",
            RuntimeKind::Docker => "Docker",
        };
        write!(f, "{name} {}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_every_provider_are_read() {
        for (text, expected) in [
            ("1.33", Some((1, 33))),
            ("v1.30.8-gke.1162000", Some((1, 30))),
            ("1.31+", Some((1, 31))),
            ("latest", None),
            ("1", None),
        ] {
            let version = text.parse::<KubernetesVersion>().ok();
            assert_eq!(version.map(|v| (v.major, v.minor)), expected, "{text}");
        }
    }

    #[test]
    fn the_runtime_is_read_from_the_node() {
        assert_eq!(
            Runtime::from_node_info("containerd://2.2.5-k3s2"),
            Some(Runtime::containerd(2, 2))
        );
        assert_eq!(
            Runtime::from_node_info("cri-o://1.30.4").map(|runtime| runtime.to_string()),
            Some("CRI-O 1.30".to_owned())
        );
        assert_eq!(Runtime::from_node_info("rkt://1.0"), None);
    }

    fn runtime(
        provider: Provider,
        version: &str,
        image: &str,
        windows: bool,
    ) -> Option<(u32, u32)> {
        let version = version.parse().expect(version);
        Runtime::of(provider, &version, Some(image), windows).map(|r| (r.major, r.minor))
    }

    #[test]
    fn gke_ties_the_runtime_to_the_version() {
        for (version, image, windows, expected) in [
            ("1.32.1-gke.1", "COS_CONTAINERD", false, Some((1, 7))),
            ("1.33.1-gke.1", "COS_CONTAINERD", false, Some((2, 0))),
            ("1.34", "WINDOWS_LTSC_CONTAINERD", true, Some((1, 7))),
            ("1.35", "WINDOWS_LTSC_CONTAINERD", true, Some((2, 0))),
            ("1.20", "COS", false, None),
            ("1.20", "COS_CONTAINERD", false, Some((1, 7))),
            ("1.32", "", false, Some((1, 7))),
        ] {
            assert_eq!(
                runtime(Provider::Gke, version, image, windows),
                expected,
                "{version} {image}"
            );
        }
    }

    #[test]
    fn eks_and_aks_tie_the_runtime_to_the_node_image() {
        for (provider, version, image, expected) in [
            (Provider::Eks, "1.26", "AL2_x86_64", Some((1, 7))),
            (
                Provider::Eks,
                "1.29",
                "AL2023_ARM_64_STANDARD",
                Some((1, 7)),
            ),
            (Provider::Eks, "1.33", "AL2023_ARM_64_STANDARD", None),
            (Provider::Eks, "1.33", "", None),
            (
                Provider::Aks,
                "1.30",
                "AKSUbuntu-2204gen2containerd-202307.12.0",
                Some((1, 7)),
            ),
            (
                Provider::Aks,
                "1.33",
                "AKSUbuntu-2404gen2containerd-202507.12.0",
                Some((2, 0)),
            ),
            (Provider::Aks, "1.34", "Ubuntu", Some((1, 7))),
            (Provider::Aks, "1.35", "Ubuntu", Some((2, 0))),
            (Provider::Aks, "1.33", "AzureLinux", None),
            (Provider::Unknown, "1.35", "", None),
            (Provider::Unknown, "1.36", "", Some((2, 2))),
        ] {
            assert_eq!(
                runtime(provider, version, image, false),
                expected,
                "{version} {image}"
            );
        }
    }
}
