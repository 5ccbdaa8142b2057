//! How fast events and logs are explained, and in how much memory: `cargo bench --bench explanation`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a benchmark holds the clock, starts the program and prints"
)]

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

/// How many events there are, all different.
const EVENTS: usize = 100_000;
/// How often they are explained; the best time counts.
const TIMES: usize = 5;
/// How long the log is, in bytes.
const LOG: usize = 100_000_000;

fn main() {
    measure(&format!("{EVENTS} events"), &events());
    measure(&format!("{} MB of a log", LOG / 1_000_000), &log());
}

fn measure(name: &str, input: &str) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("input");
    fs::write(&path, input).expect("room for the input");
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
        "{name} explained in {:.2} s (best of {TIMES}) with at most {} MB of memory",
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

/// The log of a kubelet where fifty images fail, again and again, among lines about other things.
fn log() -> String {
    let mut log = String::with_capacity(LOG + 1000);
    for line in 0.. {
        if log.len() >= LOG {
            break;
        }
        let (hour, minute, second) = (line / 3600 % 24, line / 60 % 60, line % 60);
        let image = line % 50;
        let text = match line % 4 {
            0 => format!(
                "pod_workers.go:1298] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"app\\\" with ErrImagePull: \
                 \\\"rpc error: code = Unknown desc = failed to pull and unpack image \\\\\\\"ghcr.io/team/app-{image}:1\\\\\\\": failed to do request: \
                 Head: read tcp 10.4.{}.7:{}->140.82.121.33:443: i/o timeout\\\"\" pod=\"shop/app-{line:x}\" podUID=\"{line:032x}\"",
                line % 250,
                30_000 + line % 30_000
            ),
            1 => format!(
                "kubelet.go:2408] \"SyncLoop (PLEG): event for pod\" pod=\"shop/app-{line:x}\""
            ),
            2 => format!(
                "server.go:{line}] handled request path=/healthz status=200 registry cache warm"
            ),
            _ => format!(
                "reconciler_common.go:251] \"operationExecutor.VerifyControllerAttachedVolume started\" volume=\"v-{line}\""
            ),
        };
        log.extend([
            &format!("E1124 {hour:02}:{minute:02}:{second:02}.{line:06} 812 "),
            text.as_str(),
            "\n",
        ]);
    }
    log
}
