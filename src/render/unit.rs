//! The folders that are rendered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::kustomization::{self, Kustomization};
use crate::input;
use crate::text::yaml::documents;

/// The names of a Kustomization
/// (<https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization>).
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The name of the file that makes a folder a chart (<https://helm.sh/docs/topics/charts/#the-chart-file-structure>).
const CHART: &str = "Chart.yaml";

/// The folder of a chart that holds the charts which it depends on.
const CHARTS: &str = "charts";

/// What is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A Helm chart.
    Chart,
    /// A Kustomization.
    Kustomization,
}

/// A folder that is rendered as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// What it is.
    pub kind: Kind,
    /// The folder.
    pub folder: PathBuf,
    /// The file that makes it one.
    pub file: PathBuf,
    /// The files that the render stands for: whoever has it need not read them.
    pub covers: BTreeSet<PathBuf>,
    /// What it asks for that is no file, such as addresses of other repositories.
    pub remote: Vec<String>,
}

/// The folders among `files` that are rendered. A chart inside of another and a base of another Kustomization are rendered
/// with it.
#[must_use]
pub fn units(files: &[PathBuf]) -> Vec<Unit> {
    let mut units = charts(files);
    let in_charts = covered(&units);
    let outside = files.iter().filter(|file| !in_charts.contains(*file));
    let outside: Vec<PathBuf> = outside.cloned().collect();
    units.extend(kustomizations(&outside));
    units
}

fn is_named(file: &Path, names: &[&str]) -> bool {
    file.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| names.contains(&name))
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn charts(files: &[PathBuf]) -> Vec<Unit> {
    let folders: BTreeMap<PathBuf, &PathBuf> = files
        .iter()
        .filter(|file| is_named(file, &[CHART]))
        .map(|file| (folder_of(file), file))
        .collect();
    let is_outermost = |folder: &PathBuf| {
        let is_above = |above: &Path| {
            let below = folder.strip_prefix(above);
            folders.contains_key(above) && below.is_ok_and(|path| path.starts_with(CHARTS))
        };
        !folder.ancestors().skip(1).any(is_above)
    };
    let charts = folders
        .iter()
        .filter(|(folder, file)| is_outermost(folder) && !is_library(file));
    let unit = |(folder, file): (&PathBuf, &&PathBuf)| {
        let is_part = |path: &&PathBuf| {
            path.strip_prefix(folder).is_ok_and(|path| {
                let mut parts = path.components();
                let first = parts.next().map(Component::as_os_str);
                let is = |name: &str| first == Some(name.as_ref());
                is(CHART) || is("values.yaml") || is("templates") || is(CHARTS) || is("crds")
            })
        };
        Unit {
            kind: Kind::Chart,
            folder: folder.clone(),
            file: (*file).clone(),
            covers: files.iter().filter(is_part).cloned().collect(),
            remote: Vec::new(),
        }
    };
    charts.map(unit).collect()
}

/// Library charts have nothing to install (<https://helm.sh/docs/topics/library_charts/>).
fn is_library(file: &Path) -> bool {
    let Ok(source) = input::read_path(file) else {
        return false;
    };
    let chart = documents(&source.text)
        .next()
        .and_then(|document| document.parse().ok());
    chart.is_some_and(|chart| {
        let kind = chart.root().get("type");
        kind.and_then(|kind| kind.as_str()) == Some("library")
    })
}

fn kustomizations(files: &[PathBuf]) -> Vec<Unit> {
    let mut known = BTreeMap::new();
    let mut next: Vec<PathBuf> = files
        .iter()
        .filter(|file| is_named(file, &KUSTOMIZATIONS))
        .cloned()
        .collect();
    let named: Vec<PathBuf> = next.iter().map(|file| folder_of(file)).collect();
    while let Some(file) = next.pop() {
        let folder = folder_of(&file);
        if known.contains_key(&folder) {
            continue;
        }
        let Some(read) = kustomization::read(&file) else {
            continue;
        };
        next.extend(read.folders.iter().filter_map(|folder| file_of(folder)));
        known.insert(folder, read);
    }
    let used: BTreeSet<&PathBuf> = known.values().flat_map(|read| &read.folders).collect();
    let roots = named.iter().filter(|folder| {
        let is_buildable = known.get(*folder).is_some_and(|read| !read.is_component);
        is_buildable && !used.contains(folder)
    });
    let mut units: Vec<Unit> = roots.map(|folder| reach(folder, &known)).collect();
    // What only a circle leads to shows its own error.
    let mut covered: BTreeSet<PathBuf> = covered(&units);
    for folder in &named {
        let read = known.get(folder);
        if read.is_some_and(|read| !read.is_component && !covered.contains(&read.file)) {
            let unit = reach(folder, &known);
            covered.extend(unit.covers.iter().cloned());
            units.push(unit);
        }
    }
    units.sort_by(|a, b| a.file.cmp(&b.file));
    units
}

fn covered(units: &[Unit]) -> BTreeSet<PathBuf> {
    units
        .iter()
        .flat_map(|unit| unit.covers.iter().cloned())
        .collect()
}

/// The Kustomization of a folder.
fn file_of(folder: &Path) -> Option<PathBuf> {
    KUSTOMIZATIONS
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file())
}

/// The unit of `root`, with all that its Kustomization leads to.
fn reach(root: &Path, known: &BTreeMap<PathBuf, Kustomization>) -> Unit {
    let mut unit = Unit {
        kind: Kind::Kustomization,
        folder: root.to_owned(),
        file: known
            .get(root)
            .map(|read| read.file.clone())
            .unwrap_or_default(),
        covers: BTreeSet::new(),
        remote: Vec::new(),
    };
    let mut next = vec![root.to_owned()];
    while let Some(folder) = next.pop() {
        let Some(read) = known.get(&folder) else {
            continue;
        };
        if unit.covers.insert(read.file.clone()) {
            unit.covers.extend(read.files.iter().cloned());
            unit.remote.extend(read.remote.iter().cloned());
            next.extend(read.folders.iter().cloned());
        }
    }
    unit
}
