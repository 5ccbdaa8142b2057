//! Secrets that pods pull with, and the service accounts that hand them out. Credentials leave this file as
//! [`PullLogin`]s alone.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use thiserror::Error;

use super::kubernetes::is_in_group;
use super::place::string;
use super::template::has_placeholder;
use crate::text::yaml::{Node, documents};
use crate::workload::{
    PullLogin, PullSecret, PullSecrets, RegistryKey, SecretContent, ServiceAccount,
};

/// The types that the kubelet pulls with, and the key of each
/// (<https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets>).
const TYPES: [(&str, &str); 2] = [
    ("kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
    ("kubernetes.io/dockercfg", ".dockercfg"),
];

/// Objects from which a controller makes a Secret of their name: API group and kind.
/// - <https://github.com/bitnami-labs/sealed-secrets>
/// - <https://external-secrets.io/latest/api/externalsecret/>
const MAKERS: [(&str, &str); 2] = [
    ("bitnami.com", "SealedSecret"),
    ("external-secrets.io", "ExternalSecret"),
];

/// Annotations by which a controller copies a Secret to other namespaces.
/// - <https://github.com/emberstack/kubernetes-reflector>
/// - <https://github.com/mittwald/kubernetes-replicator>
const REPLICATORS: [&str; 2] = [
    "reflector.v1.k8s.emberstack.com/",
    "replicator.v1.mittwald.de/",
];

/// How deep lists of objects may nest.
const MAX_NESTING: usize = 3;

/// Some writers leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a file is no pull secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{file} is no pull secret: {reason}; give the content of its key .dockerconfigjson, as `kubectl get secret NAME \
     -o jsonpath='{{.data.\\.dockerconfigjson}}' | base64 -d` prints it, or the Secret itself"
)]
pub struct PullSecretError {
    /// The file, as the user would write its path.
    pub file: String,
    /// Why, without any content.
    pub reason: String,
}

/// Reads a file that stands for a pull secret of every pod: the content of a `kubernetes.io/dockerconfigjson` Secret, or
/// the Secret itself.
///
/// # Errors
///
/// When the kubelet could not read it.
pub fn pull_secret(file: &str, text: &str) -> Result<PullSecret, PullSecretError> {
    let object = pull_secrets_among(text).secrets.into_iter().next();
    let content = object.map_or_else(|| credentials(text.as_bytes(), true, file), |it| it.content);
    let reason = match content {
        SecretContent::Keys(_) => None,
        SecretContent::Elsewhere => Some("its content is filled in elsewhere".to_owned()),
        SecretContent::OtherType(ref kind) => Some(format!("it has the type {kind:?}")),
        SecretContent::Unreadable(ref reason) => Some(reason.clone()),
    };
    match reason {
        Some(reason) => Err(PullSecretError {
            file: file.to_owned(),
            reason,
        }),
        None => Ok(PullSecret {
            name: file.to_owned(),
            namespace: None,
            content,
            is_replicated: false,
        }),
    }
}

/// The pull secrets and service accounts among the documents of a source. What is no YAML holds none.
#[must_use]
pub fn pull_secrets_among(text: &str) -> PullSecrets {
    let mut found = PullSecrets::default();
    if !may_hold_any(text) {
        return found;
    }
    for document in documents(text) {
        if may_hold_any(document.text())
            && let Ok(tree) = document.parse()
        {
            read(tree.root(), &mut found, 0);
        }
    }
    found
}

/// Whether a text has the words of such an object.
fn may_hold_any(text: &str) -> bool {
    let names_kind = |kind: &str| {
        text.match_indices(kind).any(|(at, _)| {
            text[..at]
                .trim_end_matches(['"', '\'', ' ', '\t'])
                .ends_with(':')
        })
    };
    names_kind("Secret")
        || names_kind("SealedSecret")
        || names_kind("ExternalSecret")
        || (names_kind("ServiceAccount") && text.contains("imagePullSecrets"))
        || text.contains("secretGenerator")
}

fn read(object: Node<'_>, found: &mut PullSecrets, nesting: usize) {
    if nesting > MAX_NESTING {
        return;
    }
    for item in object
        .get("items")
        .into_iter()
        .flat_map(|list| list.items())
    {
        read(item, found, nesting + 1);
    }
    // What a kustomization generates has the name that its sources use, and a content that stands in other files.
    let generated = object.get("secretGenerator").into_iter();
    for generator in generated.flat_map(|list| list.items()) {
        let namespace = string(generator, "namespace").or_else(|| string(object, "namespace"));
        found
            .secrets
            .extend(string(generator, "name").map(|name| PullSecret {
                name,
                namespace,
                content: SecretContent::Elsewhere,
                is_replicated: false,
            }));
    }
    let api_version = string(object, "apiVersion").unwrap_or_default();
    let kind = string(object, "kind").unwrap_or_default();
    let Some(metadata) = object.get("metadata") else {
        return;
    };
    let Some(name) = string(metadata, "name") else {
        return;
    };
    let namespace = string(metadata, "namespace");
    let is_made = MAKERS
        .iter()
        .any(|(group, maker)| kind == *maker && is_in_group(&api_version, group));
    if kind == "ServiceAccount" && api_version == "v1" {
        let secrets = object.get("imagePullSecrets").into_iter();
        found.accounts.push(ServiceAccount {
            name,
            namespace,
            pull_secrets: secrets
                .flat_map(|list| list.items())
                .filter_map(|secret| string(secret, "name"))
                .collect(),
        });
    } else if is_made || (kind == "Secret" && api_version == "v1") {
        let shown = match &namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.clone(),
        };
        found.secrets.push(PullSecret {
            name: made_name(object).unwrap_or(name),
            namespace,
            content: if is_made {
                SecretContent::Elsewhere
            } else {
                content(object, &shown)
            },
            is_replicated: is_replicated(metadata),
        });
    }
}

/// The name that an `ExternalSecret` gives to its Secret.
fn made_name(object: Node<'_>) -> Option<String> {
    string(object.get("spec")?.get("target")?, "name")
}

fn is_replicated(metadata: Node<'_>) -> bool {
    let annotations = metadata.get("annotations");
    annotations
        .into_iter()
        .flat_map(|annotations| annotations.fields())
        .filter_map(|(key, _)| key.as_str())
        .any(|key| REPLICATORS.iter().any(|prefix| key.starts_with(prefix)))
}

/// `shown` is the secret for a person.
fn content(secret: Node<'_>, shown: &str) -> SecretContent {
    let kind = string(secret, "type").unwrap_or_default();
    let Some((_, key)) = TYPES.iter().find(|(known, _)| *known == kind) else {
        return SecretContent::OtherType(kind);
    };
    let value = |field| {
        let values: Node<'_> = secret.get(field)?;
        values.get(key)?.as_str()
    };
    // What `stringData` says wins (<https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/>).
    let text = match (value("stringData"), value("data")) {
        (Some(text), _) | (None, Some(text)) if is_filled_in(text) => {
            return SecretContent::Elsewhere;
        }
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(encoded)) => {
            let encoded: String = encoded.split_ascii_whitespace().collect();
            match BASE64.decode(encoded) {
                Ok(text) => text,
                Err(_) => {
                    return SecretContent::Unreadable(format!("its data {key} is not base64"));
                }
            }
        }
        (None, None) => {
            return SecretContent::Unreadable(format!("it has no data {key}"));
        }
    };
    credentials(&text, *key == ".dockerconfigjson", shown)
}

/// Whether a value is still to be filled in or decrypted: placeholders of any kind, and what SOPS writes.
fn is_filled_in(value: &str) -> bool {
    let value = value.trim();
    let is_json = value.starts_with('{') && !value.starts_with("{{");
    value.is_empty()
        || value.starts_with("ENC[")
        || value.contains("{{")
        || (!is_json && (has_placeholder(value) || value.contains(['<', '>', '_', '%'])))
}

#[derive(Deserialize)]
struct DockerConfig {
    auths: Option<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// The keys of credentials: those of `auths`, or of the document itself in the older format (kubernetes
/// `pkg/credentialprovider/config.go`). Reasons name places and keys, and no content.
fn credentials(text: &[u8], has_auths: bool, shown: &str) -> SecretContent {
    let entries = if has_auths {
        serde_json::from_slice::<DockerConfig>(text).map(|config| config.auths.unwrap_or_default())
    } else {
        serde_json::from_slice(text)
    };
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            return SecretContent::Unreadable(format!(
                "its content is no JSON of credentials (line {}, column {})",
                error.line(),
                error.column()
            ));
        }
    };
    let mut keys = Vec::new();
    for (key, entry) in &entries {
        match login(entry, shown) {
            Ok(login) => keys.extend(RegistryKey::with_login(key, login)),
            Err(NotBase64) => {
                return SecretContent::Unreadable(format!(
                    "`auth` of {key} is not the base64 of user:password"
                ));
            }
        }
    }
    SecretContent::Keys(keys)
}

/// The `auth` of an entry is not what it should be.
struct NotBase64;

/// User and password of an entry; none where it has neither. What `auth` says counts before the other fields.
fn login(entry: &Entry, shown: &str) -> Result<Option<PullLogin>, NotBase64> {
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let (user, password) = match entry.auth.as_deref().unwrap_or_default().trim() {
        "" => (said(&entry.username), said(&entry.password)),
        auth => {
            let decoded = BASE64.decode(auth).map_err(|_| NotBase64)?;
            let decoded = String::from_utf8_lossy(&decoded);
            let (user, password) = decoded.split_once(':').ok_or(NotBase64)?;
            (user.to_owned(), password.to_owned())
        }
    };
    let is_empty = user.is_empty() && password.is_empty();
    Ok((!is_empty).then(|| PullLogin::new(shown.to_owned(), user, password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"auths":{"ghcr.io":{"auth":"YWRhOmh1bnRlcjI="}}}`, whose password is `hunter2`.
    const ENCODED: &str = "eyJhdXRocyI6eyJnaGNyLmlvIjp7ImF1dGgiOiJZV1JoT21oMWJuUmxjakk9In19fQ==";

    fn only(text: &str) -> PullSecret {
        let mut secrets = pull_secrets_among(text).secrets;
        assert_eq!(secrets.len(), 1, "{text}");
        secrets.remove(0)
    }

    fn secret(rest: &str) -> SecretContent {
        only(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: regcred, namespace: shop}}\n{rest}\n"
        ))
        .content
    }

    fn keys(content: &SecretContent) -> Vec<(&str, bool)> {
        match content {
            SecretContent::Keys(keys) => keys
                .iter()
                .map(|key| (key.written(), key.has_credentials))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn data_and_string_data_of_both_types_are_read() {
        let data =
            format!("type: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: {ENCODED}");
        assert_eq!(keys(&secret(&data)), [("ghcr.io", true)]);
        let written = "type: kubernetes.io/dockercfg\nstringData:\n  .dockercfg: |\n    {\"https://a.io/v1/\":{\"username\":\"u\",\"password\":\"p\"},\"b.io\":{}}";
        assert_eq!(
            keys(&secret(written)),
            [("b.io", false), ("https://a.io/v1/", true)]
        );
    }

    #[test]
    fn what_the_kubelet_cannot_read_is_told_without_its_content() {
        for (rest, reason) in [
            ("data: {}", "it has no data .dockerconfigjson"),
            ("data: {.dockerconfigjson: aHVudGVyMg}", "line 1, column"),
            ("data: {.dockerconfigjson: hunter2!}", "is not base64"),
            (
                "stringData: {.dockerconfigjson: '{\"auths\":{\"a.io\":{\"auth\":\"hunter2\"}}}'}",
                "`auth` of a.io is not",
            ),
            (
                "stringData: {.dockerconfigjson: '{\"auths\":\"hunter2\"}'}",
                "line 1, column",
            ),
        ] {
            match secret(&format!("type: kubernetes.io/dockerconfigjson\n{rest}")) {
                SecretContent::Unreadable(found) => {
                    assert!(found.contains(reason), "{rest}: {found}");
                    assert!(!found.contains("hunter2"), "{found}");
                }
                other => panic!("{rest}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_filled_in_later_is_not_judged() {
        for value in [
            "${DOCKER_CONFIG}",
            "<base64>",
            "REPLACE_ME",
            "'ENC[AES256_GCM,data:x]'",
        ] {
            let rest = format!(
                "type: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: {value}"
            );
            assert_eq!(secret(&rest), SecretContent::Elsewhere, "{value}");
        }
        let sealed = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\n";
        assert_eq!(only(sealed).content, SecretContent::Elsewhere);
        let external = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec: {target: {name: regcred}}\n";
        assert_eq!(only(external).name, "regcred");
        assert_eq!(only("secretGenerator:\n- name: a\n").name, "a");
    }

    #[test]
    fn lists_and_other_types_are_read_and_replication_is_seen() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  type: Opaque\n  metadata: {name: a, annotations: {replicator.v1.mittwald.de/replicate-to: '*'}}\n- apiVersion: v1\n  kind: ServiceAccount\n  metadata: {name: default}\n  imagePullSecrets: [{name: a}]\n";
        let found = pull_secrets_among(list);
        assert_eq!(
            found.secrets[0].content,
            SecretContent::OtherType("Opaque".to_owned())
        );
        assert!(found.secrets[0].is_replicated);
        assert_eq!(found.accounts[0].pull_secrets, ["a"]);
    }

    #[test]
    fn a_file_is_a_docker_config_or_a_secret() {
        let config = r#"{"auths":{"ghcr.io":{"auth":"YWRhOmh1bnRlcjI="}}}"#;
        let read = pull_secret("regcred.json", config).expect("a pull secret");
        assert_eq!(keys(&read.content), [("ghcr.io", true)]);
        let error = pull_secret("regcred.json", "hunter2").expect_err("no JSON");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let object = format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {{name: a}}\ndata: {{.dockerconfigjson: {ENCODED}}}\n"
        );
        assert!(pull_secret("regcred.yaml", &object).is_ok());
    }

    #[test]
    fn no_debug_output_shows_a_credential() {
        let shown = format!(
            "{:?}",
            pull_secret(
                "a",
                r#"{"auths":{"ghcr.io":{"username":"ada","password":"hunter2"}}}"#
            )
        );
        assert!(
            !shown.contains("hunter2") && !shown.contains("ada"),
            "{shown}"
        );
    }
}
