//! How fast events are explained, and in how much memory: `cargo bench --bench explanation`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a benchmark holds the clock, starts the program and prints"
)]

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

/// How many events there are, all different.
const EVENTS: usize = 100_000;
/// How often they are explained; the best time counts.
const TIMES: usize = 5;

fn main() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("events.json");
    let mut file = File::create(&path).expect("a file");
    file.write_all(events().as_bytes())
        .expect("room for the events");
    let runs: Vec<(Duration, u64)> = (0..TIMES)
        .map(|_| explain(File::open(&path).expect("the file")))
        .collect();
    let best = runs.iter().map(|(time, _)| *time).min().unwrap_or_default();
    let most = runs
        .iter()
        .map(|(_, memory)| *memory)
        .max()
        .unwrap_or_default();
    println!(
        "{EVENTS} events explained in {:.2} s (best of {TIMES}) with at most {} MB of memory",
        best.as_secs_f64(),
        most / 1000
    );
}

/// One run of the program: how long it took, and the most memory that it held, in kilobytes.
fn explain(input: File) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_oci-preflight"))
        .args(["explain", "--output", "json", "-"])
        .stdin(input)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program runs");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("a child").is_none() {
        most = most.max(memory(&status));
        std::thread::sleep(Duration::from_millis(2));
    }
    (start.elapsed(), most)
}

/// The peak of the resident memory, in kilobytes; 0 where the system does not tell.
fn memory(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// A list as `kubectl get events -A -o json` prints it.
fn events() -> String {
    let hosts = [
        "ghcr.io",
        "quay.io",
        "europe-docker.pkg.dev",
        "registry.example.com:5000",
    ];
    let items: Vec<_> = (0..EVENTS)
        .map(|number| {
            let host = hosts[number % hosts.len()];
            let name = format!("{host}/team{}/app-{number}:v{number}", number % 977);
            let reason = match number % 5 {
                0 => format!("failed to resolve reference \"{name}\": {name}: not found"),
                1 => format!("failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://{host}/token: 403 Forbidden"),
                2 => format!("failed to copy: httpReadSeeker: failed open: unexpected status code https://{host}/v2/a/blobs/sha256:{number:064x}: 500 Internal Server Error"),
                3 => format!("failed to do request: Head \"https://{host}/v2/a/manifests/v{number}\": dial tcp 10.1.2.3:443: i/o timeout"),
                _ => "no match for platform in manifest: not found".to_owned(),
            };
            let node = format!("node-{}", number % 300);
            json!({
                "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "Failed", "count": 3,
                "message": format!("Failed to pull image \"{name}\": rpc error: code = Unknown desc = failed to pull and unpack image \"{name}\": {reason}"),
                "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": format!("app-{number}")},
                "metadata": {"name": format!("app-{number}.17"), "namespace": "shop", "uid": format!("{number:032x}")},
                "firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:09:05Z",
                "reportingComponent": "kubelet", "reportingInstance": node, "source": {"component": "kubelet", "host": node}
            })
        })
        .collect();
    format!(
        "{:#}",
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    )
}
