//! `inspect`: one image for a person, and for a program.

use serde_json::{Value, json};

use crate::runner::{Outcome, Preflight, Sources};

const CONFIG: &str = "fixtures/oci-preflight.toml";

fn inspect(image: &str, more: &[&str]) -> Outcome {
    Preflight::new(["inspect", image, "--config", CONFIG].iter().chain(more)).run()
}

fn at_width(image: &str, columns: usize, locale: &str) -> String {
    Preflight::new(["inspect", image, "--config", CONFIG])
        .env("COLUMNS", columns.to_string())
        .env("LC_ALL", locale)
        .run()
        .stdout
}

fn has_line(shown: &str, parts: &[&str]) -> bool {
    shown
        .lines()
        .any(|line| parts.iter().all(|part| line.contains(part)))
}

#[test]
fn every_platform_is_shown_with_its_layers_whatever_the_node_pools_are() {
    let image = "registry.example.com/shop/web:1.4.2";
    let shown = inspect(image, &["--platform", "linux/amd64"]).stdout;
    for platform in ["linux/amd64", "linux/arm64"] {
        assert!(
            has_line(&shown, &[platform, "3.6 MB in 3 layers"]),
            "{shown}"
        );
    }
    assert!(has_line(&shown, &["100% █", "ADD alpine"]), "{shown}");
    assert!(has_line(&shown, &["0% ", "COPY web 1.4.2 /app"]), "{shown}");
}

#[test]
fn each_node_pool_has_a_mark_and_the_reason() {
    let image = "registry.example.com/shop/api:2.0.0";
    let shown = inspect(image, &[]);
    assert!(has_line(
        &shown.stdout,
        &["✓ general", "linux/amd64", "pulls 3.6 MB"]
    ));
    assert!(has_line(
        &shown.stdout,
        &["✗ arm", "linux/arm64", "no such platform"]
    ));
    // GKE keeps a plain pod away from its Arm nodes.
    assert_eq!(shown.status, 0, "{}", shown.stdout);
    let arm = inspect(image, &["--platform", "linux/arm64"]);
    assert_eq!(arm.status, 1);
    assert!(
        arm.stdout.contains("error[missing-platform]"),
        "{}",
        arm.stdout
    );
    let none = Preflight::new(["inspect", image, "--offline"]).run();
    assert_eq!(none.status, 0, "{}", none.stderr);
    assert!(none.stdout.contains("unchecked"), "{}", none.stdout);
    assert!(
        none.stdout.contains("No node pools were given"),
        "{}",
        none.stdout
    );
}

#[test]
fn what_is_not_there_is_refused_and_what_is_no_name_is_told_at_once() {
    let missing = inspect("registry.example.com/shop/web:9", &[]);
    assert_eq!(missing.status, 1);
    assert!(
        missing.stdout.contains("refused: not-found"),
        "{}",
        missing.stdout
    );
    let invalid = inspect("Nginx:1", &[]);
    assert_eq!((invalid.status, invalid.stdout.as_str()), (2, ""));
    assert!(
        invalid.stderr.contains("must be lowercase"),
        "{}",
        invalid.stderr
    );
}

#[test]
fn an_image_that_is_not_pushed_is_inspected_from_its_layout() {
    let elsewhere = Sources::new();
    let layout = format!(
        "registry.example.com={}",
        crate::runner::project().join("fixtures/layout").display()
    );
    let outcome = Preflight::new(["inspect", "registry.example.com/shop/web:1.4.2", "--layout"])
        .arg(layout)
        .current_dir(elsewhere.path())
        .run();
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("linux/arm64"), "{}", outcome.stdout);
}

#[test]
fn the_page_fits_narrow_and_wide_terminals_and_those_without_unicode() {
    for image in ["registry.example.com/shop/api:2.0.0", "nginx"] {
        for columns in [60, 80, 120] {
            let shown = at_width(image, columns, "C.UTF-8");
            for line in shown.lines().filter(|line| !line.contains("sha256:")) {
                assert!(line.chars().count() <= columns, "{columns}: {line}");
            }
        }
    }
    let ascii = at_width("registry.example.com/shop/api:2.0.0", 60, "C");
    assert!(ascii.is_ascii(), "{ascii}");
    assert!(
        has_line(&ascii, &["x arm"]) && has_line(&ascii, &["100% ###"]),
        "{ascii}"
    );
}

#[test]
fn a_program_gets_the_report_and_what_each_node_pool_would_pull() {
    let image = "registry.example.com/shop/api:2.0.0";
    let text = inspect(image, &["--output", "json"]).stdout;
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["version"], 1);
    let platform = &document["images"][0]["platforms"][0];
    let [general, arm] = document["pulls"].as_array().expect("pulls").as_slice() else {
        panic!("two pools: {text}");
    };
    assert_eq!(general["node_pool"], "general");
    assert_eq!(general["serves"], true);
    assert_eq!(general["digest"], platform["digest"]);
    assert_eq!(general["compressed_bytes"], platform["compressed_bytes"]);
    assert_eq!(
        (&arm["serves"], &arm["digest"]),
        (&Value::Bool(false), &Value::Null)
    );
    assert_eq!(arm["reason"], "no such platform");
}

#[test]
fn lint_shows_the_same_for_all_images_when_asked_to_say_more() {
    let verbose = Preflight::lint(["-v", "fixtures/k8s/api.yaml"])
        .run()
        .stdout;
    assert!(has_line(&verbose, &["✓ general: 3.6 MB"]), "{verbose}");
    assert!(
        has_line(&verbose, &["✗ arm: no such platform"]),
        "{verbose}"
    );
    let normal = Preflight::lint(["fixtures/k8s/api.yaml"]).run().stdout;
    assert!(!normal.contains("✗ arm"), "{normal}");
}

#[test]
fn a_deep_look_shows_what_the_layers_hold() {
    let image = "registry.example.com/shop/thumbnails:2.3";
    let shown = inspect(image, &["--deep"]).stdout;
    for parts in [
        &["21.9 kB unpacked, of which later layers hide 21.3 kB"][..],
        &["300 B", "srv/settings.json (layer 3)"],
        &["20.0 kB", "opt/sdk (layer 2, deleted by layer 4)"],
        &[
            "300 B",
            "srv/settings.json (layer 2, stored again by layer 3)",
        ],
    ] {
        assert!(has_line(&shown, parts), "{parts:?}\n{shown}");
    }
    let shown = inspect("registry.example.com/shop/invoices:1.1", &["--deep"]).stdout;
    let left = [
        "9.0 kB",
        "var/lib/apt/lists (package lists of apt, layer 2)",
    ];
    assert!(has_line(&shown, &left), "{shown}");
    assert!(!inspect(image, &[]).stdout.contains("unpacked"));
}

#[test]
fn a_program_gets_what_the_layers_hold_too() {
    let image = "registry.example.com/shop/thumbnails:2.3";
    let document = |image: &str, words: &[&str]| -> Value {
        let words = [&["--output", "json"], words].concat();
        serde_json::from_str(&inspect(image, &words).stdout).expect("JSON")
    };
    let contents = &document(image, &["--deep"])["contents"];
    assert_eq!(contents.as_array().map(Vec::len), Some(1));
    let content = &contents[0];
    assert_eq!(content["unpacked_bytes"], 21_869);
    assert_eq!(content["hidden_bytes"], 21_300);
    assert_eq!(content["dive_wasted_bytes"], 600);
    assert_eq!(
        content["hidden"][0],
        json!({"path": "opt/sdk", "files": 2, "bytes": 20_000, "layer": 2, "hidden_by_layer": 4, "deleted": true})
    );
    assert_eq!(
        content["largest_files"][0],
        json!({"path": "srv/settings.json", "bytes": 300, "layer": 3})
    );
    let invoices = document("registry.example.com/shop/invoices:1.1", &["--deep"]);
    let leftover = &invoices["contents"][0]["leftovers"][0];
    assert_eq!(leftover["path"], "var/lib/apt/lists");
    assert_eq!(leftover["layer"], 2);
    assert_eq!(document(image, &[])["contents"], json!([]));
}
