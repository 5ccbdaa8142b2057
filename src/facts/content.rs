//! What the layers of an image hold, as far as rules judge it: sums and the largest parts, never a list of all files.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Executable;
use crate::oci::{Bytes, Digest};

/// What the layers of one image hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Each layer, base first.
    pub layers: Vec<LayerContent>,
    /// What the layers are together; none where one of them could not be read to its end.
    pub files: Option<Files>,
}

impl Content {
    /// The bytes of all files that a node unpacks; none where a layer could not be read to its end.
    #[must_use]
    pub fn unpacked_bytes(&self) -> Option<Bytes> {
        self.layers
            .iter()
            .map(|layer| match layer {
                LayerContent::Read(summary) => Some(summary.unpacked),
                _ => None,
            })
            .sum()
    }
}

/// What one layer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerContent {
    /// It is whole, and is what its digest and its diff ID say.
    Read(LayerSummary),
    /// It is there, and a node could not unpack it.
    Damaged {
        /// The layer's digest.
        digest: Digest,
        /// What is wrong with it.
        damage: Damage,
    },
    /// It is not there, could not be fetched, or is of a type that is not read.
    Unread,
}

/// A layer in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerSummary {
    /// The bytes of its files. A hard link has none of its own.
    pub unpacked: Bytes,
    /// How many entries lead out of the image's root by `..`.
    pub escaping: u64,
    /// The first of them, as it is written.
    pub first_escaping: Option<String>,
}

/// Why a node could not unpack a layer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damage {
    /// The blob has another digest than the manifest says.
    #[error("its content has the digest {actual}")]
    Digest {
        /// The digest that it has.
        actual: Digest,
    },
    /// The blob has another size than the manifest says.
    #[error("it has {} than the {} bytes that the manifest declares", if *.more { "more" } else { "fewer" }, declared.0)]
    Size {
        /// What the manifest declares.
        declared: Bytes,
        /// Whether it has more.
        more: bool,
    },
    /// What comes out has another digest than the config says.
    #[error("unpacked, it has the digest {actual}, and the config says {declared}")]
    DiffId {
        /// What the config says.
        declared: String,
        /// The digest that it has.
        actual: Digest,
    },
    /// It cannot be decompressed.
    #[error("it cannot be decompressed: {0}")]
    Compression(String),
    /// It is no tar archive that can be unpacked.
    #[error("it cannot be unpacked: {0}")]
    Archive(String),
    /// It expands beyond all measure, and was not read further.
    #[error(
        "it expands beyond measure: {} become more than {}",
        compressed,
        unpacked
    )]
    Bomb {
        /// The compressed bytes that were read.
        compressed: Bytes,
        /// The bytes that came out until then, or that a file is declared to have.
        unpacked: Bytes,
    },
}

/// What the layers of an image are together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    /// What is stored and cannot be seen any more.
    pub rewritten: Rewritten,
    /// What package managers and builds left behind and is still there; largest first.
    pub leftovers: Vec<Leftover>,
    /// The programs that the image starts with.
    pub programs: Vec<Program>,
    /// The programs in the folders of `PATH`: how many there are for each architecture, and the first of them.
    pub on_path: BTreeMap<&'static str, (usize, String)>,
    /// The largest files that can be seen, largest first.
    pub largest: Vec<LargeFile>,
}

/// Bytes that are stored in one layer and hidden by a later one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewritten {
    /// The bytes by the layer that stores them and the layer that hides them, counted from the base, from 0.
    pub by_layers: BTreeMap<(usize, usize), Bytes>,
    /// The paths with the most bytes, largest first.
    pub paths: Vec<RewrittenPath>,
    /// The same image in the count of dive.
    pub as_dive: DiveFigure,
}

impl Rewritten {
    /// What is hidden by the layers from `first` on, counted from 0.
    #[must_use]
    pub fn hidden_from(&self, first: usize) -> Bytes {
        let by_layers = self.by_layers.iter();
        by_layers
            .filter(|((_, hidden_by), _)| *hidden_by >= first)
            .map(|(_, bytes)| *bytes)
            .sum()
    }
}

/// A path whose bytes are stored in one layer and hidden by a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewrittenPath {
    /// The file that was stored again, or the file or folder that was deleted. From the root, without a `/` in front.
    pub path: String,
    /// How many files are hidden there.
    pub files: u64,
    /// Their bytes.
    pub bytes: Bytes,
    /// The layer that stores them, from 0.
    pub stored_in: usize,
    /// The layer that hides them, from 0.
    pub hidden_by: usize,
    /// Whether they were deleted, and not stored again.
    pub deleted: bool,
}

/// What dive counts (wagoodman/dive `dive/filetree/efficiency.go`, `dive/image/analysis.go`).
///
/// It differs from what is wasted: of a file that is stored twice it counts both copies, though one is needed, and it does
/// not know opaque whiteouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiveFigure {
    /// `wastedBytes`: all copies of each path that stands in more than one layer.
    pub wasted: Bytes,
    /// The sum of the smallest copy of each path.
    pub smallest: Bytes,
    /// The sum of all copies of each path.
    pub discovered: Bytes,
}

/// What a package manager or a build left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is, such as `package lists of apt`.
    pub what: &'static str,
    /// What keeps it out of the image.
    pub remedy: &'static str,
    /// The folder, from the root, without a `/` in front.
    pub path: String,
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: Bytes,
    /// The lowest layer that brings some of it, from 0.
    pub layer: usize,
}

/// A program that the image starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Why it matters.
    pub role: ProgramRole,
    /// Where it is, from the root, without a `/` in front.
    pub path: String,
    /// What it is.
    pub executable: Executable,
    /// Its interpreter, where it names one that is not in the image.
    pub missing_interpreter: Option<String>,
}

/// Why a program matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramRole {
    /// The first word of `ENTRYPOINT`, or of `CMD` where there is none.
    Entrypoint,
    /// What the entrypoint starts in its turn, as far as its arguments tell: the first word of `CMD` behind a script, and the
    /// program behind an init such as `tini` or behind `sh -c`.
    Command,
    /// What the kernel starts instead, because the entrypoint names it.
    Interpreter,
    /// `/bin/sh`.
    Shell,
}

/// A file that can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeFile {
    /// From the root, without a `/` in front.
    pub path: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// The layer that stores it, from 0.
    pub layer: usize,
}
