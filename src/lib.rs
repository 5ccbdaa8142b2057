//! Finds container images that a Kubernetes cluster could not pull or run, before the deploy.
//!
//! Data flows one way: sources → references → facts → rules → findings → reports. A module uses only the modules above
//! it in this list (`tests/suite/architecture.rs` reads the list and holds the code to it), and `clippy.toml` keeps the
//! pure ones free of I/O.

// The schema of the config file is one large `json!`.
#![recursion_limit = "256"]

// The blank lines keep rustfmt from sorting the list.

pub mod text;

pub mod oci;

pub mod cluster;

pub mod workload;

pub mod facts;

pub mod finding;

pub mod event;

pub mod rule;

pub mod input;

pub mod render;

pub mod extract;

pub mod registry;

pub mod scan;

pub mod probe;

pub mod report;

pub mod merge;

pub mod settings;

pub mod lint;

pub mod cli;
