//! Reports that are not the parts of one run.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::partition::{merge, parts};
use crate::runner::{Sources, pod, project};

/// Merging `given` fails, and says each of `said`.
fn refused(given: &[PathBuf], said: &[&str]) {
    let outcome = merge(given).run();
    assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""));
    let message: String = outcome
        .stderr
        .split(|c: char| c.is_whitespace() || c == '│')
        .collect();
    for said in said {
        let said: String = said.split_whitespace().collect();
        assert!(message.contains(&said), "{said}: {}", outcome.stderr);
    }
}

fn name(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Writes the report anew with something changed.
fn changed(file: &Path, change: impl FnOnce(&mut Value)) -> PathBuf {
    let text = fs::read_to_string(file).expect("a report");
    let mut report = serde_json::from_str(&text).expect("JSON");
    change(&mut report);
    let path = file.with_extension("changed.json");
    fs::write(&path, report.to_string()).expect("written");
    path
}

#[test]
fn a_missing_part_never_passes() {
    let folder = TempDir::new().expect("a folder");
    let files = parts(&["fixtures/clean"], 3, folder.path());
    let [first, second, third] = files.as_slice() else {
        panic!("three parts");
    };
    refused(&[first.clone(), third.clone()], &["part 2 of 3 is missing"]);
    refused(
        &[first.clone(), second.clone(), first.clone()],
        &[
            "part 1 is there twice",
            name(first),
            "give the report of each part once",
        ],
    );
    // A file that no job uploaded.
    refused(
        &[folder.path().join("part 4.json")],
        &["cannot read", "part 4.json"],
    );
}

#[test]
fn what_is_no_report_is_told_with_its_path() {
    let folder = TempDir::new().expect("a folder");
    let [part]: [PathBuf; 1] = parts(&["fixtures/clean"], 1, folder.path())
        .try_into()
        .expect("one part");
    refused(
        &[project().join("Cargo.toml")],
        &["Cargo.toml is no report", "expected value at line 1"],
    );
    let other = folder.path().join("other.json");
    fs::write(&other, "{\"version\": 2, \"events\": []}").expect("written");
    refused(
        &[part.clone(), other],
        &["other.json is no report", "missing field `tool`"],
    );
    let half = folder.path().join("half.json");
    let text = fs::read_to_string(&part).expect("a report");
    fs::write(&half, &text[..text.len() / 2]).expect("written");
    refused(&[half], &["half.json is no report", "EOF while parsing"]);
    let newer = changed(&part, |report| report["version"] = 2.into());
    refused(&[newer], &["its format version is 2"]);
}

#[test]
fn reports_of_other_versions_of_the_program_are_told_apart() {
    let folder = TempDir::new().expect("a folder");
    let files = parts(&["fixtures/clean"], 2, folder.path());
    let older = changed(&files[0], |report| {
        report["tool"]["version"] = "0.0.9".into();
        report["part"]
            .as_object_mut()
            .expect("a part")
            .remove("images_digest");
    });
    refused(
        &[older.clone(), files[1].clone()],
        &[
            "oci-preflight 0.0.9 wrote it",
            "missing field `images_digest`",
            "by the same version on all machines",
        ],
    );
    let other = changed(&files[0], |report| {
        report["tool"]["version"] = "0.0.9".into();
    });
    refused(
        &[files[1].clone(), other],
        &["not of one run", "the version of oci-preflight"],
    );
}

#[test]
fn parts_of_different_runs_are_told_with_what_differs() {
    let sources = Sources::new().file("pod.yaml", pod("ghcr.io/team/app:1"));
    let run = |words: &[&str], count| {
        let folder = TempDir::new().expect("a folder");
        let words = [&["--offline", name(sources.path())], words].concat();
        (parts(&words, count, folder.path()), folder)
    };
    let (of_two, _first) = run(&[], 2);
    let (of_three, _second) = run(&[], 3);
    refused(
        &[of_two[0].clone(), of_three[1].clone()],
        &["differ in --partition", name(&of_three[1])],
    );
    let (whole, _third) = run(&["--image", "nginx:1"], 1);
    let whole = changed(&whole[0], |report| report["part"] = Value::Null);
    refused(&[of_two[0].clone(), whole], &["differ in --partition"]);
    let (pools, _fourth) = run(&["--platform", "linux/arm64"], 2);
    refused(
        &[of_two[0].clone(), pools[1].clone()],
        &["differ in the node pools"],
    );
    fs::write(sources.join("pod.yaml"), pod("ghcr.io/team/app:2")).expect("written");
    let (later, _fifth) = run(&[], 2);
    refused(
        &[of_two[0].clone(), later[1].clone()],
        &[
            "differ in the images that their sources name",
            "give all parts the same sources",
        ],
    );
    fs::write(sources.join("more.yaml"), pod("ghcr.io/team/app:2")).expect("written");
    let (more, _sixth) = run(&[], 2);
    refused(
        &[later[0].clone(), more[1].clone()],
        &["differ in the sources"],
    );
}
