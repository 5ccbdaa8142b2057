//! The README shows what the binary prints. `UPDATE=1` rewrites it; read the difference then.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::runner::{Preflight, project};

const PROMPT: &str = "$ oci-preflight ";

/// The text with the output of each `console` block made anew.
fn with_real_output(readme: &str) -> String {
    let mut made = String::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(made, "{line}");
        if line != "```console" {
            continue;
        }
        let command = lines.next().unwrap_or_default();
        let _ = writeln!(made, "{command}");
        let words = command
            .strip_prefix(PROMPT)
            .unwrap_or_else(|| panic!("a console block begins with `{PROMPT}`: {command}"));
        let outcome = Preflight::new(words.split_whitespace()).run();
        for printed in outcome.stdout.lines().map(str::trim_end) {
            let _ = writeln!(made, "{printed}");
        }
        for old in lines.by_ref() {
            if old == "```" {
                break;
            }
        }
        made.push_str("```\n");
    }
    made
}

/// The text with the table of rules made anew.
fn with_real_rules(readme: &str) -> String {
    const BEGIN: &str = "<!-- rules: begin -->\n";
    const END: &str = "<!-- rules: end -->";
    let (before, rest) = readme.split_once(BEGIN).expect("the table's begin mark");
    let (_, after) = rest.split_once(END).expect("the table's end mark");
    let listed: Value =
        serde_json::from_str(&Preflight::new(["rules", "--output", "json"]).run().stdout)
            .expect("the list of rules");
    let mut table = String::from(
        "| rule | level | facts | the cluster shows | about |\n| --- | --- | --- | --- | --- |\n",
    );
    for rule in listed["rules"].as_array().expect("rules") {
        let word = |key: &str| rule[key].as_str().unwrap_or("–").to_owned();
        let id = word("id");
        let _ = writeln!(
            table,
            "| [{id}](docs/rules/{id}.md) | {} | {} | {} | {} |",
            word("severity"),
            word("depth"),
            word("event"),
            word("summary")
        );
    }
    format!("{before}{BEGIN}{table}{END}{after}")
}

/// The text with the examples of `docs/ci` that it shows made anew.
fn with_real_examples(readme: &str) -> String {
    const BEGIN: &str = "<!-- docs/ci/";
    let mut made = String::new();
    let mut rest = readme;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(": begin -->\n").expect("a begin mark");
        let end = format!("<!-- docs/ci/{name}: end -->");
        let (_, after) = after.split_once(&end).expect("an end mark");
        let language = match name.rsplit_once('.') {
            Some((_, "yml" | "yaml")) => "yaml",
            _ => "groovy",
        };
        let example = fs::read_to_string(project().join("docs/ci").join(name)).expect(name);
        let _ = write!(
            made,
            "{before}{BEGIN}{name}: begin -->\n```{language}\n{example}```\n{end}"
        );
        rest = after;
    }
    made + rest
}

#[test]
fn the_readme_shows_what_the_binary_prints() {
    let path = project().join("README.md");
    let readme = fs::read_to_string(&path).expect("the README");
    let current = with_real_examples(&with_real_rules(&with_real_output(&readme)));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &current).expect("the README is written");
    } else {
        similar_or_panic(&readme, &current);
    }
}

fn similar_or_panic(shown: &str, real: &str) {
    for (number, (shown, real)) in shown.lines().zip(real.lines()).enumerate() {
        assert_eq!(
            shown,
            real,
            "README.md:{}; UPDATE=1 rewrites it",
            number + 1
        );
    }
    assert_eq!(shown.lines().count(), real.lines().count());
}
