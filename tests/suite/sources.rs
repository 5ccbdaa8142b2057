//! Sources as people have them, from the folder to the report.

use serde_json::Value;

use crate::runner::{Preflight, Sources, pod};

/// An image that the layout has for linux/amd64 alone.
const AMD64_ONLY: &str = "registry.example.com/shop/api:2.0.0";

fn lint(sources: &Sources) -> Preflight {
    Preflight::lint(["--offline"]).arg(sources.path())
}

/// The rules of the findings with the node pools that they name.
fn rules(report: &Value) -> Vec<(&str, &str)> {
    let findings = report["findings"].as_array().expect("findings").iter();
    findings
        .map(|finding| {
            (
                finding["rule"].as_str().expect("a rule"),
                finding["node_pools"][0].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

#[test]
fn what_no_node_pulls_is_held_against_no_node_pool_but_against_the_platform_it_asks_for() {
    let judged = |dockerfile: &str| {
        let sources = Sources::new().file("Dockerfile", dockerfile);
        lint(&sources)
            .arg("--layout=registry.example.com=fixtures/layout")
            .arg("--platform=linux/s390x")
            .report()
    };
    let silent = judged(&format!("FROM {AMD64_ONLY}\n"));
    assert_eq!(rules(&silent), []);
    assert_eq!(silent["images"][0]["status"], "found");
    let other = judged(&format!("FROM --platform=linux/arm64 {AMD64_ONLY}\n"));
    assert_eq!(rules(&other), [("missing-platform", "linux/arm64")]);
    let missing = judged("FROM registry.example.com/shop/api:none\n");
    assert_eq!(rules(&missing), [("image-not-found", "")]);
}

/// The written text, path and line of each image place.
fn places(report: &Value, sources: &Sources) -> Vec<(String, String, u64)> {
    let prefix = format!("{}/", sources.path().display());
    let images = report["images"].as_array().expect("images").iter();
    let occurrences = images.flat_map(|image| {
        let occurrences = image["occurrences"].as_array().expect("occurrences").iter();
        occurrences.map(|occurrence| {
            (
                image["reference"].as_str().expect("a name").to_owned(),
                occurrence["path"]
                    .as_str()
                    .expect("a path")
                    .replace(&prefix, ""),
                occurrence["line"].as_u64().expect("a line"),
            )
        })
    });
    occurrences.collect()
}

fn place(image: &str, path: &str, line: u64) -> (String, String, u64) {
    (image.to_owned(), path.to_owned(), line)
}

#[test]
fn patterns_leave_out_what_folders_have() {
    let sources = Sources::new()
        .file("a.yaml", pod("q.io/a:1"))
        .file("testdata/b.yaml", pod("q.io/b:1"))
        .file("c.yaml", pod("q.io/c:1"))
        .file("oci-preflight.toml", "exclude = [\"testdata/\"]\n");
    let report = lint(&sources).arg("--exclude=c.*").report();
    assert_eq!(places(&report, &sources), [place("q.io/a:1", "a.yaml", 8)]);
    let wrong = lint(&sources).arg("--exclude=a{b").run();
    assert_eq!(wrong.status, 2);
    assert!(wrong.stderr.contains("is no pattern"), "{}", wrong.stderr);
}

#[test]
fn why_lists_every_place_that_names_an_image() {
    let sources = Sources::new()
        .file("a.yaml", pod("nginx:1.27"))
        .file("b.yaml", pod("docker.io/library/nginx:1.26"))
        .file("c.yaml", pod("q.io/nginx:1.27"));
    let why = |image: &str| {
        let outcome = lint(&sources).arg("--why").arg(image).run();
        let shown = outcome
            .stdout
            .replace(&format!("{}/", sources.path().display()), "");
        (outcome.status, shown)
    };
    let first = "a.yaml:8:14: nginx:1.27 (container app of Pod app)\n";
    let second = "b.yaml:8:14: docker.io/library/nginx:1.26 (container app of Pod app)\n";
    assert_eq!(why("nginx:1.27"), (0, first.to_owned()));
    assert_eq!(why("nginx"), (0, format!("{first}{second}")));
    assert_eq!(why("nginx:latest"), (1, String::new()));
}

#[test]
fn fields_that_the_config_knows_name_images() {
    let engine = "apiVersion: shop.example.com/v1\nkind: Engine\nmetadata: {name: e}\nspec:\n  runner: q.io/runner:1\n  tools:\n    - source: {repository: q.io/tool, tag: '2'}\n";
    let field = |path: &str| {
        format!(
            "[[image-field]]\napi-version = \"shop.example.com/v1\"\nkind = \"Engine\"\npath = \"{path}\"\n"
        )
    };
    let sources = Sources::new().file("a.yaml", engine).file(
        "oci-preflight.toml",
        field("spec.runner") + &field("spec.tools[].source"),
    );
    let report = lint(&sources).report();
    let expected = [
        place("q.io/runner:1", "a.yaml", 5),
        place("q.io/tool:2", "a.yaml", 7),
    ];
    assert_eq!(places(&report, &sources), expected);
}

#[test]
fn guesses_are_reported_only_where_the_registry_knows_the_image() {
    let args = format!("      args: ['--worker={AMD64_ONLY}', 'q.io/config:80']\n");
    let text = pod("registry.example.com/shop/web:1.4.2") + &args;
    let sources = Sources::new().file("a.yaml", text);
    let judged = |words: &[&str]| {
        let run = lint(&sources).arg("--layout=registry.example.com=fixtures/layout");
        run.args(words).report()
    };
    assert_eq!(judged(&[])["summary"]["images"], 1);
    let expected = [
        place(AMD64_ONLY, "a.yaml", 9),
        place("registry.example.com/shop/web:1.4.2", "a.yaml", 8),
    ];
    assert_eq!(places(&judged(&["--guess"]), &sources), expected);
}

#[test]
fn variables_of_compose_come_from_the_file_beside_it_and_the_environment_wins() {
    let compose = "services:\n  a: {image: 'q.io/a:${A_TAG:-1}'}\n  b: {image: 'q.io/b:${B_TAG:-1}'}\n  c: {image: 'q.io/c:${C_TAG:-1}'}\n";
    let sources = Sources::new()
        .file("compose.yaml", compose)
        .file(".env", "# tags\nexport B_TAG=\"2\" # two\nC_TAG=2\n");
    let report = lint(&sources).env("C_TAG", "3").report();
    let expected = [
        place("q.io/a:1", "compose.yaml", 2),
        place("q.io/b:2", "compose.yaml", 3),
        place("q.io/c:3", "compose.yaml", 4),
    ];
    assert_eq!(places(&report, &sources), expected);
}

#[test]
fn what_cannot_be_read_is_counted_with_its_reason_and_the_rest_is_read() {
    let sources = Sources::new()
        .file("a.yaml", b"a: 1\nimage: \xe4\n")
        .file("b.yaml", pod("q.io/b:1"));
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(sources.join(target), sources.join(name)).expect("a link");
    };
    link("", "loop");
    link("nowhere.yaml", "dangling.yaml");
    let report = lint(&sources).report();
    assert_eq!(places(&report, &sources), [place("q.io/b:1", "b.yaml", 8)]);
    assert_eq!(report["summary"]["exit_code"], 2);
    let shown = lint(&sources).run().stdout;
    assert!(shown.contains("line 2 is not UTF-8"), "{shown}");
    assert!(shown.contains("no such file"), "{shown}");
    assert!(shown.contains("2 sources skipped"), "{shown}");
}

#[test]
fn equal_reasons_are_told_once_with_their_number() {
    let broken =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nimage: {{ .Values.a }}\n  {{- end }}\n";
    let sources = Sources::new()
        .file("a.yaml", broken)
        .file("b.yaml", broken)
        .file("c.yaml", pod("q.io/c:1"));
    let shown = lint(&sources).run().stdout;
    assert_eq!(shown.matches("skipped: ").count(), 1, "{shown}");
    assert!(shown.contains("and 1 more"), "{shown}");
    assert!(shown.contains("2 sources skipped"), "{shown}");
}
