//! Images in a text that is no YAML: lines that name one literally.

use super::place::Text;
use super::template::has_placeholder;
use crate::workload::Occurrence;

/// The key whose value is an image.
const KEY: &str = "image";

/// The images that the lines of `part` name, which begins at `start` in the text. A value that is no valid name is left
/// out: without the structure around it, nobody knows whether it was meant as one.
pub(super) fn images(text: Text<'_>, part: &str, start: usize) -> Vec<Occurrence> {
    let mut offset = start;
    let mut occurrences = Vec::new();
    for line in part.split_inclusive('\n') {
        if let Some((at, value)) = value(line) {
            let from = offset + at;
            let found = text.at(from..from + value.len(), value, KEY);
            occurrences.extend(found.filter(|found| found.reference.is_ok()));
        }
        offset += line.len();
    }
    occurrences
}

/// The image of a line such as `- image: "name" # comment`, with its offset in the line.
fn value(line: &str) -> Option<(usize, &str)> {
    let entry = line.trim_start_matches([' ', '\t', '-']);
    let key = [KEY, "\"image\"", "'image'"]
        .iter()
        .find_map(|key| entry.strip_prefix(key))?;
    let rest = key.trim_start().strip_prefix(':')?;
    let value = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (value, end) = match value.strip_prefix(['"', '\'']) {
        Some(quoted) => (quoted, quoted.find(['"', '\''])?),
        None => (
            value,
            value.find([' ', '\t', '\r', '\n']).unwrap_or(value.len()),
        ),
    };
    let at = line.len() - value.len();
    let value = &value[..end];
    (!value.is_empty() && !has_placeholder(line)).then_some((at, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_values_are_read_and_others_are_not() {
        assert_eq!(value("  - image: a:1 # b\n"), Some((11, "a:1")));
        assert_eq!(value("\"image\": 'a:1',\r\n"), Some((10, "a:1")));
        for line in [
            "image: {{ .Values.image }}",
            "# image: a:1",
            "image:",
            "imagePullPolicy: Always",
            "image: ${A}",
            "image: \"\"",
        ] {
            assert_eq!(value(line), None, "{line}");
        }
    }
}
