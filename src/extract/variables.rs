//! Shell-like variables in image names.

/// Replaces the variables of `text` by what `look_up` knows: `$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR-default}`,
/// `${VAR:+other}` and `${VAR+other}`; `$$` is a dollar sign. None where a variable has neither value nor default, or where
/// the text uses another form.
///
/// Sources: <https://docs.docker.com/reference/compose-file/interpolation/>,
/// <https://docs.docker.com/reference/dockerfile/#environment-replacement>.
pub(super) fn expand(text: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some(braced) = after.strip_prefix('{') {
            let (variable, after) = braced.split_once('}')?;
            expanded.push_str(&braced_value(variable, look_up)?);
            rest = after;
        } else {
            let (name, after) = split_name(after);
            expanded.push_str(&look_up(name).filter(|_| !name.is_empty())?);
            rest = after;
        }
    }
    expanded.push_str(rest);
    Some(expanded)
}

fn braced_value(variable: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let (name, operation) = split_name(variable);
    let value = look_up(name);
    let filled = value.clone().filter(|value| !value.is_empty());
    if operation.is_empty() {
        value
    } else if let Some(default) = operation.strip_prefix(":-") {
        filled.or_else(|| Some(default.to_owned()))
    } else if let Some(default) = operation.strip_prefix('-') {
        value.or_else(|| Some(default.to_owned()))
    } else if let Some(other) = operation.strip_prefix(":+") {
        Some(filled.map_or_else(String::new, |_| other.to_owned()))
    } else {
        let other = operation.strip_prefix('+')?;
        Some(value.map_or_else(String::new, |_| other.to_owned()))
    }
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expanded(text: &str) -> Option<String> {
        expand(text, &|name| match name {
            "TAG" => Some("1.2".to_owned()),
            "NONE" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn variables_have_values_and_defaults() {
        for (text, value) in [
            ("a:$TAG", "a:1.2"),
            ("a:${TAG}-b", "a:1.2-b"),
            ("a:${OTHER:-3}", "a:3"),
            ("a:${NONE:-3}", "a:3"),
            ("a${NONE-3}", "a"),
            ("a${TAG:+:x}", "a:x"),
            ("a${OTHER+:x}", "a"),
            ("a$$b", "a$b"),
        ] {
            assert_eq!(expanded(text).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        for text in [
            "$OTHER",
            "a:${OTHER}",
            "${OTHER?}",
            "${TAG",
            "a:$",
            "${TAG#x}",
        ] {
            assert_eq!(expanded(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_expanded_without_a_panic(text in "[${}:+a-c]{0,20}") {
            let _ = expanded(&text);
        }
    }
}
