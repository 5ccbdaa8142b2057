//! Every place that names one image.

use std::io::{self, Write};

use super::place::workload;
use super::visible::visible;
use crate::oci::Reference;
use crate::text::{Position, SourceMap};
use crate::workload::Occurrence;

/// Writes a line for each of `occurrences` that names `image`, whatever its tag where `any_tag`, and gives how many there
/// are. Names are compared in full, so that `nginx` is `docker.io/library/nginx`.
///
/// # Errors
///
/// When `out` does not take what is written.
pub fn write_places(
    image: &Reference,
    any_tag: bool,
    sources: &SourceMap,
    occurrences: &[Occurrence],
    out: &mut dyn Write,
) -> io::Result<usize> {
    let is_named = |occurrence: &&Occurrence| {
        let named = occurrence.reference.as_ref();
        named.is_ok_and(|named| named == image || (any_tag && named.name() == image.name()))
    };
    let mut places: Vec<_> = occurrences.iter().filter(is_named).collect();
    places.sort_by_key(|occurrence| {
        let path = sources.get(occurrence.span.source).name.as_str();
        (path, occurrence.span.start)
    });
    for occurrence in &places {
        let Position { line, column } = sources.start(occurrence.span);
        let path = visible(&sources.get(occurrence.span.source).name);
        let value = visible(&occurrence.value);
        let workload = workload(occurrence);
        writeln!(out, "{path}:{line}:{column}: {value} ({workload})")?;
    }
    Ok(places.len())
}
