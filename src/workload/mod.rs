//! The workload's side: where an image is named, and where its pod may run.

mod admission;
mod occurrence;
mod placement;
mod runtime_class;
mod scheduling;

pub use occurrence::{Occurrence, Owner, PullPolicy, Role};
pub use placement::{
    NodeSelectorTerm, Operator, Placement, Requirement, Toleration, TolerationOperator,
};
pub use runtime_class::RuntimeClass;
pub use scheduling::{Landing, landing};
