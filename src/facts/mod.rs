//! What was learnt from registries and layouts, and how much of it: the only thing rules judge by.

mod answer;
mod base_image;
mod change;
mod content;
mod executable;
mod found;

pub use answer::{Answer, Failure, FailureReason, Identity, Missing, Refusal, RefusalReason};
pub use base_image::BaseImages;
pub use change::{Earlier, LayerChange};
pub use content::{
    Content, Damage, DiveFigure, Files, LargeFile, LayerContent, LayerSummary, Leftover, Program,
    ProgramRole, Rewritten, RewrittenPath,
};
pub use executable::Executable;
pub use found::{BlobPart, Depth, FaultyBlob, Found, PlatformImage};

/// The answer about one reference.
pub type Lookup = Answer<Found>;
