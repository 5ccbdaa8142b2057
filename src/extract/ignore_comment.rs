//! `# oci-preflight: ignore[rule-a, rule-b] reason`: comments that take findings away.

use crate::text::{LineIndex, SourceId, Span};

/// What such a comment begins with.
const MARK: &str = "oci-preflight:";

/// A comment that takes findings away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreComment {
    /// The comment, from its `#`.
    pub span: Span,
    /// The names in its list as written, with their places; empty where the comment is not understood.
    pub rules: Vec<(String, Span)>,
    /// The line that it is about, counted from 0: its own, or the next one with something else where it stands alone.
    pub line: usize,
}

/// The comments of a source that begin with `# oci-preflight:`. JSON has none.
#[must_use]
pub fn ignore_comments(source: SourceId, text: &str, lines: &LineIndex) -> Vec<IgnoreComment> {
    let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if start.starts_with('[') || (start.starts_with('{') && !start.starts_with("{{")) {
        return Vec::new();
    }
    text.match_indices(MARK)
        .filter_map(|(at, _)| comment(source, text, lines, at))
        .collect()
}

fn comment(source: SourceId, text: &str, lines: &LineIndex, at: usize) -> Option<IgnoreComment> {
    let own_line = lines.line_of(at);
    let range = lines.range(text, own_line);
    let before = text.get(range.start..at)?.trim_end();
    let code = before.strip_suffix('#')?;
    let is_alone = code.trim_start_matches('\u{feff}').trim().is_empty();
    if !is_alone && !code.ends_with([' ', '\t']) {
        return None;
    }
    let hash = range.start + code.len();
    let end = range.start + text.get(range.clone())?.trim_end().len();
    let line = if is_alone {
        next_line_with_code(text, lines, own_line)
    } else {
        own_line
    };
    Some(IgnoreComment {
        span: Span::new(source, hash..end),
        rules: rules(source, text, at + MARK.len()..end),
        line,
    })
}

/// The first line behind `line` that is neither blank nor a comment.
fn next_line_with_code(text: &str, lines: &LineIndex, line: usize) -> usize {
    let mut next = line + 1;
    loop {
        let range = lines.range(text, next);
        let words = text.get(range.clone()).unwrap_or_default().trim();
        if range.is_empty() || !(words.is_empty() || words.starts_with('#')) {
            return next;
        }
        next += 1;
    }
}

/// The names between the brackets of `ignore[…]`.
fn rules(source: SourceId, text: &str, range: std::ops::Range<usize>) -> Vec<(String, Span)> {
    let words = text.get(range.clone()).unwrap_or_default();
    let Some(list) = words
        .trim_start()
        .strip_prefix("ignore[")
        .and_then(|rest| Some(rest.split_once(']')?.0))
    else {
        return Vec::new();
    };
    let mut start = range.start + words.len() - words.trim_start().len() + "ignore[".len();
    let mut rules = Vec::new();
    for name in list.split(',') {
        let trimmed = name.trim();
        let begin = start + name.len() - name.trim_start().len();
        if !trimmed.is_empty() {
            let span = Span::new(source, begin..begin + trimmed.len());
            rules.push((trimmed.to_owned(), span));
        }
        start += name.len() + 1;
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Source, SourceMap};

    /// Line and names of each comment, with the text under each name's span.
    fn read(text: &str) -> Vec<(usize, Vec<String>)> {
        let mut sources = SourceMap::default();
        let id = sources.add(Source {
            name: "pod.yaml".to_owned(),
            text: text.to_owned(),
            origin: Origin::File,
        });
        ignore_comments(id, text, sources.lines(id))
            .into_iter()
            .map(|comment| {
                for (name, span) in &comment.rules {
                    assert_eq!(sources.slice(*span), name);
                }
                assert!(sources.slice(comment.span).starts_with('#'));
                let names = comment.rules.into_iter().map(|(name, _)| name);
                (comment.line, names.collect())
            })
            .collect()
    }

    #[test]
    fn a_comment_is_about_its_own_line_or_about_the_next_one_with_code() {
        for (text, line) in [
            ("image: a # oci-preflight: ignore[x] why", 0),
            ("# oci-preflight: ignore[x]\nimage: a", 1),
            ("  # oci-preflight: ignore[x]\r\n\r\n# other\r\nimage: a", 3),
            ("#oci-preflight: ignore[ x ]\n", 1),
        ] {
            assert_eq!(read(text), [(line, vec!["x".to_owned()])], "{text}");
        }
    }

    #[test]
    fn a_comment_lists_rules() {
        let read = read("image: a  # oci-preflight: ignore[a, b-c,] ä reason, or ] two");
        assert_eq!(read, [(0, vec!["a".to_owned(), "b-c".to_owned()])]);
    }

    #[test]
    fn a_comment_that_is_not_understood_has_no_rules() {
        for text in [
            "# oci-preflight: ignore",
            "# oci-preflight: ignore[a",
            "# oci-preflight: ignored[a]",
        ] {
            assert_eq!(read(text), [(1, vec![])], "{text}");
        }
    }

    #[test]
    fn what_is_no_comment_is_left_alone() {
        for text in [
            "image: a#oci-preflight: ignore[x]",
            "name: oci-preflight: ignore[x]",
            "{\"a\": \"b # oci-preflight: ignore[x]\"}",
        ] {
            assert_eq!(read(text), [], "{text}");
        }
    }
}
