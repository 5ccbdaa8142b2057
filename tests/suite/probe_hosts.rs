//! The hosts that nodes ask in place of a registry, each walked by itself, and whether a node gets the image from any.

use std::fs;
use std::path::PathBuf;

use oci_preflight::event::Class;
use oci_preflight::probe::{Fault, Options, ProbeReport, Side, StageVerdict};
use oci_preflight::registry::{CredentialFile, CredentialSources};
use serde_json::json;
use tempfile::TempDir;

use crate::probe::{closed_port, options, probe};
use crate::registry_faults::answer::{error, unauthorized, whole};
use crate::registry_faults::server::{FaultRegistry, Request, Serve};
use crate::registry_faults::tls::signed;
use crate::registry_ways::{Authority, serve};
use crate::runner::Preflight;

fn start(serve: Serve) -> FaultRegistry {
    FaultRegistry::start(serve, None, "127.0.0.1")
}

fn image(registry: &FaultRegistry) -> String {
    format!("{}/app:1", registry.host)
}

/// What containerd would read of `registry`.
fn hosts_file(registry: &str, text: &str) -> (TempDir, Options) {
    let folder = TempDir::new().expect("a folder");
    let of_registry = folder.path().join(registry);
    fs::create_dir(&of_registry).expect("a folder");
    fs::write(of_registry.join("hosts.toml"), text).expect("a file");
    let options = Options {
        hosts_dirs: vec![folder.path().to_owned()],
        ..options()
    };
    (folder, options)
}

/// What CRI-O would read.
fn registries_conf(text: &str) -> (TempDir, Options) {
    let folder = TempDir::new().expect("a folder");
    let file: PathBuf = folder.path().join("registries.conf");
    fs::write(&file, text).expect("a file");
    let options = Options {
        registries_confs: vec![file],
        ..options()
    };
    (folder, options)
}

/// Each host with its verdict and class.
fn hosts(report: &ProbeReport) -> Vec<String> {
    let json = report.to_json();
    let hosts = json["hosts"].as_array().expect("hosts");
    let shown = |host: &serde_json::Value| {
        let text = |key: &str| host[key].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text("host"), text("verdict"), text("class"))
    };
    hosts.iter().map(shown).collect()
}

fn stages(report: &ProbeReport, host: usize) -> Vec<&'static str> {
    let stages = report.hosts[host].stages.iter();
    stages.map(|stage| stage.stage).collect()
}

#[tokio::test]
async fn the_next_host_is_asked_where_a_mirror_is_dead_and_a_node_gets_the_image_there() {
    let registry = start(Request::good);
    let dead = closed_port();
    let text = format!("[host.\"http://{dead}\"]\n");
    let (_folder, options) = hosts_file(&registry.host, &text);
    let report = probe(&image(&registry), &options).await;
    assert!(report.is_clear(), "{}", report.to_text());
    assert_eq!(
        hosts(&report),
        [
            format!("{dead} failed redirect_target_unreachable"),
            format!("{} ok -", registry.host)
        ]
    );
    assert_eq!(stages(&report, 0)[..3], ["proxy", "dns", "tcp"]);
    assert!(stages(&report, 1).contains(&"layer"));
    let text = report.to_text();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let node = format!(
        "A node gets {} from {}, after it has tried {dead} in vain.",
        image(&registry),
        registry.host
    );
    assert!(words.contains(&node), "{text}");
    assert!(
        text.contains(&format!("1. http://{dead}/v2, a mirror, as ")),
        "{text}"
    );
    assert!(words.contains("hosts.toml has it"), "{text}");
}

#[tokio::test]
async fn a_mirror_that_answers_wrongly_keeps_a_node_from_the_registry() {
    let registry = start(Request::good);
    let mirror = start(|_| whole(200).page("Sign in"));
    let text = format!("[host.\"http://{}\"]\n", mirror.host);
    let (_folder, options) = hosts_file(&registry.host, &text);
    let report = probe(&image(&registry), &options).await;
    assert_eq!(report.fault, Some(Fault::Page(mirror.host.clone())));
    assert_eq!(
        hosts(&report),
        [
            format!("{} failed tls_intercepting_proxy", mirror.host),
            format!("{} ok -", registry.host)
        ]
    );
    assert!(report.to_text().contains("goes on to no other"));
}

/// containerd asks the next host for what one does not give out; CRI-O does not.
#[tokio::test]
async fn a_mirror_that_lacks_a_blob_is_made_up_for_by_containerd_alone() {
    let registry = start(Request::good);
    let mirror = start(|request| match request.blob() {
        Some(_) => error(404, "BLOB_UNKNOWN"),
        None => request.good(),
    });
    let text = format!("[host.\"http://{}\"]\n", mirror.host);
    let (_folder, containerd) = hosts_file(&registry.host, &text);
    let report = probe(&image(&registry), &containerd).await;
    assert!(report.is_clear(), "{}", report.to_text());
    let text = format!(
        "[[registry]]\nlocation = \"{}\"\ninsecure = true\n[[registry.mirror]]\nlocation = \"{}\"\ninsecure = true\n",
        registry.host, mirror.host
    );
    let (_folder, crio) = registries_conf(&text);
    let report = probe(&image(&registry), &crio).await;
    assert!(
        matches!(report.fault, Some(Fault::Incomplete { .. })),
        "{}",
        report.to_text()
    );
    assert_eq!(report.hosts[1].fault, None, "{}", report.to_text());
}

#[tokio::test]
async fn a_host_that_may_not_resolve_tags_is_asked_for_the_digest_that_another_tells() {
    let registry = start(Request::good);
    let mirror = start(|request| match request.manifest() {
        Some("1") => error(500, "no tags here"),
        _ => request.good(),
    });
    let text = format!(
        "[host.\"http://{}\"]\ncapabilities = [\"pull\"]\n",
        mirror.host
    );
    let (_folder, options) = hosts_file(&registry.host, &text);
    let report = probe(&image(&registry), &options).await;
    assert_eq!(
        hosts(&report),
        [
            format!("{} ok -", mirror.host),
            format!("{} ok -", registry.host)
        ],
        "{}",
        report.to_text()
    );
    // Where nobody tells one, it is not asked.
    let (_folder, options) = hosts_file("r.invalid", &text);
    let report = probe("r.invalid/app:1", &options).await;
    assert_eq!(
        hosts(&report),
        [
            format!("{} skipped -", mirror.host),
            "r.invalid failed dns_failure".to_owned()
        ]
    );
    assert_eq!(report.fault, Some(Fault::Name("r.invalid".to_owned())));
}

#[tokio::test]
async fn a_mirror_below_a_path_gets_its_headers_and_is_told_whose_content_is_wanted() {
    let mirror = start(|request| {
        let is_ours = request.header("x-team") == Some("shop") && request.query == "ns=r.invalid";
        match request.path.strip_prefix("/api/hub/") {
            Some(path) if is_ours && path.starts_with("app/") => request.good(),
            _ => error(404, "no API"),
        }
    });
    let text = format!(
        "[host.\"http://{0}/api/hub\"]\noverride_path = true\n[host.\"http://{0}/api/hub\".header]\nx-team = \"shop\"\n",
        mirror.host
    );
    let (_folder, options) = hosts_file("r.invalid", &text);
    let report = probe("r.invalid/app:1", &options).await;
    assert!(report.is_clear(), "{}", report.to_text());
    assert_eq!(
        report.hosts[0].url,
        format!("http://{}/api/hub", mirror.host)
    );
    assert!(!report.to_text().contains("shop"), "{}", report.to_text());
}

/// A mirror over TLS whose authority this machine does not know, and the folder of `registry` with this file and `ca.pem`.
fn encrypted(registry: &str, serve: Serve, text: &str) -> (FaultRegistry, TempDir, Options) {
    let signed = signed(&["127.0.0.1", "localhost"], |_| {});
    let authority = signed.authority.clone();
    let mirror = FaultRegistry::start(serve, Some(signed.tls()), "127.0.0.1");
    let text = format!("[host.\"https://{}\"]\n{text}", mirror.host);
    let (folder, options) = hosts_file(registry, &text);
    fs::write(folder.path().join(registry).join("ca.pem"), authority).expect("a file");
    (mirror, folder, options)
}

#[tokio::test]
async fn a_mirror_is_trusted_by_its_own_authority() {
    for (text, class) in [("ca = \"ca.pem\"\n", None), ("", Some(Class::TlsUnknownCa))] {
        let (_mirror, _folder, options) = encrypted("r.invalid", Request::good, text);
        let report = probe("r.invalid/app:1", &options).await;
        let fault = report.hosts[0].fault.as_ref();
        assert_eq!(fault.and_then(Fault::class), class, "{}", report.to_text());
    }
}

#[tokio::test]
async fn a_certificate_that_nodes_take_unseen_is_passed_without_credentials() {
    let text = "skip_verify = true\n";
    let (_mirror, _folder, options) = encrypted("r.invalid", Request::good, text);
    let report = probe("r.invalid/app:1", &options).await;
    assert!(report.is_clear(), "{}", report.to_text());
    let tls = report
        .stages()
        .find(|stage| stage.stage == "tls")
        .expect("TLS");
    assert!(
        tls.detail.contains("NOT trusted: unknown authority")
            && tls.detail.contains("a node takes it, for ")
            && tls.detail.ends_with("hosts.toml has skip_verify"),
        "{}",
        tls.detail
    );
    let guarded: Serve = |request| match request.authorization() {
        "" => unauthorized("Basic realm=\"r\""),
        _ => request.good(),
    };
    for (text, is_clear) in [("skip_verify = true\n", false), ("ca = \"ca.pem\"\n", true)] {
        let (mirror, folder, options) = encrypted("r.invalid", guarded, text);
        let file = folder.path().join("config.json");
        let auths = json!({"auths": {&mirror.host: {"auth": "YWRhOnMzY3JldA=="}}});
        fs::write(&file, auths.to_string()).expect("a file");
        let options = Options {
            credentials: CredentialSources {
                files: vec![CredentialFile {
                    path: file,
                    must_exist: true,
                }],
                ..CredentialSources::default()
            },
            ..options
        };
        let report = probe("r.invalid/app:1", &options).await;
        assert_eq!(report.is_clear(), is_clear, "{}", report.to_text());
        let kept = report.to_json().to_string().contains("kept back");
        assert_eq!(kept, !is_clear, "{}", report.to_text());
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_the_hosts_file_names_one() {
    let authority = Authority::new();
    let host = serve(authority.tls(true));
    for (text, is_clear) in [
        (
            "ca = \"ca.pem\"\nclient = [[\"ca.pem\", \"key.pem\"]]\n",
            true,
        ),
        ("ca = \"ca.pem\"\n", false),
    ] {
        let (folder, options) = hosts_file(&host, "");
        let own = folder.path().join(&host);
        fs::write(own.join("ca.pem"), authority.certificate.pem()).expect("a file");
        fs::write(own.join("key.pem"), authority.key.serialize_pem()).expect("a file");
        fs::write(own.join("hosts.toml"), text).expect("a file");
        let report = probe(&host, &options).await;
        assert_eq!(report.is_clear(), is_clear, "{}", report.to_text());
    }
}

#[tokio::test]
async fn plain_http_is_taken_where_crio_takes_it() {
    let registry = start(Request::good);
    for (more, is_clear) in [("insecure = true\n", true), ("", false)] {
        let text = format!(
            "[[registry]]\nprefix = \"a.example\"\nlocation = \"{}\"\n{more}",
            registry.host
        );
        let (_folder, options) = registries_conf(&text);
        let report = probe("a.example/app:1", &options).await;
        assert_eq!(report.is_clear(), is_clear, "{}", report.to_text());
        let plain = Some(Fault::PlainHttp(registry.host.clone()));
        assert_eq!(report.fault == plain, !is_clear, "{}", report.to_text());
    }
}

#[tokio::test]
async fn a_blocked_registry_is_the_nodes_own_doing() {
    let (_folder, options) =
        registries_conf("[[registry]]\nlocation = \"a.example\"\nblocked = true\n");
    let report = probe("a.example/app:1", &options).await;
    let fault = report.fault.as_ref().expect("a fault");
    assert_eq!(fault.side(), Side::Node);
    assert_eq!(fault.class(), Some(Class::PermissionDenied));
    assert!(report.stages().next().is_none());
    assert!(
        report
            .to_text()
            .contains("registry a.example is blocked in"),
        "{}",
        report.to_text()
    );
}

#[tokio::test]
async fn a_name_without_a_host_is_looked_for_where_the_nodes_look_for_it() {
    let registry = start(Request::good);
    let text = format!(
        "unqualified-search-registries = [\"{0}\"]\n[[registry]]\nlocation = \"{0}\"\ninsecure = true\n",
        registry.host
    );
    let (_folder, options) = registries_conf(&text);
    let report = probe("shop/cart:1", &options).await;
    assert!(report.is_clear(), "{}", report.to_text());
    assert_eq!(report.hosts[0].authority, registry.host);
}

#[tokio::test]
async fn a_host_alone_is_walked_by_its_mirrors_too() {
    let registry = start(Request::good);
    let text = format!("[host.\"http://{}\"]\n", closed_port());
    let (_folder, options) = hosts_file(&registry.host, &text);
    let report = probe(&registry.host, &options).await;
    assert!(report.is_clear(), "{}", report.to_text());
    let failed = report
        .stages()
        .filter(|stage| stage.verdict == StageVerdict::Failed);
    assert_eq!(failed.count(), 1);
}

#[test]
fn the_files_are_named_on_the_command_line_and_a_wrong_one_is_told() {
    let registry = start(Request::good);
    let mirror = format!("r.invalid=http://{}", registry.host);
    let words = ["probe", "r.invalid/app:1", "--platform", "linux/amd64"];
    let outcome = Preflight::new(words).args(["--mirror", &mirror]).run();
    assert_eq!(outcome.status, 0, "{}", outcome.stdout);
    let (folder, _options) = hosts_file("r.invalid", "server = 7");
    let outcome = Preflight::new(words)
        .arg("--hosts-dir")
        .arg(folder.path())
        .run();
    assert_eq!(outcome.status, 2, "{}", outcome.stdout);
    assert!(outcome.stderr.contains("hosts.toml"), "{}", outcome.stderr);
}
