//! What a person at a terminal sees: progress, the first screen, narrow windows.

use std::net::TcpListener;
use std::process::Command;

use textwrap::core::display_width;

use crate::runner::{Preflight, project};

const BINARY: &str = env!("CARGO_BIN_EXE_oci-preflight");

/// The rows and columns of the terminal that everybody knows.
const ROWS: usize = 24;
const COLUMNS: usize = 80;

/// Runs the words on a pseudo-terminal of 24 rows and 80 columns, and gives all that it gets to show.
fn on_a_terminal(term: &str, words: &[&str]) -> String {
    let spawn = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let sized = format!("stty rows {ROWS} cols {COLUMNS}; exec \"$0\" \"$@\"");
    let output = Command::new("python3")
        .args(["-c", spawn, "sh", "-c", &sized, BINARY])
        .args(words)
        .current_dir(project())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("TERM", term)
        .output()
        .expect("python3");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn progress_names_what_is_waited_for_and_goes() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let image = format!(
        "127.0.0.1:{}/team/app:1",
        silent.local_addr().unwrap().port()
    );
    let words = [
        "lint",
        "--no-cache",
        "--timeout",
        "1",
        "--retries",
        "0",
        "--image",
        &image,
    ];
    let waiting = format!("0 of 1 images, waiting for {image}");

    let shown = on_a_terminal("xterm", &words);
    let after = shown
        .rsplit_once(&waiting)
        .unwrap_or_else(|| panic!("{shown}"))
        .1;
    // The line is erased before the report comes.
    assert!(after.contains("\u{1b}[2K"), "{after:?}");
    assert!(after.contains("undetermined-image"), "{after:?}");

    let never: Vec<&str> = words.into_iter().chain(["--progress", "never"]).collect();
    for (term, words) in [("dumb", words.as_slice()), ("xterm", &never)] {
        let shown = on_a_terminal(term, words);
        assert!(shown.contains("undetermined-image"), "{shown}");
        assert!(!shown.contains("waiting for"), "{term}: {shown}");
    }
    let piped = Preflight::new(words).run();
    assert_eq!(piped.stderr.lines().count(), 1, "{}", piped.stderr);
}

#[test]
fn a_terminal_gets_colour_unless_it_is_dumb_or_none_is_wanted() {
    let words = ["lint", "--offline", "fixtures/k8s/api.yaml"];
    assert!(on_a_terminal("xterm", &words).contains("\u{1b}[31;1m"));
    let never: Vec<&str> = words.into_iter().chain(["--color", "never"]).collect();
    for (term, words) in [("dumb", words.as_slice()), ("xterm", &never)] {
        let shown = on_a_terminal(term, words);
        assert!(!shown.contains("\u{1b}[31"), "{shown:?}");
    }
    let unwanted = Preflight::new(words)
        .env("NO_COLOR", "1")
        .env("TERM", "xterm");
    assert!(!unwanted.run().stdout.contains('\u{1b}'));
}

#[test]
fn the_first_finding_is_on_the_first_screen() {
    for columns in ["60", "80", "120"] {
        let shown = Preflight::lint(["fixtures/k8s"])
            .env("COLUMNS", columns)
            .run();
        let screen: Vec<&str> = shown.stdout.lines().take(ROWS - 1).collect();
        let screen = screen.join("\n");
        for part in [
            "error[missing-platform]",
            "registry.example.com/shop/api:2.0.0 has no image",
            "[fixtures/k8s/api.yaml:24:18]",
            "image: registry.example.com/shop/api:2.0.0",
            "container api of Deployment shop/api",
            "event: ErrImagePull",
            "help: ",
        ] {
            assert!(
                screen.contains(part),
                "{part}, {columns} columns:\n{screen}"
            );
        }
    }
}

#[test]
fn nothing_is_wider_than_the_terminal_but_what_would_break_when_cut() {
    for columns in [60, 72, 80, 100] {
        for term in ["xterm", "dumb"] {
            let shown = Preflight::lint(["fixtures/k8s", "-v"])
                .env("COLUMNS", columns.to_string())
                .env("TERM", term)
                .run()
                .stdout;
            for line in shown.lines().filter(|line| display_width(line) > columns) {
                // A digest, an address or a variable alone on its line: cut, it could not be copied.
                let words = line.trim_start_matches([' ', '|', '│']);
                assert!(
                    !words.contains(' ') && words.len() > 40,
                    "{columns}: {line}"
                );
            }
        }
    }
}

#[test]
fn the_reasons_on_standard_error_are_fitted_to_the_terminal() {
    let outcome = Preflight::lint(["--offline", "no/such/folder/of/sources/that/anybody/has"])
        .env("COLUMNS", "60")
        .run();
    assert_eq!(outcome.status, 2, "{}", outcome.stderr);
    for line in outcome.stderr.lines() {
        assert!(display_width(line) <= 60, "{line}");
    }
}

#[test]
fn an_image_of_the_command_line_has_no_empty_label() {
    let shown = Preflight::lint(["--offline", "--image", "Team/App:1"]).run();
    assert!(shown.stdout.contains("invalid-reference"));
    for line in shown.stdout.lines() {
        assert!(!line.trim_end().ends_with("╰──"), "{}", shown.stdout);
    }
}

#[test]
fn a_terminal_that_shows_ascii_only_gets_nothing_else() {
    for (name, value) in [("TERM", "dumb"), ("LC_ALL", "C")] {
        for words in [
            &["lint", "fixtures/k8s", "-v"] as &[&str],
            &["inspect", "ghcr.io/shop/web@sha256:0", "--offline"],
            &["explain", "latest-tag"],
            &["lint", "no/such/folder", "--config", "no/such/file"],
            &["lint", "--help"],
            &["inspect", "--help"],
            &["rules"],
        ] {
            let outcome = Preflight::new(words).env(name, value).run();
            for text in [outcome.stdout, outcome.stderr] {
                assert!(text.is_ascii(), "{name} {words:?}: {text}");
            }
        }
    }
}

#[test]
fn pages_and_tables_are_fitted_to_a_narrow_terminal() {
    for words in [&["explain", "latest-tag"] as &[&str], &["rules"]] {
        let outcome = Preflight::new(words).env("COLUMNS", "60").run();
        let mut in_code = false;
        for line in outcome.stdout.lines() {
            in_code ^= line.starts_with("```");
            assert!(in_code || display_width(line) <= 60, "{line}");
        }
    }
}
