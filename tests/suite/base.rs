//! Images beside those that are deployed now, through the binary: a git revision or a folder.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::runner::{Outcome, Preflight, Sources, pod, project};

const SHOP: &str = "registry.example.com/shop";

/// Two deployments: one image in a bad order, and one in a good order.
fn shop(version: &str) -> String {
    ["orders", "cart"]
        .map(|name| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  template:\n    \
                 spec:\n      containers:\n        - name: app\n          image: {SHOP}/{name}:{version}\n"
            )
        })
        .join("---\n")
}

/// `lint WORDS` in a folder, with the layout of the fixtures for one platform.
fn lint(folder: &Path, words: &[&str]) -> Preflight {
    let layout = project().join("fixtures/layout");
    Preflight::lint(words)
        .arg("--layout")
        .arg(format!("registry.example.com={}", layout.display()))
        .args(["--platform", "linux/amd64"])
        .current_dir(folder)
}

fn git(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-C", folder.to_str().expect("a path")])
        .args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.com",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "git {words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// A repository whose `main` has what `before` writes, and whose files are those of `now`.
fn repository(before: Sources, now: impl FnOnce(Sources) -> Sources) -> Sources {
    git(before.path(), &["init", "--quiet"]);
    git(before.path(), &["add", "."]);
    git(
        before.path(),
        &["commit", "--quiet", "--message", "deployed"],
    );
    now(before)
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .filter(|word| *word != "│")
        .collect::<Vec<_>>()
        .join(" ")
}

fn refused(outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.status, 2, "{}{}", outcome.stdout, outcome.stderr);
    let said = one_line(&outcome.stderr);
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// The findings of a rule: image and message.
fn findings(report: &Value, rule: &str) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().expect("findings").iter();
    findings
        .filter(|finding| finding["rule"] == rule)
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().expect(key).to_owned();
            (text("reference"), text("message"))
        })
        .collect()
}

#[test]
fn what_nodes_pull_for_a_release_is_said_to_the_byte() {
    let sources = repository(
        Sources::new().file("k8s/shop.yaml", shop("1.0.0")),
        |sources| sources.file("k8s/shop.yaml", shop("1.1.0")),
    );
    let report = lint(sources.path(), &["k8s", "--base", "main"]).report();
    assert_eq!(
        findings(&report, "layer-order"),
        [(
            format!("{SHOP}/orders:1.1.0"),
            format!(
                "{SHOP}/orders:1.1.0: 12.0 kB of source changed in layer 3 (`COPY . /srv`) since {SHOP}/orders:1.0.0, and 310.0 MB \
                 of dependencies above it are pulled again on every node (layer 4, `RUN npm ci --omit=dev`)"
            )
        )]
    );
    let base = &report["base"];
    assert_eq!(base["name"], "main");
    let changes: Vec<Value> = base["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| {
            json!([
                change["before"],
                change["now"],
                change["platforms"][0]["fetched_bytes"]
            ])
        })
        .collect();
    // 12 kB of source in both; 310 MB of dependencies above it in the bad order.
    assert_eq!(
        changes,
        [
            json!([
                format!("{SHOP}/cart:1.0.0"),
                format!("{SHOP}/cart:1.1.0"),
                12_000
            ]),
            json!([
                format!("{SHOP}/orders:1.0.0"),
                format!("{SHOP}/orders:1.1.0"),
                310_012_000
            ]),
        ]
    );
    // The base image of 3.6 MB and the empty folder of 93 bytes are in both images, and count once.
    let shared = 3_600_000 + 93;
    let all = shared + 310_012_000 + 310_073_000;
    assert_eq!(
        base["pulls"],
        json!([{
            "node_pool": "linux/amd64",
            "platform": "linux/amd64",
            "before_bytes": all,
            "now_bytes": all,
            "fetched_bytes": 310_012_000 + 12_000,
            "unknown_images": 0
        }])
    );
}

#[test]
fn a_folder_is_a_base_as_a_revision_is_and_every_format_says_it() {
    let sources = repository(
        Sources::new()
            .file("k8s/shop.yaml", shop("1.0.0"))
            .file("deployed/all.yaml", shop("1.0.0")),
        |sources| sources.file("k8s/shop.yaml", shop("1.1.0")),
    );
    let of_revision = lint(sources.path(), &["k8s", "--base", "HEAD"]).report();
    let of_folder = lint(sources.path(), &[".", "--base", "deployed"]).report();
    for key in ["changes", "pulls", "places"] {
        assert_eq!(of_revision["base"][key], of_folder["base"][key], "{key}");
    }
    // What is deployed is no source of what is asked for.
    assert_eq!(of_folder["summary"]["sources"], 1);
    for (format, said) in [
        (
            "pretty",
            "linux/amd64: 310.0 MB of 623.7 MB; 623.7 MB are deployed",
        ),
        (
            "markdown",
            "| `linux/amd64` | 623.7 MB | 623.7 MB | **310.0 MB** |",
        ),
        (
            "html",
            "<td>linux/amd64</td><td>623.7 MB</td><td>623.7 MB</td><td>310.0 MB</td>",
        ),
    ] {
        let outcome = lint(
            sources.path(),
            &["k8s", "--base", "HEAD", "--output", format],
        )
        .run();
        assert!(
            outcome.stdout.contains(said),
            "{format}: {}",
            outcome.stdout
        );
        assert!(
            one_line(&outcome.stdout).contains("Compared with HEAD: 2 images changed"),
            "{format}"
        );
    }
    let without = lint(sources.path(), &["k8s"]).report();
    assert_eq!(without["base"], Value::Null);
}

#[test]
fn new_gone_renamed_and_moved_places_are_told_apart() {
    let sources = repository(
        Sources::new()
            .file("k8s/a.yaml", pod(&format!("{SHOP}/web:1.4.0")))
            .file(
                "k8s/old.yaml",
                pod(&format!("{SHOP}/cart:1.0.0")).replace("name: app", "name: old"),
            ),
        |sources| {
            std::fs::rename(sources.join("k8s/a.yaml"), sources.join("k8s/moved.yaml"))
                .expect("moved");
            std::fs::remove_file(sources.join("k8s/old.yaml")).expect("removed");
            sources
                .file("k8s/moved.yaml", pod(&format!("{SHOP}/web:1.4.2")))
                .file(
                    "k8s/new.yaml",
                    pod(&format!("{SHOP}/billing:1.9")).replace("name: app", "name: new"),
                )
        },
    );
    let report = lint(sources.path(), &["k8s", "--base", "main"]).report();
    let changes: Vec<Value> = report["base"]["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| json!([change["before"], change["now"]]))
        .collect();
    assert_eq!(
        changes,
        [
            json!([null, format!("{SHOP}/billing:1.9")]),
            json!([format!("{SHOP}/cart:1.0.0"), null]),
            json!([format!("{SHOP}/web:1.4.0"), format!("{SHOP}/web:1.4.2")]),
        ]
    );
    let unchanged = lint(
        sources.path(),
        &["k8s/moved.yaml", "--base", "main", "--verbose"],
    );
    let shown = one_line(&unchanged.run().stdout);
    assert!(
        shown.contains("Compared with main: 1 image new"),
        "a file that was not there: {shown}"
    );
}

#[test]
fn an_image_of_the_base_that_is_gone_is_counted_as_not_known() {
    let sources = repository(
        Sources::new().file("a.yaml", pod(&format!("{SHOP}/web:0.1"))),
        |sources| sources.file("a.yaml", pod(&format!("{SHOP}/web:1.4.2"))),
    );
    let outcome = lint(sources.path(), &["a.yaml", "--base", "main"]).run();
    assert_eq!(outcome.status, 0, "{}", outcome.stdout);
    let shown = one_line(&outcome.stdout);
    assert!(
        shown.contains("without 1 image, whose layers are not known"),
        "{shown}"
    );
}

#[test]
fn parts_of_a_run_with_a_base_come_to_what_one_run_comes_to() {
    let sources = repository(Sources::new().file("shop.yaml", shop("1.0.0")), |sources| {
        sources
            .file("shop.yaml", shop("1.1.0"))
            .file("new.yaml", pod(&format!("{SHOP}/web:1.4.2")))
    });
    let whole = lint(sources.path(), &[".", "--base", "main"]).report();
    let merged = (1..=3).fold(Preflight::new(["merge"]), |merge, number| {
        let file = sources.join(&format!("../part{number}-{}.json", std::process::id()));
        let words = [".", "--base", "main", "--partition", &format!("{number}/3")];
        lint(sources.path(), &words)
            .arg("--output")
            .arg(format!("json={}", file.display()))
            .run();
        merge.arg(file)
    });
    let merged = merged.report();
    for number in 1..=3 {
        let file = sources.join(&format!("../part{number}-{}.json", std::process::id()));
        std::fs::remove_file(file).expect("removed");
    }
    assert_eq!(merged["base"], whole["base"]);
    assert_eq!(merged["findings"], whole["findings"]);
}

#[test]
fn what_is_rendered_now_is_rendered_in_the_base() {
    let kustomization = |tag: &str| {
        format!("resources: [../common]\nimages:\n  - name: {SHOP}/orders\n    newTag: {tag}\n")
    };
    let sources = repository(
        Sources::new()
            .file("common/kustomization.yaml", "resources: [pod.yaml]\n")
            .file("common/pod.yaml", pod(&format!("{SHOP}/orders:0")))
            .file("prod/kustomization.yaml", kustomization("1.0.0")),
        |sources| sources.file("prod/kustomization.yaml", kustomization("1.1.0")),
    );
    // A stand-in that renders: the programs themselves are tested elsewhere.
    let sources = sources.file(
        "bin/kustomize",
        "#!/bin/sh\ntag=$(sed -n 's/.*newTag: //p' \"$2/kustomization.yaml\")\nsed \"s/orders:0/orders:$tag/\" \"$2/../common/pod.yaml\"\n",
    );
    #[cfg(unix)]
    std::fs::set_permissions(
        sources.join("bin/kustomize"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .expect("a program");
    let path = format!(
        "{}:{}",
        sources.join("bin").display(),
        std::env::var("PATH").expect("a path")
    );
    let report = lint(sources.path(), &["prod", "--base", "main"])
        .env("PATH", path)
        .report();
    let change = &report["base"]["changes"][0];
    assert_eq!(
        change["before"],
        format!("{SHOP}/orders:1.0.0"),
        "{:#}",
        report["base"]
    );
    assert_eq!(change["now"], format!("{SHOP}/orders:1.1.0"));
}

#[test]
fn a_base_that_cannot_be_had_says_what_to_do() {
    let plain = Sources::new().file("a.yaml", pod("nginx:1.27"));
    refused(
        &lint(plain.path(), &[".", "--base", "main", "--offline"]).run(),
        &["is in no git repository", "--base FOLDER"],
    );
    refused(
        &lint(plain.path(), &["-", "--base", "main", "--offline"])
            .stdin(pod("nginx:1.27"))
            .run(),
        &["standard input", "--base FOLDER"],
    );
    refused(
        &lint(plain.path(), &[".", "--base", "main", "--offline"])
            .env("PATH", "/nowhere")
            .run(),
        &["there is no `git` on this machine"],
    );
    let sources = repository(plain, |sources| sources);
    refused(
        &lint(sources.path(), &[".", "--base", "v9", "--offline"]).run(),
        &["there is no folder and no git revision v9", "git tag"],
    );
    refused(
        &lint(
            sources.path(),
            &[".", "--base=--upload-pack=x", "--offline"],
        )
        .run(),
        &["there is no folder and no git revision --upload-pack=x"],
    );
    let elsewhere = Sources::new().file("b.yaml", pod("nginx:1.27"));
    let other = elsewhere.join("b.yaml");
    refused(
        &lint(
            sources.path(),
            &[
                ".",
                other.to_str().expect("a path"),
                "--base",
                "main",
                "--offline",
            ],
        )
        .run(),
        &["is not in the repository"],
    );
    let clones = Sources::new();
    let origin = format!("file://{}", sources.path().display());
    let clone = clones.join("clone");
    let clone = clone.to_str().expect("a path");
    git(
        sources.path(),
        &["commit", "--quiet", "--allow-empty", "--message", "next"],
    );
    git(sources.path(), &["branch", "release"]);
    git(
        clones.path(),
        &["clone", "--quiet", "--depth=1", &origin, clone],
    );
    refused(
        &lint(Path::new(clone), &[".", "--base", "HEAD~1", "--offline"]).run(),
        &[
            "the clone is shallow",
            "git fetch --depth=1 origin HEAD~1",
            "fetch-depth: 0",
        ],
    );
    git(
        Path::new(clone),
        &[
            "fetch",
            "--quiet",
            "origin",
            "release:refs/remotes/origin/release",
        ],
    );
    refused(
        &lint(Path::new(clone), &[".", "--base", "release", "--offline"]).run(),
        &["give `--base origin/release`"],
    );
}

#[test]
fn a_base_without_the_paths_has_nothing_deployed() {
    let sources = repository(Sources::new().file("README", "-"), |sources| {
        sources.file("k8s/a.yaml", pod(&format!("{SHOP}/web:1.4.2")))
    });
    let report = lint(sources.path(), &["k8s", "--base", "main"]).report();
    assert_eq!(report["base"]["places"], json!([]));
    assert_eq!(
        report["base"]["changes"][0]["now"],
        format!("{SHOP}/web:1.4.2")
    );
    assert_eq!(report["base"]["pulls"][0]["before_bytes"], 0);
}

#[test]
fn another_base_image_is_named_and_nobody_is_blamed_for_it() {
    let sources = repository(
        Sources::new().file("a.yaml", pod(&format!("{SHOP}/orders:1.0.0"))),
        |sources| sources.file("a.yaml", pod(&format!("{SHOP}/thumbnails:2.3"))),
    );
    let run = |words: &[&str]| lint(sources.path(), words);
    let report = run(&["a.yaml", "--base", "main"]).report();
    let platform = &report["base"]["changes"][0]["platforms"][0];
    assert_eq!(
        (&platform["common_layers"], &platform["other_base_image"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(findings(&report, "layer-order"), []);
    for format in ["pretty", "markdown", "html"] {
        let shown = run(&["a.yaml", "--base", "main", "-v", "--output", format]).run();
        let shown = one_line(&shown.stdout);
        assert!(shown.contains("(another base image)"), "{format}: {shown}");
    }
    let same = repository(
        Sources::new().file("a.yaml", pod(&format!("{SHOP}/orders:1.0.0"))),
        |sources| sources.file("a.yaml", pod(&format!("{SHOP}/orders:1.1.0"))),
    );
    let report = lint(same.path(), &["a.yaml", "--base", "main"]).report();
    let platform = &report["base"]["changes"][0]["platforms"][0];
    assert_eq!(platform["other_base_image"], false);
}
