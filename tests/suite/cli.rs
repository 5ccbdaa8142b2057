//! What a person meets on the command line: flags, exit statuses, bad input.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::runner::{Preflight, Sources, pod, project};

const BINARY: &str = env!("CARGO_BIN_EXE_oci-preflight");

#[test]
fn an_unknown_flag_is_told_with_the_nearest_one() {
    let outcome = Preflight::lint(["--ofline", "k8s"]).run();
    assert_eq!(outcome.status, 2);
    assert!(outcome.stderr.contains("--offline"), "{}", outcome.stderr);
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let outcome = Preflight::lint(["--offline", "no/such/folder"]).run();
    assert_eq!(outcome.status, 2);
    assert!(
        outcome.stderr.contains("no/such/folder"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_folder_without_images_is_no_pass() {
    let empty = Sources::new().file("readme.txt", "nothing");
    let outcome = Preflight::lint(["--offline"]).arg(empty.path()).run();
    assert_eq!(outcome.status, 2);
    assert!(
        outcome
            .stderr
            .contains("no image was found in any path given"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_wrong_key_of_the_config_is_shown_at_its_place_with_the_nearest_one() {
    let sources = Sources::new()
        .file("pod.yaml", pod("nginx:1.27"))
        .file("oci-preflight.toml", "offline = true\nfailon = \"never\"\n");
    let outcome = Preflight::lint([sources.path()]).run();
    assert_eq!(outcome.status, 2);
    for part in [
        "oci-preflight.toml",
        "unknown field `failon`",
        "did you mean `fail-on`?",
    ] {
        assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
    }
}

#[test]
fn the_config_is_found_above_the_first_path_and_a_flag_wins_over_it() {
    let sources = Sources::new().file("deep/er/pod.yaml", pod("nginx")).file(
        "oci-preflight.toml",
        "offline = true\n[rules]\nlatest-tag = \"error\"\n",
    );
    let path = sources.join("deep/er");
    assert_eq!(Preflight::lint([&path]).run().status, 1);
    let off = Preflight::lint([&path])
        .arg("--rule")
        .arg("latest-tag=off")
        .run();
    assert_eq!((off.status, off.stderr.as_str()), (0, ""));
}

#[test]
fn paths_in_reports_begin_in_the_current_folder() {
    let report = Preflight::lint(["fixtures/k8s/worker.yaml"]).report();
    assert_eq!(
        report["node_pools"][0]["source"],
        "fixtures/node-pools.json"
    );
    let latin = Sources::new().file("latin.yaml", b"# caf\xe9\n");
    let report = Preflight::lint(["--offline"]).arg(latin.path()).report();
    let skipped = report["sources"][0]["skipped"].as_str().expect("a reason");
    assert!(skipped.starts_with("line 1 is not UTF-8"), "{skipped}");
}

#[test]
fn the_threshold_decides_the_exit_status() {
    let sources = Sources::new().file("pod.yaml", pod("nginx"));
    for (fail_on, status) in [("error", 0), ("warning", 1), ("note", 1), ("never", 0)] {
        let outcome = Preflight::lint(["--offline", "--fail-on", fail_on])
            .arg(sources.path())
            .run();
        assert_eq!(outcome.status, status, "{fail_on}: {}", outcome.stdout);
    }
}

#[test]
fn a_broken_file_is_told_at_its_place_and_the_others_are_still_linted() {
    let sources = Sources::new()
        .file("a.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  image: [\n")
        .file("b.yaml", pod("nginx"));
    let report = Preflight::lint(["--offline"]).arg(sources.path()).report();
    assert_eq!(report["summary"]["occurrences"], 1);
    assert_eq!(report["summary"]["exit_code"], 2);
    let skipped = report["sources"][0]["skipped"].as_str().expect("a reason");
    assert!(!skipped.is_empty());
    let shown = Preflight::lint(["--offline"])
        .arg(sources.path())
        .run()
        .stdout;
    assert!(shown.contains("a.yaml"), "{shown}");
}

#[test]
fn an_object_without_an_image_is_told_when_it_is_broken() {
    let broken = "apiVersion: v1\nkind: Service\n  spec: [\n---\n";
    let sources = Sources::new().file("a.yaml", format!("{broken}{}", pod("nginx:1.27")));
    let report = Preflight::lint(["--offline"]).arg(sources.path()).report();
    assert_eq!(report["summary"]["occurrences"], 1);
    assert_eq!(report["problems"][0]["line"], 3, "{}", report["problems"]);
}

#[test]
fn a_registry_that_is_down_is_neither_a_missing_image_nor_a_pass() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    drop(listener);
    let sources = Sources::new().file("pod.yaml", pod(&format!("127.0.0.1:{port}/team/app:1")));
    let run = || Preflight::lint(["--retries", "0"]).arg(sources.path());
    let report = run().report();
    assert_eq!(report["images"][0]["status"], "undetermined");
    assert_eq!(report["images"][0]["reason"], "connect");
    assert_eq!(report["summary"]["verdict"], "undetermined");
    let outcome = run().run();
    assert_eq!(outcome.status, 2);
    assert!(
        outcome.stderr.contains("could not tell"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_outage_does_not_pass_even_when_nothing_fails_a_run() {
    let sources = Sources::new().file("pod.yaml", pod("registry.invalid/team/app:1"));
    let outcome = Preflight::lint(["--retries", "0", "--fail-on", "never"])
        .arg(sources.path())
        .run();
    assert_eq!(outcome.status, 2, "{}", outcome.stdout);
}

#[test]
fn standard_input_is_a_source() {
    let report = Preflight::lint(["--offline", "-"])
        .stdin(pod("nginx:1.27"))
        .report();
    assert_eq!(
        report["images"][0]["reference"],
        "docker.io/library/nginx:1.27"
    );
    assert_eq!(report["images"][0]["occurrences"][0]["line"], 8);
}

#[test]
fn an_image_can_be_named_without_a_file() {
    let report = Preflight::lint(["--offline", "--image", "Nginx:1"]).report();
    assert_eq!(report["summary"]["sources"], 0);
    assert_eq!(report["findings"][0]["rule"], "invalid-reference");
}

#[test]
fn reports_go_to_files_whole_or_not_at_all() {
    let sources = Sources::new().file("pod.yaml", pod("nginx"));
    let report = sources.join("report.json");
    let run = |output: &str| {
        Preflight::lint(["--offline", "--output", "pretty", "--output", output])
            .arg(sources.join("pod.yaml"))
            .run()
    };
    assert_eq!(run(&format!("json={}", report.display())).status, 0);
    let written: Value =
        serde_json::from_slice(&std::fs::read(&report).expect("a report")).expect("JSON");
    assert_eq!(written["version"], 1);
    let nowhere = run("json=no/such/folder/report.json");
    assert_eq!((nowhere.status, nowhere.stdout.as_str()), (2, ""));
    assert!(
        nowhere.stderr.contains("no/such/folder/report.json"),
        "{}",
        nowhere.stderr
    );
    let twice = run("json");
    assert_eq!((twice.status, twice.stdout.as_str()), (2, ""));
}

#[test]
fn a_rule_is_explained_and_a_mistyped_one_is_told_with_the_nearest() {
    let page = Preflight::new(["explain", "latest-tag"]).run();
    assert_eq!(page.status, 0);
    assert!(page.stdout.contains("## How to fix it"), "{}", page.stdout);
    let mistyped = Preflight::new(["explain", "latests-tag"]).run();
    assert_eq!(mistyped.status, 2);
    assert!(
        mistyped.stderr.contains("latest-tag"),
        "{}",
        mistyped.stderr
    );
}

#[test]
fn rules_are_listed_for_people_and_for_programs() {
    let table = Preflight::new(["rules"]).run().stdout;
    let listed: Value =
        serde_json::from_str(&Preflight::new(["rules", "--output", "json"]).run().stdout)
            .expect("JSON");
    for rule in listed["rules"].as_array().expect("rules") {
        let id = rule["id"].as_str().expect("an id");
        assert!(table.lines().any(|line| line.starts_with(id)), "{id}");
    }
}

#[test]
fn no_colour_and_no_escape_reaches_a_pipe() {
    let sources = Sources::new().file("pod.yaml", pod("nginx"));
    let shown = Preflight::lint(["--offline"])
        .arg(sources.path())
        .run()
        .stdout;
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let coloured = Preflight::lint(["--offline", "--color", "always"])
        .arg(sources.path())
        .run()
        .stdout;
    assert!(coloured.contains('\u{1b}'));
}

#[test]
fn a_dumb_terminal_gets_plain_characters() {
    let shown = Preflight::lint(["--offline", "fixtures/k8s/api.yaml"])
        .env("TERM", "dumb")
        .run()
        .stdout;
    assert!(shown.contains("latest-tag"), "{shown}");
    assert!(!shown.contains(['│', '╭', '─', '⚠']), "{shown}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = project().join("fixtures/k8s");
    let mut child = Command::new(BINARY)
        .args(["lint", "--offline"])
        .arg(folder)
        .env_remove("RUST_BACKTRACE")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("its end");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    assert!(
        matches!(output.status.code(), Some(0..=2)),
        "{:?}",
        output.status
    );
}

#[test]
fn an_interrupt_stops_at_once_with_status_130() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its number").port();
    let child = Command::new(BINARY)
        .args(["lint", "--image", &format!("127.0.0.1:{port}/team/app:1")])
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let mut child = child;
    // The question is under way once the connection is there.
    let (_connection, _) = silent.accept().expect("a connection");
    let interrupted = Instant::now();
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(sent.success());
    let status = child.wait().expect("its end");
    assert_eq!(status.code(), Some(130));
    assert!(interrupted.elapsed() < Duration::from_secs(5));
}

#[cfg(target_os = "linux")]
#[test]
fn a_50_mb_source_needs_bounded_memory() {
    let sources = Sources::new();
    let mut file =
        std::io::BufWriter::new(std::fs::File::create(sources.join("large.yaml")).expect("a file"));
    let filler = format!("  text: {}\n", "x".repeat(1000));
    let mut bytes = 0;
    while bytes < 50_000_000 {
        let document = format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n{filler}---\n{}",
            pod("nginx:1.27")
        );
        file.write_all(document.as_bytes()).expect("written");
        bytes += document.len();
    }
    file.flush().expect("written");
    let output = Command::new("sh")
        .arg("-c")
        .arg("ulimit -v 1000000; exec \"$0\" lint --offline --quiet \"$1\"")
        .arg(BINARY)
        .arg(sources.path())
        .output()
        .expect("the binary");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
}

#[test]
fn an_alias_bomb_costs_nothing() {
    let mut bomb = String::from("a0: &a0 [nginx, nginx]\n");
    for level in 1..40 {
        let below = level - 1;
        let _ = writeln!(bomb, "a{level}: &a{level} [*a{below}, *a{below}]");
    }
    bomb.push_str("kind: Pod\nspec:\n  containers: *a39\n");
    let sources = Sources::new()
        .file("bomb.yaml", bomb)
        .file("pod.yaml", pod("nginx:1.27"));
    let report = Preflight::lint(["--offline"]).arg(sources.path()).report();
    assert_eq!(report["summary"]["occurrences"], 1);
}

#[test]
fn a_value_that_a_chart_completes_is_listed_and_not_judged() {
    let sources = Sources::new().file("values.yaml", "image: {repository: nginx, tag: ''}\n");
    let report = Preflight::lint(["--offline", "--fail-on", "note"])
        .arg(sources.path())
        .report();
    assert_eq!(report["findings"], serde_json::json!([]));
    assert_eq!(report["images"][0]["status"], "unchecked");
    assert_eq!(report["images"][0]["occurrences"][0]["written"], "nginx");
}

#[test]
fn a_wrong_variable_is_named_with_the_nearest_value() {
    for (name, value, said) in [
        (
            "OCI_PREFLIGHT_FAIL_ON",
            "eror",
            "'eror' for 'OCI_PREFLIGHT_FAIL_ON'|a similar value exists: 'error'",
        ),
        (
            "OCI_PREFLIGHT_OUTPUT",
            "jsn",
            "'jsn' for 'OCI_PREFLIGHT_OUTPUT'|a similar value exists: 'json'",
        ),
        (
            "OCI_PREFLIGHT_RULE",
            "latest-tag=warn",
            "for 'OCI_PREFLIGHT_RULE'|a similar value exists: 'latest-tag=warning'",
        ),
        (
            "OCI_PREFLIGHT_TIMEOUT",
            "soon",
            "for 'OCI_PREFLIGHT_TIMEOUT'",
        ),
        (
            "OCI_PREFLIGHT_OFFLINE",
            "maybe",
            "for 'OCI_PREFLIGHT_OFFLINE'",
        ),
    ] {
        let outcome = Preflight::lint(["."]).env(name, value).run();
        assert_eq!(outcome.status, 2);
        for part in said.split('|') {
            assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
        }
    }
    let flag = Preflight::lint(["--fail-on", "eror"])
        .env("OCI_PREFLIGHT_FAIL_ON", "note")
        .run();
    assert!(
        flag.stderr.contains("'--fail-on <SEVERITY>'"),
        "{}",
        flag.stderr
    );
}

#[test]
fn what_is_wrong_with_the_arguments_is_fitted_to_the_terminal() {
    let outcome = Preflight::lint(["--platform", "x"])
        .env("COLUMNS", "60")
        .run();
    assert_eq!(outcome.status, 2);
    assert!(
        outcome.stderr.contains("is no platform"),
        "{}",
        outcome.stderr
    );
    for line in outcome.stderr.lines() {
        assert!(line.len() <= 60, "{line}");
    }
}
