//! Text from outside, as words and code of Markdown.

use super::super::backticks::{Part, parts};
use super::super::visible::visible;

/// The characters of a text of a report that are shown; of a name, too.
const LONGEST: usize = 1_000;

/// A code span, fenced by more backticks than it holds.
pub(super) fn code(text: &str) -> String {
    let text = clipped(&visible(text), LONGEST);
    match longest_run_of_backticks(&text) {
        0 => format!("`{text}`"),
        run => {
            let fence = "`".repeat(run + 1);
            format!("{fence} {text} {fence}")
        }
    }
}

/// A code span in a table, where Markdown reads a bar as the end of a cell even in code.
pub(super) fn cell_code(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A block of code below an item of a list, fenced by more backticks than it holds. Its lines are harmless already.
pub(super) fn block(text: &str) -> String {
    let fence = "`".repeat(longest_run_of_backticks(text).max(2) + 1);
    let lines = text.lines().map(|line| format!("  {line}\n"));
    format!("\n  {fence}text\n{}  {fence}\n", lines.collect::<String>())
}

/// At most so many characters, with a sign where some are left out.
pub(super) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn longest_run_of_backticks(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or_default()
}

/// Plain words, with what stands between backticks as code: nothing else in them is markup, a link, or the name of a person
/// to be told.
pub(super) fn prose(text: &str) -> String {
    with_code(&clipped(&visible(text), LONGEST), code)
}

/// The same in a table.
pub(super) fn cell_prose(text: &str) -> String {
    with_code(&clipped(&visible(text), LONGEST), cell_code)
}

fn with_code(text: &str, code: impl Fn(&str) -> String) -> String {
    let parts = parts(text).into_iter();
    parts
        .map(|part| match part {
            Part::Words(text) => words(text),
            Part::Code(text) => code(text),
        })
        .collect()
}

fn words(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            // GitHub looks for names and issue numbers after it has read the escapes, but not in code.
            '@' | '#' => shown.extend(['`', c, '`']),
            ':' if characters.peek() == Some(&'/') => shown.push_str("\\:"),
            '.' | ',' | '-' | '/' | '=' | '\'' | '"' | ';' | ':' | '(' | ')' => shown.push(c),
            _ if c.is_ascii_punctuation() => shown.extend(['\\', c]),
            _ => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_prose_is_markup() {
        for (text, shown) in [
            ("a/b:1.27", "a/b:1.27"),
            ("https://evil", "https\\://evil"),
            ("use `a|b` now", "use `a|b` now"),
            ("<img src=x>", "\\<img src=x\\>"),
            ("[a](b) | *c* `d", "\\[a\\](b) \\| \\*c\\* \\`d"),
            ("@all #1", "`@`all `#`1"),
            ("a\nb", "a\\\\nb"),
        ] {
            assert_eq!(prose(text), shown);
        }
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("a`b``c|d"), "``` a`b``c|d ```");
        assert_eq!(cell_code("c|d"), "`c\\|d`");
        assert_eq!(cell_prose("a|b `c|d`"), "a\\|b `c\\|d`");
        assert_eq!(block("a ```\nb\n"), "\n  ````text\n  a ```\n  b\n  ````\n");
    }

    #[test]
    fn a_long_text_is_clipped_before_it_becomes_markup() {
        let shown = prose(&"@".repeat(1_200));
        assert_eq!(shown.matches("`@`").count(), 1_000);
        assert!(shown.ends_with('…'), "{shown}");
    }
}
