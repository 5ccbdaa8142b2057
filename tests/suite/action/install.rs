//! Where the program comes from: the release that the action is, with its digest checked, or cargo.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use oci_preflight::oci::Digest;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::workflow_runner::{Done, Job};
use crate::changed::{commit, git};
use crate::runner::{Sources, project};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TAG: &str = concat!("v", env!("CARGO_PKG_VERSION"));
const TARGET: &str = "x86_64-unknown-linux-musl";

/// Stands for the program of a release: it notes that it ran, and runs the real one.
const PROGRAM: &str = "#!/bin/sh\necho ran-the-release >&2\nexec \"$REAL_PROGRAM\" \"$@\"\n";

/// Stands for cargo: it prints its arguments, and makes a program.
const CARGO: &str = "#!/bin/sh\necho \"cargo $*\"\nwhile [ $# -gt 0 ]; do [ \"$1\" = --root ] && root=$2; shift; done\n\
     mkdir -p \"$root/bin\"\nln -s \"$REAL_PROGRAM\" \"$root/bin/oci-preflight\"\n";

fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("a program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// The archive of a release, as `packaging/archive` lays it out.
fn archive(folder: &Path) -> Vec<u8> {
    let name = format!("oci-preflight-{VERSION}-{TARGET}");
    executable(&folder.join(&name).join("oci-preflight"), PROGRAM);
    let status = Command::new("tar")
        .current_dir(folder)
        .args(["-czf", "archive.tar.gz", &name])
        .status();
    assert!(status.expect("tar").success());
    fs::read(folder.join("archive.tar.gz")).expect("the archive")
}

fn digest(bytes: &[u8]) -> String {
    Digest::sha256_of(bytes).hex().to_owned()
}

async fn serve(server: &MockServer, file: &str, answer: ResponseTemplate) {
    let address = format!("/releases/download/{TAG}/oci-preflight-{VERSION}-{TARGET}.tar.gz{file}");
    Mock::given(path(address))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// A job on a revision of the action, with cargo's stand-in.
fn job(workspace: &Sources, action_ref: &str, repository: &str) -> Job {
    executable(&workspace.join("bin/cargo"), CARGO);
    let path = std::env::var("PATH").expect("PATH");
    let path = format!("{}:{path}", workspace.join("bin").display());
    let program = assert_cmd::cargo::cargo_bin("oci-preflight");
    let sources: PathBuf = project().join("fixtures/clean");
    Job::new(workspace.path())
        .uses(action_ref)
        .input("paths", sources.to_str().expect("UTF-8"))
        .input("offline", "true")
        .input("allow-no-images", "true")
        .variable("PATH", &path)
        .variable("REAL_PROGRAM", program.to_str().expect("UTF-8"))
        .variable("OCI_PREFLIGHT_REPOSITORY", repository)
}

fn was_built(done: &Done) -> bool {
    let command = format!(
        "cargo install --path {} --locked --root ",
        project().display()
    );
    done.log.contains(&command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_downloaded_and_its_digest_checked() {
    let workspace = Sources::new();
    let bytes = archive(workspace.path());
    let server = MockServer::start().await;
    let sum = format!(
        "{}  oci-preflight-{VERSION}-{TARGET}.tar.gz\n",
        digest(&bytes)
    );
    serve(
        &server,
        ".sha256",
        ResponseTemplate::new(200).set_body_string(sum),
    )
    .await;
    serve(
        &server,
        "",
        ResponseTemplate::new(200).set_body_bytes(bytes),
    )
    .await;
    let done = job(&workspace, TAG, &server.uri()).run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert!(done.log.contains("ran-the-release"), "{}", done.log);
    assert!(!was_built(&done), "{}", done.log);
    assert_eq!(done.output("verdict"), "pass");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_of_another_digest_is_refused() {
    let workspace = Sources::new();
    let bytes = archive(workspace.path());
    let server = MockServer::start().await;
    let sum = format!("{}  oci-preflight.tar.gz\n", digest(b"another one"));
    serve(
        &server,
        ".sha256",
        ResponseTemplate::new(200).set_body_string(sum),
    )
    .await;
    serve(
        &server,
        "",
        ResponseTemplate::new(200).set_body_bytes(bytes.clone()),
    )
    .await;
    let done = job(&workspace, TAG, &server.uri()).run();
    assert_eq!(done.status, 2, "{}", done.log);
    assert!(
        !done.log.contains("ran-the-release") && !was_built(&done),
        "{}",
        done.log
    );
    let said = done.said("error").join("\n");
    assert!(
        said.contains(&digest(&bytes)) && said.contains("not installed"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_release_is_built() {
    let workspace = Sources::new();
    let server = MockServer::start().await;
    let done = job(&workspace, TAG, &server.uri()).run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert!(was_built(&done), "{}", done.log);
    assert_eq!(
        done.said("warning"),
        Vec::<String>::new(),
        "404 is an answer"
    );
    for action_ref in ["", "main", "v0", "v9.9.9", "release/1", &"a".repeat(40)] {
        let asked = server.received_requests().await.expect("recorded").len();
        let is_ours = action_ref == "v0";
        let done = job(&workspace, action_ref, &server.uri()).run();
        assert!(was_built(&done), "{action_ref}: {}", done.log);
        let asks = server.received_requests().await.expect("recorded").len() - asked;
        let downloads = is_ours && VERSION.starts_with("0.");
        assert!(!downloads || asks == 1, "{action_ref}: {asks}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_is_told_and_the_program_built() {
    let workspace = Sources::new();
    let server = MockServer::start().await;
    serve(&server, "", ResponseTemplate::new(403)).await;
    let done = job(&workspace, TAG, &server.uri()).run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert!(was_built(&done), "{}", done.log);
    assert!(done.said("warning")[0].contains("could not be downloaded"));
}

#[test]
fn a_commit_that_is_a_release_is_one() {
    let repository = Sources::new().file("a", "a");
    let other = commit(&repository);
    let repository = repository.file("a", "b");
    let released = commit(&repository);
    git(
        repository.path(),
        &["tag", "--annotate", "--message", "release", TAG],
    );
    let address = format!("file://{}", repository.path().display());
    for (action_ref, expected) in [(&released, TAG), (&other, "")] {
        let workspace = Sources::new();
        let done = job(&workspace, action_ref, &address).run();
        let refused = format!("The release {TAG}");
        let tried = done.log.contains(&refused) || done.log.contains("could not be downloaded");
        assert_eq!(tried, !expected.is_empty(), "{action_ref}: {}", done.log);
        assert!(was_built(&done), "{}", done.log);
    }
}

#[test]
fn other_machines_are_told_so_at_once() {
    let workspace = Sources::new();
    for (os, machine) in [("Windows", "X64"), ("Linux", "ARM")] {
        let done = job(&workspace, TAG, "file:///nowhere")
            .variable("RUNNER_OS", os)
            .variable("RUNNER_ARCH", machine)
            .run();
        assert_eq!(done.status, 2);
        assert_eq!(done.steps, ["version"]);
        let said = done.said("error").join("\n");
        assert!(said.contains(os) && said.contains(machine), "{said}");
    }
}

#[test]
fn each_supported_machine_has_its_target() {
    let workspace = Sources::new();
    for (os, machine, target) in [
        ("Linux", "X64", "x86_64-unknown-linux-musl"),
        ("Linux", "ARM64", "aarch64-unknown-linux-musl"),
        ("macOS", "X64", "x86_64-apple-darwin"),
        ("macOS", "ARM64", "aarch64-apple-darwin"),
    ] {
        let done = job(&workspace, TAG, "file:///nowhere")
            .variable("RUNNER_OS", os)
            .variable("RUNNER_ARCH", machine)
            .run();
        let file = format!("oci-preflight-{VERSION}-{target}.tar.gz");
        assert!(done.log.contains(&file), "{}", done.log);
    }
}

#[test]
fn without_a_release_and_without_cargo_the_way_out_is_said() {
    let workspace = Sources::new();
    // Everything that the scripts run, without cargo.
    let tools = workspace.join("tools");
    fs::create_dir_all(&tools).expect("a folder");
    for tool in [
        "bash",
        "cat",
        "cut",
        "find",
        "git",
        "grep",
        "head",
        "mkdir",
        "mktemp",
        "sed",
        "sha256sum",
        "sort",
    ] {
        let found = std::env::split_paths(&std::env::var_os("PATH").expect("PATH"))
            .map(|folder| folder.join(tool))
            .find(|path| path.is_file());
        std::os::unix::fs::symlink(found.expect(tool), tools.join(tool)).expect("a link");
    }
    let job = job(&workspace, "main", "file:///nowhere");
    let done = job.variable("PATH", tools.to_str().expect("UTF-8")).run();
    assert_eq!(done.status, 2, "{}", done.log);
    let said = done.said("error").join("\n");
    assert!(said.contains("no cargo to build it"), "{said}");
}
