//! Texts in columns.

use textwrap::core::display_width;

/// A text with blanks behind it up to `columns`.
pub(super) fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(display_width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// At most `columns` of a text, with a sign where some of it is left out.
pub(super) fn shortened(text: &str, columns: usize, ellipsis: &str) -> String {
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(display_width(ellipsis));
    let mut kept = String::new();
    let mut width = 0;
    for c in text.chars() {
        width += display_width(c.encode_utf8(&mut [0; 4]));
        if width > room {
            break;
        }
        kept.push(c);
    }
    kept + ellipsis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_where_the_line_ends() {
        assert_eq!(shortened("COPY a /", 8, "…"), "COPY a /");
        assert_eq!(shortened("COPY abc /", 8, "…"), "COPY ab…");
        assert_eq!(shortened("COPY abc /", 8, "..."), "COPY ...");
        // A wide character takes two columns.
        assert_eq!(shortened("中中中中", 6, "…"), "中中…");
    }
}
