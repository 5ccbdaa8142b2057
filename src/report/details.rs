//! What belongs to a finding beside its message, in words.

use super::place::Places;
use super::visible::visible;
use crate::finding::Finding;

/// A name and what stands behind it.
pub(super) type NamedText = (&'static str, String);

/// Whether the further places of a finding stand beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Further {
    /// Each has a report of its own.
    None,
    /// At most so many, with the count of the rest.
    Listed(usize),
}

/// Node pools, event, help, and further places; made harmless.
pub(super) fn details(finding: &Finding, places: &Places<'_>, further: Further) -> Vec<NamedText> {
    let mut details = Vec::new();
    if !finding.node_pools.is_empty() {
        let names: Vec<_> = finding
            .node_pools
            .iter()
            .map(|name| visible(name))
            .collect();
        details.push(("node pools", names.join(", ")));
    }
    if let Some(event) = &finding.event {
        let message = visible(&event.message);
        details.push(("event", format!("{}: {message}", event.reason)));
    }
    if let Some(help) = &finding.help {
        details.push(("help", visible(help).into_owned()));
    }
    let Further::Listed(listed) = further else {
        return details;
    };
    let further = finding.places.get(1..).unwrap_or_default();
    for place in places.all_of(&further[..further.len().min(listed)]) {
        let text = match place.workload() {
            Some(workload) => format!("{place} {workload}"),
            None => place.to_string(),
        };
        details.push(("also", text));
    }
    if let Some(more @ 1..) = further.len().checked_sub(listed) {
        details.push(("also", format!("+{more} more")));
    }
    details
}

/// A message with its details below, one line each.
pub(super) fn with_details(message: &str, details: &[NamedText]) -> String {
    let lines = details.iter().map(|(name, text)| format!("{name}: {text}"));
    std::iter::once(visible(message).into_owned())
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}
