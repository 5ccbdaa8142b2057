//! Files of variables, as Compose reads them (<https://docs.docker.com/compose/how-tos/environment-variables/env-file/>).

use super::place::Text;
use super::template::has_placeholder;
use crate::workload::{Occurrence, Role};

/// Whether a text is a file of variables: each of its lines sets one.
pub(super) fn is_dotenv(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let mut lines = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .peekable();
    lines.peek().is_some() && lines.all(|line| variable(line).is_some())
}

/// The images among the variables: `…_IMAGE` has one. Of another variable with that word in its name only its reader
/// knows whether it is an image or a part of one.
pub(super) fn images(text: Text<'_>) -> Vec<Occurrence> {
    let mut offset = 0;
    let mut occurrences = Vec::new();
    for line in text.text.split_inclusive('\n') {
        occurrences.extend(image(line, offset, text));
        offset += line.len();
    }
    occurrences
}

fn image(line: &str, offset: usize, text: Text<'_>) -> Option<Occurrence> {
    let (name, value) = variable(line)?;
    if !name.split('_').any(|word| word == "IMAGE") || has_placeholder(value) {
        return None;
    }
    let start = offset + line.len() - value.len();
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    let (start, value) = match value.strip_prefix(['"', '\'']) {
        Some(quoted) => (start + 1, quoted.trim_end_matches(['"', '\''])),
        None => (start, value),
    };
    let found = text.at(start..start + value.len(), value, name)?;
    let role = if name.ends_with("IMAGE") {
        Role::Unplaced
    } else {
        Role::Provisional
    };
    found
        .reference
        .is_ok()
        .then_some(Occurrence { role, ..found })
}

/// The variables of a file with their values. Lines that set none are passed over.
pub(super) fn variables(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines.filter_map(|line| {
        let (name, value) = variable(line)?;
        let value = value.trim();
        let quoted = ['"', '\''].iter().find_map(|&quote| {
            let inner = value.strip_prefix(quote)?;
            Some(&inner[..inner.find(quote)?])
        });
        let plain = || value.split(" #").next().unwrap_or_default().trim_end();
        Some((name.to_owned(), quoted.unwrap_or_else(plain).to_owned()))
    })
}

/// Name and value of a line such as `export NAME=value`; the value ends with the line.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim_start();
    let name = name.strip_prefix("export ").unwrap_or(name);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Source, SourceMap};

    #[test]
    fn variables_named_image_are_images() {
        let text = "# x\nDB_IMAGE=\"a:1\" # b\r\nexport IMAGE_NAME=q.io/c\nTAG=2\nB_IMAGE=${A}\n";
        assert!(is_dotenv(text));
        let mut sources = SourceMap::default();
        let id = sources.add(Source {
            name: ".env".to_owned(),
            text: text.to_owned(),
            origin: Origin::File,
        });
        let found = images(Text { id, text });
        let read: Vec<_> = found
            .iter()
            .map(|found| (sources.slice(found.span), found.value.as_str(), found.role))
            .collect();
        assert_eq!(
            read,
            [
                ("a:1", "a:1", Role::Unplaced),
                ("q.io/c", "q.io/c", Role::Provisional)
            ]
        );
    }

    #[test]
    fn other_texts_are_no_variables() {
        assert!(!is_dotenv("a: b=c\n"));
        assert!(!is_dotenv("# only a comment\n"));
    }
}
