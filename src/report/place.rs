//! Places as people and platforms count them.

use std::collections::HashMap;
use std::fmt;

use super::Report;
use super::visible::visible;
use crate::text::{Origin, Position, SourceMap, Span};
use crate::workload::{Occurrence, Role};

/// A span with its path, lines and columns, and the workload around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub path: &'a str,
    pub origin: Origin,
    pub span: Span,
    pub start: Position,
    pub end: Position,
    pub occurrence: Option<&'a Occurrence>,
}

/// Makes places of spans.
pub(super) struct Places<'a> {
    sources: &'a SourceMap,
    occurrences: HashMap<Span, &'a Occurrence>,
}

impl<'a> Places<'a> {
    pub fn new(report: &'a Report) -> Self {
        let images = report.images.iter().flat_map(|image| &image.occurrences);
        let mut occurrences = HashMap::new();
        for occurrence in images.chain(&report.invalid) {
            // Several containers may get their image from one place, of which those that come later change nothing.
            occurrences.entry(occurrence.span).or_insert(occurrence);
        }
        Self {
            sources: &report.sources,
            occurrences,
        }
    }

    pub fn of(&self, span: Span) -> Place<'a> {
        let source = self.sources.get(span.source);
        Place {
            path: &source.name,
            origin: source.origin,
            span,
            start: self.sources.start(span),
            end: self.sources.end(span),
            occurrence: self.occurrences.get(&span).copied(),
        }
    }

    pub fn all_of(&self, spans: &[Span]) -> impl Iterator<Item = Place<'a>> {
        spans.iter().map(|&span| self.of(span))
    }
}

impl Place<'_> {
    /// What stands there, such as `container web of Deployment shop/web`.
    pub fn workload(&self) -> Option<String> {
        self.occurrence
            .map(workload)
            .filter(|workload| !workload.is_empty())
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.start;
        write!(f, "{}:{line}:{column}", visible(self.path))
    }
}

/// The container and its object, such as `init container migrate of Job shop/migrate`.
pub(super) fn workload(occurrence: &Occurrence) -> String {
    let role = match occurrence.role {
        Role::Container => "container",
        Role::InitContainer => "init container",
        Role::EphemeralContainer => "ephemeral container",
        Role::Volume => "volume",
        Role::Unplaced | Role::OffCluster | Role::Guess | Role::Provisional => {
            return visible(&occurrence.field).into_owned();
        }
    };
    let place = match &occurrence.container {
        Some(name) => format!("{role} {}", visible(name)),
        None => format!("{role} at {}", visible(&occurrence.field)),
    };
    let owner = &occurrence.owner;
    let Some(kind) = owner.kind.as_deref().map(visible) else {
        return place;
    };
    let name = owner.name.as_deref().map(visible);
    match (owner.namespace.as_deref().map(visible), name) {
        (Some(namespace), Some(name)) => format!("{place} of {kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{place} of {kind} {name}"),
        (_, None) => format!("{place} of {kind}"),
    }
}
