//! Node pools from the files that people have, and which workload can land where.

mod clusters;
mod command_line;
mod formats;
mod older_tags;
mod rules;
mod scheduling;

use std::fs;
use std::path::{Path, PathBuf};

use oci_preflight::cluster::NodePool;
use oci_preflight::extract::node_pools::node_pools;
use oci_preflight::text::{Origin, Source, SourceMap};

fn read(name: &str, text: &str) -> Result<Vec<NodePool>, String> {
    let mut sources = SourceMap::default();
    let id = sources.add(Source {
        name: name.to_owned(),
        text: text.to_owned(),
        origin: Origin::File,
    });
    node_pools(id, name, text).map_err(|error| error.to_string())
}

/// `name=platform` of the pools that the description names.
fn pairs(pools: &[NodePool]) -> Vec<String> {
    pools
        .iter()
        .filter(|pool| !pool.on_demand)
        .map(|pool| format!("{}={}", pool.name, pool.platform_text()))
        .collect()
}

/// The real files of others that stand beside the checkout, where they do.
fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/nodepools");
    if folder.is_dir() {
        return Some(folder);
    }
    #[allow(clippy::print_stdout, reason = "a part that is skipped must show")]
    {
        println!("skipped: {} is not there", folder.display());
    }
    None
}

#[test]
fn every_file_of_the_corpus_gives_its_pools_and_platforms() {
    let Some(folder) = corpus() else { return };
    let index = fs::read_to_string(folder.join("index.tsv")).expect("the index");
    let mut wrong = Vec::new();
    for row in index.lines().skip(1) {
        let mut columns = row.split('\t');
        let (Some(file), Some(_), Some(expected)) =
            (columns.next(), columns.next(), columns.next())
        else {
            panic!("a row of three columns: {row}");
        };
        let expected: Vec<String> = expected
            .split("; ")
            .filter_map(|pair| Some(pair.split_whitespace().next()?.to_owned()))
            .collect();
        let text = fs::read_to_string(folder.join(file)).expect(file);
        let found = read(file, &text).map(|pools| pairs(&pools));
        if found.as_ref() != Ok(&expected) {
            wrong.push(format!("{file}: expected {expected:?}, found {found:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
