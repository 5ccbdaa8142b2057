//! Which image serves which node pool.

use super::Image;
use crate::cluster::NodePool;
use crate::facts::{Answer, Failure, FailureReason, Found, LayerContent};
use crate::oci::{Bytes, Manifest, Platform};
use crate::workload::{Landing, landing};

/// What a pool's nodes get when they pull an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// No pod with the image can land on the pool.
    Unscheduled,
    /// An image that runs; the bytes of its layers as they are transferred, where they are known.
    Runs(Option<Bytes>),
    /// The old Docker format, which the pool's runtime still takes.
    Schema1,
    /// The index has no image for the platform.
    Missing,
    /// An image that is pulled and does not run: it is for this platform.
    Wrong(Platform),
    /// An image of which a part is not there.
    Incomplete,
    /// An image of which a part is there and no use.
    Damaged,
    /// Something that is no image, in the words of the report.
    NoImage(&'static str),
    /// The registry said no.
    Refused(&'static str),
    /// Nothing was asked, no answer came, or the pool's platform is not known.
    Unknown,
}

impl Cell {
    /// The cell of `image` and `pool`.
    pub fn of(image: &Image, pool: &NodePool) -> Self {
        let lands = image
            .occurrences
            .iter()
            .any(|occurrence| landing(&occurrence.placement, pool) == Landing::Possible);
        if !lands {
            return Self::Unscheduled;
        }
        Self::pulled(image, pool)
    }

    /// What a node of `pool` gets when it pulls `image`, whichever pod sent it there.
    pub fn pulled(image: &Image, pool: &NodePool) -> Self {
        match &image.lookup {
            Some(Answer::Undetermined(failure)) => Self::of_failure(failure),
            None => Self::Unknown,
            Some(Answer::Refused(refusal)) => Self::Refused(refusal.reason.as_str()),
            Some(Answer::Found(found)) => Self::of_found(found, pool),
        }
    }

    fn of_found(found: &Found, pool: &NodePool) -> Self {
        let runtime = pool.container_runtime();
        match &found.manifest {
            Manifest::Schema1(_) if runtime.is_some_and(|runtime| runtime.pulls_schema1()) => {
                return Self::Schema1;
            }
            _ if found.images.is_empty() && !found.is_index() => {
                return Self::NoImage(found.manifest.kind());
            }
            _ => {}
        }
        let Some(node) = &pool.platform else {
            return Self::Unknown;
        };
        let Some(image) = found.image_on(pool) else {
            return Self::Missing;
        };
        if image.is_incomplete() {
            return Self::Incomplete;
        }
        if let Some(failure) = image.failure() {
            return Self::of_failure(failure);
        }
        let mut layers = image.content.iter().flat_map(|content| &content.layers);
        if layers.any(|layer| matches!(layer, LayerContent::Damaged { .. })) {
            return Self::Damaged;
        }
        match image.platform() {
            None => Self::Unknown,
            Some(platform) if !platform.runs_on(node) => Self::Wrong(platform.clone()),
            Some(_) => Self::Runs(image.compressed_bytes()),
        }
    }

    fn of_failure(failure: &Failure) -> Self {
        match failure.reason {
            FailureReason::Damaged => Self::Damaged,
            _ => Self::Unknown,
        }
    }

    /// Whether the image serves the pool; none where that is no question or not known.
    pub const fn serves(&self) -> Option<bool> {
        match self {
            Self::Runs(_) | Self::Schema1 => Some(true),
            Self::Missing
            | Self::Wrong(_)
            | Self::Incomplete
            | Self::Damaged
            | Self::NoImage(_)
            | Self::Refused(_) => Some(false),
            Self::Unscheduled | Self::Unknown => None,
        }
    }

    /// The sign for it: a tick, a cross, or a dash where there is nothing to say.
    pub const fn mark(&self, unicode: bool) -> &'static str {
        match (self.serves(), unicode) {
            (Some(true), true) => "✓",
            (Some(true), false) => "+",
            (Some(false), true) => "✗",
            (Some(false), false) => "x",
            (None, true) => "–",
            (None, false) => "-",
        }
    }

    /// A few words for a table.
    pub fn words(&self) -> String {
        match self {
            Self::Unscheduled => "no pod here".to_owned(),
            Self::Runs(Some(bytes)) => bytes.to_string(),
            Self::Runs(None) => "runs".to_owned(),
            Self::Schema1 => "converts schema1".to_owned(),
            Self::Missing => "no such platform".to_owned(),
            Self::Wrong(platform) => format!("is {platform}"),
            Self::Incomplete => "incomplete".to_owned(),
            Self::Damaged => "damaged".to_owned(),
            Self::NoImage(kind) => format!("is {kind}"),
            Self::Refused(reason) => (*reason).to_owned(),
            Self::Unknown => "not known".to_owned(),
        }
    }
}
