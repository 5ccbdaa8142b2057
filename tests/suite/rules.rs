//! Each rule's passing and failing case.
//!
//! A case is a folder `fixtures/rules/<rule>/{passing,failing}`: its sources, the findings that the real binary reports
//! (`expected.txt`, written anew with `UPDATE=1`), a config file where the one of `fixtures/` does not fit, and in
//! `answers.json` what a registry at `registry.test` answers, for faults that no layout can show.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::runner::{Outcome, Preflight, Sources, project};

/// The host in whose place a case's answers are served.
const CANNED_HOST: &str = "registry.test";

#[derive(Deserialize)]
struct Answer {
    path: String,
    status: u16,
    headers: std::collections::BTreeMap<String, String>,
    body: Value,
}

pub struct Case {
    pub rule: String,
    pub kind: String,
    pub folder: PathBuf,
}

fn rules() -> BTreeSet<String> {
    let outcome = Preflight::new(["rules", "--output", "json"]).run();
    let list: Value = serde_json::from_str(&outcome.stdout).expect("the list of rules");
    list["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| rule["id"].as_str().expect("an id").to_owned())
        .collect()
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // Relative, as Cargo runs tests in the project's folder: how wide a path is must not depend on the machine.
    for rule in entries(Path::new("fixtures/rules")) {
        for folder in entries(&rule) {
            cases.push(Case {
                rule: file_name(&rule),
                kind: file_name(&folder),
                folder,
            });
        }
    }
    cases
}

pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder of fixtures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

pub fn file_name(path: &Path) -> String {
    path.file_name()
        .and_then(|name| name.to_str())
        .expect("a name")
        .to_owned()
}

/// What the binary prints about a case.
pub async fn run_case(case: &Case, words: &[&str]) -> Outcome {
    let answers = case.folder.join("answers.json");
    if answers.exists() {
        return run_with_answers(case, &answers, words).await;
    }
    let run = Preflight::lint([&case.folder]);
    words.iter().fold(run, Preflight::arg).run()
}

/// What it prints about sources in which a server on this machine stands in for [`CANNED_HOST`].
async fn run_with_answers(case: &Case, answers: &Path, words: &[&str]) -> Outcome {
    let text = fs::read_to_string(answers).expect("answers.json");
    let answers: Vec<Answer> = serde_json::from_str(&text).expect("answers.json");
    let server = MockServer::start().await;
    for answer in answers {
        let mut response = ResponseTemplate::new(answer.status).set_body_json(answer.body);
        for (name, value) in &answer.headers {
            response = response.insert_header(name.as_str(), value.as_str());
        }
        Mock::given(path(answer.path))
            .respond_with(response)
            .mount(&server)
            .await;
    }
    let address = server.address().to_string();
    let mut sources = Sources::new();
    for source in entries(&case.folder) {
        if source.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&source).expect("a source");
            sources = sources.file(&file_name(&source), text.replace(CANNED_HOST, &address));
        }
    }
    let run = Preflight::lint([sources.path()])
        .arg("--plain-http")
        .arg(&address)
        .arg("--retries")
        .arg("0");
    let outcome = words.iter().fold(run, Preflight::arg).run();
    let canned = outcome.stdout.replace(&address, CANNED_HOST);
    let folder = sources.path().display().to_string();
    Outcome {
        stdout: canned.replace(&folder, &case.folder.display().to_string()),
        ..outcome
    }
}

/// The report of a case.
async fn report(case: &Case) -> Value {
    let outcome = run_case(case, &["--output", "json"]).await;
    serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("no report: {error}\n{}", outcome.stderr))
}

/// The findings, one in a line: `path:line:column severity rule message`.
fn listed(report: &Value, folder: &Path) -> String {
    let mut text = String::new();
    for finding in report["findings"].as_array().expect("findings") {
        let words = |key: &str| finding[key].as_str().expect(key);
        // The path of a config file's own files begins in the current folder, which is the project's.
        let file = project().join(words("path"));
        writeln!(
            text,
            "{}:{}:{} {} {} {}",
            file.strip_prefix(folder).unwrap_or(&file).display(),
            finding["line"],
            finding["column"],
            words("severity"),
            words("rule"),
            words("message"),
        )
        .expect("text");
    }
    text
}

#[tokio::test]
async fn each_case_reports_what_it_expects() {
    let mut wrong = String::new();
    for case in cases() {
        let report = report(&case).await;
        let found = listed(&report, &project().join(&case.folder));
        let expected = case.folder.join("expected.txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).expect("expected.txt");
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        let name = format!("{}/{}", case.rule, case.kind);
        if found != wanted {
            writeln!(wrong, "{name}: expected\n{wanted}found\n{found}").expect("text");
        }
        let of_the_rule = found
            .lines()
            .any(|line| line.split(' ').nth(2) == Some(case.rule.as_str()));
        if of_the_rule != (case.kind == "failing") {
            writeln!(
                wrong,
                "{name}: the rule is {}",
                if of_the_rule { "not silent" } else { "silent" }
            )
            .expect("text");
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong}\nUPDATE=1 writes the expected files anew: read the difference"
    );
}

#[test]
fn every_rule_has_a_passing_and_a_failing_case_and_every_case_a_rule() {
    let have: BTreeSet<(String, String)> = cases()
        .into_iter()
        .map(|case| (case.rule, case.kind))
        .collect();
    let want: BTreeSet<(String, String)> = rules()
        .into_iter()
        .flat_map(|rule| ["failing", "passing"].map(|kind| (rule.clone(), kind.to_owned())))
        .collect();
    assert_eq!(have, want);
}

/// The span oracle: it knows nothing of YAML but what the fixtures look like.
#[test]
fn the_text_under_each_finding_is_the_image_as_it_is_written() {
    let report = Preflight::lint([project().join("fixtures")]).report();
    let findings = report["findings"].as_array().expect("findings");
    assert!(
        findings.len() > 40,
        "the fixtures have findings: {}",
        findings.len()
    );
    // What stands under this one is the ignore.
    let about_images = |finding: &&Value| finding["rule"] != "unused-ignore";
    for finding in findings.iter().filter(about_images) {
        for place in finding["places"].as_array().expect("places") {
            let number = |key: &str| {
                usize::try_from(place[key].as_u64().expect(key)).expect("a small number") - 1
            };
            let file = place["path"].as_str().expect("a path");
            let text = fs::read_to_string(project().join(file)).expect(file);
            let line: Vec<char> = text
                .lines()
                .nth(number("line"))
                .expect("the line")
                .chars()
                .collect();
            let under: String = line[number("column")..number("end_column")]
                .iter()
                .collect();
            let line: String = line.into_iter().collect();
            let value = ["image: ", "reference: "]
                .iter()
                .find_map(|key| line.trim_start().trim_start_matches("- ").strip_prefix(key))
                .unwrap_or_else(|| panic!("{file}: no image in: {line}"));
            let value = value.split("  #").next().unwrap_or_default();
            assert_eq!(under, value.trim_matches(['"', '\'']), "{file}: {line}");
        }
    }
}
