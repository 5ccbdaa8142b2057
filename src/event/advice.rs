//! What to check and what to mend, with the commands filled in from what the message says.

mod steps;

use super::class::Class;
use super::clues::Clues;
use super::family::Family;
use super::place::Place;
use steps::steps_of;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What to do, in words; or the command line itself.
    pub text: String,
    /// Whether the text is a command line.
    pub is_command: bool,
}

/// What to check and mend for `class`, in order. `place` is where it was seen.
#[must_use]
pub(super) fn advice(class: Class, clues: &Clues, place: &Place) -> Vec<Step> {
    steps_of(class, clues)
        .iter()
        .map(|line| {
            let filled = fill(line, clues, place);
            match filled.strip_prefix("$ ") {
                Some(command) => Step {
                    text: command.to_owned(),
                    is_command: true,
                },
                None => Step {
                    text: filled,
                    is_command: false,
                },
            }
        })
        .collect()
}

/// Replaces `{name}` by what the message says, or by NAME where it says nothing that is safe to paste into a shell. An option in
/// square brackets, as `[ -n {namespace}]`, is left out there. Other braces and brackets, such as those of a `JSONPath`, stay.
fn fill(line: &str, clues: &Clues, place: &Place) -> String {
    let known = |name: &str| value_of(name, clues, place).filter(|value| is_plain(value));
    let named = |name: &str| known(name).or_else(|| Some(name.to_ascii_uppercase()));
    let mut filled = String::with_capacity(line.len() + 64);
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("[ -") {
        let (option, behind) = after.split_once(']').unwrap_or((after, ""));
        filled.extend(with_values(before, named));
        if let Some(option) = with_values(option, known) {
            filled.push_str(" -");
            filled.push_str(&option);
        }
        rest = behind;
    }
    filled.extend(with_values(rest, named));
    filled
}

/// `text` with each `{name}` replaced by its value; none where a value is missing.
fn with_values(text: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut filled = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let name = after.split('}').next().unwrap_or_default();
        if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && after.len() > name.len() {
            filled.push_str(&value(name)?);
            rest = &after[name.len() + 1..];
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    Some(filled)
}

/// Whether a value means nothing to a shell.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('-')
        && value.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':' | b'@')
        })
}

fn value_of(name: &str, clues: &Clues, place: &Place) -> Option<String> {
    if let Some(value) = value_of_place(name, place) {
        return Some(value.to_owned());
    }
    let reference = clues.reference.as_ref();
    let registry = clues.registry();
    let artifacts = clues.artifacts.as_ref();
    let text = match name {
        "image" => match reference {
            Some(reference) => reference.to_string(),
            None => clues.image.clone()?,
        },
        "name" => reference?.name(),
        "registry" => registry?.to_owned(),
        "repository" => reference?.repository().to_owned(),
        "tag" => reference?.tag()?.to_owned(),
        "host" => clues.host.as_deref().or(registry)?.to_owned(),
        "host-name" => host_name(clues.host.as_deref().or(registry)?).0.to_owned(),
        "port" => host_name(clues.host.as_deref().or(registry)?).1.to_owned(),
        "address" => clues.address.clone()?,
        "secret" => clues
            .secrets
            .as_deref()?
            .split(',')
            .next()?
            .trim()
            .to_owned(),
        "project" => match artifacts {
            Some(artifacts) => artifacts.project.clone(),
            None => google_project(registry?, reference?.repository())?,
        },
        "location" => match artifacts {
            Some(artifacts) => artifacts.location.clone(),
            None => google_location(registry?)?.to_owned(),
        },
        "artifact-repository" => {
            if let Some(artifacts) = artifacts {
                artifacts.repository.clone()
            } else if registry?.ends_with("gcr.io") {
                registry?.to_owned()
            } else {
                reference?.repository().split('/').nth(1)?.to_owned()
            }
        }
        "account" => registry?.split('.').next()?.to_owned(),
        "region" => registry?.split('.').nth(3)?.to_owned(),
        "acr" => registry?.strip_suffix(".azurecr.io")?.to_owned(),
        _ => return None,
    };
    Some(text)
}

fn value_of_place<'a>(name: &str, place: &'a Place) -> Option<&'a str> {
    match name {
        "node" => place.node.as_deref(),
        "namespace" => place.namespace.as_deref(),
        "pod" => place.pod.as_deref(),
        "pod-service-account" => place.service_account.as_deref(),
        "account-address" => place.identity.as_deref(),
        "cluster" => place.cluster.as_deref(),
        "cluster-location" => place.location.as_deref(),
        "cluster-project" => place.project.as_deref(),
        _ => None,
    }
}

/// The location of a registry of Google: that of a repository of Artifact Registry, or of those that serve `gcr.io`
/// (cloud.google.com/artifact-registry/docs/transition/gcr-repositories).
fn google_location(registry: &str) -> Option<&str> {
    match registry {
        "gcr.io" | "us.gcr.io" => Some("us"),
        "eu.gcr.io" => Some("europe"),
        "asia.gcr.io" => Some("asia"),
        _ => registry.strip_suffix("-docker.pkg.dev"),
    }
}

/// The project of an image in Artifact Registry: the first part of the path, two of them where it belongs to a domain.
fn google_project(registry: &str, repository: &str) -> Option<String> {
    if Family::of(registry) != Family::ArtifactRegistry {
        return None;
    }
    let mut parts = repository.split('/');
    let first = parts.next()?;
    Some(if first.contains('.') {
        format!("{first}:{}", parts.next()?)
    } else {
        first.to_owned()
    })
}

/// The host without its port, and the port.
fn host_name(host: &str) -> (&str, &str) {
    host.rsplit_once(':').unwrap_or((host, "443"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(class: Class, message: &str) -> Vec<String> {
        advice(class, &Clues::of(message, None, None), &Place::default())
            .into_iter()
            .filter(|step| step.is_command)
            .map(|step| step.text)
            .collect()
    }

    #[test]
    fn every_class_has_something_to_do() {
        for class in Class::ALL {
            let steps = advice(*class, &Clues::default(), &Place::default());
            assert!(!steps.is_empty(), "{class}");
        }
    }

    #[test]
    fn commands_carry_what_the_message_says() {
        let message = "Failed to pull image \"europe-west2-docker.pkg.dev/acme/ml/app:4\": denied";
        let commands = commands(Class::PermissionDenied, message);
        let command = commands
            .iter()
            .find(|command| command.contains("add-iam-policy-binding"));
        let command = command.expect("a command that grants the role");
        for part in ["ml", "--project=acme", "--location=europe-west2"] {
            assert!(command.contains(part), "{command}");
        }
    }

    #[test]
    fn commands_carry_where_it_was_seen() {
        let clues = Clues::of(
            "Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \
             \"projects/acme/locations/europe/repositories/shop\" (or it may not exist)",
            None,
            None,
        );
        let place = Place {
            namespace: Some("shop".to_owned()),
            pod: Some("api-1".to_owned()),
            cluster: Some("prod".to_owned()),
            location: Some("europe-west1".to_owned()),
            project: Some("acme-prod".to_owned()),
            ..Place::default()
        };
        let text = |class: Class, place: &Place| {
            let steps = advice(class, &clues, place).into_iter();
            steps.map(|step| step.text).collect::<Vec<_>>().join("\n")
        };
        let known = text(Class::PermissionDenied, &place);
        for part in [
            "--cluster=prod --location=europe-west1 --project=acme-prod",
            "add-iam-policy-binding shop --project=acme --location=europe",
        ] {
            assert!(known.contains(part), "{known}");
        }
        let unknown = text(Class::PermissionDenied, &Place::default());
        assert!(unknown.contains("--cluster=CLUSTER --format"), "{unknown}");
        let pod = text(Class::StaleCredentialsBreakPublicPull, &place);
        assert!(pod.contains("kubectl get pod api-1 -n shop -o"), "{pod}");
    }

    #[test]
    fn a_host_is_asked_at_its_own_port() {
        let message = "Failed to pull image \"registry.example.com:5000/a:1\": x509: certificate signed by unknown authority";
        let commands = commands(Class::TlsUnknownCa, message);
        assert!(
            commands
                .iter()
                .any(|command| command.contains("-connect registry.example.com:5000 ")),
            "{commands:?}"
        );
    }

    #[test]
    fn nothing_hostile_gets_into_a_command() {
        let message = "Failed to pull image \"ghcr.io/a/b$(reboot):1\": not found";
        for class in Class::ALL {
            for command in commands(*class, message) {
                assert!(!command.contains("$(reboot)"), "{command}");
            }
        }
    }
}
