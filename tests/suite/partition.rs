//! Many machines come to what one comes to.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::runner::{Preflight, Sources, pod, project};

const FORMATS: [&str; 7] = [
    "json", "sarif", "github", "gitlab", "junit", "markdown", "html",
];

/// What a run or a merge wrote, in every format, without what it cost.
fn reports(run: Preflight, folder: &Path) -> (i32, Vec<String>) {
    let run = FORMATS.into_iter().fold(run, |run, format| {
        let file = folder.join(format);
        run.arg("--output")
            .arg(format!("{format}={}", file.display()))
    });
    let status = run.run().status;
    let texts = FORMATS
        .into_iter()
        .map(|format| {
            let text = fs::read_to_string(folder.join(format)).expect("a report");
            if format == "json" {
                without_cost(&text)
            } else {
                without_times(&text)
            }
        })
        .collect();
    (status, texts)
}

fn without_cost(text: &str) -> String {
    let mut report: Value = serde_json::from_str(text).expect("JSON");
    for cost in ["duration_ms", "requests", "bytes_downloaded", "cache_hits"] {
        report["summary"][cost] = 0.into();
    }
    format!("{report:#}")
}

fn without_times(text: &str) -> String {
    text.split(" time=\"")
        .enumerate()
        .map(|(index, part)| match part.split_once('"') {
            Some((_, rest)) if index > 0 => rest,
            _ => part,
        })
        .collect()
}

fn parts(words: &[&str], count: usize, folder: &Path) -> Vec<PathBuf> {
    (1..=count)
        .map(|number| {
            let file = folder.join(format!("part {number}.json"));
            let outcome = Preflight::lint(words)
                .arg("--partition")
                .arg(format!("{number}/{count}"))
                .arg("--output")
                .arg(format!("json={}", file.display()))
                .run();
            assert!((0..=2).contains(&outcome.status), "{}", outcome.stderr);
            file
        })
        .collect()
}

fn merge(files: &[PathBuf]) -> Preflight {
    files.iter().fold(Preflight::new(["merge"]), Preflight::arg)
}

fn equal_to_one_run(words: &[&str]) {
    let whole = TempDir::new().expect("a folder");
    let (status, expected) = reports(Preflight::lint(words), whole.path());
    for count in [1, 3, 8] {
        let folder = TempDir::new().expect("a folder");
        let files = parts(words, count, folder.path());
        let (merged, texts) = reports(merge(&files), folder.path());
        for (format, (merged, expected)) in FORMATS.into_iter().zip(texts.iter().zip(&expected)) {
            assert!(
                merged == expected,
                "{words:?} in {count} parts differs as {format}"
            );
        }
        assert_eq!(merged, status, "{words:?} in {count} parts");
    }
}

#[test]
fn the_shop_in_parts_is_the_shop() {
    equal_to_one_run(&["fixtures/k8s"]);
    equal_to_one_run(&["fixtures/clean", "--rule", "latest-tag=error"]);
}

#[test]
fn arguments_broken_sources_and_thresholds_are_joined_too() {
    let image = "registry.example.com/shop/api:2.0.0";
    equal_to_one_run(&[
        "fixtures/k8s/api.yaml",
        "fixtures/missing.yaml",
        "--config",
        "fixtures/oci-preflight.toml",
        "--image",
        image,
        "--image",
        "nginx",
        "--image",
        "No Image",
        "--fail-on",
        "never",
    ]);
    let sources = Sources::new()
        .file("empty.yaml", "a: b\n")
        .file("broken.yaml", "a: [\n");
    let path = sources.path().to_str().expect("a path");
    equal_to_one_run(&[path, "--offline"]);
}

#[test]
fn an_ignore_that_one_part_uses_is_used() {
    let ignored = |image: &str| {
        format!(
            "{} # oci-preflight: ignore[latest-tag] known\n",
            pod(image).trim_end()
        )
    };
    let mut sources = Sources::new();
    for number in 0..6 {
        sources = sources.file(
            &format!("{number}.yaml"),
            ignored(&format!("ghcr.io/team/app{number}")),
        );
    }
    let sources = sources.file("unused.yaml", ignored("ghcr.io/team/app:1"));
    let path = sources.path().to_str().expect("a path");
    equal_to_one_run(&[path, "--offline"]);
}

#[test]
fn a_source_that_is_no_longer_there_is_judged_all_the_same() {
    let sources = Sources::new().file("pod.yaml", pod("Not/AnImage"));
    let folder = TempDir::new().expect("a folder");
    let path = sources.path().to_str().expect("a path");
    let files = parts(&[path, "--offline"], 2, folder.path());
    fs::remove_file(sources.join("pod.yaml")).expect("removed");
    let outcome = merge(&files).run();
    assert_eq!(outcome.status, 1, "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains("pod.yaml:8:14"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stdout.contains("Not/AnImage"), "{}", outcome.stdout);
}

#[test]
fn a_missing_part_never_passes() {
    let folder = TempDir::new().expect("a folder");
    let files = parts(&["fixtures/clean"], 3, folder.path());
    for (given, said) in [
        (
            vec![files[0].clone(), files[2].clone()],
            "part 2 of 3 is missing",
        ),
        (
            vec![files[0].clone(), files[0].clone()],
            "part 1 is there twice",
        ),
        (vec![project().join("Cargo.toml")], "is no report"),
        (vec![project().join("nowhere.json")], "cannot read"),
    ] {
        let outcome = merge(&given).run();
        assert_eq!(outcome.status, 2, "{}", outcome.stdout);
        let words = outcome
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(words.contains(said), "{said}: {}", outcome.stderr);
    }
}

#[test]
fn every_reason_that_a_rule_predicts_can_be_read_back() {
    for entry in fs::read_dir(project().join("src/rule")).expect("the rules") {
        let text = fs::read_to_string(entry.expect("a rule").path()).expect("a rule");
        for line in text.lines() {
            let reason = line.trim().strip_prefix("reason: \"");
            if let Some((reason, _)) = reason.and_then(|rest| rest.split_once('"')) {
                assert!(
                    oci_preflight::finding::Event::REASONS.contains(&reason),
                    "{reason}"
                );
            }
        }
    }
}
