//! The older tag that still runs on the nodes, from a real registry.

use crate::docker_registry::{Access, DockerRegistry};
use crate::images::Image;
use crate::runner::{Preflight, Sources, pod};

/// What the only finding of `image` on amd64 and arm64 advises.
fn help(server: &DockerRegistry, image: &str) -> String {
    let sources = Sources::new().file("pod.yaml", pod(&format!("{}/{image}", server.host)));
    let report = Preflight::lint(["--platform", "linux/amd64", "--platform", "linux/arm64"])
        .arg(sources.join("pod.yaml"))
        .report();
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 1, "{report:#}");
    findings[0]["help"].as_str().expect("help").to_owned()
}

fn index(platforms: &[&'static str], seed: &str) -> Image {
    let image = |platform: &&'static str| (*platform, Image::oci(platform, seed));
    Image::index(platforms.iter().map(image).collect())
}

#[tokio::test]
async fn the_newest_older_tag_with_the_platform_is_named() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let both = ["linux/amd64", "linux/arm64"];
    for (tag, image) in [
        ("2.0.0", index(&["linux/amd64"], "2")),
        ("1.10.0", index(&["linux/amd64"], "1.10")),
        ("1.9.0", index(&both, "1.9")),
        ("1.8.0", index(&both, "1.8")),
        ("1.9.9-debug", index(&both, "debug")),
        ("3.0.0", index(&both, "3")),
    ] {
        server.push("app", tag, &image).await;
    }
    let advice = help(&server, "app:2.0.0");
    let older = format!("The older {}/app:1.9.0 has it.", server.host);
    assert!(advice.ends_with(&older), "{advice}");
    let requests = server.requests().await;
    let lists = requests.iter().filter(|line| line.contains("/tags/list"));
    assert_eq!(lists.count(), 1, "{requests:#?}");
    assert!(
        !requests.contains(&"GET /v2/app/manifests/1.8.0".to_owned()),
        "{requests:#?}"
    );

    // A single manifest dies on the nodes that it was not built for.
    server
        .push("tool", "1.1", &Image::oci("linux/arm64", "1.1"))
        .await;
    server.push("tool", "1.0", &index(&both, "1.0")).await;
    let advice = help(&server, "tool:1.1");
    assert!(advice.ends_with("/tool:1.0 has it."), "{advice}");
}

#[tokio::test]
async fn no_tag_is_named_where_none_has_the_platform() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    for tag in ["1.0", "1.1"] {
        server.push("app", tag, &index(&["linux/amd64"], tag)).await;
    }
    let advice = help(&server, "app:1.1");
    assert!(!advice.contains("older"), "{advice}");
}
