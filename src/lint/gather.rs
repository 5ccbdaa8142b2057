//! From paths to the places that name images.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::parallel::in_parallel;
use super::rendered::Renders;
use crate::cluster::NodePool;
use crate::extract::node_pools::node_pools_among;
use crate::extract::pull_secrets::pull_secrets_among;
use crate::extract::runtime_class::runtime_classes;
use crate::extract::{
    Extraction, IgnoreComment, Knowledge, extract_with, ignore_comments, variables,
};
use crate::finding::Problem;
use crate::input::{self, InputError};
use crate::render::Unit;
use crate::report::Input;
use crate::settings::Settings;
use crate::text::{Dialect, Origin, Source, SourceId, SourceMap, Span};
use crate::workload::{Occurrence, Owner, PullSecrets, Role, RuntimeClass};

/// How many files are held at once.
const FILES_AT_ONCE: usize = 32;

/// What the sources ask for.
#[derive(Default)]
pub(super) struct Asked {
    pub inputs: Vec<Input>,
    pub occurrences: Vec<Occurrence>,
    pub problems: Vec<Problem>,
    /// The node pools that stand among the sources.
    pub node_pools: Vec<NodePool>,
    /// The runtime classes that stand among the sources.
    pub runtime_classes: Vec<RuntimeClass>,
    /// The pull secrets that stand among the sources.
    pub pull_secrets: PullSecrets,
    /// The comments that take findings away.
    pub comments: Vec<IgnoreComment>,
    /// The charts and Kustomizations that were rendered.
    pub rendered: Vec<Unit>,
}

/// What one source gives.
pub(super) struct Read {
    pub extraction: Extraction,
    pub node_pools: Vec<NodePool>,
    pub runtime_classes: Vec<RuntimeClass>,
    pub pull_secrets: PullSecrets,
}

/// Reads and extracts all sources. The texts of those that name no image are not kept.
pub(super) async fn occurrences(settings: &Settings, sources: &mut SourceMap) -> Asked {
    let mut asked = Asked::default();
    let mut files = Vec::new();
    for listed in input::list(&settings.paths, &settings.exclude) {
        match listed {
            Ok(file) => files.push(file),
            Err(error) => asked.add_unreadable(&error),
        }
    }
    let renders = Renders::of(settings, &files).await;
    renders.add_to(&mut asked, settings, sources);
    let files: Vec<PathBuf> = files
        .into_iter()
        .filter(|file| !renders.stand_for(file))
        .collect();
    for files in files.chunks(FILES_AT_ONCE) {
        asked.add_files(files, &renders, settings, sources);
    }
    // In an order that does not depend on which of them one of several machines looks at.
    let images: BTreeSet<&String> = settings.images.iter().collect();
    for image in images {
        asked.add_argument(image, sources);
    }
    asked.admit_runtime_classes();
    asked
}

/// Finds what a source asks for. Variables are those of the environment, then those of the `.env` beside it
/// (<https://docs.docker.com/compose/how-tos/environment-variables/envvars-precedence/>).
pub(super) fn read(id: SourceId, source: &Source, settings: &Settings) -> Read {
    let beside = OnceLock::new();
    let of_file = |name: &str| {
        let variables: &HashMap<String, String> = beside.get_or_init(|| variables_beside(source));
        variables.get(name).cloned()
    };
    let knowledge = Knowledge {
        variables: &|name| std::env::var(name).ok().or_else(|| of_file(name)),
        image_fields: &settings.image_fields,
        guess: settings.guess,
    };
    Read {
        extraction: extract_with(id, source, knowledge),
        node_pools: node_pools_among(id, &source.name, &source.text),
        runtime_classes: runtime_classes(&source.text),
        pull_secrets: pull_secrets_among(&source.text),
    }
}

fn variables_beside(source: &Source) -> HashMap<String, String> {
    let folder = match source.origin {
        Origin::File => Path::new(&source.name).parent().unwrap_or(Path::new("")),
        _ => Path::new(""),
    };
    input::read_path(&folder.join(".env"))
        .map(|file| variables(&file.text))
        .unwrap_or_default()
}

impl Asked {
    fn add_unreadable(&mut self, error: &InputError) {
        self.inputs.push(Input {
            path: error.path().to_owned(),
            source: None,
            dialect: Dialect::Unknown,
            skipped: Some(error.reason()),
        });
    }

    /// Reads files, all at once; what they give stands in their order.
    fn add_files(
        &mut self,
        files: &[PathBuf],
        renders: &Renders,
        settings: &Settings,
        sources: &mut SourceMap,
    ) {
        let mut ids = Vec::new();
        let texts = in_parallel(files, |file| input::read_path(file));
        for (file, text) in files.iter().zip(texts) {
            match text {
                Ok(source) => ids.push((file, sources.add(source))),
                Err(error) => self.add_unreadable(&error),
            }
        }
        let found = in_parallel(&ids, |&(_, id)| read(id, sources.get(id), settings));
        for ((file, id), mut read) in ids.into_iter().zip(found) {
            if renders.is_unrendered(file) {
                let occurrences = &mut read.extraction.occurrences;
                occurrences.retain(|image| !image.value.contains("{{"));
            }
            self.add(id, read, sources);
        }
    }

    fn add(&mut self, id: SourceId, read: Read, sources: &mut SourceMap) {
        let Extraction {
            occurrences,
            problems,
            dialect,
            skipped,
        } = read.extraction;
        let comments = ignore_comments(id, &sources.get(id).text, sources.lines(id));
        self.inputs.push(Input {
            path: sources.get(id).name.clone(),
            source: Some(id),
            dialect,
            skipped,
        });
        if comments.is_empty()
            && occurrences.is_empty()
            && problems.is_empty()
            && read.node_pools.is_empty()
        {
            sources.forget(id);
        }
        self.occurrences.extend(occurrences);
        self.problems.extend(problems);
        self.node_pools.extend(read.node_pools);
        self.runtime_classes.extend(read.runtime_classes);
        self.pull_secrets.join(read.pull_secrets);
        self.comments.extend(comments);
    }

    /// Adds to each pod what its runtime class adds. A class that stands there twice with different words, such as once for
    /// each environment, adds nothing: which of them is meant can't be told.
    fn admit_runtime_classes(&mut self) {
        for occurrence in &mut self.occurrences {
            let Some(name) = &occurrence.placement.runtime_class else {
                continue;
            };
            let mut classes = self.runtime_classes.iter().filter(|c| c.name == *name);
            if let Some(class) = classes.next()
                && classes.all(|other| other == class)
            {
                class.admit(Arc::make_mut(&mut occurrence.placement));
            }
        }
    }

    /// `--image REF`: the text of the argument is the whole source.
    fn add_argument(&mut self, image: &str, sources: &mut SourceMap) {
        let id = sources.add(Source {
            name: "--image".to_owned(),
            text: image.to_owned(),
            origin: Origin::Argument,
        });
        self.occurrences.push(Occurrence {
            written: image.to_owned(),
            reference: image.parse(),
            value: image.to_owned(),
            span: Span::new(id, 0..image.len()),
            owner: Owner::default(),
            field: String::new(),
            container: None,
            role: Role::Unplaced,
            pull_policy: None,
            pull_secrets: Vec::new(),
            service_account: None,
            placement: Arc::default(),
        });
    }
}
