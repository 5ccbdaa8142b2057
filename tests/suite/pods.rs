//! Asking as the pods would: whose credentials count, and for what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::docker_registry::{Access, DockerRegistry, PASSWORD, USER};
use super::images::Image;
use super::runner::{Preflight, Sources};

/// A credentials file for one host.
fn login(host: &str, password: &str) -> String {
    let auth = STANDARD.encode(format!("{USER}:{password}"));
    json!({ "auths": { host: { "auth": auth } } }).to_string()
}

fn secret(name: &str, host: &str, password: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: shop}}\n\
         type: kubernetes.io/dockerconfigjson\ndata: {{.dockerconfigjson: {}}}\n",
        STANDARD.encode(login(host, password))
    )
}

fn pod(name: &str, image: &str, secret: &str) -> String {
    let secrets = if secret.is_empty() {
        String::new()
    } else {
        format!("imagePullSecrets: [{{name: {secret}}}], ")
    };
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{{secrets}containers: [{{name: app, image: '{image}'}}]}}\n"
    )
}

/// A run over one file, with credentials of the one who runs it or with none.
fn run(text: &str, ours: &str) -> Value {
    let sources = Sources::new().file("shop.yaml", text);
    let path = sources.path().to_owned();
    Preflight::lint(["--no-cache"])
        .arg(path)
        .env("DOCKER_AUTH_CONFIG", ours)
        .keep(sources)
        .report()
}

/// The findings of a report: rule, severity and message, without the host.
fn findings(report: &Value, host: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .map(|finding| {
            let (rule, severity) = (text(&finding["rule"]), text(&finding["severity"]));
            format!("{severity} {rule}: {}", text(&finding["message"])).replace(host, "HOST")
        })
        .collect()
}

async fn private() -> Option<DockerRegistry> {
    let server = DockerRegistry::start(&Access::Password)?;
    for tag in ["1", "2"] {
        server
            .push("team/app", tag, &Image::oci("linux/amd64", tag))
            .await;
    }
    Some(server)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_registry_refuses_to_us_is_asked_for_with_the_pods_own_secret() {
    let Some(server) = private().await else {
        return;
    };
    let host = &server.host;
    let image = format!("{host}/team/app:1");
    let text = secret("regcred", host, PASSWORD) + &pod("a", &image, "regcred");
    let report = run(&text, "");
    assert_eq!(findings(&report, host), [""; 0], "{report:#}");
    assert_eq!(report["images"][0]["status"], "found");
    assert_eq!(report["images"][0]["identity"], "pull-secret:shop/regcred");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_credentials_hide_no_pod_that_has_none_or_the_wrong_ones() {
    let Some(server) = private().await else {
        return;
    };
    let host = &server.host;
    let image = format!("{host}/team/app:1");
    let ours = login(host, PASSWORD);

    let report = run(&pod("a", &image, ""), &ours);
    assert_eq!(
        findings(&report, host),
        [
            "warning pull-secret-mismatch: HOST/team/app is private, and the pod has no pull secret for it (401)"
        ]
    );
    assert_eq!(
        report["images"][0]["identity"],
        format!("credential:DOCKER_AUTH_CONFIG ({host})")
    );
    let help = report["findings"][0]["help"].as_str().unwrap_or_default();
    assert!(
        help.starts_with("It was read here with the credentials from DOCKER_AUTH_CONFIG"),
        "{help}"
    );

    let text = secret("regcred", host, "stale") + &pod("a", &image, "regcred");
    assert_eq!(
        findings(&run(&text, &ours), host),
        [
            "error pull-secret-mismatch: HOST does not take the pull secret shop/regcred for HOST/team/app (401)"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_pod_is_judged_by_its_own_secret_and_a_repository_is_asked_about_once() {
    let Some(server) = private().await else {
        return;
    };
    let host = &server.host;
    let (one, two) = (format!("{host}/team/app:1"), format!("{host}/team/app:2"));
    let text = [
        secret("good", host, PASSWORD),
        secret("bad", host, "stale"),
        pod("a", &one, "good"),
        pod("b", &two, "good"),
        pod("c", &one, "bad"),
        pod("d", &two, "bad"),
    ]
    .concat();
    let before = server.requests().await.len();
    let report = run(&text, &login(host, PASSWORD));
    let refused = "error pull-secret-mismatch: HOST does not take the pull secret shop/bad for HOST/team/app (401)";
    assert_eq!(findings(&report, host), [refused, refused]);
    let asked = server.requests().await.split_off(before);
    let heads = asked.iter().filter(|request| request.starts_with("HEAD "));
    assert_eq!(heads.count(), 2, "once for each secret: {asked:?}");

    // Without credentials of ours, the secret that is good answers for the image, and the other is still bad.
    let report = run(&text, "");
    let findings = findings(&report, host);
    assert_eq!(findings, [refused, refused]);
    for image in report["images"].as_array().expect("images") {
        assert_eq!(image["identity"], "pull-secret:shop/good");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_image_costs_no_request_more_whatever_secrets_there_are() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    server
        .push("team/app", "1", &Image::oci("linux/amd64", "a"))
        .await;
    let host = &server.host;
    let image = format!("{host}/team/app:1");
    let text =
        secret("regcred", host, "any") + &pod("a", &image, "regcred") + &pod("b", &image, "");
    let before = server.requests().await.len();
    let report = run(&text, &login(host, PASSWORD));
    assert_eq!(report["images"][0]["identity"], "anonymous");
    assert_eq!(findings(&report, host), [""; 0]);
    let asked = server.requests().await.split_off(before);
    assert_eq!(asked.len(), 2, "the manifest and its config: {asked:?}");
}
