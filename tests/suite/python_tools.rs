//! Programs of the Python packages in `tests/requirements.txt`, which `tests/run` puts on the `PATH`.

use std::process::{Command, Stdio};

/// The program, if it is there. Where it is missing the test is to end, after a line that says so; with
/// `REQUIRE_PYTHON_TOOLS=1` that is a failure.
pub fn tool(name: &str) -> Option<Command> {
    let is_there = Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    if is_there {
        return Some(Command::new(name));
    }
    assert!(
        std::env::var_os("REQUIRE_PYTHON_TOOLS").is_none(),
        "{name} is not on the PATH; tests/run installs it"
    );
    println!("skipped: {name} is not on the PATH; tests/run installs it");
    None
}
