//! What `probe` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::ListFormat;
use super::values::{mirror, seconds};
use crate::oci::Platform;

#[derive(Debug, Args)]
pub(in crate::cli) struct ProbeArguments {
    /// A registry host such as ghcr.io or registry.example.com:5000, or an image.
    #[arg(value_name = "HOST|IMAGE")]
    pub target: String,

    /// Speak HTTP without encryption to that host.
    #[arg(long, value_name = "HOST")]
    pub plain_http: Vec<String>,

    /// Trust the certificate authorities in that PEM file too.
    #[arg(long = "ca-file", value_name = "FILE")]
    pub ca_files: Vec<PathBuf>,

    /// Ask the hosts that containerd would ask, each by itself: a folder of HOST/hosts.toml files, such as the nodes'
    /// /etc/containerd/certs.d.
    #[arg(long = "hosts-dir", value_name = "DIR")]
    pub hosts_dirs: Vec<PathBuf>,

    /// Ask the hosts that CRI-O would ask, each by itself: a registries.conf, such as the nodes'
    /// /etc/containers/registries.conf, with the files of the folder FILE.d.
    #[arg(long = "registries-conf", value_name = "FILE")]
    pub registries_confs: Vec<PathBuf>,

    /// Ask that mirror before the registry; several are asked in this order.
    #[arg(long = "mirror", value_name = "HOST=URL", value_parser = mirror)]
    pub mirrors: Vec<(String, String)>,

    /// Ask with the credentials in that file too, a .dockerconfigjson as the cluster holds it. They come before those of
    /// Docker and Podman.
    #[arg(long = "pull-secret", value_name = "FILE")]
    pub pull_secrets: Vec<PathBuf>,

    /// The platform of the nodes, of which the image must have something [default: linux with this machine's processor]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub platform: Option<Platform>,

    /// How long one stage may take [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    /// How to print the stages.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: ListFormat,
}
