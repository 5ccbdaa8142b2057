//! Linters of workflows, actions and shell scripts find nothing.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use regex::Regex;
use serde_json::Value;

use crate::python_tools::tool;
use crate::runner::project;
use crate::yaml;

/// The files of a folder of the project, by name; none where there is no such folder.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(project().join(folder)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

/// Runs a linter in the project's folder. Gives what it printed where it found something.
fn found(command: &mut Command) -> Option<String> {
    let output = command.current_dir(project()).output().expect("it runs");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    (!output.status.success()).then_some(printed)
}

#[test]
fn zizmor_finds_nothing_in_the_action_and_the_workflows() {
    let Some(mut zizmor) = tool("zizmor") else {
        return;
    };
    let found = found(
        zizmor
            .args([
                "--offline",
                "--strict-collection",
                "--no-progress",
                "--color=never",
            ])
            .arg("action.yml")
            .args(files(".github/workflows")),
    );
    assert_eq!(found, None);
}

#[test]
fn actionlint_finds_nothing_in_the_workflows() {
    let Some(mut actionlint) = tool("actionlint") else {
        return;
    };
    assert!(files(".github/workflows").len() >= 2);
    let found = found(actionlint.arg("-no-color").args(files(".github/workflows")));
    assert_eq!(found, None);
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let Some(mut shellcheck) = tool("shellcheck") else {
        return;
    };
    let mut scripts = files(".github/action");
    for folder in ["tests", ".ci", "packaging"] {
        scripts.extend(files(folder).into_iter().filter(|path| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.lines().next().is_some_and(|line| line.ends_with("sh"))
        }));
    }
    assert!(scripts.len() >= 5, "{scripts:?}");
    assert_eq!(found(shellcheck.args(scripts)), None);
}

/// The texts under a key, wherever it stands.
fn under<'a>(key: &str, value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == key {
                    texts.extend(field.as_str());
                }
                under(key, field, texts);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| under(key, item, texts)),
        _ => {}
    }
}

#[test]
fn other_actions_are_pinned_to_a_commit_and_say_their_version() {
    let mut all = files(".github/workflows");
    all.push(project().join("action.yml"));
    let pinned =
        Regex::new(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$").expect("a pattern");
    for path in all {
        let text = fs::read_to_string(&path).expect("a workflow");
        let value = yaml::parsed(&text).expect("YAML");
        let mut used = Vec::new();
        under("uses", &value, &mut used);
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("uses: "))
            .collect();
        assert_eq!(lines.len(), used.len(), "{}", path.display());
        for line in lines {
            let is_own = line.contains("uses: ./ ");
            assert!(
                is_own || pinned.is_match(line),
                "{}: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn each_job_has_the_permissions_that_it_needs_and_no_others() {
    for path in files(".github/workflows") {
        let text = fs::read_to_string(&path).expect("a workflow");
        let workflow = yaml::parsed(&text).expect("YAML");
        let shown = path.display();
        assert_eq!(workflow["permissions"], serde_json::json!({}), "{shown}");
        for (name, job) in workflow["jobs"].as_object().expect("jobs") {
            assert!(job["permissions"].is_object(), "{shown}: {name}");
            assert!(job["timeout-minutes"].is_string(), "{shown}: {name}");
        }
    }
}

#[test]
fn live_registries_are_kept_from_pull_requests() {
    let nightly = yaml::file(".github/workflows/nightly.yml");
    let events = nightly["on"].as_object().expect("events");
    let names: Vec<&String> = events.keys().collect();
    assert_eq!(names, ["schedule", "workflow_dispatch"]);
    for path in files(".github/workflows") {
        let text = fs::read_to_string(&path).expect("a workflow");
        let is_live = text.contains("tests/live");
        assert_eq!(is_live, path.ends_with("nightly.yml"), "{}", path.display());
    }
}

#[test]
fn the_workflow_tests_the_rust_version_that_the_package_names() {
    let ci = fs::read_to_string(project().join(".github/workflows/ci.yml")).expect("ci.yml");
    let version = env!("CARGO_PKG_RUST_VERSION");
    assert!(ci.contains(&format!("rustup toolchain install {version} ")));
    assert!(ci.contains(&format!("cargo +{version} check --locked")));
}
