//! The nouns of the OCI specifications: references, digests, platforms, manifests, configs and layers.

mod config;
mod created;
mod digest;
mod history;
mod manifest;
pub mod media_type;
mod platform;
mod reference;
mod size;

pub use config::{Config, ConfigError, HistoryEntry};
pub use digest::{Digest, DigestError, Hasher};
pub(crate) use history::shell_of;
pub use history::{Builder, Step, base_steps, marked_base_steps, steps};
pub use manifest::{
    Artifact, Descriptor, ImageManifest, Index, IndexEntry, MAX_MANIFEST_BYTES, Manifest,
    ManifestError, Schema1,
};
pub use platform::{Matching, Platform, PlatformError};
pub use reference::{Reference, ReferenceError};
pub use size::Bytes;
