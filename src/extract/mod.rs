//! From the text of a source to what it describes: the images that it names, one file per dialect, or node pools.

mod compose;
mod custom_resource;
mod detect;
mod dockerfile;
mod dotenv;
mod field;
mod fields;
mod helm_values;
mod kubernetes;
mod kustomization;
mod lines;
pub mod node_pools;
mod parts;
pub mod permissions;
mod place;
mod placement;
mod pod;
mod select;
mod template;
mod variables;

use std::collections::HashSet;

use place::Text;

use crate::finding::Problem;
use crate::text::yaml::{Document, Node, YamlError, documents};
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
/// A document that is no YAML is a problem at its place and hides no other. A document without the letters that images stand
/// behind names none and is not parsed.
#[must_use]
pub fn extract(id: SourceId, source: &Source) -> Extraction {
    let text = Text {
        id,
        text: &source.text,
    };
    if dockerfile::is_dockerfile(text.text) {
        return found(Dialect::Dockerfile, dockerfile::images(text), Vec::new());
    }
    if dotenv::is_dotenv(text.text) {
        return found(Dialect::Dotenv, dotenv::images(text), Vec::new());
    }
    let mut reader = Reader::new(text, &source.name);
    for document in documents(text.text) {
        if let Some(template) = reader.read(document) {
            return template;
        }
    }
    reader.finish()
}

/// Reads the documents of one source.
struct Reader<'a> {
    text: Text<'a>,
    name: &'a str,
    kubernetes: kubernetes::Reader<'a>,
    others: Vec<Occurrence>,
    broken: Vec<(Document<'a>, YamlError)>,
    /// The dialect of the first document that has one.
    dialect: Option<Dialect>,
}

impl<'a> Reader<'a> {
    fn new(text: Text<'a>, name: &'a str) -> Self {
        Self {
            text,
            name,
            kubernetes: kubernetes::Reader::new(text),
            others: Vec::new(),
            broken: Vec::new(),
            dialect: None,
        }
    }

    /// Reads a document. Gives what there is to say of the whole source where it turns out to be a template.
    fn read(&mut self, document: Document<'a>) -> Option<Extraction> {
        let is_object = kubernetes::mentions_object(document.text());
        if !may_name_images(document.text(), is_object) {
            self.is(is_object.then_some(Dialect::Kubernetes));
            return None;
        }
        match document.parse() {
            Ok(tree) => {
                let dialect = detect::dialect(tree.root(), self.name);
                self.is(dialect);
                match dialect {
                    Some(Dialect::Kubernetes) => self.kubernetes.read(&tree),
                    Some(dialect) => {
                        self.others
                            .extend(other_images(tree.root(), dialect, self.text));
                    }
                    None => {}
                }
            }
            Err(_) if template::is_template(document.text()) => return Some(template(self.text)),
            Err(error) => {
                self.is(is_object.then_some(Dialect::Kubernetes));
                self.broken.push((document, error));
            }
        }
        None
    }

    fn is(&mut self, dialect: Option<Dialect>) {
        self.dialect = self.dialect.or(dialect);
    }

    fn finish(self) -> Extraction {
        let Some(dialect) = self.dialect else {
            let why = |(_, error): &(_, YamlError)| format!("it is no YAML: {error}");
            let why = self.broken.first().map(why);
            return Extraction {
                skipped: why,
                ..found(Dialect::Unknown, Vec::new(), Vec::new())
            };
        };
        let literal = self.broken.iter().flat_map(|(document, _)| {
            lines::images(self.text, document.text(), document.range().start)
        });
        let mut occurrences = self.kubernetes.occurrences;
        occurrences.extend(self.others.into_iter().chain(literal));
        let problems = self
            .broken
            .iter()
            .map(|(document, error)| not_yaml(self.text.id, document, error));
        found(
            dialect,
            occurrences,
            problems.chain(self.kubernetes.problems).collect(),
        )
    }
}

/// Whether a document has the letters of a key that an image can stand behind.
fn may_name_images(text: &str, is_object: bool) -> bool {
    text.contains("mage")
        || (!is_object
            && ["container", "docker", "steps", "repository", "services"]
                .iter()
                .any(|word| text.contains(word)))
}

fn other_images(root: Node<'_>, dialect: Dialect, text: Text<'_>) -> Vec<Occurrence> {
    match dialect {
        Dialect::Compose => compose::images(root, text),
        Dialect::Kustomization => kustomization::images(root, text),
        Dialect::HelmValues => helm_values::images(root, text),
        _ => fields::images(root, dialect, text),
    }
}

/// Puts a result together. A field that two ways lead to is one occurrence.
fn found(dialect: Dialect, mut occurrences: Vec<Occurrence>, problems: Vec<Problem>) -> Extraction {
    let mut seen = HashSet::new();
    occurrences.retain(|occurrence| seen.insert((occurrence.span, occurrence.field.clone())));
    Extraction {
        occurrences,
        problems,
        dialect,
        skipped: None,
    }
}

fn template(text: Text<'_>) -> Extraction {
    let why = "it is a template and no YAML before it is rendered, so that only the images that stand in it literally were \
               read: run `helm template CHART | oci-preflight lint -`";
    Extraction {
        skipped: Some(why.to_owned()),
        ..found(
            Dialect::HelmTemplate,
            lines::images(text, text.text, 0),
            Vec::new(),
        )
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
