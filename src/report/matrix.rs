//! Which image serves which node pool.

use super::Image;
use crate::cluster::NodePool;
use crate::facts::{Answer, Found};
use crate::oci::{Bytes, Platform};
use crate::workload::{Landing, landing};

/// What a pool's nodes get when they pull an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// No pod with the image can land on the pool.
    Unscheduled,
    /// An image that runs; the bytes of its layers as they are transferred, where they are known.
    Runs(Option<Bytes>),
    /// The index has no image for the platform.
    Missing,
    /// An image that is pulled and does not run: it is for this platform.
    Wrong(Platform),
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
        match &image.lookup {
            None | Some(Answer::Undetermined(_)) => Self::Unknown,
            Some(Answer::Refused(refusal)) => Self::Refused(refusal.reason.as_str()),
            Some(Answer::Found(found)) => Self::of_found(found, pool.platform.as_ref()),
        }
    }

    fn of_found(found: &Found, node: Option<&Platform>) -> Self {
        if found.images.is_empty() && !found.is_index() {
            return Self::NoImage(found.manifest.kind());
        }
        let Some(node) = node else {
            return Self::Unknown;
        };
        let Some(image) = found.image_for(node) else {
            return Self::Missing;
        };
        match image.platform() {
            None => Self::Unknown,
            Some(platform) if !platform.runs_on(node) => Self::Wrong(platform.clone()),
            Some(_) => Self::Runs(image.compressed_bytes()),
        }
    }

    /// Whether the image serves the pool; none where that is no question or not known.
    pub const fn serves(&self) -> Option<bool> {
        match self {
            Self::Runs(_) => Some(true),
            Self::Missing | Self::Wrong(_) | Self::NoImage(_) | Self::Refused(_) => Some(false),
            Self::Unscheduled | Self::Unknown => None,
        }
    }

    /// A few words for a table.
    pub fn words(&self) -> String {
        match self {
            Self::Unscheduled => "no pod here".to_owned(),
            Self::Runs(Some(bytes)) => bytes.to_string(),
            Self::Runs(None) => "runs".to_owned(),
            Self::Missing => "no such platform".to_owned(),
            Self::Wrong(platform) => format!("is {platform}"),
            Self::NoImage(kind) => format!("is {kind}"),
            Self::Refused(reason) => (*reason).to_owned(),
            Self::Unknown => "not known".to_owned(),
        }
    }
}
