//! Images in one file and in a layout, through the binary.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tempfile::TempDir;

use crate::runner::{Outcome, Preflight, Sources, pod, project};

const IMAGE: &str = "registry.example.com/shop/web:9";

fn add(archive: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive
        .append_data(&mut header, path, content)
        .expect("an entry");
}

/// What the classic `docker save` writes: one layer is a link to the other's content, and names are long.
fn saved(tags: &[&str]) -> tar::Builder<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let (base, app) = (
        "a".repeat(64),
        format!("{}/{}", "deep".repeat(30), "b".repeat(64)),
    );
    add(&mut archive, &format!("{base}/layer.tar"), &vec![1; 30_000]);
    add(&mut archive, &format!("{app}/layer.tar"), &vec![2; 12_000]);
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": ["sha256:1", "sha256:2"] },
        "history": [{ "created_by": "/bin/sh -c #(nop) ADD file:1 in / " }, { "created_by": "COPY . /app # buildkit" }],
    });
    add(&mut archive, "config.json", config.to_string().as_bytes());
    let manifest = json!([{
        "Config": "config.json",
        "RepoTags": tags,
        "Layers": [format!("{base}/layer.tar"), format!("{app}/layer.tar")],
    }]);
    add(
        &mut archive,
        "manifest.json",
        manifest.to_string().as_bytes(),
    );
    archive
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("a file");
    path
}

fn inspect(image: &str) -> Outcome {
    Preflight::new(["inspect", image, "--offline", "--platform", "linux/amd64"]).run()
}

fn inspect_file(path: &Path) -> Outcome {
    inspect(path.to_str().expect("a path"))
}

#[test]
fn what_docker_save_writes_is_inspected_compressed_or_not() {
    let folder = TempDir::new().expect("a folder");
    let archive = saved(&[IMAGE]).into_inner().expect("an archive");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&archive).expect("compressed");
    let plain = file(&folder, "image.tar", &archive);
    let compressed = file(&folder, "image.tar.gz", &gzip.finish().expect("compressed"));
    for path in [plain, compressed] {
        let outcome = inspect_file(&path);
        assert_eq!(outcome.status, 0, "{}{}", outcome.stdout, outcome.stderr);
        let shown = outcome.stdout;
        assert!(shown.starts_with(IMAGE), "{shown}");
        assert!(
            shown.contains("linux/amd64  42.0 kB in 2 layers"),
            "{shown}"
        );
        assert!(
            shown.contains(" 71% ") && shown.contains("ADD file:1 in /"),
            "{shown}"
        );
        assert!(
            shown.contains(" 29% ") && shown.contains("COPY . /app"),
            "{shown}"
        );
        assert!(shown.contains("pulls 42.0 kB"), "{shown}");
    }
}

#[test]
fn an_archive_answers_in_place_of_a_registry() {
    let folder = TempDir::new().expect("a folder");
    let path = file(
        &folder,
        "image.tar",
        &saved(&[IMAGE]).into_inner().expect("an archive"),
    );
    let sources = Sources::new().file("pod.yaml", pod(IMAGE));
    let layout = format!("registry.example.com={}", path.display());
    let report = Preflight::lint([sources.path()])
        .args([
            "--offline",
            "--layout",
            &layout,
            "--platform",
            "linux/amd64",
        ])
        .report();
    assert_eq!(report["images"][0]["status"], "found", "{report:#}");
    assert_eq!(
        report["images"][0]["platforms"][0]["compressed_bytes"],
        42_000
    );
}

#[test]
fn one_of_several_images_has_to_be_named() {
    let layout = project().join("fixtures/layout");
    let several = inspect_file(&layout);
    assert_eq!(several.status, 2);
    let said = several
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        said.contains("images") && said.contains("name one behind it:"),
        "{said}"
    );
    let named = format!(
        "oci:{}:registry.example.com/shop/web:1.4.2",
        layout.display()
    );
    let outcome = inspect(&named);
    assert!(
        outcome.stdout.contains("3.6 MB in 3 layers"),
        "{}{}",
        outcome.stdout,
        outcome.stderr
    );
    let folder = TempDir::new().expect("a folder");
    let unnamed = file(
        &folder,
        "image.tar",
        &saved(&[]).into_inner().expect("an archive"),
    );
    let outcome = inspect_file(&unnamed);
    assert!(
        outcome.stdout.starts_with("localhost/image@sha256:"),
        "{}{}",
        outcome.stdout,
        outcome.stderr
    );
    assert!(
        outcome.stdout.contains("42.0 kB in 2 layers"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_layout_in_a_tar_file_is_an_archive_too() {
    let mut archive = tar::Builder::new(Vec::new());
    archive
        .append_dir_all(".", project().join("fixtures/layout"))
        .expect("the layout");
    let folder = TempDir::new().expect("a folder");
    let path = file(
        &folder,
        "layout.tar",
        &archive.into_inner().expect("an archive"),
    );
    let outcome = inspect(&format!(
        "oci-archive:{}:registry.example.com/shop/billing:1.9",
        path.display()
    ));
    assert!(
        outcome.stdout.contains("3.6 MB in 3 layers"),
        "{}{}",
        outcome.stdout,
        outcome.stderr
    );
}

#[test]
fn what_is_no_archive_says_so_and_takes_no_memory() {
    let folder = TempDir::new().expect("a folder");
    let mut empty = tar::Builder::new(Vec::new());
    add(&mut empty, "readme", b"-");
    let mut without_layer = tar::Builder::new(Vec::new());
    add(&mut without_layer, "config.json", b"{}");
    add(
        &mut without_layer,
        "manifest.json",
        br#"[{"Config":"config.json","RepoTags":null,"Layers":["gone/layer.tar"]}]"#,
    );
    // A header that announces a name of 4 GB.
    let mut long_name = tar::Header::new_gnu();
    long_name.set_entry_type(tar::EntryType::GNULongName);
    long_name.set_size(4 << 30);
    long_name.set_cksum();
    let whole = saved(&[IMAGE]).into_inner().expect("an archive");
    for (name, content, said) in [
        (
            "empty.tar",
            empty.into_inner().expect("an archive"),
            "neither manifest.json nor index.json",
        ),
        (
            "gone.tar",
            without_layer.into_inner().expect("an archive"),
            "the layer gone/layer.tar is missing",
        ),
        (
            "name.tar",
            [long_name.as_bytes().as_slice(), &[0; 4096]].concat(),
            "a name that is too long",
        ),
        ("cut.tar", whole[..20_000].to_vec(), "no archive of images"),
        (
            "text.tar",
            b"not an archive at all".to_vec(),
            "no archive of images",
        ),
    ] {
        let outcome = inspect_file(&file(&folder, name, &content));
        assert_eq!(outcome.status, 2, "{name}: {}", outcome.stdout);
        let words = outcome
            .stderr
            .split_whitespace()
            .filter(|word| *word != "│");
        let words = words.collect::<Vec<_>>().join(" ");
        assert!(words.contains(said), "{name}: {words}");
    }
}
