//! OCI image layouts in place of a registry.

use std::fs;
use std::path::Path;

use oci_preflight::facts::{Answer, Depth, Identity, Lookup, Missing, RefusalReason};
use oci_preflight::oci::Reference;
use oci_preflight::registry::{LayoutMapping, Options, Registry, RegistryError};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::images::{Content, Image};

/// Writes a layout whose entries have these annotations.
fn write_layout(folder: &Path, entries: &[(Value, &Image)]) {
    let manifests: Vec<Value> = entries
        .iter()
        .map(|(annotations, image)| {
            write_image(folder, image);
            let mut entry = image.manifest.descriptor();
            entry["annotations"] = annotations.clone();
            entry
        })
        .collect();
    let index = json!({"schemaVersion": 2, "manifests": manifests});
    fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .expect("oci-layout");
    fs::write(folder.join("index.json"), index.to_string()).expect("index.json");
}

fn write_image(folder: &Path, image: &Image) {
    for content in image.blobs.iter().chain([&image.manifest]) {
        write_blob(folder, content);
    }
    for child in &image.children {
        write_image(folder, child);
    }
}

fn write_blob(folder: &Path, content: &Content) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("the folder of blobs");
    fs::write(blobs.join(content.digest().hex()), &content.bytes).expect("a blob");
}

fn registry(folder: &Path, prefix: &str) -> Registry {
    Registry::new(Options {
        layouts: vec![LayoutMapping {
            host_prefix: prefix.to_owned(),
            folder: folder.to_owned(),
        }],
        offline: true,
        ..Options::default()
    })
    .expect("a client")
}

async fn look_up(registry: &Registry, name: &str) -> Lookup {
    let reference: Reference = name.parse().expect(name);
    registry.look_up(&reference, Depth::Config, None).await
}

fn ref_name(name: &str) -> Value {
    json!({"org.opencontainers.image.ref.name": name})
}

#[tokio::test]
async fn one_folder_holds_many_repositories() {
    let folder = TempDir::new().expect("a folder");
    let cart = Image::oci("linux/amd64", "cart");
    let shop = Image::index(vec![("linux/arm64", Image::oci("linux/arm64", "shop"))]);
    let named = json!({"io.containerd.image.name": "registry.example.com/shop:2", "org.opencontainers.image.ref.name": "2"});
    write_layout(
        folder.path(),
        &[
            (ref_name("registry.example.com/cart:1"), &cart),
            (named, &shop),
            (ref_name("3"), &cart),
        ],
    );
    let registry = registry(folder.path(), "registry.example.com");
    for (name, digest) in [
        ("registry.example.com/cart:1", Some(cart.digest())),
        ("registry.example.com/shop:2", Some(shop.digest())),
        ("registry.example.com/any:3", Some(cart.digest())),
        ("registry.example.com/cart:2", None),
        ("registry.example.com/shop:1", None),
    ] {
        let lookup = look_up(&registry, name).await;
        assert_eq!(
            lookup.found().map(|found| found.digest.clone()),
            digest,
            "{name}"
        );
    }
    let by_digest = format!("registry.example.com/any@{}", shop.digest());
    let lookup = look_up(&registry, &by_digest).await;
    let images = &lookup.found().expect("found").images;
    assert!(images[0].config().is_some(), "{images:?}");
    assert_eq!(registry.statistics().requests, 0);
}

#[tokio::test]
async fn what_is_missing_is_refused_by_the_layout() {
    let folder = TempDir::new().expect("a folder");
    let image = Image::oci("linux/amd64", "a");
    write_layout(folder.path(), &[(ref_name("1"), &image)]);
    let config = image.blobs[1].digest();
    fs::remove_file(folder.path().join("blobs/sha256").join(config.hex())).expect("the config");
    let registry = registry(folder.path(), "registry.example.com/team");

    let lookup = look_up(&registry, "registry.example.com/team/app:1").await;
    let missing = lookup.found().expect("the manifest").images[0]
        .config
        .clone();
    let Some(Answer::Refused(refusal)) = missing else {
        panic!("{missing:?}")
    };
    assert_eq!(refusal.reason, RefusalReason::NotFound(Missing::Blob));

    let Answer::Refused(refusal) = look_up(&registry, "registry.example.com/team/app:2").await
    else {
        panic!("a tag that is not there")
    };
    assert_eq!(refusal.reason, RefusalReason::NotFound(Missing::Manifest));
    assert_eq!(refusal.identity, Identity::Layout);
}

#[tokio::test]
async fn a_blob_that_was_changed_is_damaged() {
    let folder = TempDir::new().expect("a folder");
    let image = Image::oci("linux/amd64", "a");
    write_layout(folder.path(), &[(ref_name("1"), &image)]);
    let path = folder
        .path()
        .join("blobs/sha256")
        .join(image.digest().hex());
    fs::write(path, "{}").expect("the manifest");
    let lookup = look_up(&registry(folder.path(), "a.io"), "a.io/app:1").await;
    assert_eq!(lookup.reason(), Some("damaged"));
}

#[tokio::test]
async fn offline_nothing_else_is_asked() {
    let folder = TempDir::new().expect("a folder");
    write_layout(
        folder.path(),
        &[(ref_name("1"), &Image::oci("linux/amd64", "a"))],
    );
    let registry = registry(folder.path(), "a.io");
    let wanted = ["a.io/app:1", "b.io/app:1"]
        .map(|name| (name.parse().expect(name), Depth::Manifest, None))
        .into();
    let lookups = registry.look_up_all(wanted, |_| {}).await;
    let answered: Vec<String> = lookups.keys().map(ToString::to_string).collect();
    assert_eq!(answered, ["a.io/app:1"]);
}

#[test]
fn a_folder_that_is_no_layout_is_named() {
    let folder = TempDir::new().expect("a folder");
    let options = |path: &Path| Options {
        layouts: vec![LayoutMapping {
            host_prefix: "a.io".to_owned(),
            folder: path.to_owned(),
        }],
        ..Options::default()
    };
    let error = Registry::new(options(folder.path())).expect_err("no layout");
    assert!(matches!(error, RegistryError::Layout { .. }));
    assert!(error.to_string().contains("index.json"), "{error}");
}

#[tokio::test]
async fn an_index_with_too_many_entries_is_not_judged_by_some_of_them() {
    let folder = TempDir::new().expect("a folder");
    let image = Image::oci("linux/amd64", "a");
    let many = Image::index(vec![("linux/amd64", image); 1200]);
    write_layout(folder.path(), &[(ref_name("1"), &many)]);
    let lookup = look_up(&registry(folder.path(), "a.io"), "a.io/app:1").await;
    let failure = lookup.failure().expect("undetermined");
    assert_eq!(failure.detail, "the indexes list more than 1000 images");
}
