//! What shells complete.

use std::process::Command;

use crate::runner::Preflight;

/// What bash offers behind these words.
fn completed(words: &[&str]) -> String {
    let script = Preflight::new(["completions", "bash"]).run().stdout;
    let (current, before) = words.split_last().expect("a word to complete");
    let previous = before.last().copied().unwrap_or_default();
    let complete = format!(
        "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _oci__preflight oci-preflight '{current}' '{previous}'\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        before.len()
    );
    let output = Command::new("bash")
        .args(["--norc", "-c", &complete])
        .output();
    String::from_utf8(output.expect("bash runs").stdout).expect("UTF-8")
}

#[test]
fn bash_completes_commands_and_their_options() {
    assert!(completed(&["oci-preflight", "insp"]).contains("inspect"));
    assert_eq!(
        completed(&["oci-preflight", "lint", "--parti"]),
        "--partition\n"
    );
    assert_eq!(
        completed(&["oci-preflight", "merge", "--fail"]),
        "--fail-on\n"
    );
}

#[test]
fn bash_completes_the_words_of_options() {
    let offered = |words: &[&str]| completed(words);
    assert_eq!(
        offered(&["oci-preflight", "lint", "--output", "ju"]),
        "junit\n"
    );
    assert_eq!(
        offered(&["oci-preflight", "lint", "--fail-on", "n"]),
        "note\nnever\n"
    );
    assert!(offered(&["oci-preflight", "lint", "--rule", "latest"]).contains("latest-tag=off\n"));
    assert!(offered(&["oci-preflight", "lint", "--platform", "linux/a"]).contains("linux/arm64"));
    assert_eq!(
        offered(&["oci-preflight", "explain", "latest"]),
        "latest-tag\n"
    );
    assert!(offered(&["oci-preflight", "man", "pro"]).contains("probe"));
}
