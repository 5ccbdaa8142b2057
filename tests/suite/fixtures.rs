//! The example shop, which does the whole main job without a network.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::runner::{Preflight, project};

/// The files below a folder: path to content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        if path.is_dir() {
            for (below, content) in files(&path) {
                found.insert(format!("{name}/{below}"), content);
            }
        } else {
            found.insert(name, fs::read(&path).expect("a file"));
        }
    }
    found
}

#[test]
fn the_layout_is_what_its_script_writes_to_the_byte() {
    let folder = TempDir::new().expect("a folder");
    let written = folder.path().join("layout");
    let script = project().join("fixtures/make-layout");
    let status = Command::new("python3")
        .arg("-B")
        .arg(&script)
        .arg(&written)
        .status()
        .expect("python3 runs the script");
    assert!(status.success());
    let (written, checked_in) = (files(&written), files(&project().join("fixtures/layout")));
    assert_eq!(
        written.keys().collect::<Vec<_>>(),
        checked_in.keys().collect::<Vec<_>>(),
        "run fixtures/make-layout"
    );
    for (name, content) in &written {
        assert!(
            checked_in.get(name) == Some(content),
            "{name}: run fixtures/make-layout"
        );
    }
}

#[test]
fn the_shop_shows_what_can_be_wrong() {
    let outcome = Preflight::lint(["fixtures/k8s"]).run();
    assert_eq!(outcome.status, 1, "{}", outcome.stderr);
    let mut settings = insta::Settings::clone_current();
    // What the operating system says about a name that does not resolve.
    settings.add_filter(r"(?s)What\s+happened:.*?\n\n", "[what happened]\n\n");
    settings.bind(|| insta::assert_snapshot!("shop", outcome.stdout));
}

#[test]
fn what_is_fine_passes() {
    let outcome = Preflight::lint(["fixtures/clean"]).run();
    assert_eq!(outcome.status, 0, "{}{}", outcome.stdout, outcome.stderr);
}

#[test]
fn the_job_that_probes_from_a_node_is_sound_and_is_the_one_of_the_readme() {
    let outcome = Preflight::lint(["--offline", "--output", "json", "fixtures/probe"]).run();
    assert_eq!(outcome.status, 0, "{}{}", outcome.stdout, outcome.stderr);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(report["images"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["images"][0]["occurrences"][0]["kind"], "Job");
    let job = fs::read_to_string(project().join("fixtures/probe/job.yaml")).expect("the job");
    for line in [
        "  backoffLimit: 0",
        "  activeDeadlineSeconds: 300",
        "      restartPolicy: Never",
        "      nodeSelector:",
        "      tolerations:",
        "        runAsNonRoot: true",
        "            limits: {cpu: 500m, memory: 64Mi}",
    ] {
        assert!(job.lines().any(|found| found == line), "{line}");
    }
    let (_, job) = job
        .split_once("\napiVersion:")
        .expect("a comment, then the job");
    let readme = fs::read_to_string(project().join("README.md")).expect("the README");
    assert!(
        readme.contains(&format!("```yaml\napiVersion:{job}```\n")),
        "the README shows another job than fixtures/probe/job.yaml"
    );
}
