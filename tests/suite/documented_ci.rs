//! The YAML of the README and the docs is what it says: inputs and outputs of the action, hooks, workflows.

use std::fs;
use std::path::PathBuf;

use regex::Regex;
use serde_json::Value;

use crate::python_tools::tool;
use crate::runner::project;
use crate::yaml;

struct Snippet {
    /// `README.md:LINE`.
    place: String,
    text: String,
    value: Value,
}

/// The README and the pages of docs/ itself. Those below it are made, and have tests of their own.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(project().join("docs")).expect("docs");
    let docs = docs.map(|entry| entry.expect("an entry").path());
    let pages = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    [project().join("README.md")]
        .into_iter()
        .chain(pages)
        .collect()
}

/// Every block of YAML in the documentation.
fn snippets() -> Vec<Snippet> {
    let mut snippets = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let Some(indent) = line.strip_suffix("```yaml") else {
                continue;
            };
            let block = lines.by_ref().map(|(_, line)| line);
            let block = block.take_while(|line| line.trim() != "```");
            let block = block.map(|line| line.strip_prefix(indent).unwrap_or(line));
            let text: String = block.flat_map(|line| [line, "\n"]).collect();
            let place = format!("{name}:{}", number + 1);
            let value = yaml::parsed(&text).unwrap_or_else(|error| panic!("{place}: {error}"));
            snippets.push(Snippet { place, text, value });
        }
    }
    snippets
}

/// The mappings that have that key, wherever they stand.
fn with_key<'a>(key: &str, value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key(key) {
                found.push(value);
            }
            fields
                .values()
                .for_each(|field| with_key(key, field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| with_key(key, item, found)),
        _ => {}
    }
}

/// The uses of our action in a snippet.
fn uses(snippet: &Snippet) -> Vec<&Value> {
    let mut steps = Vec::new();
    with_key("uses", &snippet.value, &mut steps);
    let is_ours = |step: &&Value| {
        let action = step["uses"].as_str().unwrap_or_default();
        action.starts_with("oci-preflight/oci-preflight@")
    };
    steps.into_iter().filter(is_ours).collect()
}

#[test]
fn each_use_of_the_action_names_this_version_and_inputs_that_there_are() {
    let action = yaml::file("action.yml");
    let inputs = action["inputs"].as_object().expect("inputs");
    let mut count = 0;
    for snippet in snippets() {
        for step in uses(&snippet) {
            count += 1;
            let expected = concat!("oci-preflight/oci-preflight@v", env!("CARGO_PKG_VERSION"));
            assert_eq!(step["uses"], expected, "{}", snippet.place);
            for name in step["with"]
                .as_object()
                .into_iter()
                .flat_map(|with| with.keys())
            {
                assert!(
                    inputs.contains_key(name),
                    "{}: no input {name}",
                    snippet.place
                );
            }
        }
    }
    assert!(count >= 5, "the documentation uses the action: {count}");
}

#[test]
fn outputs_that_are_used_are_those_of_the_action() {
    let action = yaml::file("action.yml");
    let outputs = action["outputs"].as_object().expect("outputs");
    let used = Regex::new(r"steps\.preflight\.outputs\.([a-z-]+)").expect("a pattern");
    let mut count = 0;
    for snippet in snippets() {
        for found in used.captures_iter(&snippet.text) {
            count += 1;
            assert!(
                outputs.contains_key(&found[1]),
                "{}: {}",
                snippet.place,
                &found[0]
            );
        }
    }
    assert!(count >= 3, "{count}");
}

#[test]
fn actionlint_finds_nothing_in_documented_workflows() {
    let mut count = 0;
    for snippet in snippets() {
        let is_workflow = snippet.value.get("jobs").is_some() && snippet.value.get("on").is_some();
        // What is only a step stands in a job here.
        let text = if is_workflow {
            snippet.text.clone()
        } else if snippet.value.is_array() && !uses(&snippet).is_empty() {
            let steps: Vec<&str> = snippet.text.lines().collect();
            let steps = steps.join(
                "
      ",
            );
            format!(
                "on: push\njobs:\n  lint:\n    runs-on: ubuntu-latest\n    steps:\n      {steps}\n"
            )
        } else {
            continue;
        };
        let Some(mut actionlint) = tool("actionlint") else {
            return;
        };
        count += 1;
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = folder.path().join("workflow.yaml");
        fs::write(&file, text).expect("a workflow");
        let output = actionlint
            .arg("-no-color")
            .arg(&file)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}: {said}", snippet.place);
    }
    assert!(count >= 4, "{count}");
}

#[test]
fn documented_hooks_are_those_that_there_are() {
    let hooks = yaml::file(".pre-commit-hooks.yaml");
    let hooks = hooks.as_array().expect("hooks");
    let ids: Vec<&Value> = hooks.iter().map(|hook| &hook["id"]).collect();
    let mut count = 0;
    for snippet in snippets() {
        for repository in snippet.value["repos"].as_array().into_iter().flatten() {
            count += 1;
            assert_eq!(
                repository["repo"],
                env!("CARGO_PKG_REPOSITORY"),
                "{}",
                snippet.place
            );
            assert_eq!(
                repository["rev"],
                concat!("v", env!("CARGO_PKG_VERSION")),
                "{}",
                snippet.place
            );
            for hook in repository["hooks"].as_array().expect("hooks") {
                assert!(ids.contains(&&hook["id"]), "{}: {hook}", snippet.place);
            }
            let Some(mut pre_commit) = tool("pre-commit") else {
                return;
            };
            let folder = tempfile::TempDir::new().expect("a folder");
            let file = folder.path().join(".pre-commit-config.yaml");
            fs::write(&file, &snippet.text).expect("a config");
            let output = pre_commit
                .arg("validate-config")
                .arg(&file)
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && said.is_empty(),
                "{}: {said}",
                snippet.place
            );
        }
    }
    assert!(count > 0, "the README shows a hook");
}
