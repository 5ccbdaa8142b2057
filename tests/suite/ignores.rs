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
fn a_baseline_can_be_read_in_a_pull_request() {
    let two = pod("nginx").replace("name: app", "name: other") + "---\n" + &pod("nginx");
    let sources = Sources::new()
        .file("b.yaml", two)
        .file("a.yaml", pod("httpd"));
    let run = || {
        Preflight::lint(["--offline", "--baseline", "baseline.json", "."])
            .current_dir(sources.path())
    };
    run().arg("--write-baseline").run();
    let text = std::fs::read_to_string(sources.join("baseline.json")).expect("written");
    insta::assert_snapshot!(text);
    run().arg("--write-baseline").run();
    let again = std::fs::read_to_string(sources.join("baseline.json")).expect("written");
    assert_eq!(text, again);
}

#[test]
fn another_place_of_a_known_finding_is_new() {
    let container = "  - {name: NAME, image: nginx}\n";
    let pod = |names: &[&str]| {
        let containers = names.iter().map(|name| container.replace("NAME", name));
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: app}}\nspec:\n  containers:\n{}",
            containers.collect::<String>()
        )
    };
    let sources = Sources::new().file("pod.yaml", pod(&["web", "log"]));
    let run = || {
        Preflight::lint(["--offline", "--fail-on", "warning", "--baseline"])
            .arg(sources.join("baseline.json"))
            .arg(sources.join("pod.yaml"))
    };
    run().arg("--write-baseline").run();
    assert_eq!(run().run().status, 0);

    // It comes in before those that are known.
    std::fs::write(sources.join("pod.yaml"), pod(&["new", "web", "log"])).expect("written");
    let report = run().report();
    assert_eq!(found(&report), (vec!["latest-tag"], 2));
    let places = report["findings"][0]["places"].as_array().expect("places");
    assert_eq!(places.len(), 1);
    assert_eq!(places[0]["line"], 6);
    assert_eq!(run().run().status, 1);
}

#[test]
fn what_is_gone_from_the_baseline_is_told_and_fails_nothing() {
    let sources = Sources::new()
        .file("a.yaml", pod("nginx"))
        .file("b.yaml", pod("httpd"));
    let run = |paths: &[&str]| {
        Preflight::lint(["--offline", "--baseline", "baseline.json"])
            .args(paths)
            .current_dir(sources.path())
    };
    run(&["."]).arg("--write-baseline").run();
    assert_eq!(run(&["."]).run().stderr, "");
    std::fs::write(sources.join("a.yaml"), pod("nginx:1.27")).expect("written");
    let outcome = run(&["."]).run();
    assert_eq!(outcome.status, 0);
    assert_eq!(
        outcome.stderr,
        "oci-preflight: 1 finding of the baseline is gone; --write-baseline writes it anew without\n"
    );
    // Sources that this run does not look at say nothing about it.
    assert_eq!(run(&["b.yaml"]).run().stderr, "");
    assert_eq!(run(&["."]).arg("-q").run().stderr, "");
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
        .file("baseline.json", "{\n\"version\": 2,\n\"findings\": []}")
        .file("fingers.json", "{\"version\": 1,\n\"fingers\": []}");
    for (words, why) in [
        (
            vec!["--baseline", "baseline.json"],
            "it has version 2, and this program reads version 1",
        ),
        (vec!["--baseline", "baseline.json"], "baseline.json:2:12"),
        (vec!["--baseline", "fingers.json"], "fingers.json:2:9"),
        (vec!["--write-baseline"], "no baseline to write"),
        (
            vec!["--write-baseline", "--baseline", "no/such/folder/b.json"],
            "cannot write",
        ),
    ] {
        let words = words.iter().map(|word| match *word {
            "baseline.json" | "fingers.json" => sources.join(word).display().to_string(),
            word => word.to_owned(),
        });
        let outcome = Preflight::lint(words)
            .arg("--offline")
            .arg(sources.join("pod.yaml"))
            .run();
        assert_eq!((outcome.status, outcome.stdout.as_str()), (2, ""));
        let joined = |text: &str| text.replace([' ', '\n', '│'], "");
        let (said, why) = (joined(&outcome.stderr), joined(why));
        assert!(said.contains(&why), "{why}: {said}");
    }
}
