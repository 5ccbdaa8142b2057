//! `explain` on the command line: what it takes for a message, and the check at once.

use std::process::Command;

use tempfile::TempDir;

use crate::registry_faults::server::{FaultRegistry, Request};
use crate::runner::Preflight;

#[test]
fn one_word_of_a_message_is_explained_unless_it_is_a_rule() {
    let word = Preflight::new(["explain", "unauthorized", "--output", "json"]).run();
    assert_eq!(word.status, 0, "{}", word.stderr);
    assert!(word.stdout.contains("\"class\""), "{}", word.stdout);
    let rule = Preflight::new(["explain", "access-denied"]).run();
    assert!(
        rule.stdout.starts_with("# access-denied"),
        "{}",
        rule.stdout
    );
    let unknown = Preflight::new(["explain", "nonsense"]).run();
    assert_eq!(unknown.status, 2);
    assert!(
        unknown.stderr.contains("there is no rule"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn standard_input_that_cannot_be_read_is_told() {
    let folder = TempDir::new().expect("a folder");
    let output = Command::new(assert_cmd::cargo::cargo_bin("oci-preflight"))
        .args(["explain", "-"])
        .stdin(std::fs::File::open(folder.path()).expect("the folder"))
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("cannot read standard input"), "{errors}");
}

#[test]
fn a_log_whose_gzip_breaks_off_is_explained_as_far_as_it_can_be_read() {
    let mut lines = b"Failed to pull image \"nginx:0\": toomanyrequests: slow down\n".to_vec();
    // Enough that does not compress for the beginning to be written out before the end is cut off.
    let mut state = 1_u32;
    for _ in 0..60_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        lines.push(b'a' + (state >> 24) as u8 % 26);
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &lines).expect("a vector");
    let packed = packed.finish().expect("a vector");
    let outcome = Preflight::new(["explain", "-"])
        .stdin(&packed[..packed.len() - 100])
        .run();
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    let beginning = "The input is damaged or cut off, and was read up to there: ";
    assert!(outcome.stdout.starts_with(beginning), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("nginx:0"), "{}", outcome.stdout);
}

#[test]
fn an_option_of_the_check_is_refused_where_nothing_is_checked() {
    let outcome = Preflight::new([
        "explain",
        "--plain-http",
        "localhost:5000",
        "toomanyrequests",
    ])
    .run();
    assert_eq!(outcome.status, 2);
    let words = "--plain-http has no use without --lint";
    assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
}

#[test]
fn the_check_at_once_takes_the_ways_of_a_check() {
    let registry = FaultRegistry::start(Request::good, None, "127.0.0.1");
    let message = format!(
        "Failed to pull image \"{}/app:1\": not found",
        registry.host
    );
    let lint = |flags: &[&str]| {
        let words = ["explain", "--lint", "--output", "json", &message];
        Preflight::new(words).args(flags).run()
    };
    let plain = ["--plain-http", registry.host.as_str()];
    let fits = lint(&[&plain[..], &["--platform", "linux/amd64"]].concat());
    assert!(!fits.stdout.contains("wrong-platform"), "{}", fits.stdout);
    let other = lint(&[&plain[..], &["--platform", "linux/arm64"]].concat());
    assert!(other.stdout.contains("wrong-platform"), "{}", other.stdout);
    assert_eq!(other.status, 1);
    let offline = lint(&["--offline"]);
    assert!(
        !offline.stdout.contains("wrong-platform"),
        "{}",
        offline.stdout
    );
    let both = Preflight::new(["explain", "--lint", "--nodes", "-", "-"]).run();
    assert_eq!(both.status, 2);
    assert!(both.stderr.contains("not both"), "{}", both.stderr);
}
