//! Extraction held against real sources, whose images and their places are known.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use oci_preflight::extract::{Extraction, extract};
use oci_preflight::input;
use oci_preflight::text::{Origin, Source, SourceId, SourceMap};
use serde_json::Value;

/// The suffix of the files that tell what stands in a source.
const EXPECTED: &str = ".expected.json";

/// A source of the corpus, what is known of it, and what was found in it.
struct Case {
    expected: Value,
    sources: SourceMap,
    id: SourceId,
    extraction: Extraction,
}

type Place = (usize, usize);

impl Case {
    fn read(expected: &Path) -> Self {
        let path = expected.to_str().expect("a path in UTF-8");
        let path = path.strip_suffix(EXPECTED).expect("the suffix");
        let mut sources = SourceMap::default();
        let id = sources.add(Source {
            name: path.to_owned(),
            text: fs::read_to_string(path).expect("a source"),
            origin: Origin::File,
        });
        let extraction = extract(id, sources.get(id));
        let expected = fs::read_to_string(expected).expect("what is expected");
        Self {
            expected: serde_json::from_str(&expected).expect("JSON"),
            sources,
            id,
            extraction,
        }
    }

    fn name(&self) -> &str {
        &self.sources.get(self.id).name
    }

    fn found(&self) -> BTreeMap<Place, &str> {
        let occurrences = self.extraction.occurrences.iter();
        occurrences
            .map(|occurrence| {
                let start = self.sources.start(occurrence.span);
                ((start.line, start.column), occurrence.written.as_str())
            })
            .collect()
    }

    fn expected(&self, list: &str, accept: impl Fn(&Value) -> bool) -> BTreeSet<Place> {
        let number = |image: &Value, key: &str| {
            usize::try_from(image[key].as_u64().expect("a number")).expect("a small number")
        };
        let images = self.expected[list].as_array().expect("a list").iter();
        images
            .filter(|image| accept(image))
            .map(|image| (number(image, "line"), number(image, "column")))
            .collect()
    }
}

#[derive(Default)]
struct Score {
    found: usize,
    missed: Vec<String>,
    extra: Vec<String>,
}

impl Score {
    /// Counts places that must be found; other places of true images are neutral, and so is the whole line of what cannot
    /// be resolved or may be none.
    fn count(&mut self, case: &Case, accept: fn(&Value) -> bool, others: bool) {
        let mut wanted = case.expected("images", accept);
        if others {
            wanted.extend(case.expected("other_images", |_| true));
        }
        let lists = ["images", "other_images", "maybe", "unresolvable"];
        let neutral: BTreeSet<Place> = lists
            .iter()
            .flat_map(|list| case.expected(list, |_| true))
            .collect();
        let lines: BTreeSet<usize> = ["maybe", "unresolvable"]
            .iter()
            .flat_map(|list| case.expected(list, |_| true))
            .map(|(line, _)| line)
            .collect();
        let found = case.found();
        let places: BTreeSet<Place> = found.keys().copied().collect();
        self.found += wanted.intersection(&places).count();
        let say = |(line, column): &Place| format!("{}:{line}:{column}", case.name());
        self.missed.extend(wanted.difference(&places).map(say));
        let extra = places.iter().filter(|place| {
            !wanted.contains(place) && !neutral.contains(place) && !lines.contains(&place.0)
        });
        self.extra
            .extend(extra.map(|place| format!("{} {}", say(place), found[place])));
    }

    #[expect(clippy::cast_precision_loss, reason = "the counts are small")]
    fn ratio(&self, others: &[String]) -> f64 {
        self.found as f64 / (self.found + others.len()).max(1) as f64
    }

    fn print(&self) {
        for place in self.missed.iter().take(40) {
            println!("missed {place}");
        }
        for place in self.extra.iter().take(40) {
            println!("extra  {place}");
        }
        println!(
            "recall {:.4} precision {:.4} (found {}, missed {}, extra {})",
            self.ratio(&self.missed),
            self.ratio(&self.extra),
            self.found,
            self.missed.len(),
            self.extra.len()
        );
    }
}

/// All cases of the corpus, read once; none where it is not there.
static CORPUS: LazyLock<Vec<Case>> = LazyLock::new(corpus);

fn corpus() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/manifests");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return Vec::new();
    }
    let mut files = Vec::new();
    list_files(&folder, &mut files);
    files.sort();
    let is_expected = |path: &&PathBuf| path.to_str().is_some_and(|path| path.ends_with(EXPECTED));
    files
        .iter()
        .filter(is_expected)
        .map(|path| Case::read(path))
        .collect()
}

fn list_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            list_files(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn images_of_built_in_kinds_are_found_at_their_line_and_column() {
    let mut score = Score::default();
    for case in &*CORPUS {
        score.count(case, |image| image["tier"] == "core", false);
    }
    score.print();
    assert!(CORPUS.is_empty() || score.ratio(&score.missed) >= 0.99);
    assert!(CORPUS.is_empty() || score.ratio(&score.extra) >= 0.99);
}

#[test]
fn images_of_every_dialect_are_found_at_their_line_and_column() {
    let mut score = Score::default();
    for case in &*CORPUS {
        score.count(case, |_| true, true);
    }
    score.print();
    assert!(CORPUS.is_empty() || score.ratio(&score.missed) >= 0.997);
    assert!(CORPUS.is_empty() || score.ratio(&score.extra) >= 0.997);
}

#[test]
fn the_text_under_every_span_is_the_image_as_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["fixtures", "../shared/corpus/manifests"].map(|folder| root.join(folder));
    let folders: Vec<_> = folders
        .into_iter()
        .filter(|folder| folder.is_dir())
        .collect();
    for source in input::read(&folders).filter_map(Result::ok) {
        let mut sources = SourceMap::default();
        let id = sources.add(source);
        let source = sources.get(id);
        for occurrence in extract(id, source).occurrences {
            assert_eq!(
                sources.slice(occurrence.span),
                occurrence.written,
                "{}",
                source.name
            );
        }
    }
}

#[test]
fn a_walk_reads_every_source_with_images() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/manifests");
    let names: BTreeSet<String> = input::read(&[folder])
        .filter_map(Result::ok)
        .map(|source| source.name)
        .collect();
    for case in &*CORPUS {
        let is_read = names.contains(case.name());
        assert!(
            is_read || case.extraction.occurrences.is_empty(),
            "{}",
            case.name()
        );
    }
}

#[test]
fn templates_are_named_as_skipped() {
    for case in &*CORPUS {
        if case.expected["file_kind"] == "template" {
            assert!(case.extraction.skipped.is_some(), "{}", case.name());
        }
    }
}
