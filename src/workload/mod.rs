//! The workload's side: where an image is named, where its pod may run, and with which secrets it pulls.

mod admission;
mod occurrence;
mod placement;
mod pull_secret;
mod runtime_class;
mod scheduling;
mod slot;

pub use occurrence::{Occurrence, Owner, PullPolicy, Role};
pub use placement::{
    NodeSelectorTerm, Operator, Placement, Requirement, Toleration, TolerationOperator,
};
pub use pull_secret::{
    NamedSecret, NearMiss, PodLogins, PullLogin, PullSecret, PullSecrets, RegistryKey,
    SecretContent, SecretPlace, ServiceAccount, covering, written,
};
pub use runtime_class::RuntimeClass;
pub use scheduling::{Landing, landing};
pub use slot::{PlacedSlot, Slot, matched};
