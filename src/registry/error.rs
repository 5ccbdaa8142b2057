//! What keeps the client from being built: always a setting of the user.

use std::path::PathBuf;

use thiserror::Error;

/// A setting that cannot be used. Nothing was asked.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// A file of certificate authorities cannot be read.
    #[error("cannot read the CA file {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What the operating system or the parser says.
        reason: String,
    },
    /// A client certificate cannot be used.
    #[error("cannot use the client certificate {}: {reason}", path.display())]
    ClientCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong. It never shows the file's content.
        reason: String,
    },
    /// A `hosts.toml`, or a folder of them, cannot be used.
    #[error("cannot use the hosts file {}: {reason}", path.display())]
    HostsFile {
        /// The file or the folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A `registries.conf`, or a file of its drop-in folder, cannot be used.
    #[error("cannot use the registries file {}: {reason}", path.display())]
    RegistriesConf {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A mirror has no usable address.
    #[error("cannot use the mirror for {registry}: {reason}")]
    Mirror {
        /// The registry.
        registry: String,
        /// What is wrong.
        reason: String,
    },
    /// A credentials file is there and cannot be used.
    #[error("cannot use the credentials in {}: {reason}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong. It never shows the file's content.
        reason: String,
    },
    /// A proxy has no usable address.
    #[error("{variable} holds no address of a proxy such as http://proxy.example.com:3128")]
    Proxy {
        /// The environment variable.
        variable: &'static str,
    },
    /// A layout folder is none.
    #[error("{} is no OCI image layout: {reason}", folder.display())]
    Layout {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The TLS library takes neither the system's certificates nor the built-in ones.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}
