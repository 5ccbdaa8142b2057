//! Many machines come to what one comes to.

use std::fs;
use std::path::{Path, PathBuf};

use oci_preflight::oci::Digest;
use serde_json::Value;
use tempfile::TempDir;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::runner::{Preflight, Sources, pod, project};

const FORMATS: [&str; 8] = [
    "pretty", "json", "sarif", "github", "gitlab", "junit", "markdown", "html",
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
            match format {
                "json" => without_cost(&text),
                "junit" => without_times(&text),
                "pretty" => without_cost_line(&text),
                _ => text,
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

/// Without the line of times and requests that `-v` prints.
fn without_cost_line(text: &str) -> String {
    let lines = text.lines();
    lines
        .filter(|line| !line.ends_with(" from the cache"))
        .fold(String::new(), |text, line| text + line + "\n")
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

pub fn parts(words: &[&str], count: usize, folder: &Path) -> Vec<PathBuf> {
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

pub fn merge(files: &[PathBuf]) -> Preflight {
    files.iter().fold(Preflight::new(["merge"]), Preflight::arg)
}

fn equal_to_one_run(words: &[&str]) {
    equal_in_parts(words, &[1, 3, 8]);
}

fn equal_in_parts(words: &[&str], counts: &[usize]) {
    let whole = TempDir::new().expect("a folder");
    let (status, expected) = reports(Preflight::lint(words).arg("-v"), whole.path());
    for &count in counts {
        let folder = TempDir::new().expect("a folder");
        let files = parts(words, count, folder.path());
        let (merged, texts) = reports(merge(&files).arg("-v"), folder.path());
        for (format, (merged, expected)) in FORMATS.into_iter().zip(texts.iter().zip(&expected)) {
            assert!(
                merged == expected,
                "{words:?} in {count} parts differs as {format}: {merged}\n---\n{expected}"
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
fn what_deep_runs_find_in_layers_is_joined() {
    equal_to_one_run(&["fixtures/k8s", "--deep", "--no-cache"]);
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
fn no_part_says_of_an_ignore_that_it_is_unused() {
    let text = format!(
        "{} # oci-preflight: ignore[latest-tag] known\n",
        pod("ghcr.io/team/app").trim_end()
    );
    let sources = Sources::new()
        .file("pod.yaml", text)
        .file("other.yaml", pod("ghcr.io/team/other:1"))
        .file("oci-preflight.toml", IGNORE_ENTRIES);
    let path = sources.path().to_str().expect("a path");
    let words = [path, "--offline", "--fail-on", "note"];
    for number in 1..=8 {
        let report = Preflight::lint(words)
            .arg("--partition")
            .arg(format!("{number}/8"))
            .report();
        let summary = (&report["summary"]["verdict"], &report["summary"]["notes"]);
        assert_eq!(summary, (&"pass".into(), &0.into()), "part {number}");
    }
    equal_to_one_run(&words);
    equal_to_one_run(
        &[
            &words[..],
            &[sources.join("pod.yaml").to_str().expect("a path")],
        ]
        .concat(),
    );
}

const IGNORE_ENTRIES: &str = r#"
[[ignore]]
rules = ["latest-tag"]
images = ["ghcr.io/team/other:*"]
reason = "matches no finding"

[[ignore]]
rules = ["latest-tag"]
images = ["ghcr.io/nobody/*"]
reason = "is about no image"

[[ignore]]
rules = ["latest-tag"]
expires = 2020-02-29
reason = "has expired"
"#;

#[test]
fn a_baseline_takes_the_same_findings_from_the_parts_as_from_the_whole() {
    let sources = Sources::new()
        .file("web.yaml", pod("ghcr.io/team/web"))
        .file("api.yaml", pod("ghcr.io/team/api"))
        .file("job.yaml", pod("Not/AnImage"))
        .file(
            "cron.yaml",
            pod("ghcr.io/team/cron:1 # oci-preflight: ignore[never-pulled] vain"),
        )
        .file(
            "queue.yaml",
            pod("ghcr.io/team/queue:1 # oci-preflight: ignore[never-pulled] vain"),
        )
        .file("oci-preflight.toml", IGNORE_ENTRIES)
        .file("pools.json", POOLS_WITHOUT_PLATFORM);
    let path = sources.path().to_str().expect("a path");
    let pools = sources.join("pools.json").display().to_string();
    let baseline = sources.join("baseline.json").display().to_string();
    let words = [
        path,
        "--offline",
        "--exclude",
        "pools.json",
        "--nodes",
        &pools,
        "--baseline",
        &baseline,
    ];
    Preflight::lint(words).arg("--write-baseline").run();
    let written: Value =
        serde_json::from_str(&fs::read_to_string(&baseline).expect("a baseline")).expect("JSON");
    let known = written["findings"].as_array().expect("findings");
    assert!(known.len() > 5, "{known:?}");
    equal_to_one_run(&words);
    // Every finding alone is known once, and once it is the only one that is not.
    for index in 0..known.len() {
        for keep in [true, false] {
            let some: Vec<&Value> = known
                .iter()
                .enumerate()
                .filter(|(other, _)| (*other == index) == keep)
                .map(|(_, finding)| finding)
                .collect();
            let text = serde_json::json!({"version": 1, "findings": some});
            fs::write(&baseline, text.to_string()).expect("written");
            equal_in_parts(&words, &[3]);
        }
    }
}

#[test]
fn a_baseline_is_not_written_by_a_part() {
    let folder = TempDir::new().expect("a folder");
    let baseline = folder.path().join("baseline.json");
    let outcome = Preflight::lint(["fixtures/clean", "--partition", "1/2", "--write-baseline"])
        .arg("--baseline")
        .arg(&baseline)
        .run();
    assert_eq!(outcome.status, 2, "{}", outcome.stdout);
    assert!(
        outcome.stderr.contains("leave out --partition"),
        "{}",
        outcome.stderr
    );
    assert!(!baseline.exists());
}

/// Pools of whose nodes nothing is known, and one that the cluster makes by itself.
const POOLS_WITHOUT_PLATFORM: &str = r#"{"name": "shop", "autopilot": {"enabled": true},
"currentNodeVersion": "1.33.1-gke.1", "nodePools": [{"name": "odd", "config": {"machineType": "quantum-1"}},
{"name": "default", "config": {"machineType": "e2-medium"}}]}"#;

#[test]
fn what_the_cluster_makes_by_itself_is_judged_and_shown() {
    let clusters = Sources::new().file("cluster.json", POOLS_WITHOUT_PLATFORM).file(
        "old.json",
        r#"{"name": "old", "autoscaling": {"enableNodeAutoprovisioning": true},
        "currentNodeVersion": "1.30.1-gke.1", "nodePools": [{"name": "arm", "config": {"machineType": "t2a-standard-2"}}]}"#,
    );
    let cluster = clusters.join("cluster.json").display().to_string();
    let old = clusters.join("old.json").display().to_string();
    let words = [
        "fixtures/k8s",
        "--nodes",
        &cluster,
        "--nodes",
        &old,
        "--platform",
        "linux/s390x",
    ];
    let outcome = Preflight::lint(words).run();
    assert!(
        outcome
            .stdout
            .contains("those that it may make were judged"),
        "{}",
        outcome.stdout
    );
    equal_to_one_run(&words);
    let only_open = Sources::new().file(
        "cluster.json",
        r#"{"name": "shop", "autopilot": {"enabled": true}, "nodePools": []}"#,
    );
    let cluster = only_open.join("cluster.json").display().to_string();
    equal_to_one_run(&["fixtures/k8s", "--nodes", &cluster]);
}

#[test]
fn secrets_and_guesses_are_held_against_the_images_of_all_parts() {
    let secret = |host: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: pull\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  \
             .dockerconfigjson: '{{\"auths\": {{\"{host}\": {{\"username\": \"u\", \"password\": \"p\"}}}}}}'\n"
        )
    };
    let with_secret =
        |image: &str| format!("{}  imagePullSecrets:\n    - name: pull\n", pod(image));
    for host in ["ghcr.io", "quay.io"] {
        let mut sources = Sources::new().file("secret.yaml", secret(host)).file(
            "settings.yaml",
            "worker: ghcr.io/team/guess:1\nother: registry.example.com/shop/api:no\n",
        );
        for number in 0..5 {
            let image = format!("ghcr.io/team/app{number}:1");
            sources = sources.file(&format!("{number}.yaml"), with_secret(&image));
        }
        let sources = sources.file("quay.yaml", with_secret("docker.io/library/nginx:1"));
        let path = sources.path().to_str().expect("a path");
        equal_to_one_run(&[path, "--offline", "--guess"]);
    }
}

/// A registry that says how many pulls are left, of images that are all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_registries_say_about_their_limits_is_joined() {
    let server = MockServer::start().await;
    let digest = Digest::sha256_of(b"{}");
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [],
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest.as_str(), "size": 2},
    });
    let answer = ResponseTemplate::new(200)
        .set_body_raw(
            manifest.to_string(),
            "application/vnd.oci.image.manifest.v1+json",
        )
        .insert_header("ratelimit-limit", "100;w=21600")
        .insert_header("ratelimit-remaining", "76;w=21600");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let host = server.address().to_string();
    let mut words = vec![
        "--plain-http".to_owned(),
        host.clone(),
        "--no-cache".to_owned(),
    ];
    for number in 0..9 {
        words.extend(["--image".to_owned(), format!("{host}/app{number}:1")]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = Preflight::lint(&words).arg("-v").run();
    let said = format!("{host}: 76 of 100 pulls left per 6 h");
    assert!(outcome.stdout.contains(&said), "{}", outcome.stdout);
    equal_to_one_run(&words);
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
