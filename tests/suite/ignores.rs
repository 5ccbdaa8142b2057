//! Findings that are known and accepted: comments, entries of the config file, and a baseline.

use serde_json::Value;

use crate::runner::{Preflight, Sources, pod};

fn lint(sources: &Sources) -> Preflight {
    Preflight::lint(["--offline"]).arg(sources.path())
}

/// The rules of a report's findings, and how many were ignored.
fn found(report: &Value) -> (Vec<&str>, u64) {
    let findings = report["findings"].as_array().expect("findings");
    let rules = findings
        .iter()
        .filter_map(|finding| finding["rule"].as_str());
    let ignored = report["summary"]["ignored"].as_u64().expect("a number");
    (rules.collect(), ignored)
}

#[test]
fn a_comment_takes_a_finding_away_in_every_dialect_that_has_comments() {
    for (name, text) in [
        ("pod.yaml", pod("nginx # oci-preflight: ignore[latest-tag] a demo")),
        (
            "values.yaml",
            "# oci-preflight: ignore[latest-tag] a demo\nimage: nginx:latest\n".to_owned(),
        ),
        (
            "compose.yaml",
            "services:\n  web:\n    image: nginx # oci-preflight: ignore[latest-tag] a demo\n".to_owned(),
        ),
        (
            "Dockerfile",
            "# oci-preflight: ignore[latest-tag] a demo\nFROM nginx\n".to_owned(),
        ),
        (
            ".env",
            "# oci-preflight: ignore[latest-tag] a demo\nWEB_IMAGE=docker.io/library/nginx:latest\n".to_owned(),
        ),
    ] {
        let with = Sources::new().file(name, &text);
        let without = Sources::new().file(name, text.replace("ignore[latest-tag]", "see"));
        assert_eq!(found(&lint(&with).report()), (vec![], 1), "{name}");
        let report = lint(&without).report();
        let (rules, ignored) = found(&report);
        assert!(rules.contains(&"latest-tag") && ignored == 0, "{name}: {rules:?}");
    }
}

#[test]
fn an_ignore_that_takes_nothing_away_is_told_at_its_place() {
    let sources = Sources::new().file(
        "pod.yaml",
        pod("nginx:1.27 # oci-preflight: ignore[latest-tag, latest-tags]"),
    );
    let report = lint(&sources).report();
    let (rules, ignored) = found(&report);
    assert_eq!((rules, ignored), (vec!["unused-ignore"; 2], 0));
    let [unused, unknown] = report["findings"].as_array().expect("findings").as_slice() else {
        panic!("two findings");
    };
    assert_eq!(
        (&unused["line"], &unused["column"]),
        (&8.into(), &49.into())
    );
    assert_eq!(unknown["help"], "Did you mean `latest-tag`?");
}

#[test]
fn an_ignore_is_not_unused_where_the_run_could_not_tell() {
    let sources = Sources::new().file(
        "pod.yaml",
        pod("nginx:1.27 # oci-preflight: ignore[image-not-found, unpinned-image, nowhere-to-run]"),
    );
    assert_eq!(found(&lint(&sources).report()), (vec![], 0));
}

#[test]
fn the_config_ignores_by_rule_image_and_path_until_a_day() {
    for (entry, rules, ignored) in [
        ("rules = [\"latest-tag\"]", vec![], 2),
        (
            "images = [\"docker.io/library/nginx\"]",
            vec!["latest-tag"],
            1,
        ),
        (
            "paths = [\"legacy\"]\nrules = [\"latest-tag\"]",
            vec!["latest-tag"],
            1,
        ),
        ("rules = [\"latest-tag\"]\nexpires = 9999-12-31", vec![], 2),
        (
            "rules = [\"latest-tag\"]\nexpires = 2000-01-01",
            vec!["latest-tag", "unused-ignore", "latest-tag"],
            0,
        ),
    ] {
        let config = format!("[[ignore]]\n{entry}\nreason = \"a demo\"\n");
        let sources = Sources::new()
            .file("legacy/pod.yaml", pod("nginx"))
            .file("web/pod.yaml", pod("httpd"))
            .file("oci-preflight.toml", config);
        let report = lint(&sources).report();
        let (mut found, count) = found(&report);
        found.sort_unstable();
        let mut rules = rules;
        rules.sort_unstable();
        assert_eq!((found, count), (rules, ignored), "{entry}");
    }
}

#[test]
fn an_entry_of_the_config_that_matches_nothing_is_told_at_its_reason() {
    let sources = Sources::new().file("k8s/pod.yaml", pod("nginx:1.27")).file(
        "oci-preflight.toml",
        "paths = [\"k8s\"]\n[[ignore]]\nrules = [\"latest-tag\"]\nreason = \"a demo\"\n",
    );
    let config = sources.join("oci-preflight.toml");
    let report = Preflight::lint(["--offline", "--config"])
        .arg(config)
        .report();
    assert_eq!(found(&report), (vec!["unused-ignore"], 0));
    assert_eq!(report["findings"][0]["line"], 4);
}

#[test]
fn only_findings_that_are_not_in_the_baseline_count() {
    let sources = Sources::new().file("pod.yaml", pod("nginx"));
    let baseline = sources.join("baseline.json");
    let run = || {
        Preflight::lint(["--offline", "--fail-on", "warning", "--baseline"])
            .arg(&baseline)
            .arg(sources.join("pod.yaml"))
    };
    let missing = run().run();
    assert_eq!(missing.status, 2);
    assert!(
        missing.stderr.contains("--write-baseline"),
        "{}",
        missing.stderr
    );
    assert_eq!(run().arg("--write-baseline").run().status, 0);
    let known = run().report();
    assert_eq!(found(&known), (vec![], 1));
    assert_eq!(known["summary"]["verdict"], "pass");

    // Lines that move change nothing; another image is new.
    let moved = format!(
        "# moved\n\n{}---\n{}",
        pod("nginx"),
        pod("httpd").replace("name: app", "name: new")
    );
    std::fs::write(sources.join("pod.yaml"), moved).expect("written");
    let more = run().run();
    assert_eq!(more.status, 1, "{}", more.stdout);
    let report = run().report();
    assert_eq!(found(&report), (vec!["latest-tag"], 1));
    assert_eq!(
        report["findings"][0]["reference"],
        "docker.io/library/httpd:latest"
    );
}

#[test]
fn an_outage_is_never_known() {
    let sources = Sources::new().file("pod.yaml", pod("registry.invalid/team/app:1"));
    let baseline = sources.join("baseline.json");
    for _ in 0..2 {
        let outcome = Preflight::lint(["--retries", "0", "--write-baseline", "--baseline"])
            .arg(&baseline)
            .arg(sources.join("pod.yaml"))
            .run();
        assert_eq!(outcome.status, 2, "{}", outcome.stdout);
    }
}

#[test]
fn a_baseline_that_is_none_or_cannot_be_written_is_told_before_any_work() {
    let sources = Sources::new()
        .file("pod.yaml", pod("nginx"))
        .file("baseline.json", "{\"version\": 2, \"fingerprints\": []}");
    for (words, why) in [
        (vec!["--baseline", "baseline.json"], "is no baseline"),
        (vec!["--write-baseline"], "no baseline to write"),
        (
            vec!["--write-baseline", "--baseline", "no/such/folder/b.json"],
            "cannot write",
        ),
    ] {
        let words = words.iter().map(|word| match *word {
            "baseline.json" => sources.join(word).display().to_string(),
            word => word.to_owned(),
        });
        let outcome = Preflight::lint(words)
            .arg("--offline")
            .arg(sources.join("pod.yaml"))
            .run();
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""));
        assert!(outcome.stderr.contains(why), "{why}: {}", outcome.stderr);
    }
}
