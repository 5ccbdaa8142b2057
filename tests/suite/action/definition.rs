//! What `action.yml` says agrees with the command line, and keeps inputs out of scripts.

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;
use serde_json::Value;

use super::workflow_runner::definition;
use crate::runner::{Preflight, project};

/// Options of `lint` that are no inputs, and why.
const NO_INPUT: [(&str, &str); 8] = [
    ("why", "is asked once, by a person"),
    ("write-baseline", "is done once, by a person"),
    ("show-settings", "is done once, by a person"),
    ("help", "is asked once, by a person"),
    ("color", "a log of a job has colours"),
    ("progress", "a log of a job has none"),
    ("quiet", "the log and the summary show the same everywhere"),
    ("verbose", "the reports hold all of it"),
];

/// Inputs that are no options of `lint`, and why.
const NO_OPTION: [(&str, &str); 6] = [
    ("paths", "stand behind the options"),
    ("changed-only", "takes --changed-since from the event"),
    ("compare", "takes --base from the event"),
    ("merge", "is a command of its own"),
    ("annotations", "are about the pages of the job"),
    ("summary", "is about the page of the job"),
];

fn names(of: &str) -> BTreeSet<String> {
    let definition = definition();
    let named = definition[of].as_object().expect(of);
    named.keys().cloned().collect()
}

fn options_of_lint() -> BTreeSet<String> {
    let help = Preflight::lint(["--help"]).run().stdout;
    let option = Regex::new(r"(?m)^(?:      |  -\w, )--([a-z-]+)").expect("a pattern");
    option
        .captures_iter(&help)
        .map(|found| found[1].to_owned())
        .collect()
}

fn script(name: &str) -> String {
    fs::read_to_string(project().join(".github/action").join(name)).expect(name)
}

fn steps() -> Vec<Value> {
    let definition = definition();
    definition["runs"]["steps"]
        .as_array()
        .expect("steps")
        .clone()
}

#[test]
fn the_inputs_are_the_options_of_lint() {
    let options = options_of_lint();
    assert!(options.len() > 30, "the help is understood: {options:?}");
    let mut expected = options.clone();
    for (option, why) in NO_INPUT {
        assert!(expected.remove(option), "{option} {why}, but is no option");
    }
    for (input, why) in NO_OPTION {
        assert!(
            expected.insert(input.to_owned()),
            "{input} {why}, but is an option"
        );
    }
    assert_eq!(
        names("inputs"),
        expected,
        "an option of lint is an input in action.yml, a variable of its last step, and in the list of .github/action/lint"
    );
}

#[test]
fn the_script_hands_over_each_input() {
    let steps = steps();
    let step = steps.last().expect("the last step");
    let variables = step["env"].as_object().expect("variables");
    for input in names("inputs").iter().filter(|name| *name != "cache-dir") {
        let variable = format!("INPUT_{}", input.to_uppercase().replace('-', "_"));
        assert_eq!(variables[&variable], format!("${{{{ inputs.{input} }}}}"));
    }
    let script = script("lint");
    let (_, list) = script
        .split_once("options=(\n")
        .expect("the list of options");
    let (list, _) = list.split_once("\n)").expect("its end");
    let listed: Vec<String> = list.split_whitespace().map(ToOwned::to_owned).collect();
    let mut expected = names("inputs");
    for name in NO_OPTION.iter().map(|(name, _)| *name).chain(["cache-dir"]) {
        assert!(expected.remove(name), "{name}");
    }
    assert_eq!(listed, expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn nothing_reaches_a_shell_but_as_a_variable() {
    let scripts: Vec<String> = steps()
        .iter()
        .filter_map(|step| step["run"].as_str().map(ToOwned::to_owned))
        .collect();
    assert_eq!(
        scripts,
        ["version", "install", "lint"]
            .map(|name| format!("\"$GITHUB_ACTION_PATH/.github/action/{name}\""))
    );
    let evaluates = Regex::new(r"(?m)^\s*(eval|source|\.)\s").expect("a pattern");
    for name in ["version", "install", "lint"] {
        let text = script(name);
        assert!(!text.contains("${{"), "{name}");
        assert!(!evaluates.is_match(&text), "{name}");
    }
}

#[test]
fn the_scripts_are_written_for_the_bash_of_macos() {
    let newer = Regex::new(
        r"mapfile|readarray|declare -[Ag]|local -n|coproc|;;&|&>>|\[\[ -v|\$\{[A-Za-z_]+(\^|,|@)|wait -n|\|&",
    )
    .expect("a pattern");
    for name in ["version", "install", "lint"] {
        let text = script(name);
        assert!(text.starts_with("#!/usr/bin/env bash\n"), "{name}");
        assert!(text.contains("\nset -euo pipefail\n"), "{name}");
        let found: Vec<&str> = newer.find_iter(&text).map(|found| found.as_str()).collect();
        assert_eq!(found, Vec::<&str>::new(), "{name} needs bash 4");
    }
}

#[test]
fn the_action_needs_no_token_and_no_secret() {
    let text = fs::read_to_string(project().join("action.yml")).expect("action.yml");
    for word in ["secrets.", "github.token", "_TOKEN"] {
        assert!(!text.contains(word), "{word}");
    }
    for name in ["version", "install", "lint"] {
        assert!(!script(name).contains("_TOKEN"), "{name}");
    }
}
