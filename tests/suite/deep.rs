//! Deep runs: what is found in the content of layers, and how often layers are read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use oci_preflight::facts::{Answer, Depth, DiveFigure, Files, Lookup};
use oci_preflight::oci::{Bytes, Reference};
use oci_preflight::registry::{LayoutMapping, Options, Registry};
use oci_preflight::scan::read_layers;
use serde_json::Value;
use tempfile::TempDir;

use super::docker_registry::{Access, DockerRegistry};
use super::images::{Content, Image};
use super::runner::{Preflight, Sources, pod, project};

const REWRITTEN: &str = "registry.example.com/shop/thumbnails:2.3";

fn layout() -> PathBuf {
    project().join("fixtures/layout")
}

fn blob(digest: &str) -> Vec<u8> {
    let hex = digest.strip_prefix("sha256:").expect("a digest");
    fs::read(layout().join("blobs/sha256").join(hex)).expect("a blob")
}

/// An image of the fixtures, to be pushed.
fn fixture(reference: &str) -> Image {
    let index = fs::read_to_string(layout().join("index.json")).expect("index.json");
    let index: Value = serde_json::from_str(&index).expect("index.json");
    let entries = index["manifests"].as_array().expect("manifests");
    let entry = entries
        .iter()
        .find(|entry| entry["annotations"]["org.opencontainers.image.ref.name"] == reference)
        .expect("an entry");
    image_of(entry)
}

fn image_of(descriptor: &Value) -> Image {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let body = blob(&text(&descriptor["digest"]));
    let manifest: Value = serde_json::from_slice(&body).expect("a manifest");
    let list = |key: &str| manifest[key].as_array().cloned().unwrap_or_default();
    let mut blobs = list("layers");
    blobs.extend(manifest.get("config").cloned());
    let content =
        |part: &Value| Content::new(&text(&part["mediaType"]), blob(&text(&part["digest"])));
    Image {
        manifest: Content::new(&text(&descriptor["mediaType"]), body),
        blobs: blobs.iter().map(content).collect(),
        children: list("manifests").iter().map(image_of).collect(),
    }
}

/// What the layers of an image of the fixtures hold together.
async fn files(reference: &str) -> Files {
    let registry = Registry::new(Options {
        layouts: vec![LayoutMapping {
            host_prefix: "registry.example.com".to_owned(),
            folder: layout(),
        }],
        offline: true,
        ..Options::default()
    })
    .expect("a client");
    let reference: Reference = reference.parse().expect("a reference");
    let lookup = registry.look_up(&reference, Depth::Layers, None).await;
    let mut lookups: BTreeMap<Reference, Lookup> = BTreeMap::from([(reference.clone(), lookup)]);
    read_layers(&registry, &mut lookups, &|_, _| {}).await;
    let Some(Answer::Found(found)) = lookups.remove(&reference) else {
        panic!("nothing was found");
    };
    found.images[0].files().expect("all layers").clone()
}

#[tokio::test]
async fn known_waste_is_counted_to_the_byte() {
    let files = files(REWRITTEN).await;
    let rewritten = files.rewritten;
    let layers: Vec<_> = rewritten.by_layers.into_iter().collect();
    assert_eq!(
        layers,
        [
            ((0, 4), Bytes(1_000)),
            ((1, 2), Bytes(300)),
            ((1, 3), Bytes(20_000)),
        ]
    );
    let paths: Vec<_> = rewritten
        .paths
        .iter()
        .map(|path| (path.path.as_str(), path.files, path.bytes.0, path.deleted))
        .collect();
    assert_eq!(
        paths,
        [
            ("opt/sdk", 2, 20_000, true),
            ("var/cache", 1, 1_000, true),
            ("srv/settings.json", 1, 300, false),
        ]
    );
    // As dive 0.13.1 printed it for this image: wastedBytes 600, efficiency 98.6282 %.
    let DiveFigure {
        wasted,
        smallest,
        discovered,
    } = rewritten.as_dive;
    assert_eq!(wasted, Bytes(600));
    assert_eq!(smallest.0 * 1_000_000 / discovered.0, 986_281);
    let largest: Vec<_> = files
        .largest
        .iter()
        .map(|file| (file.path.as_str(), file.bytes.0, file.layer))
        .collect();
    assert_eq!(
        largest,
        [
            ("srv/settings.json", 300, 2),
            ("app", 129, 5),
            ("bin/sh", 129, 0),
            ("etc/os-release", 11, 0),
        ]
    );
}

#[test]
fn a_foreign_program_under_the_right_label_is_found_only_by_its_content() {
    let findings = |image: &str, deep: bool| {
        let run = Preflight::lint(["--offline", "--no-cache", "--image", image])
            .args([
                "--config",
                "fixtures/rules/corrupt-layer/passing/oci-preflight.toml",
            ])
            .arg(format!("--deep={deep}"));
        let report = run.report();
        let findings = report["findings"].as_array().expect("findings").clone();
        let messages = findings.iter().map(|finding| finding["message"].as_str());
        messages
            .map(|message| message.expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    let foreign = "registry.example.com/shop/scanner:0.4";
    assert_eq!(findings(foreign, false), [] as [&str; 0]);
    assert_eq!(
        findings(foreign, true),
        [format!(
            "{foreign} is labelled linux/arm64, and its entrypoint app is built for linux/amd64 (ELF)"
        )]
    );
    assert_eq!(
        findings("registry.example.com/shop/scanner:0.5", true),
        [] as [&str; 0]
    );
}

#[tokio::test]
async fn each_layer_is_fetched_once_in_a_run_and_never_again() {
    let Some(registry) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    // The two images share their base.
    for (tag, reference) in [
        ("1", REWRITTEN),
        ("2", "registry.example.com/shop/invoices:1.1"),
    ] {
        registry.push("shop", tag, &fixture(reference)).await;
    }
    let pushed = registry.requests().await.len();
    let sources = Sources::new()
        .file("a.yaml", pod(&format!("{}/shop:1", registry.host)))
        .file("b.yaml", pod(&format!("{}/shop:2", registry.host)));
    let cache = TempDir::new().expect("a folder");
    let run = || {
        Preflight::lint([sources.path()])
            .args(["--deep", "--cache-dir"])
            .arg(cache.path())
            .report()
    };
    let first = run();
    let mut fetched = blobs_fetched(&registry.requests().await[pushed..]);
    // Six and four layers, one of them shared, and two configs. The program is a layer of both as well.
    assert_eq!(fetched.len(), 6 + 4 - 2 + 2, "{fetched:?}");
    fetched.sort();
    fetched.dedup();
    assert_eq!(fetched.len(), 6 + 4 - 2 + 2, "one of them twice");
    let between = registry.requests().await.len();
    let second = run();
    let again = blobs_fetched(&registry.requests().await[between..]);
    assert_eq!(again, [] as [&str; 0]);
    let unpacked = |report: &Value| report["images"][0]["platforms"][0]["unpacked_bytes"].as_u64();
    assert_eq!(unpacked(&first), Some(21_869));
    assert_eq!(unpacked(&second), Some(21_869));
    assert_eq!(first["findings"], second["findings"]);
}

fn blobs_fetched(requests: &[String]) -> Vec<String> {
    let is_blob = |request: &&String| request.starts_with("GET ") && request.contains("/blobs/");
    requests.iter().filter(is_blob).cloned().collect()
}

/// The files below a folder.
fn below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below it");
                names.push(name.display().to_string());
            }
        }
    }
    names.sort();
    names
}

#[test]
fn nothing_is_written_outside_the_cache() {
    let [work, home, temporary, cache] = [(); 4].map(|()| TempDir::new().expect("a folder"));
    let outcome = Preflight::lint(["--deep", "--offline", "--config"])
        .arg(project().join("fixtures/rules/corrupt-layer/failing/oci-preflight.toml"))
        .args([
            "--image",
            REWRITTEN,
            "--image",
            "registry.example.com/shop/damaged:1",
            "--cache-dir",
        ])
        .arg(cache.path())
        .env("HOME", home.path())
        .env("TMPDIR", temporary.path())
        .current_dir(work.path())
        .run();
    assert_eq!(outcome.status, 1, "{}{}", outcome.stdout, outcome.stderr);
    for folder in [&work, &home, &temporary] {
        assert_eq!(below(folder.path()), [] as [&str; 0]);
    }
    let kept = below(cache.path());
    // The sound layers, and not the damaged one: two images have eight of them, and share base and program.
    assert_eq!(kept.len(), 6, "{kept:?}");
    assert!(
        kept.iter().all(|name| name.contains("/layers/")),
        "{kept:?}"
    );
}
