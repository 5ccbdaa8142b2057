//! The cluster's side: node pools, machine types, versions and container runtimes.

mod labels;
mod machine_type;
mod node_pool;
mod operating_system;
mod permissions;
mod target;
mod version;

pub use labels::{Label, Labels};
pub use machine_type::{
    Evidence, MachineArchitecture, alibaba_architecture, aws_architecture, aws_family_architecture,
    azure_architecture, gce_architecture, gce_family_architecture, hetzner_architecture,
    machine_architecture, oci_architecture,
};
pub use node_pool::{Disk, Effect, NodePool, Provider, Taint, TaintError};
pub use operating_system::OperatingSystem;
pub use permissions::{Access, Binding, Permissions};
pub use target::Target;
pub use version::{KubernetesVersion, Runtime, RuntimeKind, VersionError};
