//! Charts and Kustomizations as the cluster gets them, with the places in their files that the images come from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;

use super::gather::{self, Asked};
use super::trace::{Files, trace};
use crate::extract::pull_secrets::pull_secrets_among;
use crate::extract::runtime_class::runtime_classes;
use crate::extract::{Extraction, Knowledge, extract_with};
use crate::input;
use crate::render::{Kind, RenderError, Unit, render, units};
use crate::report::Input;
use crate::settings::Settings;
use crate::text::{Dialect, Origin, Source, SourceMap};

/// How many programs run at once.
const PROGRAMS_AT_ONCE: usize = 4;

/// What became of the folders that are rendered.
pub(super) struct Renders {
    rendered: Vec<(Unit, Result<String, RenderError>)>,
    /// The files that renders stand for.
    covered: BTreeSet<PathBuf>,
    /// The files of charts that were not rendered.
    unrendered: BTreeSet<PathBuf>,
}

impl Renders {
    /// Renders all charts and Kustomizations among `files`, unless the settings say not to.
    pub async fn of(settings: &Settings, files: &[PathBuf]) -> Self {
        let mut units = units(files);
        let mut unrendered = BTreeSet::new();
        if settings.rendering.is_none() {
            unrendered.extend(units.drain(..).flat_map(covered_chart));
        }
        let rendering = settings.rendering.clone().unwrap_or_default();
        let rendering = &rendering;
        let rendered: Vec<_> = futures_util::stream::iter(units)
            .map(|unit| async move {
                let text = render(&unit, rendering).await;
                (unit, text)
            })
            .buffered(PROGRAMS_AT_ONCE)
            .collect()
            .await;
        let mut covered = BTreeSet::new();
        for (unit, text) in &rendered {
            // The report names this file by what became of the render.
            covered.insert(unit.file.clone());
            match text {
                Ok(_) => covered.extend(unit.covers.iter().cloned()),
                Err(_) => unrendered.extend(covered_chart(unit.clone())),
            }
        }
        Self {
            rendered,
            covered,
            unrendered,
        }
    }

    /// Whether a file need not be read, as a render has what it says.
    pub fn stand_for(&self, file: &Path) -> bool {
        self.covered.contains(file)
    }

    /// Whether a file belongs to a chart that was not rendered, so that its placeholders are no mistakes.
    pub fn is_unrendered(&self, file: &Path) -> bool {
        self.unrendered.contains(file)
    }

    /// Adds what the renders ask for.
    pub fn add_to(&self, asked: &mut Asked, settings: &Settings, sources: &mut SourceMap) {
        for (unit, rendered) in &self.rendered {
            match rendered {
                Ok(text) => {
                    add(unit, text, asked, settings, sources);
                    asked.rendered.push(unit.clone());
                }
                Err(error) => add_skipped(unit, error, asked, settings, sources),
            }
        }
    }
}

fn covered_chart(unit: Unit) -> BTreeSet<PathBuf> {
    match unit.kind {
        Kind::Chart => unit.covers,
        Kind::Kustomization => BTreeSet::new(),
    }
}

fn add(unit: &Unit, text: &str, asked: &mut Asked, settings: &Settings, sources: &mut SourceMap) {
    let source = Source {
        name: input::name(&unit.file),
        text: text.to_owned(),
        origin: Origin::File,
    };
    let knowledge = Knowledge {
        image_fields: &settings.image_fields,
        guess: settings.guess,
        ..Knowledge::default()
    };
    let mut scratch = SourceMap::default();
    let id = scratch.add(source);
    let Extraction { occurrences, .. } = extract_with(id, scratch.get(id), knowledge);
    let mut files = Files::read(unit, settings, sources);
    for occurrence in occurrences {
        let found = trace(occurrence, text, unit, &mut files, sources);
        if !asked.occurrences.contains(&found) {
            asked.occurrences.push(found);
        }
    }
    asked.runtime_classes.extend(runtime_classes(text));
    asked.pull_secrets.join(pull_secrets_among(text));
    asked.inputs.push(Input {
        path: input::name(&unit.file),
        source: Some(files.root),
        dialect: dialect(unit.kind),
        skipped: None,
    });
}

/// What was not rendered is read as it is written. A failure leaves something that could not be told; a program that is not
/// there does not.
fn add_skipped(
    unit: &Unit,
    error: &RenderError,
    asked: &mut Asked,
    settings: &Settings,
    sources: &mut SourceMap,
) {
    let failed = !matches!(
        error,
        RenderError::NotInstalled(_) | RenderError::NeedsNetwork(_)
    );
    let id = input::read_path(&unit.file)
        .ok()
        .map(|source| sources.add(source));
    if let Some(id) = id {
        let read = gather::read(id, sources.get(id), settings);
        asked.occurrences.extend(read.extraction.occurrences);
        asked.problems.extend(read.extraction.problems);
    }
    asked.inputs.push(Input {
        path: input::name(&unit.file),
        source: id.filter(|_| !failed),
        dialect: dialect(unit.kind),
        skipped: Some(error.to_string()),
    });
}

const fn dialect(kind: Kind) -> Dialect {
    match kind {
        Kind::Chart => Dialect::HelmTemplate,
        Kind::Kustomization => Dialect::Kustomization,
    }
}
