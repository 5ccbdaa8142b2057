use super::{Finding, Subject, declare_rule, event};
use crate::facts::Depth;
use crate::finding::Severity;

declare_rule! {
    /// ## What it does
    /// Reports placeholders in image names that nothing filled in: `{{ .Values.tag }}`, `${TAG}`, `$(TAG)`, `$TAG`,
    /// `<tag>`, `%s`, `PROJECT_ID`, `ko://…` and the like. Only texts that are no valid image names are looked at, so nothing that a node
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
static FORMS: [Form; 14] = [
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
    form("%", "%", ANY),
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
        .or_else(|| shouted(text))
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
    let name = inner[..length].trim();
    // A percent sign stands in front of the zone of an IPv6 address too.
    let is_verb = matches!(name, "d" | "s" | "v");
    if name.is_empty() || (form.open == "%" && form.close.is_empty() && !is_verb) {
        return None;
    }
    let end = start + form.open.len() + length + form.close.len();
    let text = &text[start..end];
    Some((start, Placeholder { text, form }))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A part of the path in capitals that reads like the name of a variable or like an order: `PROJECT_ID`, `__REGISTRY__`,
/// `CHANGE-ME`. Capitals alone do not: `ghcr.io/ACME/app` was meant in earnest.
fn shouted(text: &str) -> Option<Placeholder<'_>> {
    const ORDERS: [&str; 3] = ["CHANGE", "REPLACE", "YOUR"];
    static FORM: Form = form("", "", ANY);
    let path = text.split('@').next().unwrap_or_default();
    path.split('/')
        .map(|part| part.split(':').next().unwrap_or_default())
        .find(|part| {
            part.contains(|c: char| c.is_ascii_uppercase())
                && part
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
                && (part.contains('_') || ORDERS.iter().any(|order| part.starts_with(order)))
        })
        .map(|text| Placeholder { text, form: &FORM })
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
            ("app:%TAG%", "%TAG%"),
            ("{registry}/app:1", "{registry}"),
            ("__REGISTRY__/app:1", "__REGISTRY__"),
            ("REGION-docker.pkg.dev/PROJECT_ID/app:v1", "PROJECT_ID"),
            ("CHANGE-ME", "CHANGE-ME"),
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
            "ghcr.io/ACME/app:MY_TAG",
            "[fe80::1%eth0]:5000/app",
        ] {
            assert!(placeholder(image).is_none(), "{image}");
        }
    }
}
