//! Data flows one way: a module uses only the modules before it.

use std::fs;
use std::path::{Path, PathBuf};

/// The order of the modules, as `src/lib.rs` declares them.
fn order() -> Vec<String> {
    let lib = fs::read_to_string(source_root().join("lib.rs")).expect("src/lib.rs");
    lib.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(ToOwned::to_owned)
        .collect()
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of src") {
        let path = entry.expect("an entry of src").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The modules that a text names as `crate::module`, with the line. Tests inside a file count too.
fn used_modules(text: &str) -> Vec<(usize, String)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .flat_map(|(number, line)| {
            line.match_indices("crate::").map(move |(at, _)| {
                let name = line[at + "crate::".len()..]
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                (number + 1, name)
            })
        })
        .collect()
}

#[test]
fn modules_use_only_the_modules_before_them() {
    let order = order();
    assert!(
        order.len() > 10,
        "the order is read from src/lib.rs: {order:?}"
    );
    let mut offences = Vec::new();
    for (rank, module) in order.iter().enumerate() {
        for file in rust_files(&source_root().join(module)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for (line, used) in used_modules(&text) {
                let place = format!("{}:{line}", file.display());
                if used.is_empty() {
                    offences.push(format!("{place} hides a module behind braces"));
                }
                if order[rank + 1..].contains(&used) {
                    offences.push(format!("{place} uses {used}"));
                }
            }
        }
    }
    assert_eq!(offences, Vec::<String>::new());
}

#[test]
fn every_file_of_src_belongs_to_a_module_of_the_order() {
    let order = order();
    for entry in fs::read_dir(source_root()).expect("src") {
        let path = entry.expect("an entry of src").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        assert!(
            name == "lib" || name == "main" || order.contains(&name),
            "{} is in no module of src/lib.rs",
            path.display()
        );
    }
}
