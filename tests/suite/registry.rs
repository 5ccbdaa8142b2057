//! What the client says about a real registry's content.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::secrets::RegistryAuth;
use oci_preflight::facts::{
    Answer, Depth, FailureReason, Found, Identity, Lookup, Missing, Refusal, RefusalReason,
};
use oci_preflight::oci::{Digest, Manifest, Platform, Reference, media_type};
use oci_preflight::registry::{Asked, CredentialFile, CredentialSources, Options, Registry};
use serde_json::json;
use tempfile::TempDir;

use super::docker_registry::{Access, DockerRegistry, PASSWORD, USER};
use super::images::{Content, Image};
use super::token_service::{self, Signer};

pub fn reference(text: &str) -> Reference {
    text.parse().expect(text)
}

fn found(lookup: Lookup) -> Found {
    match lookup {
        Answer::Found(found) => found,
        other => panic!("not found: {other:?}"),
    }
}

fn refused(lookup: Lookup) -> Refusal {
    match lookup {
        Answer::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// A client that knows the credentials in a Docker config with this content.
fn client_with(config: &serde_json::Value, folder: &Path) -> Registry {
    Registry::new(Options {
        credentials: credentials(config, folder),
        ..Options::default()
    })
    .expect("a client")
}

/// The credentials in a Docker config with this content, and the helpers in its folder.
fn credentials(config: &serde_json::Value, folder: &Path) -> CredentialSources {
    let path = folder.join("config.json");
    fs::write(&path, config.to_string()).expect("the config file");
    let mut programs = std::ffi::OsString::from(folder);
    programs.push(":/usr/bin:/bin");
    CredentialSources {
        files: vec![CredentialFile {
            path,
            must_exist: true,
        }],
        home: Some(folder.to_owned()),
        helper_path: Some(programs),
        ..CredentialSources::default()
    }
}

fn client() -> Registry {
    Registry::new(Options::default()).expect("a client")
}

async fn look_up(registry: &Registry, text: &str) -> Lookup {
    registry
        .look_up(&reference(text), Depth::Config, None)
        .await
}

#[tokio::test]
async fn a_single_image_is_found_with_its_config() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let image = Image::oci("linux/arm64", "a");
    server.push("team/app", "1", &image).await;

    let registry = client();
    let found = found(look_up(&registry, &format!("{}/team/app:1", server.host)).await);
    assert_eq!(found.digest, image.digest());
    assert_eq!(found.content_type, media_type::OCI_MANIFEST);
    let [only] = found.images.as_slice() else {
        panic!("{:?}", found.images)
    };
    assert_eq!(only.declared, None);
    assert_eq!(
        only.platform(),
        Some(&"linux/arm64".parse().expect("a platform"))
    );
    assert_eq!(only.layers().map(<[_]>::len), Some(1));
    assert_eq!(registry.statistics().requests, 2);
}

#[tokio::test]
async fn an_image_by_digest_is_the_same_image() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let image = Image::docker("linux/amd64", "a");
    server.push("app", "1", &image).await;
    let by_digest = format!("{}/app:other@{}", server.host, image.digest());
    let found = found(look_up(&client(), &by_digest).await);
    assert_eq!(found.manifest.kind(), "image");
    assert_eq!(found.content_type, media_type::DOCKER_MANIFEST);
}

#[tokio::test]
async fn a_list_of_docker_is_an_index_with_its_images() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let list = Image::index(vec![
        ("linux/amd64", Image::docker("linux/amd64", "a")),
        ("linux/arm64", Image::docker("linux/arm64", "b")),
    ]);
    server.push("app", "1", &list).await;
    let registry = client();
    let found = found(look_up(&registry, &format!("{}/app:1", server.host)).await);
    assert_eq!(found.content_type, media_type::DOCKER_LIST);
    let platforms: Vec<String> = found
        .images
        .iter()
        .map(|image| {
            image
                .config()
                .expect("a config")
                .platform
                .as_ref()
                .expect("one")
                .to_string()
        })
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    assert_eq!(registry.statistics().requests, 5);
}

#[tokio::test]
async fn only_needed_platforms_are_asked_for_and_attestations_never() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let index = Image::index(vec![
        ("linux/amd64", Image::oci("linux/amd64", "a")),
        ("linux/arm64", Image::oci("linux/arm64", "b")),
        ("unknown/unknown", Image::oci("linux/amd64", "attestation")),
        ("", Image::oci("linux/s390x", "c")),
    ]);
    server.push("app", "1", &index).await;
    let registry = client();
    let name = reference(&format!("{}/app:1", server.host));
    let arm = [Platform::new("linux", "arm64", None, None)];
    let found = found(registry.look_up(&name, Depth::Manifest, Some(&arm)).await);
    let asked: Vec<(String, bool, bool)> = found
        .images
        .iter()
        .map(|image| {
            let platform = image.declared.as_ref().map(ToString::to_string);
            (
                platform.unwrap_or_default(),
                image.manifest.is_some(),
                image.config.is_some(),
            )
        })
        .collect();
    assert_eq!(
        asked,
        [
            ("linux/amd64".to_owned(), false, false),
            ("linux/arm64".to_owned(), true, false),
            (String::new(), true, false),
        ]
    );
    assert_eq!(registry.statistics().requests, 3);
}

#[tokio::test]
async fn an_index_within_an_index_is_unfolded() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let inner = Image::index(vec![("linux/arm64", Image::oci("linux/arm64", "a"))]);
    let outer = Image::index(vec![
        ("linux/amd64", Image::oci("linux/amd64", "b")),
        ("", inner),
    ]);
    server.push("app", "1", &outer).await;
    let found = found(look_up(&client(), &format!("{}/app:1", server.host)).await);
    let declared: Vec<_> = found
        .images
        .iter()
        .filter_map(|image| image.declared.clone())
        .collect();
    assert_eq!(
        declared,
        ["linux/amd64", "linux/arm64"].map(|text| text.parse().expect(text))
    );
}

#[tokio::test]
async fn a_missing_tag_and_a_missing_repository_are_definite() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    server
        .push("app", "1", &Image::oci("linux/amd64", "a"))
        .await;
    let registry = client();
    for name in ["app:2", "nothing:1"] {
        let refusal = refused(look_up(&registry, &format!("{}/{name}", server.host)).await);
        assert_eq!(
            refusal.reason,
            RefusalReason::NotFound(Missing::Manifest),
            "{name}"
        );
        assert_eq!(refusal.status, Some(404));
        assert_eq!(refusal.message, "manifest unknown");
        assert_eq!(refusal.identity, Identity::Anonymous);
    }
}

#[tokio::test]
async fn a_missing_tag_comes_with_the_tags_nearest_to_it() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    for tag in ["1.27.3", "1.27.4", "latest"] {
        let image = Image::oci("linux/amd64", tag);
        server.push("app", tag, &image).await;
    }
    let registry = client();
    for (tag, nearest) in [
        ("1.27.33", vec!["1.27.3", "1.27.4"]),
        ("lastest", vec!["latest"]),
    ] {
        let refusal = refused(look_up(&registry, &format!("{}/app:{tag}", server.host)).await);
        assert_eq!(refusal.nearest_tags, nearest);
    }
    assert_eq!(
        registry.statistics().requests,
        3,
        "the tags are asked for once"
    );
}

#[tokio::test]
async fn a_stored_schema_1_manifest_is_found_and_verified() {
    let Some(server) = DockerRegistry::start(&Access::Schema1) else {
        return;
    };
    let layer = Content::new("application/octet-stream", "layer");
    server.put_blob("old", &layer).await;
    let manifest = signed_schema1("old", "1", &layer.digest());
    server.put_manifest("old", "1", &manifest).await;

    let registry = client();
    let found = found(look_up(&registry, &format!("{}/old:1", server.host)).await);
    assert!(matches!(&found.manifest, Manifest::Schema1(old) if old.signed));
    assert_eq!(found.content_type, media_type::SCHEMA1_SIGNED);
    assert!(found.images.is_empty());
    let by_digest = format!("{}/old@{}", server.host, found.digest);
    assert_eq!(look_up(&registry, &by_digest).await.status(), "found");
}

/// A schema 1 manifest with the signature that distribution wants: a JWS over the payload.
fn signed_schema1(name: &str, tag: &str, layer: &Digest) -> Content {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
    let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key");
    let point = key.public_key().as_ref();
    let payload = serde_json::to_string_pretty(&json!({
        "schemaVersion": 1, "name": name, "tag": tag, "architecture": "amd64",
        "fsLayers": [{"blobSum": layer.as_str()}],
        "history": [{"v1Compatibility": json!({"id": "a", "os": "linux"}).to_string()}],
    }))
    .expect("JSON");
    let cut = payload.trim_end_matches(['}', '\n']).len();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let protected = encode(
        json!({"formatLength": cut, "formatTail": encode(&payload.as_bytes()[cut..]), "time": "2020-01-01T00:00:00Z"})
            .to_string()
            .as_bytes(),
    );
    let signed = format!("{protected}.{}", encode(payload.as_bytes()));
    let signature = key.sign(&random, signed.as_bytes()).expect("a signature");
    let jwk =
        json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])});
    let signatures = json!([{
        "header": {"jwk": jwk, "alg": "ES256"},
        "signature": encode(signature.as_ref()),
        "protected": protected,
    }]);
    Content::new(
        media_type::SCHEMA1_SIGNED,
        format!(
            "{},\n   \"signatures\": {signatures}{}",
            &payload[..cut],
            &payload[cut..]
        ),
    )
}

#[tokio::test]
async fn a_password_opens_a_registry_and_a_wrong_one_does_not() {
    let Some(server) = DockerRegistry::start(&Access::Password) else {
        return;
    };
    server
        .push("app", "1", &Image::oci("linux/amd64", "a"))
        .await;
    let name = format!("{}/app:1", server.host);
    let folder = TempDir::new().expect("a folder");
    let with = |password: &str| {
        let auths = json!({"auths": {&server.host: {"username": USER, "password": password}}});
        client_with(&auths, folder.path())
    };
    found(look_up(&with(PASSWORD), &name).await);

    let wrong = refused(look_up(&with("hunter2"), &name).await);
    assert_eq!(wrong.reason, RefusalReason::Unauthorized);
    let origin = format!("~/config.json ({})", server.host);
    assert_eq!(wrong.identity, Identity::Credential { origin });
    assert!(!wrong.by_token_service);

    let nobody = refused(look_up(&client(), &name).await);
    assert_eq!(nobody.reason, RefusalReason::Unauthorized);
    assert_eq!(nobody.identity, Identity::Anonymous);
    assert_eq!(nobody.message, "authentication required");
}

#[tokio::test]
async fn a_credential_helper_is_asked_once_for_a_registry() {
    let Some(server) = DockerRegistry::start(&Access::Password) else {
        return;
    };
    let names: Vec<String> = (0..5).map(|n| format!("app{n}")).collect();
    for name in &names {
        server
            .push(name, "1", &Image::oci("linux/amd64", name))
            .await;
    }
    let folder = TempDir::new().expect("a folder");
    let helper = CredentialHelper::install(&folder, USER, PASSWORD);
    let registry = client_with(
        &json!({"credHelpers": {&server.host: "test"}}),
        folder.path(),
    );
    let wanted = names
        .iter()
        .map(|name| {
            (
                reference(&format!("{}/{name}:1", server.host)),
                Depth::Manifest,
                None,
            )
        })
        .collect();
    let lookups = registry.look_up_all(wanted, |_| {}).await;
    assert!(
        lookups.values().all(|lookup| lookup.status() == "found"),
        "{lookups:?}"
    );
    assert_eq!(helper.calls(), [server.host.as_str()]);
}

#[tokio::test]
async fn a_helper_that_fails_or_hangs_leaves_a_private_image_undetermined() {
    let Some(server) = DockerRegistry::start(&Access::Password) else {
        return;
    };
    for (script, trouble) in [
        ("exit 1", "failed with exit status: 1"),
        ("echo '<html>'", "gave no credentials that can be read"),
        ("exec sleep 60", "took more than 1 s"),
    ] {
        let folder = TempDir::new().expect("a folder");
        let helper = CredentialHelper::running(&folder, script);
        let registry = Registry::new(Options {
            timeout: Duration::from_secs(2),
            credentials: credentials(
                &json!({"credHelpers": {&server.host: "test"}}),
                folder.path(),
            ),
            ..Options::default()
        })
        .expect("a client");
        let names = ["a", "b", "c"].map(|name| format!("{}/{name}:1", server.host));
        let wanted = names
            .iter()
            .map(|name| (reference(name), Depth::Manifest, None));
        let lookups = registry.look_up_all(wanted.collect(), |_| {}).await;
        for (reference, lookup) in &lookups {
            let Answer::Undetermined(failure) = lookup else {
                panic!("{reference}: {lookup:?}");
            };
            assert_eq!(failure.reason, FailureReason::Credentials, "{script}");
            assert!(failure.detail.contains(trouble), "{}", failure.detail);
        }
        assert_eq!(helper.calls(), [server.host.as_str()], "{script}");
    }
}

#[tokio::test]
async fn the_helpers_of_two_registries_run_side_by_side() {
    let (Some(one), Some(two)) = (
        DockerRegistry::start(&Access::Password),
        DockerRegistry::start(&Access::Password),
    ) else {
        return;
    };
    let folder = TempDir::new().expect("a folder");
    // Each waits until the other has begun.
    let script = "i=0; while [ \"$(wc -l < CALLS)\" -lt 2 ]; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done\n\
                  echo '{\"Username\":\"USER\",\"Secret\":\"PASSWORD\"}'"
        .replace("CALLS", &folder.path().join("calls").display().to_string())
        .replace("USER", USER)
        .replace("PASSWORD", PASSWORD);
    let helper = CredentialHelper::running(&folder, &script);
    let registry = client_with(
        &json!({"credHelpers": {&one.host: "test", &two.host: "test"}}),
        folder.path(),
    );
    let wanted = [&one, &two].map(|server| {
        let name = format!("{}/app:1", server.host);
        (reference(&name), Depth::Manifest, None)
    });
    let lookups = registry.look_up_all(wanted.into(), |_| {}).await;
    assert!(
        lookups
            .values()
            .all(|lookup| lookup.reason() == Some("not-found")),
        "{lookups:?}"
    );
    assert_eq!(helper.calls().len(), 2);
}

/// The credential helper `test`, which notes what it is asked for.
struct CredentialHelper {
    notes: PathBuf,
}

impl CredentialHelper {
    fn install(folder: &TempDir, user: &str, password: &str) -> Self {
        let answer = format!("echo '{{\"Username\":\"{user}\",\"Secret\":\"{password}\"}}'");
        Self::running(folder, &answer)
    }

    /// It answers with what this script prints.
    fn running(folder: &TempDir, answer: &str) -> Self {
        let notes = folder.path().join("calls");
        let program = folder.path().join("docker-credential-test");
        let script = format!(
            "#!/bin/sh\nread -r server || true\necho \"$server\" >> {}\n{answer}\n",
            notes.display()
        );
        fs::write(&program, script).expect("the helper");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
        Self { notes }
    }

    fn calls(&self) -> Vec<String> {
        let notes = fs::read_to_string(&self.notes).unwrap_or_default();
        notes.lines().map(ToOwned::to_owned).collect()
    }
}

#[tokio::test]
async fn tokens_are_got_once_and_open_what_the_user_may_see() {
    let signer = Signer::new();
    let (root, push) = (signer.root.clone(), |signer: &Signer, repository: &str| {
        format!(
            "Bearer {}",
            signer.token(USER, repository, &["pull", "push"])
        )
    });
    let tokens: Vec<(&str, String)> = ["public/app", "private/app"]
        .map(|repository| (repository, push(&signer, repository)))
        .into();
    let service = token_service::start(signer).await;
    let realm = format!("{}/token", service.uri());
    let Some(mut server) = DockerRegistry::start(&Access::Token { realm, root }) else {
        return;
    };
    for (repository, token) in tokens {
        server.authorize(token);
        for tag in ["1", "2", "3"] {
            server
                .push(repository, tag, &Image::oci("linux/amd64", tag))
                .await;
        }
    }
    let wanted = |repository: &str| {
        ["1", "2", "3"]
            .map(|tag| {
                let name = format!("{}/{repository}:{tag}", server.host);
                (reference(&name), Depth::Config, None)
            })
            .into()
    };

    let registry = client();
    let lookups = registry.look_up_all(wanted("public/app"), |_| {}).await;
    assert!(
        lookups.values().all(|lookup| lookup.status() == "found"),
        "{lookups:?}"
    );
    let asked = service.received_requests().await.expect("recorded").len();
    assert_eq!(asked, 1, "one token for one repository");

    let private = format!("{}/private/app:1", server.host);
    let nobody = refused(look_up(&registry, &private).await);
    assert_eq!(nobody.reason, RefusalReason::Unauthorized);

    let folder = TempDir::new().expect("a folder");
    let with = |password: &str| {
        let auths = json!({"auths": {&server.host: {"username": USER, "password": password}}});
        client_with(&auths, folder.path())
    };
    found(look_up(&with(PASSWORD), &private).await);
    let wrong = refused(look_up(&with("hunter2"), &private).await);
    assert!(wrong.by_token_service);
    assert_eq!(wrong.message, "incorrect username or password");

    let public = format!("{}/public/app:1", server.host);
    found(look_up(&with("hunter2"), &public).await);
}

#[tokio::test]
async fn two_hundred_references_are_asked_about_once_each() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    let image = Image::oci("linux/amd64", "a");
    let stored: Vec<String> = (0..100).map(|n| format!("stored{n}")).collect();
    for repository in &stored {
        server.push(repository, "1", &image).await;
    }
    let pushed = server.requests().await.len();
    let names: Vec<String> = (0..100)
        .map(|n| format!("missing{n}"))
        .chain(stored)
        .collect();
    let wanted: Vec<_> = names
        .iter()
        .chain(&names)
        .map(|name| {
            (
                reference(&format!("{}/{name}:1", server.host)),
                Depth::Manifest,
                None,
            )
        })
        .collect();
    let steps = AtomicUsize::new(0);
    let registry = client();
    let lookups = registry
        .look_up_all(wanted, |Asked { done, longest }| {
            // Something is waited for until all is answered, and no answer is counted twice.
            assert_eq!(longest.is_none(), done == 200);
            assert!(steps.fetch_max(done, Ordering::Relaxed) <= done);
        })
        .await;
    assert_eq!(steps.into_inner(), 200);
    assert_eq!(lookups.len(), 200);
    for (reference, lookup) in &lookups {
        let expected = if reference.repository().starts_with("stored") {
            "found"
        } else {
            "refused"
        };
        assert_eq!(lookup.status(), expected, "{reference}");
    }
    let mut asked = server.requests().await.split_off(pushed);
    asked.retain(|request| !request.contains("/tags/list"));
    asked.sort();
    let mut expected: Vec<String> = names
        .iter()
        .map(|name| format!("GET /v2/{name}/manifests/1"))
        .collect();
    expected.sort();
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn an_image_that_another_client_pushed_is_found() {
    let Some(server) = DockerRegistry::start(&Access::Open) else {
        return;
    };
    // Makes the TLS provider known, which the other client needs even for plain HTTP.
    let registry = client();
    let writer = oci_client::Client::try_from(ClientConfig {
        protocol: ClientProtocol::Http,
        ..ClientConfig::default()
    })
    .expect("another client");
    let config = Config::oci_v1(r#"{"os":"linux","architecture":"arm64"}"#, None);
    let layer = ImageLayer::oci_v1_gzip("layer", None);
    let name = format!("{}/team/app:1", server.host);
    let target: oci_client::Reference = name.parse().expect("a reference");
    writer
        .push(&target, &[layer], config, &RegistryAuth::Anonymous, None)
        .await
        .expect("a push");
    let found = found(look_up(&registry, &name).await);
    let platform = found.images[0].platform().map(ToString::to_string);
    assert_eq!(platform.as_deref(), Some("linux/arm64"));
}
