//! `changed-only`: the revision to compare with comes from the event.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::workflow_runner::Job;
use crate::changed::{commit, git};
use crate::runner::{Sources, pod, project};

fn only_changed(sources: &Sources, event: &str, payload: Value) -> Job {
    Job::new(sources.path())
        .input("offline", "true")
        .input("changed-only", "true")
        .event(event, payload)
}

#[test]
fn each_event_has_its_own_base() {
    let sources = Sources::new()
        .file("a.yaml", pod("a:1"))
        .file("gone.yaml", pod("gone:1"))
        .file("old name.yaml", pod("renamed:1"))
        .file("same.yaml", pod("same:1"));
    let base = commit(&sources);
    std::fs::remove_file(sources.join("gone.yaml")).expect("removed");
    std::fs::rename(sources.join("old name.yaml"), sources.join("new name.yaml")).expect("renamed");
    let sources = sources.file("a.yaml", pod("a:2"));
    commit(&sources);
    for (event, payload) in [
        ("push", json!({"before": base})),
        (
            "pull_request",
            json!({"pull_request": {"base": {"sha": base}, "head": {"repo": {"full_name": "shop/shop"}}}}),
        ),
        ("merge_group", json!({"merge_group": {"base_sha": base}})),
    ] {
        let done = only_changed(&sources, event, payload).run();
        assert_eq!(done.status, 0, "{event}: {}", done.log);
        assert_eq!(done.images(), ["a:2", "renamed:1"], "{event}");
        assert_eq!(done.report()["changed_since"], base, "{event}");
    }
}

#[test]
fn nothing_changed_is_a_pass_that_says_so() {
    let sources = Sources::new()
        .file("a.yaml", pod("a:1"))
        .file("README.md", "one\n");
    let base = commit(&sources);
    let sources = sources.file("README.md", "two\n");
    commit(&sources);
    let done = only_changed(&sources, "push", json!({"before": base})).run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert_eq!(done.output("verdict"), "pass");
    assert_eq!(done.output("images"), "0");
    assert_eq!(done.said("notice"), ["There was no image to check."]);
    assert!(
        done.summary.contains("Only what changed since"),
        "{}",
        done.summary
    );
}

#[test]
fn a_new_branch_and_a_schedule_have_no_base_and_check_everything() {
    let sources = Sources::new().file("a.yaml", pod("a:1"));
    commit(&sources);
    for (event, payload) in [
        ("push", json!({"before": "0".repeat(40)})),
        ("schedule", json!({})),
        ("workflow_dispatch", json!({"inputs": null})),
    ] {
        let done = only_changed(&sources, event, payload).run();
        assert_eq!(done.status, 0, "{event}: {}", done.log);
        assert_eq!(done.images(), ["a:1"], "{event}");
        assert!(
            done.said("notice")[0].contains("everything is checked"),
            "{event}"
        );
    }
}

#[test]
fn what_is_no_revision_is_not_handed_to_git() {
    let sources = Sources::new().file("a.yaml", pod("a:1"));
    commit(&sources);
    for text in [
        "main",
        "--upload-pack=touch stolen",
        "$(touch stolen)",
        "HEAD; touch stolen",
    ] {
        let done = only_changed(&sources, "push", json!({"before": text})).run();
        assert_eq!(done.status, 0, "{}", done.log);
        assert_eq!(done.images(), ["a:1"]);
        assert_eq!(done.said("warning").len(), 1);
        assert!(!sources.join("stolen").exists());
    }
}

/// A shallow clone of two revisions, as actions/checkout makes it; with the first revision.
fn shallow() -> (TempDir, Sources, String) {
    let origin = Sources::new()
        .file("a.yaml", pod("a:1"))
        .file("same.yaml", pod("same:1"));
    let base = commit(&origin);
    let origin = origin.file("a.yaml", pod("a:2"));
    commit(&origin);
    git(
        origin.path(),
        &["config", "uploadpack.allowAnySHA1InWant", "true"],
    );
    let clones = TempDir::new().expect("a folder");
    let from = format!("file://{}", origin.path().display());
    git(
        clones.path(),
        &["clone", "--quiet", "--depth=1", &from, "clone"],
    );
    (clones, origin, base)
}

#[test]
fn a_shallow_clone_gets_the_base_where_it_can() {
    let (clones, _origin, base) = shallow();
    let done = Job::new(&clones.path().join("clone"))
        .input("offline", "true")
        .input("changed-only", "true")
        .event("push", json!({"before": base}))
        .run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert_eq!(done.images(), ["a:2"]);
    assert_eq!(done.commands(), []);
}

#[test]
fn a_shallow_clone_without_the_base_checks_everything_and_says_what_to_do() {
    let (clones, origin, base) = shallow();
    drop(origin);
    let done = Job::new(&clones.path().join("clone"))
        .input("offline", "true")
        .input("changed-only", "true")
        .event("push", json!({"before": base}))
        .run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert_eq!(done.images(), ["a:2", "same:1"]);
    let said = done.said("warning").join("\n");
    assert!(
        said.contains(&base) && said.contains("`fetch-depth: 0`"),
        "{said}"
    );
}

#[test]
fn a_revision_that_the_workflow_names_wins_over_the_event() {
    let sources = Sources::new().file("a.yaml", pod("a:1"));
    let first = commit(&sources);
    let sources = sources.file("b.yaml", pod("b:1"));
    let second = commit(&sources);
    let job = only_changed(&sources, "push", json!({"before": second}));
    assert_eq!(job.input("changed-since", &first).run().images(), ["b:1"]);
}

#[test]
fn images_are_compared_with_those_of_the_base() {
    let release = |folder: &str| {
        let shop = project()
            .join("fixtures/release")
            .join(folder)
            .join("shop.yaml");
        std::fs::read_to_string(shop).expect("the shop")
    };
    let sources = Sources::new().file("shop.yaml", release("deployed"));
    let config = std::fs::read_to_string(project().join("fixtures/oci-preflight.toml"));
    let here = project().join("fixtures");
    let config = config
        .expect("the config")
        .replace("\"layout\"", &format!("{:?}", here.join("layout")));
    let config = config.replace(
        "\"node-pools.json\"",
        &format!("{:?}", here.join("node-pools.json")),
    );
    let sources = sources.file("oci-preflight.toml", config);
    let base = commit(&sources);
    let sources = sources.file("shop.yaml", release("now"));
    commit(&sources);
    let job = || Job::new(sources.path()).input("compare", "true");
    let done = job().event("push", json!({"before": base})).run();
    assert_eq!(done.status, 0, "{}", done.log);
    let commands = done.commands();
    assert!(
        commands
            .iter()
            .any(|command| command.properties.contains("title=layer-order")
                && command
                    .message
                    .contains("since registry.example.com/shop/orders:1.0.0")),
        "{commands:?}"
    );
    let done = job().event("push", json!({"before": "0".repeat(40)})).run();
    assert!(
        done.said("notice")[0].contains("compared with nothing"),
        "{}",
        done.log
    );
    let done = job().event("push", json!({"before": "a".repeat(40)})).run();
    assert!(
        done.said("warning")[0].contains("compared with nothing"),
        "{}",
        done.log
    );
}
