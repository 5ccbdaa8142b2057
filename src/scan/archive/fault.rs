//! Why an archive is none that a container runtime unpacks.

use thiserror::Error;

/// What is wrong with an archive. The quoted words are those of Go's `archive/tar`, which runtimes pass on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArchiveFault {
    /// A header is damaged, or says what no header may say: a negative size, a number that is none.
    #[error("archive/tar: invalid tar header (near byte {0})")]
    Header(u64),
    /// The archive ends inside a member.
    #[error("unexpected EOF (behind byte {0})")]
    Truncated(u64),
    /// A long name or extended headers are longer than is taken.
    #[error("archive/tar: header field too long ({0} bytes)")]
    LongHeader(u64),
    /// A path is longer than Linux takes.
    #[error("file name too long ({0} bytes)")]
    LongName(usize),
    /// A member of a kind that runtimes do not know.
    #[error("unhandled tar header type {0}")]
    Kind(u8),
}
