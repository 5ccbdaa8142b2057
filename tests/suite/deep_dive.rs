//! The same layers for dive and for us, and in the archives that dive reads.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use oci_preflight::facts::{Answer, Depth, Lookup};
use oci_preflight::oci::{Digest, Reference};
use oci_preflight::registry::{LayoutMapping, Options, Registry};
use oci_preflight::scan::read_layers;
use serde_json::Value;
use tempfile::TempDir;

use super::images::Content;
use super::python_tools::tool;
use super::runner::Preflight;

/// Writes layers and their members as `docker save` does.
fn docker_archive(file: &Path, layers: &[Vec<u8>]) {
    let mut archive = tar::Builder::new(fs::File::create(file).expect("a file"));
    let mut add = |name: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive
            .append_data(&mut header, name, content)
            .expect("a member");
    };
    let diff_ids: Vec<String> = layers
        .iter()
        .map(|layer| Digest::sha256_of(layer).to_string())
        .collect();
    let names: Vec<String> = (0..layers.len())
        .map(|number| format!("{number}/layer.tar"))
        .collect();
    let history: Vec<Value> = names
        .iter()
        .map(|name| serde_json::json!({"created_by": name}))
        .collect();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {}, "history": history,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    add("config.json", config.to_string().as_bytes());
    for (name, layer) in names.iter().zip(layers) {
        add(name, layer);
    }
    let manifest =
        serde_json::json!([{"Config": "config.json", "RepoTags": ["a:1"], "Layers": names}]);
    add("manifest.json", manifest.to_string().as_bytes());
    archive.finish().expect("an archive");
}

/// A layer of members: `a/` a folder, `a 10` a file of ten bytes, `a -> b` a symbolic and `a = b` a hard link.
fn layer(lines: &[&str]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for line in lines {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(0);
        let link = [
            (" -> ", tar::EntryType::Symlink),
            (" = ", tar::EntryType::Link),
        ];
        let link = link
            .into_iter()
            .find_map(|(sign, kind)| Some((line.split_once(sign)?, kind)));
        let (path, content) = match (link, line.split_once(' ')) {
            (Some(((path, target), kind)), _) => {
                header.set_entry_type(kind);
                header.set_link_name(target).expect("a target");
                (path, Vec::new())
            }
            (None, Some((path, bytes))) => (path, vec![b'x'; bytes.parse().expect(line)]),
            (None, None) => {
                if line.ends_with('/') {
                    header.set_entry_type(tar::EntryType::Directory);
                }
                (*line, Vec::new())
            }
        };
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, path, content.as_slice())
            .expect("a member");
    }
    archive.into_inner().expect("an archive")
}

/// The image for dive: every way in which paths come and go.
fn layers_for_dive() -> Vec<Vec<u8>> {
    [
        &[
            "usr/",
            "usr/bin/",
            "usr/bin/a 1000",
            "usr/bin/b 200",
            "usr/lib/",
            "usr/lib/c 3000",
            "opt/deep/er/d 400",
            "e 50",
            "bin -> usr/bin",
        ][..],
        &[
            "usr/",
            "usr/bin/",
            "usr/bin/a 1100",
            "usr/bin/link = usr/bin/a",
            "usr/lib/.wh.c",
            "f 60",
            "var/",
            "var/x 7",
            "var/y 8",
        ],
        &[
            ".wh.opt",
            "e 51",
            "usr/lib/",
            "usr/lib/c 10",
            "var/",
            "var/.wh..wh..opq",
            "var/z 9",
        ],
        &["usr/bin/a 1", "usr/.wh.lib", ".wh.f", "opt/", "opt/new 70"],
        &["usr/lib/", "usr/lib/c 12", "f/", "f/g 30", ".wh.var"],
    ]
    .into_iter()
    .map(layer)
    .collect()
}

/// What dive says about layers: wasted bytes and efficiency; none where it is not installed.
fn real_dive(layers: &[Vec<u8>]) -> Option<(u64, f64)> {
    let mut dive = tool("dive")?;
    let folder = TempDir::new().expect("a folder");
    let (archive, report) = (folder.path().join("a.tar"), folder.path().join("a.json"));
    docker_archive(&archive, layers);
    let output = dive
        .args(["--source", "docker-archive", "--json"])
        .args([&report, &archive])
        .env("HOME", folder.path())
        .output()
        .expect("dive runs");
    assert!(output.status.success(), "{output:?}");
    let report = fs::read_to_string(report).expect("dive's report");
    let report: Value = serde_json::from_str(&report).expect("dive's report");
    let image = &report["image"];
    Some((
        image["inefficientBytes"].as_u64().expect("a number"),
        image["efficiencyScore"].as_f64().expect("a number"),
    ))
}

/// Our figures about the same layers, from a layout.
async fn our_dive(layers: &[Vec<u8>]) -> (u64, f64) {
    let folder = TempDir::new().expect("a folder");
    let contents: Vec<Content> = layers
        .iter()
        .map(|layer| Content::new("application/vnd.oci.image.layer.v1.tar", layer.clone()))
        .collect();
    let diff_ids: Vec<String> = contents
        .iter()
        .map(|layer| layer.digest().to_string())
        .collect();
    let config = Content::json(
        "application/vnd.oci.image.config.v1+json",
        &serde_json::json!({
            "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }),
    );
    let described: Vec<Value> = contents.iter().map(Content::descriptor).collect();
    let manifest = Content::json(
        "application/vnd.oci.image.manifest.v1+json",
        &serde_json::json!({
            "schemaVersion": 2, "config": config.descriptor(), "layers": described,
        }),
    );
    let blobs = folder.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    for content in contents.iter().chain([&config, &manifest]) {
        fs::write(blobs.join(content.digest().hex()), &content.bytes).expect("a blob");
    }
    let mut entry = manifest.descriptor();
    entry["annotations"] = serde_json::json!({"org.opencontainers.image.ref.name": "1"});
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [entry]});
    fs::write(folder.path().join("index.json"), index.to_string()).expect("index.json");
    let registry = Registry::new(Options {
        layouts: vec![LayoutMapping {
            host_prefix: "a.example".to_owned(),
            folder: folder.path().to_owned(),
        }],
        ..Options::default()
    })
    .expect("a client");
    let reference: Reference = "a.example/a:1".parse().expect("a reference");
    let lookup = registry.look_up(&reference, Depth::Layers, None).await;
    let mut lookups: BTreeMap<Reference, Lookup> = BTreeMap::from([(reference, lookup)]);
    read_layers(&registry, &mut lookups, &|_, _| {}).await;
    let found = lookups
        .values()
        .next()
        .and_then(Answer::found)
        .expect("found");
    let figure = found.images[0]
        .files()
        .expect("all layers")
        .rewritten
        .as_dive;
    #[allow(clippy::cast_precision_loss, reason = "the numbers are small")]
    let efficiency = figure.smallest.0 as f64 / figure.discovered.0 as f64;
    (figure.wasted.0, efficiency)
}

#[tokio::test]
async fn dive_counts_what_we_say_it_counts() {
    let layers = layers_for_dive();
    let (wasted, efficiency) = our_dive(&layers).await;
    if let Some((its_wasted, its_efficiency)) = real_dive(&layers) {
        assert_eq!(wasted, its_wasted);
        assert!(
            (efficiency - its_efficiency).abs() < 1e-9,
            "{efficiency} {its_efficiency}"
        );
    }
}

#[test]
fn an_archive_of_an_image_is_read_where_its_layers_stand_in_it() {
    let folder = TempDir::new().expect("a folder");
    let archive = folder.path().join("image.tar");
    docker_archive(&archive, &layers_for_dive());
    let inspect = |file: &Path| {
        let run = Preflight::new(["inspect", "--deep"]).arg(file);
        run.current_dir(folder.path()).run()
    };
    let plain = fs::read(&archive).expect("the archive");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&plain).expect("memory");
    let compressed = folder.path().join("image.tar.gz");
    fs::write(&compressed, encoder.finish().expect("memory")).expect("a file");
    for file in [&archive, &compressed] {
        let shown = inspect(file);
        assert_eq!(shown.status, 0, "{}{}", shown.stdout, shown.stderr);
        for words in [
            "unpacked, of which later layers hide",
            "3.0 kB  usr/lib/c (layer 1, deleted by layer 2)",
        ] {
            assert!(shown.stdout.contains(words), "{words}\n{}", shown.stdout);
        }
    }
}
