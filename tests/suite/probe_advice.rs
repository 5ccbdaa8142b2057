//! A check that could not tell names the command that walks the same way, and that command comes to the same cause.

use std::process::Command;

use oci_preflight::event::Class;
use serde_json::Value;
use tempfile::TempDir;

use crate::probe::closed_port;
use crate::registry_faults::answer::{Step, bytes, redirect, whole};
use crate::registry_faults::server::{FaultRegistry, Request, Serve};
use crate::registry_faults::tls::{selfsigned, signed};
use crate::runner::Preflight;

/// The commands that a lint of the image names in its help.
fn advised(image: &str, flags: &[&str]) -> Vec<String> {
    let words = [
        "--image",
        image,
        "--platform",
        "linux/amd64",
        "--retries",
        "0",
    ];
    let report = Preflight::lint(words).args(flags).report();
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "undetermined-image", "{report:#}");
    let help = finding["help"].as_str().expect("help");
    let commands = help
        .split('`')
        .filter(|part| part.starts_with("oci-preflight probe "));
    commands.map(ToOwned::to_owned).collect()
}

/// What a shell gives for a command with `--output json`.
fn run(command: &str) -> Value {
    let binary = assert_cmd::cargo::cargo_bin("oci-preflight");
    let folder = binary.parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let home = TempDir::new().expect("a folder");
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("{command} --platform linux/amd64 --output json"),
        ])
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", format!("{}:{path}", folder.display()))
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(1), "{command}: {output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Holds the command to the cause that was there.
fn assert_comes_to(image: &str, flags: &[&str], classes: &[Class]) {
    let commands = advised(image, flags);
    let found: Vec<Value> = commands
        .iter()
        .map(|command| run(command)["class"].clone())
        .collect();
    let expected: Vec<&str> = classes.iter().map(|class| class.as_str()).collect();
    assert_eq!(found, expected, "{commands:?}");
}

fn image(registry: &FaultRegistry) -> String {
    format!("{}/app:1", registry.host)
}

#[test]
fn a_name_that_does_not_resolve_and_a_closed_port() {
    assert_comes_to("registry.invalid/app:1", &[], &[Class::DnsFailure]);
    let closed = format!("{}/app:1", closed_port());
    assert_comes_to(&closed, &[], &[Class::RedirectTargetUnreachable]);
}

#[test]
fn a_registry_over_plain_http_that_fails_or_shows_a_page() {
    let cases: [(Serve, Class); 3] = [
        (|_| whole(503), Class::Registry5xx),
        (
            |request| match request.manifest() {
                Some(_) => whole(200).page("Sign in"),
                None => request.good(),
            },
            Class::TlsInterceptingProxy,
        ),
        (
            |request| match request.manifest() {
                Some(_) => redirect("http://127.0.0.1:1/manifest"),
                None => request.good(),
            },
            Class::RedirectTargetUnreachable,
        ),
    ];
    for (serve, class) in cases {
        let registry = FaultRegistry::start(serve, None, "127.0.0.1");
        assert_comes_to(
            &image(&registry),
            &["--plain-http", &registry.host],
            &[class],
        );
    }
}

#[test]
fn a_slow_server_is_waited_for_as_long() {
    let registry = FaultRegistry::start(|_| bytes("").then(Step::Hold), None, "127.0.0.1");
    let flags = ["--plain-http", &registry.host, "--timeout", "1"];
    let command = &advised(&image(&registry), &flags)[0];
    assert!(command.contains("--timeout 1 "), "{command}");
    assert_eq!(
        run(command)["class"],
        Class::RedirectTargetUnreachable.as_str()
    );
}

#[test]
fn a_certificate_that_is_not_trusted_and_one_whose_authority_is_in_a_file() {
    let (stage, _) = selfsigned(rcgen::IsCa::NoCa);
    let of = format!("{}/app:1", stage.host);
    assert_comes_to(&of, &[], &[Class::TlsUnknownCa]);
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("our authority.pem");
    let signed = signed(&["127.0.0.1"], |_| {});
    std::fs::write(&file, &signed.authority).expect("a file");
    let registry = FaultRegistry::start(|_| whole(500), Some(signed.tls()), "127.0.0.1");
    // Without the file, the command would end at the certificate.
    let flags = ["--ca-file", file.to_str().expect("text")];
    assert_comes_to(&image(&registry), &flags, &[Class::Registry5xx]);
}

#[test]
fn the_hosts_that_a_node_asks_are_asked_in_the_same_order() {
    let mirror = FaultRegistry::start(|_: &Request| whole(502), None, "127.0.0.1");
    let folder = TempDir::new().expect("a folder");
    let of_registry = folder.path().join("the nodes/registry.invalid");
    std::fs::create_dir_all(&of_registry).expect("a folder");
    let text = format!("[host.\"http://{}\"]\n", mirror.host);
    std::fs::write(of_registry.join("hosts.toml"), text).expect("a file");
    let hosts_dir = of_registry.parent().and_then(|path| path.to_str());
    let conf = folder.path().join("registries.conf");
    let text = format!(
        "[[registry]]\nlocation = \"registry.invalid\"\n[[registry.mirror]]\nlocation = \"{}\"\ninsecure = true\n",
        mirror.host
    );
    std::fs::write(&conf, text).expect("a file");
    let flag = format!("registry.invalid=http://{}", mirror.host);
    for flags in [
        ["--mirror", &flag],
        ["--hosts-dir", hosts_dir.expect("text")],
        ["--registries-conf", conf.to_str().expect("text")],
    ] {
        let image = "registry.invalid/app:1";
        let [command] = advised(image, &flags).try_into().expect("one command");
        let report = run(&command);
        assert_eq!(report["class"], Class::Registry5xx.as_str(), "{command}");
        let hosts = report["hosts"].as_array().expect("hosts");
        let classes: Vec<&Value> = hosts.iter().map(|host| &host["class"]).collect();
        assert_eq!(classes, ["registry_5xx", "dns_failure"], "{command}");
    }
}
