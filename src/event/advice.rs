//! What to check and what to mend, with the commands filled in from what the message says.

mod steps;

use super::class::Class;
use super::clues::Clues;
use super::family::Family;
use steps::steps_of;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What to do, in words; or the command line itself.
    pub text: String,
    /// Whether the text is a command line.
    pub is_command: bool,
}

/// What to check and mend for `class`, in order.
#[must_use]
pub(super) fn advice(class: Class, clues: &Clues) -> Vec<Step> {
    steps_of(class, clues.family())
        .iter()
        .map(|line| {
            let filled = fill(line, clues);
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

/// Replaces `{name}` by what the message says, or by NAME where it says nothing that is safe to paste into a shell. Other
/// braces, such as those of a `JSONPath`, stay.
fn fill(line: &str, clues: &Clues) -> String {
    let mut filled = String::with_capacity(line.len() + 64);
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let name = after.split('}').next().unwrap_or_default();
        if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && after.len() > name.len() {
            let value = value_of(name, clues).filter(|value| is_plain(value));
            filled.push_str(&value.unwrap_or_else(|| name.to_ascii_uppercase()));
            rest = &after[name.len() + 1..];
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// Whether a value means nothing to a shell.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('-')
        && value.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':' | b'@')
        })
}

fn value_of(name: &str, clues: &Clues) -> Option<String> {
    let reference = clues.reference.as_ref();
    let registry = clues.registry();
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
        "host-name" => host_name(clues.host.as_deref().or(registry)?).to_owned(),
        "address" => clues.address.clone()?,
        "secret" => clues
            .secrets
            .as_deref()?
            .split(',')
            .next()?
            .trim()
            .to_owned(),
        "project" => google_project(registry?, reference?.repository())?,
        "location" => registry?.strip_suffix("-docker.pkg.dev")?.to_owned(),
        "artifact-repository" => {
            if registry?.ends_with("gcr.io") {
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

/// The host without its port.
fn host_name(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(class: Class, message: &str) -> Vec<String> {
        advice(class, &Clues::of(message, None))
            .into_iter()
            .filter(|step| step.is_command)
            .map(|step| step.text)
            .collect()
    }

    #[test]
    fn every_class_has_something_to_do() {
        for class in Class::ALL {
            assert!(!advice(*class, &Clues::default()).is_empty(), "{class}");
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
    fn nothing_hostile_gets_into_a_command() {
        let message = "Failed to pull image \"ghcr.io/a/b$(reboot):1\": not found";
        for class in Class::ALL {
            for command in commands(*class, message) {
                assert!(!command.contains("$(reboot)"), "{command}");
            }
        }
    }
}
