//! Images beside the earlier tags of their repository, through the binary.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::images::Content;
use crate::runner::{Preflight, Sources, pod, project};

const SHOP: &str = "registry.example.com/shop";

fn lint(image: &str, words: &[&str]) -> Preflight {
    let sources = Sources::new().file("pod.yaml", pod(image));
    let layout = project().join("fixtures/layout");
    let layout = format!("registry.example.com={}", layout.display());
    let path = sources.path().to_owned();
    Preflight::lint([&path])
        .args(["--layout", &layout, "--platform", "linux/amd64"])
        .args(words)
        .keep(sources)
}

fn messages(report: &Value, rule: &str) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let findings = findings.filter(|finding| finding["rule"] == rule);
    findings
        .map(|finding| finding["message"].as_str().expect("a message").to_owned())
        .collect()
}

#[test]
fn the_last_releases_tell_what_each_of_them_makes_nodes_pull_again() {
    let image = format!("{SHOP}/orders:1.2.0");
    let report = lint(&image, &["--history", "5"]).report();
    assert_eq!(
        messages(&report, "layer-order"),
        [format!(
            "{image}: 12.0 kB of source changed in layer 3 (`COPY . /srv`) since {SHOP}/orders:1.1.0, and 310.0 MB of \
             dependencies above it are pulled again on every node (layer 4, `RUN npm ci --omit=dev`); so it was in 2 of the last 2 \
             releases"
        )]
    );
    // `1.1.0-alpine` is another series.
    assert_eq!(
        report["history"],
        json!({ &image: [format!("{SHOP}/orders:1.1.0"), format!("{SHOP}/orders:1.0.0")] })
    );
    let one = lint(&image, &["--history", "1"]).report();
    assert_eq!(
        one["history"][&image],
        json!([format!("{SHOP}/orders:1.1.0")])
    );
}

#[test]
fn the_tags_that_were_compared_are_said() {
    for (image, said) in [
        ("orders:1.2.0", "orders:1.2.0 with 1.1.0, 1.0.0"),
        (
            "orders:1.1.0-alpine",
            "with nothing: no earlier tag is written like its own",
        ),
    ] {
        let outcome = lint(&format!("{SHOP}/{image}"), &["--history", "5"]).run();
        let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
        let shown = words.join(" ");
        assert!(shown.contains(said), "{image}: {shown}");
    }
    let without = lint(&format!("{SHOP}/orders:1.2.0"), &[]).report();
    assert_eq!(without["history"], json!({}));
    assert!(messages(&without, "layer-order")[0].contains("each change of the source"));
}

#[test]
fn growth_is_measured_from_the_last_release() {
    let report = lint(&format!("{SHOP}/gallery:2.0"), &["--history", "3"]).report();
    let messages = messages(&report, "image-growth");
    assert!(
        messages[0].contains("grew from 129.6 MB to 263.6 MB")
            && messages[0].contains("since registry.example.com/shop/gallery:1.1"),
        "{messages:?}"
    );
}

/// A layout of `registry.example.com/app` with tags, each of an image that was made at a time: minutes of one hour.
fn layout_of(tags: &[(&str, u8)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let blobs = folder.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect(name);
    let mut entries = Vec::new();
    for (tag, minute) in tags {
        let config = Content::json(
            "application/vnd.oci.image.config.v1+json",
            &json!({
                "os": "linux", "architecture": "amd64", "created": format!("2026-01-01T10:{minute:02}:00Z"),
                "rootfs": {"type": "layers", "diff_ids": []},
            }),
        );
        let manifest = Content::json(
            "application/vnd.oci.image.manifest.v1+json",
            &json!({"schemaVersion": 2, "config": config.descriptor(), "layers": []}),
        );
        for content in [&config, &manifest] {
            fs::write(blobs.join(content.digest().hex()), &content.bytes).expect("a blob");
        }
        let mut entry = manifest.descriptor();
        let name = format!("registry.example.com/app:{tag}");
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        entries.push(entry);
    }
    write(
        "index.json",
        &json!({"schemaVersion": 2, "manifests": entries}).to_string(),
    );
    write("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    folder
}

/// The tags that are compared with `tag`, newest first.
fn before(tags: &[(&str, u8)], tag: &str, count: &str) -> Vec<String> {
    let layout = layout_of(tags);
    let image = format!("registry.example.com/app:{tag}");
    let report = Preflight::lint(["--offline", "--no-cache", "--history", count])
        .args(["--platform", "linux/amd64", "--image", &image, "--layout"])
        .arg(format!("registry.example.com={}", layout.path().display()))
        .report();
    let earlier = report["history"][&image].as_array().cloned();
    let names = earlier.unwrap_or_default();
    names
        .iter()
        .filter_map(|name| Some(name.as_str()?.rsplit(':').next()?.to_owned()))
        .collect()
}

#[test]
fn earlier_tags_are_ordered_by_the_time_of_their_images_and_not_by_their_names() {
    let versions = [("1.0.0", 1), ("1.1.0", 2), ("1.0.5", 3), ("1.2.0", 4)];
    assert_eq!(before(&versions, "1.2.0", "2"), ["1.0.5", "1.1.0"]);
    let hashes = [
        ("0a1b2c3", 9),
        ("5d5e6f7", 2),
        ("f00dfee", 1),
        ("aaaaaa1", 5),
        ("cafe001", 7),
        ("latest", 7),
    ];
    assert_eq!(
        before(&hashes, "cafe001", "5"),
        ["aaaaaa1", "5d5e6f7", "f00dfee"]
    );
    let builds = [
        ("main-9-0a1b2c3", 1),
        ("main-10-5d5e6f7", 2),
        ("main-11-f00dfee", 3),
    ];
    assert_eq!(
        before(&builds, "main-11-f00dfee", "5"),
        ["main-10-5d5e6f7", "main-9-0a1b2c3"]
    );
}

#[test]
fn tags_of_one_image_count_once() {
    let tags = [
        ("1.0.0", 1),
        ("1.1.0", 2),
        ("1.1.1", 2),
        ("1.2.0", 3),
        ("1.2.1", 3),
    ];
    assert_eq!(before(&tags, "1.2.1", "2"), ["1.1.1", "1.0.0"]);
}
