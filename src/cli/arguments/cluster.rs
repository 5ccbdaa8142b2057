//! Where images will run.

use std::path::PathBuf;

use clap::Args;

use crate::cluster::KubernetesVersion;
use crate::oci::Platform;

/// Where images will run.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct ClusterArguments {
    /// Node pools, as gcloud, kubectl, aws, az or terraform prints them, or as Karpenter, eksctl and kops have them; `-`
    /// is standard input.
    #[arg(
        long,
        value_name = "FILE",
        env = "OCI_PREFLIGHT_NODES",
        help_heading = "Where it will run"
    )]
    pub nodes: Vec<PathBuf>,

    /// What `gcloud iam service-accounts list` or `gcloud projects get-iam-policy` prints with --format=json.
    #[arg(
        long,
        value_name = "FILE",
        env = "OCI_PREFLIGHT_IAM",
        help_heading = "Where it will run"
    )]
    pub iam: Vec<PathBuf>,

    /// A pull secret of every pod: the content of a kubernetes.io/dockerconfigjson Secret, or the Secret itself. No
    /// registry is asked with it.
    #[arg(
        long = "pull-secret",
        value_name = "FILE",
        env = "OCI_PREFLIGHT_PULL_SECRET",
        help_heading = "Where it will run"
    )]
    pub pull_secrets: Vec<PathBuf>,

    /// A platform that stands in for a node pool.
    #[arg(
        long = "platform",
        value_name = "OS/ARCH[/VARIANT]",
        value_delimiter = ',',
        env = "OCI_PREFLIGHT_PLATFORM",
        help_heading = "Where it will run"
    )]
    pub platforms: Vec<Platform>,

    /// The Kubernetes version of node pools that don't say theirs.
    #[arg(
        long,
        value_name = "VERSION",
        env = "OCI_PREFLIGHT_KUBERNETES_VERSION",
        help_heading = "Where it will run"
    )]
    pub kubernetes_version: Option<KubernetesVersion>,
}
