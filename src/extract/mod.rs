//! From the text of a source to what it describes: the images that it names, one file per dialect, or node pools.

mod arguments;
mod compose;
mod custom_resource;
mod detect;
mod dockerfile;
mod dotenv;
mod field;
mod fields;
mod guess;
mod helm_values;
mod ignore_comment;
mod kubernetes;
mod kustomization;
mod lines;
pub mod node_pools;
mod parallel;
mod parts;
pub mod permissions;
mod place;
mod placement;
mod pod;
pub mod pull_secrets;
pub mod runtime_class;
mod select;
mod template;
mod variables;

use std::collections::{HashMap, HashSet};

pub use ignore_comment::{IgnoreComment, ignore_comments};

pub use custom_resource::{FieldPath, FieldPathError, ImageField};
use parallel::in_parallel;
use place::Text;

use crate::finding::Problem;
use crate::text::yaml::{Document, Tree, YamlError, documents};
use crate::text::{Dialect, Source, SourceId, Span};
use crate::workload::{Occurrence, Role};

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

/// What is known beside the text of a source.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    /// The values of variables, for Compose.
    pub variables: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Fields of custom resources that name images, beside those that are built in.
    pub image_fields: &'a [ImageField],
    /// Whether texts that only look like an image are images too, with [`Role::Guess`].
    pub guess: bool,
}

impl Default for Knowledge<'_> {
    fn default() -> Self {
        Self {
            variables: &|_| None,
            image_fields: &[],
            guess: false,
        }
    }
}

/// Finds the images in `source`, whose id is `id`, with nothing known beside it.
#[must_use]
pub fn extract(id: SourceId, source: &Source) -> Extraction {
    extract_with(id, source, Knowledge::default())
}

/// The variables that a file such as `.env` sets; the last of equal names wins.
#[must_use]
pub fn variables(text: &str) -> HashMap<String, String> {
    dotenv::variables(text).collect()
}

/// Finds the images in `source`, whose id is `id`.
///
/// A document that is no YAML is a problem at its place and hides no other. A document without the letters that images stand
/// behind names none and is not parsed.
#[must_use]
pub fn extract_with(id: SourceId, source: &Source, knowledge: Knowledge<'_>) -> Extraction {
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
    let documents: Vec<_> = documents(text.text).collect();
    let parts = in_parallel(&documents, |document| {
        Part::read(document, &source.name, text, knowledge)
    });
    join(&documents, parts, text)
}

/// The largest source, in bytes, whose objects are parsed though they name no image: only to say where one is broken.
const CHECKED_SOURCE_BYTES: usize = 1 << 20;

/// What one document gives.
#[derive(Default)]
struct Part {
    dialect: Option<Dialect>,
    occurrences: Vec<Occurrence>,
    problems: Vec<Problem>,
    error: Option<YamlError>,
}

impl Part {
    fn read(document: &Document<'_>, name: &str, text: Text<'_>, knowledge: Knowledge<'_>) -> Self {
        let is_object = kubernetes::mentions_object(document.text());
        let mut part = Self {
            dialect: is_object.then_some(Dialect::Kubernetes),
            ..Self::default()
        };
        if may_name_images(document.text(), is_object, knowledge) {
            match document.parse() {
                Ok(tree) => part.take(&tree, name, text, knowledge),
                Err(error) if template::is_template(document.text()) => {
                    part.dialect = Some(Dialect::HelmTemplate);
                    part.error = Some(error);
                }
                Err(error) => {
                    part.occurrences = lines::images(text, document.text(), document.range().start);
                    part.error = Some(error);
                }
            }
        } else if is_object
            && text.text.len() <= CHECKED_SOURCE_BYTES
            && !template::is_template(document.text())
        {
            part.error = document.parse().err();
        }
        part
    }

    fn take(&mut self, tree: &Tree<'_>, name: &str, text: Text<'_>, knowledge: Knowledge<'_>) {
        let root = tree.root();
        self.dialect = detect::dialect(root, name);
        match self.dialect {
            Some(Dialect::Kubernetes) => {
                (self.occurrences, self.problems) =
                    kubernetes::images(tree, knowledge.image_fields, text);
                if knowledge.guess {
                    let guesses = guess::images(root, &self.occurrences, text);
                    self.occurrences.extend(guesses);
                }
            }
            Some(Dialect::Compose) => {
                self.occurrences = compose::images(root, knowledge.variables, text);
            }
            Some(Dialect::Kustomization) => self.occurrences = kustomization::images(root, text),
            Some(Dialect::HelmValues) => self.occurrences = helm_values::images(root, text),
            Some(dialect) => self.occurrences = fields::images(root, dialect, text),
            None => {}
        }
    }
}

/// Joins what the documents give. The dialect is that of the first document that has one.
fn join(documents: &[Document<'_>], parts: Vec<Part>, text: Text<'_>) -> Extraction {
    let is_template = |part: &Part| part.dialect == Some(Dialect::HelmTemplate);
    if parts.iter().any(is_template) {
        return template(text);
    }
    let Some(dialect) = parts.iter().find_map(|part| part.dialect) else {
        let error = parts.into_iter().find_map(|part| part.error);
        return Extraction {
            skipped: error.map(|error| format!("it is no YAML: {error}")),
            ..found(Dialect::Unknown, Vec::new(), Vec::new())
        };
    };
    let is_read = parts.iter().any(|part| part.error.is_none());
    let mut occurrences = Vec::new();
    let mut problems = Vec::new();
    for (document, part) in documents.iter().zip(parts) {
        occurrences.extend(part.occurrences);
        problems.extend(part.error.map(|error| not_yaml(text.id, document, &error)));
        problems.extend(part.problems);
    }
    Extraction {
        skipped: (!is_read).then(|| "none of its documents is YAML".to_owned()),
        ..found(dialect, occurrences, problems)
    }
}

/// Whether a document has the letters of a key that an image can stand behind.
fn may_name_images(text: &str, is_object: bool, knowledge: Knowledge<'_>) -> bool {
    let may_have = |field: &ImageField| text.contains(&field.kind);
    text.contains("mage")
        || (is_object && (knowledge.guess || knowledge.image_fields.iter().any(may_have)))
        || (!is_object
            && ["container", "docker", "steps", "repository", "services"]
                .iter()
                .any(|word| text.contains(word)))
}

/// Puts a result together. A field that two ways lead to is one occurrence.
fn found(dialect: Dialect, mut occurrences: Vec<Occurrence>, problems: Vec<Problem>) -> Extraction {
    let mut seen = HashSet::new();
    occurrences.retain(|occurrence| seen.insert((occurrence.span, occurrence.field.clone())));
    if is_off_cluster(dialect) {
        let unplaced = occurrences
            .iter_mut()
            .filter(|occurrence| occurrence.role == Role::Unplaced);
        unplaced.for_each(|occurrence| occurrence.role = Role::OffCluster);
    }
    Extraction {
        occurrences,
        problems,
        dialect,
        skipped: None,
    }
}

/// Whether the images of a dialect are pulled by builders and other machines, and not by the nodes of a cluster.
const fn is_off_cluster(dialect: Dialect) -> bool {
    matches!(
        dialect,
        Dialect::CloudBuild
            | Dialect::Compose
            | Dialect::Dockerfile
            | Dialect::Dotenv
            | Dialect::GithubAction
            | Dialect::GithubWorkflow
            | Dialect::GitlabCi
    )
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
            "Mend it: of its images only those that stand on a line of their own were read. The other documents were read.".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests;
