use super::{Finding, Subject, declare_rule, event};
use crate::facts::Depth;
use crate::finding::Severity;

declare_rule! {
    /// ## What it does
    /// Reports placeholders in image names that nothing filled in: `{{ .Values.tag }}`, `${TAG}`, `$(TAG)`, `$TAG`,
    /// `<tag>`, `%s`, `ko://…` and the like. Only texts that are no valid image names are looked at, so nothing that a node
    /// could pull is reported.
    ///
    /// ## Why it matters
    /// Kubernetes fills in nothing in an image name. Its own `$(VAR)` works in `command`, `args` and `env` alone.
    ///
    /// ## What the cluster would show
    /// `InvalidImageName`: ``Failed to apply default image tag "app:${TAG}": couldn't parse image name "app:${TAG}": invalid
    /// reference format``.
    ///
    /// ## How to fix it
    /// Check what the tool made and not its template: `helm template . | oci-preflight lint -`, or
    /// `envsubst < app.yaml | oci-preflight lint -`. If this is the file that is applied, write the value.
    id: "unrendered-template",
    summary: "a placeholder is left in the image name",
    severity: Some(Severity::Error),
    needs: Depth::Reference,
    event: Some("InvalidImageName"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let value = &subject.occurrence.value;
    if subject.occurrence.reference.is_ok() {
        return vec![];
    }
    let Some(placeholder) = placeholder(value) else {
        return vec![];
    };
    let text = placeholder.text;
    vec![
        RULE.finding(
            subject,
            format!("`{value}` still has the placeholder `{text}`: nothing fills it in"),
        )
        .help(placeholder.form.advice)
        .event(event::invalid_image_name(value, "invalid reference format")),
    ]
}

/// A placeholder that stands in a text.
pub(super) struct Placeholder<'a> {
    text: &'a str,
    form: &'static Form,
}

/// One way to write a placeholder.
struct Form {
    open: &'static str,
    /// What ends it; empty where it ends with the name.
    close: &'static str,
    advice: &'static str,
}

const HELM: &str =
    "Lint what the template becomes: `helm template … | oci-preflight lint -`, or write the value.";
const SHELL: &str = "Fill in the variable first, as `envsubst < FILE | oci-preflight lint -` does, or write the value.";
const ANY: &str =
    "Lint the file that the tool which knows this placeholder writes, or write the value.";

/// The ways to write a placeholder. None of the opening texts can stand in a valid name. Longer ones stand before their
/// own beginnings.
static FORMS: [Form; 13] = [
    form("{{", "}}", HELM),
    form("${{", "}}", ANY),
    form("${", "}", SHELL),
    form(
        "$(",
        ")",
        "Kubernetes fills in `$(VAR)` in `command`, `args` and `env`, and never in `image`: write the value.",
    ),
    form("$", "", SHELL),
    form(
        "ko://",
        "",
        "`ko resolve -f FILE` builds the program and writes the image's name here; lint what it prints.",
    ),
    form("((", "))", ANY),
    form("[[", "]]", ANY),
    form("#{", "}", ANY),
    form("<", ">", ANY),
    form("{", "}", ANY),
    form("%(", ")s", ANY),
    form("%", "", ANY),
];

const fn form(open: &'static str, close: &'static str, advice: &'static str) -> Form {
    Form {
        open,
        close,
        advice,
    }
}

/// The first placeholder in a text.
pub(super) fn placeholder(text: &str) -> Option<Placeholder<'_>> {
    FORMS
        .iter()
        .filter_map(|form| find(text, form))
        .min_by_key(|(start, placeholder)| (*start, std::cmp::Reverse(placeholder.text.len())))
        .map(|(_, placeholder)| placeholder)
        .or_else(|| dunder(text))
}

fn find<'a>(text: &'a str, form: &'static Form) -> Option<(usize, Placeholder<'a>)> {
    let start = text.find(form.open)?;
    let inner = &text[start + form.open.len()..];
    let length = if form.close.is_empty() {
        inner
            .find(|c: char| !is_name(c) && (form.open != "ko://" || c.is_whitespace()))
            .unwrap_or(inner.len())
    } else {
        inner.find(form.close)?
    };
    if inner[..length].trim().is_empty() {
        return None;
    }
    let end = start + form.open.len() + length + form.close.len();
    let text = &text[start..end];
    Some((start, Placeholder { text, form }))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `__TAG__`, which is a placeholder only where it breaks the grammar, as in a repository.
fn dunder(text: &str) -> Option<Placeholder<'_>> {
    static FORM: Form = form("__", "__", ANY);
    let (_, placeholder) = find(text, &FORM)?;
    let name = placeholder.text.trim_matches('_');
    let shouts = name.contains(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    shouts.then_some(placeholder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    #[test]
    fn each_form_is_found_whole() {
        for (image, expected) in [
            ("{{ .Values.image }}:1", "{{ .Values.image }}"),
            ("app:{{.Tag}}", "{{.Tag}}"),
            ("${REGISTRY}/app:${TAG}", "${REGISTRY}"),
            ("app:${TAG:-latest}", "${TAG:-latest}"),
            ("app:$(TAG)", "$(TAG)"),
            ("app:$TAG", "$TAG"),
            ("app:$CI_COMMIT_SHA-x", "$CI_COMMIT_SHA"),
            ("app:${{ github.sha }}", "${{ github.sha }}"),
            ("<your-registry>/app:1", "<your-registry>"),
            ("app:#{Build.BuildId}#", "#{Build.BuildId}"),
            ("app:((tag))", "((tag))"),
            ("app:%s", "%s"),
            ("app:%(tag)s", "%(tag)s"),
            ("app:%TAG%", "%TAG"),
            ("{registry}/app:1", "{registry}"),
            ("__REGISTRY__/app:1", "__REGISTRY__"),
            ("ko://github.com/team/app", "ko://github.com/team/app"),
        ] {
            let finding = Case::image(image).only_finding(&RULE);
            assert!(
                finding
                    .message
                    .contains(&format!("placeholder `{expected}`")),
                "{image}: {}",
                finding.message
            );
        }
    }

    #[test]
    fn what_a_node_could_pull_is_left_alone() {
        for image in ["nginx:__TAG__", "nginx:latest", "a/b__c:1"] {
            Case::image(image).has_no_finding(&RULE);
        }
    }

    #[test]
    fn an_invalid_name_without_a_placeholder_is_left_to_the_other_rule() {
        for image in [
            "Nginx",
            "nginx ",
            "a___b",
            "app:$",
            "app:{}",
            "app:<",
            "https://ghcr.io/x",
        ] {
            assert!(placeholder(image).is_none(), "{image}");
        }
    }
}
