//! Source texts and byte spans into them.
//!
//! Spans are bytes everywhere. Lines and columns are made from them only when a report is written.

mod line_index;
mod source;
pub mod yaml;

pub use line_index::{LineIndex, Position};
pub use source::{Dialect, Origin, Source, SourceId, SourceMap, Span};
