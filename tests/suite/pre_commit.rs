//! The hooks for pre-commit, run by the real pre-commit.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::Value;

use crate::changed::{commit, git};
use crate::python_tools::tool;
use crate::runner::{Preflight, Sources, pod, project};
use crate::yaml;

const HOOKS: &str = ".pre-commit-hooks.yaml";

fn hooks() -> Vec<Value> {
    let hooks = yaml::file(HOOKS);
    hooks.as_array().expect("a list of hooks").clone()
}

/// What a hook runs in front of the names of files.
fn entry(hook: &Value) -> Vec<&str> {
    let entry = hook["entry"].as_str().expect("an entry");
    entry.split_whitespace().collect()
}

/// `PATH` with the folder of the binary in front.
fn path_with_the_binary() -> OsString {
    let binary = assert_cmd::cargo::cargo_bin("oci-preflight");
    let folder = binary.parent().map(Path::to_owned).expect("its folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = [folder]
        .into_iter()
        .chain(std::env::split_paths(&path))
        .collect();
    std::env::join_paths(folders).expect("a PATH")
}

/// Runs a hook on all files of `sources`, from a repository that holds nothing but the hooks. Gives whether it passed, and what
/// was printed.
fn try_repo(mut pre_commit: Command, hook: &str, sources: &Sources) -> (bool, String) {
    let text = std::fs::read_to_string(project().join(HOOKS)).expect("the hooks");
    let repository = Sources::new().file(HOOKS, text);
    commit(&repository);
    git(
        sources.path(),
        &["init", "--quiet", "--initial-branch=main"],
    );
    git(sources.path(), &["add", "--all"]);
    let home = tempfile::TempDir::new().expect("a home folder");
    let output = pre_commit
        .env_clear()
        .env("PATH", path_with_the_binary())
        .env("HOME", home.path())
        .env("PRE_COMMIT_HOME", home.path().join("pre-commit"))
        .env("PRE_COMMIT_COLOR", "never")
        .current_dir(sources.path())
        .args(["try-repo", "--all-files"])
        .arg(repository.path())
        .arg(hook)
        .output()
        .expect("pre-commit runs");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    (output.status.success(), printed)
}

#[test]
fn pre_commit_itself_accepts_the_hooks() {
    let Some(mut pre_commit) = tool("pre-commit") else {
        return;
    };
    let output = pre_commit
        .arg("validate-manifest")
        .arg(project().join(HOOKS))
        .output()
        .expect("pre-commit runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // A key that it does not know is only a warning.
    assert_eq!(said, "");
}

#[test]
fn the_offline_hook_stops_a_commit_and_names_the_place() {
    let Some(pre_commit) = tool("pre-commit") else {
        return;
    };
    let sources = Sources::new()
        .file("k8s/good.yaml", pod("registry.example.com/app:1"))
        .file("k8s/bad one.yaml", pod("registry.example.com/App:1"))
        .file("README.md", "image: nginx:Not-Ours!\n");
    let (passed, printed) = try_repo(pre_commit, "oci-preflight-offline", &sources);
    assert!(!passed, "{printed}");
    assert!(printed.contains("k8s/bad one.yaml:8:14"), "{printed}");
    assert!(printed.contains("error[invalid-reference]"), "{printed}");
    assert!(!printed.contains("README.md"), "{printed}");
}

#[test]
fn the_offline_hook_passes_files_without_an_image_and_good_ones() {
    for (name, text) in [
        ("values.yaml", "replicas: 2\n".to_owned()),
        ("pod.yaml", pod("registry.example.com/app:1")),
        ("README.md", "nothing of ours\n".to_owned()),
    ] {
        let Some(pre_commit) = tool("pre-commit") else {
            return;
        };
        let sources = Sources::new().file(name, text);
        let (passed, printed) = try_repo(pre_commit, "oci-preflight-offline", &sources);
        assert!(passed, "{name}: {printed}");
    }
}

#[test]
fn the_system_hook_asks_and_reads_the_config_of_the_repository() {
    let Some(pre_commit) = tool("pre-commit") else {
        return;
    };
    let layout = project().join("fixtures/layout");
    let config = format!(
        "[layouts]\n\"registry.example.com\" = {:?}\n",
        layout.display()
    );
    let sources = Sources::new()
        .file("oci-preflight.toml", config)
        .file("here.yaml", pod("registry.example.com/shop/web:1.4.2"))
        .file("gone.yaml", pod("registry.example.com/shop/web:9"));
    let (passed, printed) = try_repo(pre_commit, "oci-preflight-system", &sources);
    assert!(!passed, "{printed}");
    assert!(printed.contains("error[image-not-found]"), "{printed}");
    assert!(printed.contains("gone.yaml:8:14"), "{printed}");
    assert!(!printed.contains("here.yaml"), "{printed}");
}

#[test]
fn each_hook_runs_the_program_with_options_that_it_has() {
    let hooks = hooks();
    let ids: Vec<&str> = hooks
        .iter()
        .filter_map(|hook| hook["id"].as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "oci-preflight",
            "oci-preflight-system",
            "oci-preflight-offline"
        ]
    );
    for hook in &hooks {
        let (program, words) = entry(hook)
            .split_first()
            .map(|(a, b)| (*a, b.to_vec()))
            .expect("words");
        assert_eq!(
            program,
            env!("CARGO_PKG_NAME"),
            "what `cargo install` makes"
        );
        let outcome = Preflight::new(words).arg("--show-settings").run();
        assert_eq!(outcome.status, 0, "{hook}: {}", outcome.stderr);
        assert!(
            outcome.stdout.contains("allow-no-images = true"),
            "{}",
            outcome.stdout
        );
    }
    assert_eq!(
        hooks[0]["language"], "rust",
        "pre-commit builds it with cargo"
    );
    for hook in &hooks[1..] {
        assert_eq!(hook["language"], "system", "{hook}");
    }
}

#[test]
fn the_hooks_get_sources_and_nothing_else() {
    for hook in hooks() {
        let files = Regex::new(hook["files"].as_str().expect("a pattern")).expect("a pattern");
        for name in [
            "k8s/deployment.yaml",
            "deployment.YML",
            "charts/shop/values.yaml",
            "charts/shop/values-prod.yaml",
            "charts/shop/templates/deployment.yaml",
            "compose.yaml",
            "docker-compose.yml",
            ".env",
            "app/Dockerfile",
            "Dockerfile.dev",
            "api.Dockerfile",
            "Containerfile",
            "overlays/prod/kustomization.yaml",
            "Kustomization",
        ] {
            assert!(files.is_match(name), "{name}");
            assert!(
                oci_preflight::input::is_source_name(Path::new(name)),
                "{name}"
            );
        }
        for name in [
            "README.md",
            "main.rs",
            "dockerfile/main.go",
            "kustomization/x.txt",
            "yaml",
        ] {
            assert!(!files.is_match(name), "{name}");
        }
    }
}
