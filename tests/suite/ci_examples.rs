//! The examples in `docs/ci` are linted as the sources that they are. `tests/ci_examples.py` runs them.

use std::collections::BTreeSet;
use std::fs;

use crate::runner::{Preflight, project};

#[test]
fn each_example_is_linted_without_a_finding() {
    let mut linted = BTreeSet::new();
    for entry in fs::read_dir(project().join("docs/ci")).expect("the examples") {
        let path = entry.expect("an example").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        if name == "Jenkinsfile" {
            continue;
        }
        let report = Preflight::lint([
            "--offline",
            "--fail-on",
            "note",
            "--platform",
            "linux/amd64",
        ])
        .arg(&path)
        .report();
        assert_eq!(report["summary"]["verdict"], "pass", "{name}: {report:#}");
        assert_eq!(report["findings"], serde_json::json!([]), "{name}");
        assert_ne!(report["summary"]["images"], 0, "{name}");
        linted.insert(name.to_owned());
    }
    let expected = [
        "argocd-presync.yaml",
        "gitlab-ci-matrix.yml",
        "gitlab-ci.yml",
        "tekton.yaml",
    ];
    assert_eq!(linted, expected.map(ToOwned::to_owned).into());
}

#[test]
fn each_example_is_in_the_readme() {
    let readme = fs::read_to_string(project().join("README.md")).expect("the README");
    for entry in fs::read_dir(project().join("docs/ci")).expect("the examples") {
        let text = fs::read_to_string(entry.expect("an example").path()).expect("an example");
        assert!(readme.contains(&text), "{text}");
    }
}
