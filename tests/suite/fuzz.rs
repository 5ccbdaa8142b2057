//! Real files, broken in every way that a few changes can break them, never make the program fail.
//!
//! The same cases run each time. `PROPTEST_CASES=100000 cargo test --release --test suite -- fuzz` runs more of them, and
//! `PROPTEST_RNG_SEED=N` others.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use oci_preflight::event::explain;
use oci_preflight::extract::node_pools::node_pools;
use oci_preflight::extract::permissions::permissions;
use oci_preflight::extract::pull_secrets::{pull_secret, pull_secrets_among};
use oci_preflight::extract::{Knowledge, extract_with, ignore_comments, variables};
use oci_preflight::oci::{Config, Manifest, Reference, steps};
use oci_preflight::settings::ConfigFile;
use oci_preflight::text::{Origin, Source, SourceMap};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use tempfile::TempDir;

use crate::runner::project;

/// A file that a run may read: its name and its bytes.
type Seed = (String, Vec<u8>);

/// Pieces that mean something to one of the readers.
const PIECES: [&str; 34] = [
    "\n",
    "  ",
    "\t",
    "- ",
    ": ",
    "---\n",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "&a ",
    "*a",
    "<<: ",
    "|\n",
    ">-\n",
    "# ",
    "%",
    "image: ",
    "containers:\n",
    "${A:-",
    "{{ ",
    "$(",
    "FROM ",
    "\\",
    "@sha256:",
    ":",
    "/",
    "\u{feff}",
    "\0",
    "\r",
    "9999999999",
    "oci-preflight: ignore[",
];

/// One change to some bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Insert(Index, &'static str),
    Cut(Index, Index),
    Repeat(Index, Index),
    Borrow(Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<(Index, u8)>().prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), select(&PIECES[..])).prop_map(|(at, piece)| Change::Insert(at, piece)),
        any::<(Index, Index)>().prop_map(|(from, to)| Change::Cut(from, to)),
        any::<(Index, Index)>().prop_map(|(from, to)| Change::Repeat(from, to)),
        any::<(Index, Index, Index)>().prop_map(|(at, from, to)| Change::Borrow(at, from, to)),
    ]
}

/// A piece of at most 200 bytes.
fn piece(bytes: &[u8], from: Index, to: Index) -> std::ops::Range<usize> {
    let (from, to) = (from.index(bytes.len() + 1), to.index(200));
    from..bytes.len().min(from + to)
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, other: &[u8]) {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match self {
            Self::Set(at, byte) => {
                let at = place(at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Self::Insert(at, piece) => {
                let at = place(at);
                bytes.splice(at..at, piece.bytes());
            }
            Self::Cut(from, to) => {
                let range = piece(bytes, *from, *to);
                bytes.drain(range);
            }
            Self::Repeat(from, to) => {
                let range = piece(bytes, *from, *to);
                let repeated = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, repeated);
            }
            Self::Borrow(at, from, to) => {
                let at = place(at);
                bytes.splice(at..at, other[piece(other, *from, *to)].to_vec());
            }
        }
    }
}

/// Every file below these folders that is no larger than 64 KiB.
fn files(folders: &[&str]) -> Vec<Seed> {
    fn collect(path: &Path, found: &mut Vec<Seed>) {
        if path.is_dir() {
            let mut entries: Vec<_> = fs::read_dir(path)
                .expect("a folder")
                .map(|entry| entry.expect("an entry").path())
                .collect();
            entries.sort();
            for entry in entries {
                collect(&entry, found);
            }
        } else if path.metadata().expect("a file").len() <= 1 << 16 {
            let name = path.file_name().expect("a name").to_string_lossy();
            found.push((name.into_owned(), fs::read(path).expect("a file")));
        }
    }
    let mut found = Vec::new();
    for folder in folders {
        collect(&project().join(folder), &mut found);
    }
    found
}

/// One of the files, changed, under its name.
fn broken(seeds: &'static [Seed]) -> impl Strategy<Value = (String, Vec<u8>)> {
    let changes = prop::collection::vec(change(), 1..8);
    (any::<Index>(), any::<Index>(), changes).prop_map(|(seed, other, changes)| {
        let (name, mut bytes) = seed.get(seeds).clone();
        let (_, other) = other.get(seeds);
        for change in changes {
            change.apply(&mut bytes, other);
        }
        (name, bytes)
    })
}

fn sources() -> &'static [Seed] {
    static SOURCES: OnceLock<Vec<Seed>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        files(&[
            "fixtures/k8s",
            "fixtures/rules",
            "fixtures/node-pools.json",
            "docs/ci",
            "packaging/Containerfile",
        ])
    })
}

fn content() -> &'static [Seed] {
    static CONTENT: OnceLock<Vec<Seed>> = OnceLock::new();
    CONTENT.get_or_init(|| files(&["fixtures/layout"]))
}

fn configs() -> &'static [Seed] {
    static CONFIGS: OnceLock<Vec<Seed>> = OnceLock::new();
    CONFIGS.get_or_init(|| files(&["fixtures/oci-preflight.toml"]))
}

fn messages() -> &'static [Seed] {
    static MESSAGES: OnceLock<Vec<Seed>> = OnceLock::new();
    MESSAGES.get_or_init(|| files(&["docs/rules", "src/event/patterns"]))
}

/// The same cases in every run, unless the environment says otherwise.
fn configured() -> ProptestConfig {
    let config = ProptestConfig::default();
    match config.rng_seed {
        RngSeed::Random => ProptestConfig {
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..config
        },
        RngSeed::Fixed(_) => config,
    }
}

proptest! {
    #![proptest_config(configured())]

    #[test]
    fn sources_name_images_at_places_that_are_there((name, bytes) in broken(sources())) {
        let source = Source {
            name: name.clone(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            origin: Origin::File,
        };
        let mut sources = SourceMap::default();
        let id = sources.add(source.clone());
        let knowledge = Knowledge { guess: true, ..Knowledge::default() };
        let extraction = extract_with(id, &source, knowledge);
        for occurrence in &extraction.occurrences {
            let span = occurrence.span;
            prop_assert!(source.text.get(span.start..span.end).is_some(), "{:?}", occurrence);
        }
        for problem in &extraction.problems {
            prop_assert!(problem.span.end <= source.text.len(), "{:?}", problem);
        }
        let _ = ignore_comments(id, &source.text, sources.lines(id));
        let _ = variables(&source.text);
        let _ = pull_secrets_among(&source.text);
        let _ = (node_pools(id, &name, &source.text), permissions(&name, &source.text), pull_secret(&name, &source.text));
    }

    #[test]
    fn manifests_and_configs_are_read_or_refused((_, bytes) in broken(content())) {
        if let Ok(manifest) = Manifest::parse(&bytes, None) {
            prop_assert!(!manifest.kind().is_empty());
        }
        if let Ok(config) = Config::parse(&bytes) {
            for layers in 0..4 {
                let told = steps(&config, layers);
                prop_assert!(told.is_none_or(|told| told.len() >= layers));
            }
        }
    }

    #[test]
    fn a_reference_is_read_as_it_is_shown(name in "[a-z0-9.:/@_A-Z-]{0,80}|([a-z0-9]{1,9}[.:/@_-]{1,2}){0,9}[a-z0-9]{0,9}(@sha256:[0-9a-f]{63,65})?") {
        if let Ok(reference) = name.parse::<Reference>() {
            prop_assert_eq!(reference.to_string().parse::<Reference>(), Ok(reference));
        }
    }

    #[test]
    fn messages_of_events_are_explained((_, bytes) in broken(messages())) {
        let explanation = explain(bytes.as_slice()).expect("a slice can be read");
        let mut written = Vec::new();
        explanation.write_json(None, &mut written).expect("a vector can be written");
        serde_json::from_slice::<serde_json::Value>(&written).expect("valid JSON");
    }

    #[test]
    fn a_config_file_is_read_or_told_at_its_place((_, bytes) in broken(configs())) {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("oci-preflight.toml");
        fs::write(&path, &bytes).expect("written");
        if let Err(error) = ConfigFile::read(&path) {
            prop_assert!(error.to_string().contains("oci-preflight.toml"), "{}", error);
        }
    }
}
