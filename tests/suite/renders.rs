//! Charts and Kustomizations, rendered by the programs of the machine or by recordings of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::runner::{Preflight, Sources};

/// A deployment as Helm renders it.
const RENDERED: &str = "---\n# Source: shop/templates/web.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: \"q.io/web:2\"\n---\n# Source: shop/templates/job.yaml\napiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec:\n  template:\n    spec:\n      containers:\n        - name: job\n          image: q.io/job:1-2\n";

fn chart() -> Sources {
    Sources::new()
        .file("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n")
        .file("shop/values.yaml", "image:\n  repository: q.io/web\n  tag: '2'\n")
        .file("shop/templates/web.yaml", "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"\n")
        .file("shop/templates/job.yaml", "apiVersion: batch/v1\nkind: Job\nspec:\n  template:\n    spec:\n      containers:\n        - name: job\n          image: q.io/job:{{ .Chart.Version }}-2\n")
}

/// A folder with a program of that name that does what the lines say.
fn program(name: &str, lines: &str) -> Sources {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Sources::new().file(name, format!("#!/bin/sh\n{lines}\n"));
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.join(name), executable).expect("a program");
    folder
}

/// A run in which no program is there but those of `folder` and the shell's.
fn lint(sources: &Sources, programs: Option<&Sources>) -> Preflight {
    let path = programs.map_or_else(PathBuf::new, |folder| folder.path().to_owned());
    Preflight::lint(["--offline"])
        .arg(sources.path())
        .env("PATH", path)
}

fn places(report: &Value, sources: &Sources) -> Vec<String> {
    let prefix = format!("{}/", sources.path().display());
    let images = report["images"].as_array().expect("images").iter();
    let mut places: Vec<String> = images
        .flat_map(|image| {
            let occurrences = image["occurrences"].as_array().expect("occurrences").iter();
            occurrences.map(|occurrence| {
                let path = occurrence["path"]
                    .as_str()
                    .expect("a path")
                    .replace(&prefix, "");
                let name = image["reference"].as_str().expect("a name");
                format!(
                    "{name} {path}:{}:{}",
                    occurrence["line"], occurrence["column"]
                )
            })
        })
        .collect();
    places.sort();
    places
}

fn skipped(report: &Value) -> Vec<String> {
    let sources = report["sources"].as_array().expect("sources").iter();
    let reasons = sources.filter_map(|source| source["skipped"].as_str());
    reasons.map(ToOwned::to_owned).collect()
}

#[test]
fn findings_in_a_rendered_chart_point_to_its_values_or_its_template() {
    let recorded = Sources::new().file("rendered.yaml", RENDERED);
    let shown = recorded.join("rendered.yaml");
    let helm = program(
        "helm",
        &format!(
            "while IFS= read -r line; do printf '%s\\n' \"$line\"; done < {}",
            shown.display()
        ),
    );
    println!("skipped: the real helm; a recorded render stands in for it");
    let sources = chart();
    let report = lint(&sources, Some(&helm)).report();
    assert_eq!(
        places(&report, &sources),
        [
            "q.io/job:1-2 shop/templates/job.yaml:8:18",
            "q.io/web:2 shop/values.yaml:2:15"
        ]
    );
    assert_eq!(skipped(&report), [""; 0]);
    assert_eq!(report["summary"]["exit_code"], 0);
}

#[test]
fn a_recorded_render_on_standard_input_is_read() {
    let report = Preflight::lint(["--offline", "-"]).stdin(RENDERED).report();
    assert_eq!(report["summary"]["images"], 2);
    assert_eq!(report["images"][0]["occurrences"][0]["path"], "<stdin>");
}

#[test]
fn values_and_api_versions_are_passed_to_helm() {
    let words = Sources::new();
    let log = words.join("words");
    let helm = program(
        "helm",
        &format!("printf '%s\\n' \"$@\" > {}", log.display()),
    );
    let sources = chart().file("prod.yaml", "replicas: 1\n");
    let values = sources.join("prod.yaml");
    lint(&sources, Some(&helm))
        .arg("--values")
        .arg(&values)
        .args(["--set", "a=b", "--api-versions", "x/v1"])
        .run();
    let passed = std::fs::read_to_string(log).expect("the words");
    let chart = sources.join("shop");
    let expected = format!(
        "template\n{}\n--values\n{}\n--set\na=b\n--api-versions\nx/v1\n",
        chart.display(),
        values.display()
    );
    assert_eq!(passed, expected);
}

#[test]
fn a_chart_that_fails_shows_its_own_error_and_the_rest_goes_on() {
    let helm = program("helm", "echo 'Error: no value for password' >&2; exit 1");
    let sources = chart().file("pod.yaml", crate::runner::pod("q.io/pod:1"));
    let report = lint(&sources, Some(&helm)).report();
    let reasons = skipped(&report);
    let own = "`helm template` fails: Error: no value for password";
    assert!(reasons.iter().any(|reason| reason == own), "{reasons:?}");
    assert_eq!(report["summary"]["exit_code"], 2);
    let places = places(&report, &sources);
    assert!(
        places.contains(&"q.io/pod:1 pod.yaml:8:14".to_owned()),
        "{places:?}"
    );
}

#[test]
fn without_the_program_it_is_named_with_what_to_install() {
    let sources = chart()
        .file("overlay/kustomization.yaml", "resources: [pod.yaml]\n")
        .file("overlay/pod.yaml", crate::runner::pod("q.io/pod:1"));
    let report = lint(&sources, None).report();
    let reasons = skipped(&report).join("\n");
    assert!(reasons.contains("install helm"), "{reasons}");
    assert!(reasons.contains("install kustomize"), "{reasons}");
    assert_eq!(report["summary"]["exit_code"], 0);
    let places = places(&report, &sources);
    assert!(
        places.contains(&"q.io/pod:1 overlay/pod.yaml:8:14".to_owned()),
        "{places:?}"
    );
}

#[test]
fn nothing_is_run_where_nothing_shall_be_rendered() {
    let trace = Sources::new();
    let log = trace.join("ran");
    let helm = program("helm", &format!("echo > {}", log.display()));
    let sources = chart();
    lint(&sources, Some(&helm)).arg("--no-render").run();
    assert!(!log.exists());
}

#[test]
fn a_kustomization_is_rendered_with_its_bases_and_points_to_its_files() {
    let kubectl = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .any(|folder: PathBuf| Path::new(&folder).join("kubectl").is_file())
    });
    if !kubectl {
        println!("skipped: kubectl is not there");
        return;
    }
    let two = crate::runner::pod("q.io/app:1") + "    - name: side\n      image: q.io/side:1\n";
    let sources = Sources::new()
        .file("base/kustomization.yaml", "resources: [pod.yaml]\n")
        .file("base/pod.yaml", two)
        .file(
            "prod/kustomization.yaml",
            "resources: [../base]\nimages:\n  - name: q.io/app\n    newName: q.io/other\n    newTag: '7'\n",
        );
    let report = Preflight::lint(["--offline"]).arg(sources.path()).report();
    assert_eq!(
        places(&report, &sources),
        [
            "q.io/other:7 prod/kustomization.yaml:4:14",
            "q.io/side:1 base/pod.yaml:10:14"
        ]
    );
    let remote = Sources::new().file(
        "kustomization.yaml",
        "resources: [https://example.com/x.yaml]\n",
    );
    let report = Preflight::lint(["--offline"]).arg(remote.path()).report();
    assert!(skipped(&report)[0].contains("from the network"), "{report}");
}
