//! What is left of a run when only what changed is looked at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::gather::Asked;
use crate::input::{Changes, name};
use crate::render::{Kind, Unit};
use crate::settings::Settings;
use crate::text::{Origin, SourceId, SourceMap};

/// Takes away what stands in files that did not change, nor are part of a chart or a Kustomization that did. What every image
/// is held to is no part of one file: when a file that the settings name changed, nothing is taken away.
///
/// Gives whether only what changed is left.
pub(super) fn narrow(
    changes: &Changes,
    settings: &Settings,
    asked: &mut Asked,
    sources: &SourceMap,
) -> bool {
    if held_to(settings).any(|file| changes.hold(file)) {
        return false;
    }
    let touched = Touched {
        changes,
        rendered: rendered(changes, &asked.rendered),
    };
    let source = |id: SourceId| {
        let source = sources.get(id);
        source.origin != Origin::File || touched.is(Path::new(&source.name))
    };
    asked.occurrences.retain(|one| source(one.span.source));
    asked.problems.retain(|one| source(one.span.source));
    asked.comments.retain(|one| source(one.span.source));
    asked
        .inputs
        .retain(|input| touched.is(Path::new(&input.path)));
    true
}

/// The files that say what images are held to, wherever they stand.
fn held_to(settings: &Settings) -> impl Iterator<Item = &Path> {
    let config = settings.config.iter().map(|config| Path::new(&config.name));
    let rendering = settings
        .rendering
        .iter()
        .flat_map(|rendering| &rendering.values);
    let files = [&settings.nodes, &settings.iam, &settings.pull_secrets];
    let files = files.into_iter().flatten().chain(rendering);
    let files = files.chain(&settings.baseline).chain(&settings.ca_files);
    config.chain(files.map(PathBuf::as_path))
}

/// The files of the charts and Kustomizations that something changed in. Whatever lies in the folder of a chart may be read by
/// its templates, or be gone from it.
fn rendered(changes: &Changes, units: &[Unit]) -> BTreeSet<String> {
    let touched = units.iter().filter(|unit| {
        unit.covers.iter().any(|file| changes.hold(file))
            || (unit.kind == Kind::Chart && changes.reach_into(&unit.folder))
    });
    let files = touched.flat_map(|unit| unit.covers.iter().chain([&unit.file]));
    files.map(|file| name(file)).collect()
}

struct Touched<'a> {
    changes: &'a Changes,
    rendered: BTreeSet<String>,
}

impl Touched<'_> {
    /// Whether what stands in that file may be new. Compose takes variables from the `.env` beside it. A path that leads to no
    /// file was named by the user, and stays.
    fn is(&self, path: &Path) -> bool {
        self.rendered.contains(&name(path))
            || !path.is_file()
            || self.changes.hold(path)
            || self.changes.hold(&path.with_file_name(".env"))
    }
}
