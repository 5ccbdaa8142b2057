//! From the text of a source to what it describes: the images that it names, one file per dialect, or node pools.

mod field;
mod kubernetes;
pub mod node_pools;
pub mod permissions;
mod place;
mod placement;
mod pod;
mod template;

use crate::finding::Problem;
use crate::text::yaml::{Document, YamlError, documents};
use crate::text::{Dialect, Source, SourceId, Span};
use crate::workload::Occurrence;

/// What a source asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extraction {
    /// The places that name an image.
    pub occurrences: Vec<Occurrence>,
    /// The places that could not be read.
    pub problems: Vec<Problem>,
    /// What kind of source it is.
    pub dialect: Dialect,
    /// Why the source was not read, and what to do; none where it was.
    pub skipped: Option<String>,
}

/// Finds the images in `source`, whose id is `id`.
///
/// A document that is no YAML is a problem at its place and hides no other. A document without the letters `image` names
/// none and is not parsed.
#[must_use]
pub fn extract(id: SourceId, source: &Source) -> Extraction {
    let text = source.text.as_str();
    let mut reader = kubernetes::Reader::new(place::Text { id, text });
    let mut is_kubernetes = false;
    let mut broken = Vec::new();
    for document in documents(text) {
        if !document.text().contains("image") {
            is_kubernetes |= kubernetes::mentions_object(document.text());
            continue;
        }
        match document.parse() {
            Ok(tree) => is_kubernetes |= reader.read(&tree),
            Err(_) if template::is_template(document.text()) => return skipped_template(),
            Err(error) => {
                is_kubernetes |= kubernetes::mentions_object(document.text());
                broken.push((document, error));
            }
        }
    }
    if is_kubernetes {
        let problems = broken
            .iter()
            .map(|(document, error)| not_yaml(id, document, error));
        Extraction {
            problems: problems.chain(reader.problems).collect(),
            occurrences: reader.occurrences,
            dialect: Dialect::Kubernetes,
            skipped: None,
        }
    } else {
        let error = broken.first();
        skipped(
            Dialect::Unknown,
            error.map(|(_, error)| format!("it is no YAML: {error}")),
        )
    }
}

fn skipped_template() -> Extraction {
    let why = "it is a template and no YAML before it is rendered: run `helm template CHART | oci-preflight lint -`";
    skipped(Dialect::HelmTemplate, Some(why.to_owned()))
}

fn skipped(dialect: Dialect, why: Option<String>) -> Extraction {
    Extraction {
        occurrences: Vec::new(),
        problems: Vec::new(),
        dialect,
        skipped: why,
    }
}

/// A document that the parser gave up, shown at the rest of the line at which it did.
fn not_yaml(id: SourceId, document: &Document<'_>, error: &YamlError) -> Problem {
    let rest = document.text().get(error.offset - document.range().start..);
    let line = rest
        .and_then(|rest| rest.lines().next())
        .unwrap_or_default();
    Problem {
        span: Span::new(id, error.offset..error.offset + line.trim_end().len()),
        message: format!("this document is no YAML: {error}"),
        help: Some(
            "Mend it: no image in it was checked. The other documents were read.".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests;
