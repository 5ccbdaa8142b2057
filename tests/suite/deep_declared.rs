//! Manifests that agree on the digest of a layer, and not on its size.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use crate::images::Content;
use crate::runner::Preflight;

/// A layout of two images with one layer; `wrong` declares so many bytes more than it has.
fn layout(more: i64) -> TempDir {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    header.set_cksum();
    archive
        .append_data(&mut header, "etc/motd", &b"word"[..])
        .expect("a member");
    let plain = archive.into_inner().expect("an archive");
    let layer = Content::new("application/vnd.oci.image.layer.v1.tar", plain);
    let config = Content::json(
        "application/vnd.oci.image.config.v1+json",
        &json!({
            "os": "linux", "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [layer.digest().as_str()]},
        }),
    );
    let size = i64::try_from(layer.bytes.len()).expect("few");
    let manifest = |size: i64| {
        let mut layer = layer.descriptor();
        layer["size"] = json!(size);
        Content::json(
            "application/vnd.oci.image.manifest.v1+json",
            &json!({
                "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": config.descriptor(), "layers": [layer],
            }),
        )
    };
    let (right, wrong) = (manifest(size), manifest(size + more));
    let folder = TempDir::new().expect("a folder");
    let blobs = folder.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    for content in [&layer, &config, &right, &wrong] {
        fs::write(blobs.join(content.digest().hex()), &content.bytes).expect("a blob");
    }
    let entry = |content: &Content, tag: &str| {
        let mut entry = content.descriptor();
        let name = format!("registry.example.com/app:{tag}");
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        entry
    };
    let index =
        json!({"schemaVersion": 2, "manifests": [entry(&right, "right"), entry(&wrong, "wrong")]});
    fs::write(folder.path().join("index.json"), index.to_string()).expect("index.json");
    fs::write(
        folder.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .expect("oci-layout");
    folder
}

#[test]
fn a_size_that_is_declared_wrong_is_found_beside_the_right_one_and_from_the_cache_too() {
    for (more, said) in [(3, "fewer"), (-3, "more")] {
        let layout = layout(more);
        let cache = TempDir::new().expect("a folder");
        let run = |tags: &[&str]| -> Vec<String> {
            let mapping = format!("registry.example.com={}", layout.path().display());
            let images = tags.iter().flat_map(|tag| {
                [
                    "--image".to_owned(),
                    format!("registry.example.com/app:{tag}"),
                ]
            });
            let report = Preflight::lint(["--deep", "--offline", "--layout", &mapping])
                .arg("--cache-dir")
                .arg(cache.path())
                .args(images)
                .report();
            let findings = report["findings"].as_array().cloned().unwrap_or_default();
            let damaged = findings
                .iter()
                .filter(|finding| finding["rule"] == "corrupt-layer")
                .map(|finding| format!("{}: {}", finding["rule"], finding["message"]));
            damaged.collect()
        };
        let of = |found: &[String]| {
            let [only] = found else {
                panic!("{more}: {found:?}");
            };
            assert!(
                only.contains("app:wrong") && only.contains(said),
                "{more}: {only}"
            );
        };
        of(&run(&["right", "wrong"]));
        assert_eq!(run(&["right"]), [] as [String; 0]);
        of(&run(&["wrong"]));
        of(&run(&["wrong", "right"]));
    }
}
