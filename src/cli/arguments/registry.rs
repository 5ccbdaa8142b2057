//! How registries are asked.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::values::{layout, mirror};

/// How registries are asked.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct RegistryArguments {
    /// Ask nothing over the network. Layouts and node pool files still answer.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true,
        env = "OCI_PREFLIGHT_OFFLINE", help_heading = "Registries")]
    pub offline: Option<bool>,

    /// Ask whether every manifest, config and layer that nodes would pull is there, with the declared size. `--deep` implies it.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true,
        env = "OCI_PREFLIGHT_VERIFY_BLOBS", help_heading = "Registries")]
    pub verify_blobs: Option<bool>,

    /// Answer for that host from an OCI image layout instead of the network.
    #[arg(long = "layout", value_name = "HOST[/PREFIX]=DIR", value_parser = layout, env = "OCI_PREFLIGHT_LAYOUT", help_heading = "Registries")]
    pub layouts: Vec<(String, PathBuf)>,

    /// Speak HTTP without encryption to that host.
    #[arg(
        long,
        value_name = "HOST",
        value_delimiter = ',',
        env = "OCI_PREFLIGHT_PLAIN_HTTP",
        help_heading = "Registries"
    )]
    pub plain_http: Vec<String>,

    /// Trust the certificate authorities in that PEM file too.
    #[arg(
        long = "ca-file",
        value_name = "FILE",
        env = "OCI_PREFLIGHT_CA_FILE",
        help_heading = "Registries"
    )]
    pub ca_files: Vec<PathBuf>,

    /// Ask the hosts that containerd would ask: a folder of HOST/hosts.toml files, such as the nodes' /etc/containerd/certs.d.
    #[arg(
        long = "hosts-dir",
        value_name = "DIR",
        env = "OCI_PREFLIGHT_HOSTS_DIR",
        help_heading = "Registries"
    )]
    pub hosts_dirs: Vec<PathBuf>,

    /// Ask the hosts that CRI-O would ask: a registries.conf, such as the nodes' /etc/containers/registries.conf, with the
    /// files of the folder FILE.d.
    #[arg(
        long = "registries-conf",
        value_name = "FILE",
        env = "OCI_PREFLIGHT_REGISTRIES_CONF",
        help_heading = "Registries"
    )]
    pub registries_confs: Vec<PathBuf>,

    /// Ask that mirror before the registry; several are asked in this order.
    #[arg(long = "mirror", value_name = "HOST=URL", value_parser = mirror, env = "OCI_PREFLIGHT_MIRROR", help_heading = "Registries")]
    pub mirrors: Vec<(String, String)>,
}
