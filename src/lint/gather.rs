//! From paths to the places that name images.

use std::sync::Arc;

use crate::cluster::NodePool;
use crate::extract::node_pools::node_pools_among;
use crate::extract::pull_secrets::pull_secrets_among;
use crate::extract::runtime_class::runtime_classes;
use crate::extract::{Extraction, extract};
use crate::finding::Problem;
use crate::input;
use crate::report::Input;
use crate::settings::Settings;
use crate::text::{Dialect, Origin, Source, SourceMap, Span};
use crate::workload::{Occurrence, Owner, PullSecrets, Role, RuntimeClass};

/// What the sources ask for.
#[derive(Default)]
pub(super) struct Asked {
    pub inputs: Vec<Input>,
    pub occurrences: Vec<Occurrence>,
    pub problems: Vec<Problem>,
    /// The node pools that stand among the sources.
    pub node_pools: Vec<NodePool>,
    /// The runtime classes that stand among the sources.
    runtime_classes: Vec<RuntimeClass>,
    /// The pull secrets that stand among the sources.
    pub pull_secrets: PullSecrets,
}

/// Reads and extracts all sources, one after the other. The texts of those that name no image are not kept.
pub(super) fn occurrences(settings: &Settings, sources: &mut SourceMap) -> Asked {
    let mut asked = Asked::default();
    for read in input::read(&settings.paths) {
        match read {
            Ok(source) => asked.add_source(source, sources),
            Err(error) => asked.inputs.push(Input {
                path: error.path().to_owned(),
                source: None,
                dialect: Dialect::Unknown,
                skipped: Some(error.reason()),
            }),
        }
    }
    for image in &settings.images {
        asked.add_argument(image, sources);
    }
    asked.admit_runtime_classes();
    asked
}

impl Asked {
    fn add_source(&mut self, source: Source, sources: &mut SourceMap) {
        let path = source.name.clone();
        let id = sources.add(source);
        let Extraction {
            occurrences,
            problems,
            dialect,
            skipped,
        } = extract(id, sources.get(id));
        let node_pools = node_pools_among(id, &path, &sources.get(id).text);
        let runtime_classes = runtime_classes(&sources.get(id).text);
        self.runtime_classes.extend(runtime_classes);
        self.pull_secrets
            .join(pull_secrets_among(&sources.get(id).text));
        if occurrences.is_empty() && problems.is_empty() && node_pools.is_empty() {
            sources.forget(id);
        }
        self.inputs.push(Input {
            path,
            source: Some(id),
            dialect,
            skipped,
        });
        self.occurrences.extend(occurrences);
        self.problems.extend(problems);
        self.node_pools.extend(node_pools);
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
