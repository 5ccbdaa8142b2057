//! Reports on their way out: paths that take none, readers that go away, runs that are killed, and very many findings.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::runner::{Preflight, Sources, pod};

const BINARY: &str = env!("CARGO_BIN_EXE_oci-preflight");

const FORMATS: [&str; 8] = [
    "pretty", "json", "sarif", "github", "gitlab", "junit", "markdown", "html",
];

/// As many findings of as many images.
const MANY: usize = 10_000;

fn many(count: usize) -> Sources {
    let mut text = String::new();
    for number in 0..count {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "---\n{}",
            pod(&format!("registry.test/team/app{number}"))
        );
    }
    Sources::new().file("all.yaml", text)
}

/// One output of each format, into files of a folder.
fn outputs(folder: &Path) -> Vec<String> {
    let output = |format| format!("--output={format}={}", folder.join(format).display());
    FORMATS.map(output).into()
}

fn read(folder: &Path, format: &str) -> String {
    fs::read_to_string(folder.join(format)).unwrap_or_else(|error| panic!("{format}: {error}"))
}

/// What Python's standard library makes of a `JUnit` report: suites, and cases.
fn junit_by_python(path: &Path) -> (usize, usize) {
    let script = "import sys, xml.etree.ElementTree as tree\n\
                  root = tree.parse(sys.argv[1]).getroot()\n\
                  assert root.tag == 'testsuites', root.tag\n\
                  cases = root.findall('testsuite/testcase')\n\
                  assert all(case.get('name') and case.get('classname') for case in cases[:-1])\n\
                  assert int(root.get('tests')) == len(cases)\n\
                  print(len(root), len(cases))";
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(path)
        .output();
    let output = output.expect("python3");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("numbers");
    let mut numbers = text
        .split_whitespace()
        .map(|number| number.parse().expect("a number"));
    (
        numbers.next().expect("suites"),
        numbers.next().expect("cases"),
    )
}

#[test]
fn an_output_that_cannot_be_written_is_told_before_anything_is_asked() {
    let registry = TcpListener::bind("127.0.0.1:0").expect("a port");
    registry.set_nonblocking(true).expect("set");
    let image = format!("{}/team/app:1", registry.local_addr().expect("its address"));
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("no/such/folder/report");
    for path in [&missing, folder.path()] {
        for format in FORMATS {
            let output = format!("{format}={}", path.display());
            let outcome = Preflight::lint(["--image", &image, "--output", &output]).run();
            assert_eq!(
                (outcome.status, outcome.stdout.as_str()),
                (2, ""),
                "{output}"
            );
            let joined: String = outcome.stderr.split_whitespace().collect();
            assert!(
                joined.contains(path.to_str().expect("UTF-8")),
                "{}",
                outcome.stderr
            );
        }
    }
    let asked = registry.accept().map_err(|error| error.kind());
    assert_eq!(asked.err(), Some(std::io::ErrorKind::WouldBlock));
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[test]
fn one_file_is_not_given_to_two_reports() {
    let folder = tempfile::tempdir().expect("a folder");
    let outcome = Preflight::lint(["--offline", "--image", "nginx:1"])
        .args(["--output", "json=report", "--output", "sarif=./report"])
        .current_dir(folder.path())
        .run();
    assert_eq!(outcome.status, 2);
    assert!(outcome.stderr.contains("two reports"), "{}", outcome.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_report() {
    let outcome = Preflight::lint([
        "--offline",
        "--image",
        "nginx:1",
        "--output",
        "json=/dev/full",
    ]);
    let outcome = outcome.run();
    assert_eq!(outcome.status, 2);
    assert!(outcome.stderr.contains("/dev/full"), "{}", outcome.stderr);
}

#[test]
fn a_run_that_is_killed_leaves_the_old_report_and_nothing_beside_it() {
    let registry = TcpListener::bind("127.0.0.1:0").expect("a port");
    let image = format!("{}/team/app:1", registry.local_addr().expect("its address"));
    let folder = tempfile::tempdir().expect("a folder");
    for format in FORMATS {
        fs::write(folder.path().join(format), "old").expect("a file");
    }
    let mut child = Command::new(BINARY)
        .args(["lint", "--no-cache", "--image", &image])
        .args(outputs(folder.path()))
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    // It is at its work once it asks.
    let _connection = registry.accept().expect("a connection");
    child.kill().expect("killed");
    child.wait().expect("its end");
    for format in FORMATS {
        assert_eq!(read(folder.path(), format), "old", "{format}");
    }
    assert_eq!(
        fs::read_dir(folder.path()).expect("the folder").count(),
        FORMATS.len()
    );
}

#[test]
fn ten_thousand_findings_are_written_in_bounded_memory_and_within_the_limits_of_platforms() {
    let sources = many(MANY);
    let folder = tempfile::tempdir().expect("a folder");
    let script = "import resource, subprocess, sys\n\
                  status = subprocess.run(sys.argv[1:]).returncode\n\
                  print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let output = Command::new("python3")
        .args(["-c", script, BINARY, "lint", "--offline"])
        .arg(sources.path())
        .args(outputs(folder.path()))
        .output()
        .expect("python3");
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    let (status, peak) = said.trim().split_once(' ').expect("status and memory");
    assert_eq!(status, "0", "{errors}");
    // Linux counts kilobytes, macOS bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak = peak.parse::<u64>().expect("a number") * unit;
    assert!(peak < 300_000_000, "{peak} bytes");

    let json =
        |format| -> Value { serde_json::from_str(&read(folder.path(), format)).expect("JSON") };
    let count = |list: &Value| list.as_array().expect("a list").len();
    assert_eq!(count(&json("json")["findings"]), MANY);
    assert_eq!(count(&json("sarif")["runs"][0]["results"]), MANY);
    assert_eq!(count(&json("gitlab")), MANY);
    assert_eq!(junit_by_python(&folder.path().join("junit")), (2, MANY + 1));

    // https://docs.github.com/en/rest/checks/runs: ten of a kind; the notice is the sum of the rest.
    let github = read(folder.path(), "github");
    assert_eq!(github.matches("::warning ").count(), 10);
    let sum = github.lines().last().expect("a line");
    assert!(
        sum.starts_with("::notice ") && sum.contains("9990 warnings"),
        "{sum}"
    );
    let markdown = read(folder.path(), "markdown");
    assert!(markdown.chars().count() < 65_536, "{}", markdown.len());
    assert!(markdown.contains("findings more."), "{markdown}");
}

#[test]
fn a_reader_that_has_read_enough_changes_neither_the_exit_status_nor_says_a_word() {
    // More than a pipe holds, in the formats that leave nothing out.
    let sources = many(MANY / 20);
    for format in FORMATS {
        // The status of the program itself, and not that of `head`.
        let script = "exec 3>&1; { \"$@\" 3>&-; echo \"status $?\" >&3; } | head -1 >/dev/null";
        let output = Command::new("sh")
            .args([
                "-c",
                script,
                "sh",
                BINARY,
                "lint",
                "--offline",
                "--fail-on",
                "warning",
            ])
            .arg(format!("--output={format}"))
            .arg(sources.path())
            .output()
            .expect("the binary");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(errors, "", "{format}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "status 1\n",
            "{format}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_utf_8_is_shown_in_every_format() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let sources = Sources::new();
    let name = OsStr::from_bytes(b"caf\xe9 \xff<b>.yaml");
    fs::write(sources.path().join(name), pod("nginx")).expect("a file");
    let folder = tempfile::tempdir().expect("a folder");
    let outcome = Preflight::lint(["--offline", "."])
        .args(outputs(folder.path()))
        .current_dir(sources.path())
        .run();
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    for (format, shown) in [
        ("pretty", "caf\u{fffd} \u{fffd}<b>.yaml:8:14"),
        ("json", "\"caf\u{fffd} \u{fffd}<b>.yaml\""),
        ("sarif", "\"caf%EF%BF%BD%20%EF%BF%BD%3Cb%3E.yaml\""),
        ("github", "file=caf\u{fffd} \u{fffd}<b>.yaml,line=8,"),
        ("gitlab", "\"caf\u{fffd} \u{fffd}<b>.yaml\""),
        ("junit", "caf\u{fffd} \u{fffd}&lt;b&gt;.yaml"),
        ("markdown", "`caf\u{fffd} \u{fffd}<b>.yaml:8:14`"),
        ("html", "caf\u{fffd} \u{fffd}&lt;b&gt;.yaml:8:14"),
    ] {
        let text = read(folder.path(), format);
        assert!(text.contains(shown), "{format}: {text}");
    }
    assert_eq!(junit_by_python(&folder.path().join("junit")), (2, 2));
}

#[test]
fn a_path_in_the_current_folder_is_named_as_from_there() {
    let sources = Sources::new().file("k8s/pod.yaml", pod("nginx"));
    let here = fs::canonicalize(sources.path()).expect("the folder");
    let outcome = Preflight::lint(["--offline", "--output", "sarif"])
        .arg(here.join("k8s"))
        .current_dir(&here)
        .run();
    let sarif: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "k8s/pod.yaml");
}
