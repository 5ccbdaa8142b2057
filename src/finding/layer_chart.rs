//! The layers of an image as a picture.

use crate::oci::Bytes;

/// The layers of an image, base first, with what a finding says about each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerChart {
    /// The layers.
    pub layers: Vec<ChartLayer>,
}

/// One layer of a [`LayerChart`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChartLayer {
    /// From 1 for the base on.
    pub number: usize,
    /// As it is transferred.
    pub bytes: Bytes,
    /// What made it; none where the history does not tell.
    pub instruction: Option<String>,
    /// What the finding says about it.
    pub mark: LayerMark,
}

/// What a finding says about a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerMark {
    /// It is the base image's, and none of the user's business.
    Base,
    /// It stays.
    Kept,
    /// It is the reason why others are fetched again.
    AtFault,
    /// It is fetched again.
    Again,
}

impl LayerMark {
    /// All marks.
    pub const ALL: [Self; 4] = [Self::Base, Self::Kept, Self::AtFault, Self::Again];

    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Kept => "kept",
            Self::AtFault => "at-fault",
            Self::Again => "again",
        }
    }
}
