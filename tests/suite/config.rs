//! `oci-preflight.toml`: what it takes, what it says about mistakes, and what wins over it.

use std::fs;

use serde_json::{Value, json};

use crate::runner::{Preflight, Sources, pod, project};

fn schema() -> Value {
    let outcome = Preflight::new(["schema", "config"]).run();
    serde_json::from_str(&outcome.stdout).expect("a schema")
}

/// The example of the README.
fn documented() -> String {
    let readme = fs::read_to_string(project().join("README.md")).expect("the README");
    let (_, section) = readme.split_once("### Config file\n").expect("the section");
    let (_, rest) = section.split_once("```toml\n").expect("an example");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// TOML as an editor hands it to a schema: dates are texts.
fn as_json(text: &str) -> Value {
    let table: toml::Table = toml::from_str(text).expect("TOML");
    let mut value = serde_json::to_value(table).expect("JSON");
    for ignore in value
        .get_mut("ignore")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(date) = ignore.pointer("/expires/$__toml_private_datetime").cloned() {
            ignore["expires"] = date;
        }
    }
    value
}

#[test]
fn the_documented_example_fits_the_schema_and_the_parser() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let value = as_json(&documented());
    let faults: Vec<String> = validator
        .iter_errors(&value)
        .map(|fault| fault.to_string())
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    let sources = Sources::new().file("oci-preflight.toml", documented());
    let outcome = Preflight::lint(["--show-settings"])
        .arg(sources.path())
        .run();
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
}

#[test]
fn the_documented_example_has_every_table() {
    let value = as_json(&documented());
    for key in [
        "rules",
        "budgets",
        "layouts",
        "override",
        "ignore",
        "node-pool",
    ] {
        assert!(value.get(key).is_some(), "{key}");
    }
}

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    for text in [
        "offlin = true",
        "fail-on = \"fatal\"",
        "[rules]\nlatest = \"off\"",
        "[rules]\nlatest-tag = \"on\"",
        "[budgets]\nimages = \"1GB\"",
        "[[ignore]]\nrules = [\"latest-tag\"]",
        "[[ignore]]\nreason = \"why\"",
        "[[override]]\nrules = {}",
        "concurrency = 0",
        "[[node-pool]]\nprovider = \"gke\"",
    ] {
        assert!(!validator.is_valid(&as_json(text)), "{text}");
        let sources = Sources::new().file("oci-preflight.toml", text);
        let outcome = Preflight::lint(["--show-settings"])
            .arg(sources.path())
            .run();
        assert_eq!(outcome.status, 2, "{text}");
    }
}

#[test]
fn a_wrong_key_or_value_is_shown_at_its_place_with_the_nearest_one() {
    for (text, place, help) in [
        ("fail-on = \"eror\"\n", "1:11", "did you mean `error`?"),
        ("output = [\"sarf\"]\n", "1:11", "did you mean `sarif`?"),
        (
            "[rules]\nlatests-tag = \"off\"\n",
            "2:1",
            "did you mean `latest-tag`?",
        ),
        (
            "[rules]\nlatest-tag = \"warn\"\n",
            "2:14",
            "did you mean `warning`?",
        ),
        (
            "[budgets]\nlayr = \"1GB\"\n",
            "2:1",
            "did you mean `layer`?",
        ),
        (
            "[[node-pool]]\nname = \"a\"\nplatfrom = \"linux/amd64\"\n",
            "3:1",
            "did you mean `platform`?",
        ),
        (
            "[[override]]\npath = [\"a\"]\n",
            "2:1",
            "did you mean `paths`?",
        ),
        (
            "[[override]]\npaths = [\"a\"]\nrules = { latest-tag = \"of\" }\n",
            "3:24",
            "did you mean `off`?",
        ),
        (
            "[[override]]\npaths = [\"a\"]\nbudgets = { imag = \"1GB\" }\n",
            "3:13",
            "did you mean `image`?",
        ),
        (
            "[[ignore]]\nreason = \"a\"\nrules = [\"latst-tag\"]\n",
            "3:10",
            "did you mean `latest-tag`?",
        ),
        (
            "[[ignore]]\nreason = \" \"\nrules = [\"latest-tag\"]\n",
            "2:10",
            "say why",
        ),
        (
            "[[ignore]]\nreason = \"a\"\nrules = []\nexpires = 12:00:00\n",
            "1:1",
            "say",
        ),
        (
            "[[ignore]]\nreason = \"a\"\nimages = [\"a[\"]\n",
            "3:11",
            "",
        ),
    ] {
        let sources = Sources::new()
            .file("pod.yaml", pod("nginx:1.27"))
            .file("oci-preflight.toml", text);
        let outcome = Preflight::lint([sources.path()]).run();
        assert_eq!(outcome.status, 2, "{text}");
        let place = format!("oci-preflight.toml:{place}]");
        let shown = outcome.stderr.replace("\n  │ ", " ");
        assert!(shown.contains(&place), "{text}{place}\n{shown}");
        assert!(shown.contains(help), "{text}{help}\n{shown}");
    }
}

#[test]
fn other_standards_hold_for_some_paths_and_images() {
    let config = "offline = true\n\
        [[override]]\npaths = [\"legacy\"]\nrules = { latest-tag = \"off\" }\n\
        [[override]]\nimages = [\"docker.io/library/httpd\"]\nrules = { latest-tag = \"error\" }\n";
    let sources = Sources::new()
        .file("legacy/a.yaml", pod("nginx"))
        .file("legacy/b.yaml", pod("httpd"))
        .file("web/c.yaml", pod("nginx"))
        .file("oci-preflight.toml", config);
    let severities = |run: Preflight| -> Vec<(String, String)> {
        let report = run.arg(sources.path()).report();
        let findings = report["findings"].as_array().expect("findings").clone();
        let word = |finding: &Value, key: &str| finding[key].as_str().expect(key).to_owned();
        findings
            .iter()
            .map(|finding| {
                let path = word(finding, "path");
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                (name, word(finding, "severity"))
            })
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    assert_eq!(
        severities(Preflight::lint::<&str>([])),
        pairs(&[("b.yaml", "error"), ("c.yaml", "warning")])
    );
    assert_eq!(
        severities(Preflight::lint(["--rule", "latest-tag=note"])),
        pairs(&[("a.yaml", "note"), ("b.yaml", "note")]),
        "a flag wins over every override, so that the places of nginx are one finding again"
    );
}

#[test]
fn a_flag_wins_over_the_environment_that_over_the_file_and_that_over_the_default() {
    let sources = Sources::new().file("oci-preflight.toml", "retries = 5\noffline = true\n");
    let shown = |run: Preflight| run.arg("--show-settings").arg(sources.path()).run().stdout;
    let line = |text: &str, key: &str| -> String {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{key} =")));
        let line = line.unwrap_or_else(|| panic!("{key}: {text}"));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let path = sources.join("oci-preflight.toml").display().to_string();
    let empty: [&str; 0] = [];
    let file = shown(Preflight::lint(empty));
    assert_eq!(line(&file, "retries"), format!("retries = 5 # {path}"));
    assert_eq!(line(&file, "timeout"), "timeout = 30 # default");
    let environment = || {
        Preflight::lint(empty)
            .env("OCI_PREFLIGHT_RETRIES", "6")
            .env("OCI_PREFLIGHT_OFFLINE", "false")
    };
    let shown_there = shown(environment());
    assert_eq!(
        line(&shown_there, "retries"),
        "retries = 6 # OCI_PREFLIGHT_RETRIES"
    );
    assert_eq!(
        line(&shown_there, "offline"),
        "offline = false # OCI_PREFLIGHT_OFFLINE"
    );
    let flag = shown(
        environment()
            .arg("--retries")
            .arg("7")
            .arg("--rule")
            .arg("latest-tag=off"),
    );
    assert_eq!(line(&flag, "retries"), "retries = 7 # --retries");
    assert_eq!(
        line(&flag, "rules.latest-tag"),
        "rules.latest-tag = \"off\" # --rule"
    );
    assert_eq!(
        line(&flag, "rules.never-pulled"),
        "rules.never-pulled = \"note\" # default"
    );
}

#[test]
fn what_show_settings_prints_is_a_config_file_that_fits_the_schema() {
    let outcome = Preflight::lint(["--show-settings", "fixtures/k8s"]).run();
    let value = as_json(&outcome.stdout);
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    assert!(validator.is_valid(&value), "{}", outcome.stdout);
    assert_eq!(
        value["layouts"]["registry.example.com"],
        json!("fixtures/layout")
    );
}

#[test]
fn what_show_settings_prints_has_the_tables_that_are_in_force() {
    let tables = "[[node-pool]]\nname = \"arm\"\nprovider = \"gke\"\nmachine-type = \"c4a-standard-4\"\n\
                  [[override]]\npaths = [\"a/**\"]\nrules = { latest-tag = \"off\" }\nbudgets = { image = \"8GB\" }\n\
                  [[ignore]]\nrules = [\"latest-tag\"]\nreason = \"known\"\nexpires = 2099-01-01\n";
    let sources = Sources::new().file("oci-preflight.toml", tables);
    let shown = |words: &[&str]| {
        let run = Preflight::lint(["--show-settings"]).args(words);
        as_json(&run.current_dir(sources.path()).run().stdout)
    };
    let (all, given) = (as_json(tables), shown(&[]));
    for table in ["node-pool", "override", "ignore"] {
        assert_eq!(given[table], all[table], "{table}");
    }
    // A flag stands in for the node pools of the file.
    assert_eq!(
        shown(&["--platform", "linux/amd64"])["node-pool"],
        Value::Null
    );
}

#[test]
fn a_list_in_a_variable_is_split_at_commas() {
    let sources = Sources::new().file("pod.yaml", pod("nginx"));
    let report = Preflight::lint(["--offline"])
        .arg(sources.path())
        .env("OCI_PREFLIGHT_RULE", "latest-tag=error,unpinned-image=note")
        .env("OCI_PREFLIGHT_NO_CACHE", "1")
        .report();
    let count = |key: &str| report["summary"][key].as_u64();
    assert_eq!((count("errors"), count("notes")), (Some(1), Some(1)));
}
