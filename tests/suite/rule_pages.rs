//! `docs/rules`: one page for each rule, from its documentation and what the binary prints about its failing case.
//! `UPDATE=1` rewrites them; read the difference then.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::rules::{Case, cases, entries, file_name, run_case};
use crate::runner::{Preflight, project};

/// The page of `explain`, with an example behind it.
async fn page(case: &Case) -> String {
    let mut page = Preflight::new(["explain", &case.rule]).run().stdout;
    page.push_str("\n## Example\n\n");
    let deployed = case.folder.join("deployed");
    let mut sources = entries(&case.folder);
    if deployed.is_dir() {
        sources.extend(entries(&deployed));
    }
    for source in sources {
        if source.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&source).expect("a source");
            let name = source
                .strip_prefix(&case.folder)
                .expect("a file of the case");
            let _ = write!(page, "`{}`:\n\n```yaml\n{text}```\n\n", name.display());
        }
    }
    let shown = run_case(case, &["--quiet"]).await.stdout;
    let folder = format!("{}/", case.folder.display());
    let shown = of_rule(&case.rule, &shown.replace(&folder, ""));
    let base = if deployed.is_dir() {
        " --base deployed"
    } else {
        ""
    };
    let _ = write!(
        page,
        "```console\n$ oci-preflight lint .{base}\n{shown}```\n"
    );
    page
}

/// The findings of one rule among those that the terminal shows. What the operating system says about a name that does not
/// resolve is left out.
fn of_rule(rule: &str, shown: &str) -> String {
    let mut text = String::new();
    let mut is_shown = false;
    for line in shown.lines() {
        let head = line.split_once('[');
        if let Some(("error" | "warning" | "note", rest)) = head {
            is_shown = rest.trim_end_matches(']') == rule;
        }
        if is_shown {
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    assert!(!text.is_empty(), "{rule} is silent about its failing case");
    // It may be wrapped behind its first word.
    let happened = ["What happened:", "What\n        happened:"];
    let end = happened.iter().find_map(|words| text.find(words));
    let text = text[..end.unwrap_or(text.len())].trim_end();
    format!("{text}\n")
}

#[tokio::test]
async fn the_page_of_each_rule_is_current() {
    let folder = project().join("docs/rules");
    for case in cases().iter().filter(|case| case.kind == "failing") {
        let path = folder.join(format!("{}.md", case.rule));
        let current = page(case).await;
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).expect("docs/rules");
            fs::write(&path, &current).expect("the page is written");
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        for (number, (written, current)) in written.lines().zip(current.lines()).enumerate() {
            let place = format!("{}:{}; UPDATE=1 rewrites it", path.display(), number + 1);
            assert_eq!(written, current, "{place}");
        }
        assert_eq!(
            written.lines().count(),
            current.lines().count(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn every_page_has_a_rule() {
    let listed: Value =
        serde_json::from_str(&Preflight::new(["rules", "--output", "json"]).run().stdout)
            .expect("the list of rules");
    let rules: BTreeSet<String> = listed["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| format!("{}.md", rule["id"].as_str().expect("an id")))
        .collect();
    let pages: BTreeSet<String> = entries(&project().join("docs/rules"))
        .iter()
        .map(|path| file_name(path))
        .collect();
    assert_eq!(pages, rules);
}
