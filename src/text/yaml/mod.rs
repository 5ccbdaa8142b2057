//! YAML with the byte range of every value. JSON is read by the same parser, as it is YAML too.
//!
//! A text is cut into documents first (YAML 1.2.2 §9.1), each of which is parsed on its own. So a broken document hides no
//! other, memory is bounded by the largest document, and a document in which nothing can be of interest need not be
//! parsed.

mod builder;
mod documents;
mod tree;

pub use documents::{Document, YamlError, documents};
pub use tree::{Node, Tree};
