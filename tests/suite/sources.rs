//! Sources as people have them, from the folder to the report.

use serde_json::Value;

use crate::runner::{Preflight, Sources};

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
