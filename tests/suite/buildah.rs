//! Images as buildah builds them: where their base image ends.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::runner::{Preflight, Sources};

const BASE: &str = "FROM scratch\nCOPY a /a\nCOPY b /b\nCMD [\"x\"]\n";
const APP: &str =
    "FROM registry.example.com/base:1\nENV A=b\nCOPY a /y\nCOPY folder /src\nENV C=d\n";
const STAGES: &str =
    "FROM registry.example.com/base:1 AS tools\nCOPY a /y\nFROM tools\nCOPY folder /src\n";

/// Builds and writes images into a folder of its own.
struct Buildah {
    folder: Sources,
}

impl Buildah {
    /// None, with a line that says so, where the program is missing. With `REQUIRE_REGISTRY=1` that is a failure.
    fn new() -> Option<Self> {
        if let Err(error) = Command::new("buildah").arg("--version").output() {
            assert!(
                std::env::var_os("REQUIRE_REGISTRY").is_none(),
                "buildah cannot be started: {error}"
            );
            eprintln!("skipped: buildah cannot be started: {error}");
            return None;
        }
        let folder = Sources::new()
            .file("a", "a")
            .file("b", "b")
            .file("folder/c", "c")
            .file("Base", BASE)
            .file("App", APP)
            .file("Stages", STAGES);
        let buildah = Self { folder };
        buildah.build("Base", "base", &[]);
        Some(buildah)
    }

    fn run(&self, words: &[&str]) {
        let path = |name: &str| self.folder.join(name);
        let output = Command::new("buildah")
            .args(["--storage-driver", "vfs", "--root"])
            .arg(path("storage"))
            .arg("--runroot")
            .arg(path("run"))
            .args(words)
            .env("BUILDAH_ISOLATION", "chroot")
            .current_dir(self.folder.path())
            .output()
            .expect("buildah runs");
        assert!(
            output.status.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Builds a file of instructions, and writes the image as a layout whose folder has its name.
    fn build(&self, file: &str, name: &str, options: &[&str]) {
        let tag = format!("registry.example.com/{name}:1");
        let build = [&["bud", "-q", "-f", file, "-t", &tag], options, &["."]].concat();
        self.run(&build);
        let layout = format!("oci:{}:{tag}", self.folder.join(name).display());
        self.run(&["push", "-q", &tag, &layout]);
    }

    /// The lines that `inspect` shows of a built image.
    fn inspect(&self, name: &str) -> String {
        inspect(&self.folder.join(name))
    }
}

fn inspect(layout: &Path) -> String {
    let outcome = Preflight::new(["inspect"]).arg(layout).run();
    assert_eq!(outcome.status, 0, "{}{}", outcome.stdout, outcome.stderr);
    outcome.stdout
}

#[test]
fn the_base_image_ends_where_buildah_began() {
    let Some(buildah) = Buildah::new() else {
        return;
    };
    for (file, name, options, said) in [
        ("App", "each", &["--layers=true"][..], "the first layer"),
        ("App", "once", &["--layers=false"], "the first layer"),
        (
            "App",
            "docker",
            &["--layers=true", "--format=docker"],
            "the first layer",
        ),
        ("Stages", "stages", &["--layers=true"], "the first layer"),
        (
            "Stages",
            "stages-once",
            &["--layers=false"],
            "the first layer",
        ),
        ("App", "squashed", &["--squash"], "none of the layers"),
        (
            "App",
            "squashed-cache",
            &["--layers", "--squash"],
            "none of the layers",
        ),
    ] {
        buildah.build(file, name, options);
        let shown = buildah.inspect(name);
        assert!(
            shown.contains(&format!("base image: {said}")),
            "{name}: {shown}"
        );
    }
}

#[test]
fn a_layer_of_several_instructions_names_those_that_brought_something() {
    let Some(buildah) = Buildah::new() else {
        return;
    };
    buildah.build("App", "once", &["--layers=false"]);
    let shown = buildah.inspect("once");
    let line = shown
        .lines()
        .find(|line| line.contains("COPY file:") && line.contains('%'));
    assert!(line.is_some(), "{shown}");
    assert!(!shown.contains("ENV C=d"), "{shown}");
}

#[test]
fn a_layout_and_an_archive_of_one_image_show_the_same() {
    let Some(buildah) = Buildah::new() else {
        return;
    };
    buildah.build("App", "app", &["--layers=true"]);
    let archive = buildah.folder.join("app.tar");
    let to = format!(
        "docker-archive:{}:registry.example.com/app:1",
        archive.display()
    );
    buildah.run(&["push", "-q", "registry.example.com/app:1", &to]);
    let [of_layout, of_archive] = [buildah.folder.join("app"), archive].map(|path| {
        let outcome = Preflight::new(["inspect", "--deep", "--output", "json"])
            .arg(path)
            .run();
        assert_eq!(outcome.status, 0, "{}{}", outcome.stdout, outcome.stderr);
        let document: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
        let platform = &document["images"][0]["platforms"][0];
        let layers = platform["layers"].as_array().expect("layers").iter();
        let instructions: Vec<Value> = layers.map(|layer| layer["created_by"].clone()).collect();
        let content = &document["contents"][0];
        json!([
            document["images"][0]["reference"],
            platform["platform"],
            platform["base_layers"],
            instructions,
            content["unpacked_bytes"],
            content["hidden"],
            content["largest_files"],
            content["leftovers"],
        ])
    });
    assert_eq!(of_layout[4], 4, "{of_layout}");
    assert_eq!(of_layout, of_archive);
}
