//! `--changed-since`: only what changed is looked at, and all of what a change is about.

use std::path::Path;
use std::process::Command;

use crate::runner::{Outcome, Preflight, Sources, pod};

/// Runs git without the settings of the machine.
pub fn git(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
        .args(["-c", "protocol.file.allow=always"])
        .args(words)
        .output()
        .expect("git");
    assert!(
        output.status.success(),
        "git {words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Makes the folder a repository with all its files in one revision on the branch `main`.
pub fn commit(sources: &Sources) -> String {
    let folder = sources.path();
    if !folder.join(".git").exists() {
        git(folder, &["init", "--quiet", "--initial-branch=main"]);
    }
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "change"]);
    git(folder, &["rev-parse", "HEAD"])
}

fn lint(sources: &Sources) -> Preflight {
    Preflight::lint(["--offline"]).current_dir(sources.path())
}

/// The images in a report, without host and namespace.
fn images(run: Preflight) -> Vec<String> {
    let report = run.report();
    let images = report["images"].as_array().expect("images");
    images
        .iter()
        .filter_map(|image| image["reference"].as_str())
        .map(|name| name.trim_start_matches("docker.io/library/").to_owned())
        .collect()
}

fn run(sources: &Sources, revision: &str) -> Outcome {
    lint(sources).args(["--changed-since", revision]).run()
}

fn two_pods() -> Sources {
    Sources::new()
        .file("a.yaml", pod("a:1"))
        .file("b.yaml", pod("b:1"))
}

#[test]
fn edited_new_and_renamed_files_are_looked_at() {
    let sources = two_pods()
        .file("c.yaml", pod("c:1"))
        .file("d.yaml", pod("d:1"));
    let before = commit(&sources);
    std::fs::remove_file(sources.join("d.yaml")).expect("removed");
    std::fs::rename(sources.join("c.yaml"), sources.join("renamed.yaml")).expect("renamed");
    let sources = sources.file("b.yaml", pod("b:2"));
    commit(&sources);
    let sources = sources.file("untracked file.yaml", pod("untracked:1"));
    let seen = images(lint(&sources).args(["--changed-since", &before]));
    assert_eq!(seen, ["b:2", "c:1", "untracked:1"]);
}

#[test]
fn what_only_the_other_branch_changed_is_left_out() {
    let sources = two_pods();
    commit(&sources);
    git(sources.path(), &["switch", "--quiet", "--create", "topic"]);
    let sources = sources.file("a.yaml", pod("a:2"));
    commit(&sources);
    git(sources.path(), &["switch", "--quiet", "main"]);
    let sources = sources.file("b.yaml", pod("b:2"));
    commit(&sources);
    git(sources.path(), &["switch", "--quiet", "topic"]);
    let seen = images(lint(&sources).args(["--changed-since", "main"]));
    assert_eq!(seen, ["a:2"]);
}

#[test]
fn where_nothing_changed_there_is_nothing_to_doubt() {
    let sources = two_pods();
    let head = commit(&sources);
    let outcome = run(&sources, &head);
    assert_eq!(outcome.status, 0, "{}{}", outcome.stdout, outcome.stderr);
    let said = format!("Only what changed since {head} was looked at");
    let flat = outcome
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(flat.contains(&said), "{flat}");
    assert!(flat.contains("0 images in 0 places"), "{flat}");
}

#[test]
fn a_broken_source_counts_only_where_it_changed() {
    let broken = "apiVersion: v1\nkind: Pod\nspec: {containers: [\n";
    let sources = two_pods().file("broken.yaml", broken);
    let before = commit(&sources);
    assert_eq!(run(&sources, &before).status, 0);
    let sources = sources.file("broken.yaml", format!("# edited\n{broken}"));
    let outcome = run(&sources, &before);
    assert_eq!(outcome.status, 2, "{}", outcome.stdout);
    assert!(outcome.stderr.contains("broken.yaml"), "{}", outcome.stderr);
}

#[test]
fn an_ignore_elsewhere_is_not_unused() {
    let sources = Sources::new()
        .file("a.yaml", pod("a:1"))
        .file("b.yaml", pod("b  # oci-preflight: ignore[latest-tag] why"))
        .file(
            "oci-preflight.toml",
            "[[ignore]]\nrules = [\"latest-tag\"]\npaths = [\"c/**\"]\nreason = \"why\"\n",
        )
        .file("c/c.yaml", pod("c"));
    let before = commit(&sources);
    let sources = sources.file("a.yaml", pod("a:2"));
    let outcome = run(&sources, &before);
    assert_eq!(outcome.status, 0, "{}", outcome.stdout);
    assert!(
        !outcome.stdout.contains("unused-ignore"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_change_to_what_all_are_held_to_is_about_all() {
    let sources = two_pods().file("oci-preflight.toml", "platform = [\"linux/amd64\"]\n");
    let before = commit(&sources);
    let sources = sources.file("oci-preflight.toml", "platform = [\"linux/arm64\"]\n");
    let seen = images(lint(&sources).args(["--changed-since", &before]));
    assert_eq!(seen, ["a:1", "b:1"]);
}

#[test]
fn a_variable_of_compose_is_about_the_file_beside_it() {
    let sources = two_pods()
        .file("compose.yaml", "services:\n  a:\n    image: c:${TAG}\n")
        .file(".env", "TAG=1\n");
    let before = commit(&sources);
    let sources = sources.file(".env", "TAG=2\n");
    let seen = images(lint(&sources).args(["--changed-since", &before]));
    assert!(seen.contains(&"c:2".to_owned()), "{seen:?}");
}

#[test]
fn a_base_is_looked_at_as_the_overlay_renders_it() {
    if Command::new("kubectl")
        .arg("version")
        .arg("--client")
        .output()
        .is_err()
    {
        println!("skipped: no kubectl on the PATH");
        return;
    }
    let sources = Sources::new()
        .file("base/kustomization.yaml", "resources: [pod.yaml]\n")
        .file("base/pod.yaml", pod("app"))
        .file(
            "overlay/kustomization.yaml",
            "resources: [../base]\nimages: [{name: app, newTag: \"1\"}]\n",
        )
        .file("other/kustomization.yaml", "resources: [pod.yaml]\n")
        .file("other/pod.yaml", pod("other:1"));
    let before = commit(&sources);
    let sources = sources.file("base/pod.yaml", format!("# edited\n{}", pod("app")));
    let seen = images(lint(&sources).args(["--changed-since", &before]));
    assert_eq!(seen, ["app:1"]);
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let sources = two_pods();
    let before = commit(&sources);
    let sources = sources.file("a.yaml", pod("a:2"));
    commit(&sources);
    let clones = tempfile::TempDir::new().expect("a folder");
    let from = format!("file://{}", sources.path().display());
    git(
        clones.path(),
        &["clone", "--quiet", "--depth=1", &from, "clone"],
    );
    let clone = clones.path().join("clone");
    let run = || {
        Preflight::lint(["--offline", "--changed-since", &before])
            .current_dir(&clone)
            .run()
    };
    let outcome = run();
    assert_eq!(outcome.status, 2, "{}", outcome.stdout);
    let said: String = outcome.stderr.split_whitespace().collect();
    assert!(
        said.contains("norevision") && said.contains("gitfetch--depth=1"),
        "{}",
        outcome.stderr
    );
    git(
        &clone,
        &["fetch", "--quiet", "--depth=1", "origin", &before],
    );
    let outcome = run();
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains("1 image in 1 place"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn what_is_no_revision_reaches_no_option_of_git() {
    let sources = two_pods();
    commit(&sources);
    for text in [
        "--output=stolen",
        "",
        "main; touch stolen",
        "$(touch stolen)",
    ] {
        let outcome = lint(&sources).arg(format!("--changed-since={text}")).run();
        assert_eq!(outcome.status, 2, "{text}: {}", outcome.stdout);
        assert!(!sources.join("stolen").exists(), "{text}");
    }
    let nowhere = Sources::new().file("a.yaml", pod("a:1"));
    let outcome = Preflight::lint(["--offline", "--changed-since", "main"])
        .env("GIT_CEILING_DIRECTORIES", "/")
        .current_dir(nowhere.path())
        .run();
    assert_eq!(outcome.status, 2);
    assert!(
        outcome.stderr.contains("git work tree"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn parts_of_what_changed_come_to_what_one_run_comes_to() {
    let sources = two_pods();
    let before = commit(&sources);
    let part = |number: usize| {
        let file = sources.join(&format!("{number}.report"));
        let outcome = lint(&sources)
            .args(["--changed-since", &before])
            .arg("--partition")
            .arg(format!("{number}/2"))
            .arg("--output")
            .arg(format!("json={}", file.display()))
            .run();
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
        file
    };
    let outcome = Preflight::new(["merge"]).args([part(1), part(2)]).run();
    assert_eq!(outcome.status, 0, "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stdout.contains(&before[..20]), "{}", outcome.stdout);
}

#[test]
fn no_image_is_a_doubt_unless_it_is_allowed() {
    let sources = Sources::new().file("values.yaml", "replicas: 2\n");
    let outcome = lint(&sources).run();
    assert_eq!(outcome.status, 2);
    for allowed in ["--allow-no-images", "--allow-no-images=true"] {
        let outcome = lint(&sources).arg(allowed).run();
        assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    }
    let sources = sources.file("oci-preflight.toml", "allow-no-images = true\n");
    assert_eq!(lint(&sources).run().status, 0);
    assert_eq!(
        lint(&sources).arg("--allow-no-images=false").run().status,
        2
    );
    assert_eq!(lint(&sources).arg("gone.yaml").run().status, 2);
}
