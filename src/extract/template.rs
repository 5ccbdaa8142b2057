//! Texts that a program fills in before they mean anything.

/// Whether a text that is no YAML is a template, such as a Helm chart has: an action stands where a line, an item or a value
/// begins (<https://pkg.go.dev/text/template#hdr-Actions>).
pub(super) fn is_template(text: &str) -> bool {
    text.contains("}}")
        && text.match_indices("{{").any(|(at, _)| {
            let line = text[..at].rsplit(['\n', '\r']).next().unwrap_or_default();
            let before = line.trim();
            before.is_empty() || before.ends_with([':', '-']) || before.ends_with("}}")
        })
}

/// Whether something is left to fill in: `{{ }}`, `$VAR`, `${VAR}` or `$(VAR)`. No image name has a `$`.
pub(super) fn has_placeholder(value: &str) -> bool {
    value.contains("{{") || value.contains('$')
}
