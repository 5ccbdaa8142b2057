//! The cluster's side: node pools, machine types, versions and container runtimes.

mod machine_type;
mod node_pool;
mod version;

pub use machine_type::{Evidence, MachineArchitecture, gce_architecture};
pub use node_pool::{Disk, Effect, NodePool, Provider, Taint};
pub use version::{KubernetesVersion, Runtime, RuntimeKind, VersionError};
