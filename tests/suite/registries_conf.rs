//! Whom nodes with CRI-O ask.

use std::fs;
use std::path::PathBuf;

use oci_preflight::facts::{Answer, Depth, Lookup, RefusalReason};
use oci_preflight::registry::{Options, Registry};
use tempfile::TempDir;

use super::docker_registry::{Access, DockerRegistry};
use super::images::Image;
use super::registry_faults::answer::error;
use super::registry_faults::server::{FaultRegistry, Request};
use super::runner::Preflight;

fn client(folder: &TempDir, text: &str) -> Registry {
    let file = folder.path().join("registries.conf");
    fs::write(&file, text).expect("a file");
    Registry::new(Options {
        registries_confs: vec![file],
        ..Options::default()
    })
    .expect("a client")
}

async fn look_up(registry: &Registry, name: &str) -> Lookup {
    let name = name.parse().expect("a reference");
    registry.look_up(&name, Depth::Config, None).await
}

#[tokio::test]
async fn a_mirror_answers_under_its_own_name_and_the_rest_comes_from_the_location() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let image = Image::oci("linux/amd64", "a");
    server.push("hub/library/app", "1", &image).await;
    server.push("copies/team/tool", "2", &image).await;
    let folder = TempDir::new().expect("a folder");
    let host = &server.host;
    let registry = client(
        &folder,
        &format!(
            "[[registry]]\nlocation = \"docker.io\"\nblocked = false\n\
             [[registry.mirror]]\nlocation = \"{host}/hub\"\ninsecure = true\n\
             [[registry]]\nprefix = \"quay.io/team\"\nlocation = \"{host}/copies/team\"\ninsecure = true\n"
        ),
    );
    let before = server.requests().await.len();
    for name in ["app:1", "quay.io/team/tool:2"] {
        let lookup = look_up(&registry, name).await;
        assert_eq!(lookup.status(), "found", "{name}: {lookup:?}");
    }
    let asked = server.requests().await.split_off(before);
    assert!(
        asked
            .iter()
            .any(|request| request == "GET /v2/hub/library/app/manifests/1"),
        "{asked:?}"
    );
    assert!(
        asked.iter().all(|request| !request.contains("ns=")),
        "{asked:?}"
    );
}

/// CRI-O takes everything from the host that gave the manifest; containerd asks the next one for what one does not give out.
#[tokio::test]
async fn what_a_mirror_lacks_of_an_image_is_missing() {
    let start = |serve| FaultRegistry::start(serve, None, "127.0.0.1");
    let own = start(Request::good);
    let mirror = start(|request| match request.blob() {
        Some(_) => error(404, "BLOB_UNKNOWN"),
        None => request.good(),
    });
    let folder = TempDir::new().expect("a folder");
    let text = format!(
        "[[registry]]\nlocation = \"{}\"\ninsecure = true\n[[registry.mirror]]\nlocation = \"{}\"\ninsecure = true\n",
        own.host, mirror.host
    );
    let image = format!("{}/app:1", own.host);
    let config = |lookup: &Lookup| {
        let found = lookup.found().expect("the manifest is there");
        found.images[0].config.as_ref().map(Answer::status)
    };
    let lookup = look_up(&client(&folder, &text), &image).await;
    assert_eq!(config(&lookup), Some("refused"), "{lookup:?}");
    let hosts = TempDir::new().expect("a folder");
    let file = hosts.path().join(&own.host);
    fs::create_dir(&file).expect("a folder");
    let text = format!("[host.\"http://{}\"]\n", mirror.host);
    fs::write(file.join("hosts.toml"), text).expect("a file");
    let containerd = Registry::new(Options {
        hosts_dirs: vec![hosts.path().to_owned()],
        ..Options::default()
    })
    .expect("a client");
    let lookup = look_up(&containerd, &image).await;
    assert_eq!(config(&lookup), Some("found"), "{lookup:?}");
}

#[tokio::test]
async fn plain_http_is_spoken_only_where_the_file_says_insecure() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let image = Image::oci("linux/amd64", "a");
    server.push("app", "1", &image).await;
    let folder = TempDir::new().expect("a folder");
    let table = |more: &str| {
        format!(
            "[[registry]]\nprefix = \"a.example\"\nlocation = \"{}\"\n{more}",
            server.host
        )
    };
    let strict = client(&folder, &table(""));
    let lookup = look_up(&strict, "a.example/app:1").await;
    assert_eq!(lookup.status(), "undetermined", "{lookup:?}");
    let lax = client(&folder, &table("insecure = true\n"));
    let lookup = look_up(&lax, "a.example/app:1").await;
    assert_eq!(lookup.status(), "found", "{lookup:?}");
}

#[tokio::test]
async fn a_blocked_registry_is_refused_without_a_question() {
    let folder = TempDir::new().expect("a folder");
    let registry = client(
        &folder,
        "[[registry]]\nlocation = \"a.example\"\nblocked = true\n",
    );
    let Lookup::Refused(refusal) = look_up(&registry, "a.example/app:1").await else {
        panic!("it is blocked");
    };
    assert_eq!(refusal.reason, RefusalReason::Forbidden);
    assert!(
        refusal
            .message
            .starts_with("registry a.example is blocked in "),
        "{}",
        refusal.message
    );
    assert_eq!(registry.statistics().requests, 0);
}

#[tokio::test]
async fn names_without_a_host_are_asked_for_where_the_nodes_look_for_them() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let image = Image::oci("linux/amd64", "a");
    server.push("shop/cart", "1", &image).await;
    let folder = TempDir::new().expect("a folder");
    let conf: PathBuf = folder.path().join("registries.conf");
    let host = &server.host;
    let text = format!(
        "unqualified-search-registries = [\"{host}\"]\n[[registry]]\nlocation = \"{host}\"\ninsecure = true\n"
    );
    fs::write(&conf, text).expect("a file");
    let outcome = Preflight::lint(["--image", "shop/cart:1", "--output", "json", "--no-cache"])
        .arg("--registries-conf")
        .arg(&conf)
        .run();
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("a report");
    let image = &report["images"][0];
    assert_eq!(
        image["reference"],
        format!("{host}/shop/cart:1"),
        "{report}"
    );
    assert_eq!(image["status"], "found", "{report}");
}
