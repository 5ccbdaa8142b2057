//! One run of the binary against a fault, and what it must hold to.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Expected, Fault, Stage};

/// The login that is configured for the registry, and must not be seen elsewhere.
const USER: &str = "ada";
const PASSWORD: &str = "s3cret-of-ada";
/// The most bytes of memory that a run may take at its peak, unoptimised.
const MAX_MEMORY: u64 = 96 * 1024 * 1024;

/// Runs a program and prints, as the last line of stderr, its peak memory in kilobytes as the kernel counted it for this
/// process alone (`ru_maxrss` of wait4(2)).
const MEASURED: &str = "
import os, sys
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
sys.stderr.write('\\n%d' % usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
";

/// What a run gave.
pub struct Observed {
    pub status: String,
    pub reason: Option<String>,
    /// The rules that report something, each once.
    pub rules: Vec<String>,
    pub exit: i32,
    pub time: Duration,
    /// Bytes.
    pub memory: u64,
    /// Where credentials were seen that must not be there.
    pub leaks: Vec<String>,
    /// The longest that the run may take.
    limit: Duration,
    report: String,
    words: String,
}

/// Brings the registry up and runs the binary against it.
pub fn observe(fault: &Fault) -> Observed {
    let stage = (fault.stage)();
    if stage.again {
        run(&stage);
    }
    let mut observed = run(&stage);
    let mut seen = stage.seen.lock().expect("what was seen");
    for path in std::mem::take(&mut seen.leaks) {
        if !(stage.logs_in_elsewhere && path == "/token") {
            observed.leaks.push(path);
        }
    }
    observed
}

/// The login as a Docker config has it.
fn login(host: &str) -> Value {
    let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    json!({"auths": {host: {"auth": auth}}})
}

fn run(stage: &Stage) -> Observed {
    let home = stage.folder.path();
    let docker = home.join(".docker");
    std::fs::create_dir_all(&docker).expect("a folder");
    if !docker.join("config.json").exists() {
        std::fs::write(docker.join("config.json"), login(&stage.host).to_string()).expect("a file");
    }
    let started = Instant::now();
    let output = Command::new("python3")
        .args(["-c", MEASURED, env!("CARGO_BIN_EXE_oci-preflight"), "lint"])
        .args(["--output=json", "--platform=linux/amd64", "--retries=2"])
        .arg(format!("--timeout={}", stage.timeout))
        .arg(format!("--image={}/app{}", stage.host, stage.version))
        .args(&stage.arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("OCI_PREFLIGHT_CACHE_DIR", home.join("cache"))
        .envs(stage.variables.iter().map(|(name, value)| (name, value)))
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .expect("python3 runs the binary");
    let time = started.elapsed();
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let memory = errors
        .lines()
        .last()
        .and_then(|line| line.parse::<u64>().ok());
    let mut leaks = Vec::new();
    let encoded = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    for secret in [PASSWORD, encoded.as_str(), super::proxies::PASSWORD] {
        if report.contains(secret) || errors.contains(secret) {
            leaks.push("what the binary prints".to_owned());
        }
    }
    let Ok(read) = serde_json::from_str::<Value>(&report) else {
        panic!("no report: {report}\n{errors}");
    };
    let image = &read["images"][0];
    let findings = read["findings"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let mut rules: Vec<String> = findings.iter().filter_map(|it| text(&it["rule"])).collect();
    rules.dedup();
    Observed {
        status: text(&image["status"]).unwrap_or_default(),
        reason: text(&image["reason"]),
        rules,
        exit: output.status.code().unwrap_or(-1),
        time,
        memory: memory.unwrap_or(u64::MAX / 1024) * 1024,
        leaks,
        // All questions about one reference have four time-outs together for each host. What is beyond is a busy machine's.
        limit: Duration::from_secs(u64::from(stage.timeout) * 4 + 60),
        words: findings
            .iter()
            .flat_map(|it| [text(&it["message"]), text(&it["help"])])
            .flatten()
            .collect::<Vec<_>>()
            .join("\n"),
        report,
    }
}

impl Observed {
    /// What is wrong with it; nothing where it is as it must be.
    pub fn faults(&self, expected: Expected) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut compare = |what: &str, is: String, must: String| {
            if is != must {
                wrong.push(format!("{what} is {is} and must be {must}"));
            }
        };
        let reason = self.reason.as_deref();
        compare("status", self.status.clone(), expected.status.to_owned());
        compare(
            "reason",
            format!("{reason:?}"),
            format!("{:?}", expected.reason),
        );
        let rules = expected.rule.map(ToOwned::to_owned);
        compare("rules", self.rules.join(", "), rules.unwrap_or_default());
        compare(
            "exit status",
            self.exit.to_string(),
            expected.exit().to_string(),
        );
        if !self.words.contains(expected.words) {
            wrong.push(format!("no word of {:?}", expected.words));
        }
        if self.time > self.limit {
            wrong.push(format!("it took {:?}", self.time));
        }
        if self.memory > MAX_MEMORY {
            wrong.push(format!("it took {} bytes", self.memory));
        }
        if !self.leaks.is_empty() {
            wrong.push(format!("credentials in {:?}", self.leaks));
        }
        wrong
    }

    /// Fails the test where something is wrong.
    pub fn hold(&self, fault: &Fault) {
        let wrong = self.faults(fault.expected);
        assert!(
            wrong.is_empty(),
            "{}: {wrong:#?}\n{}\n{}",
            fault.name,
            self.words,
            self.report
        );
    }
}
