//! Text from outside, made harmless for a terminal and for a CI log.

use std::borrow::Cow;
use std::fmt::Write;

/// Shows what would otherwise act: control characters (so that no escape sequence reaches a terminal), line breaks, marks
/// that turn the reading direction, and invisible characters become `\n` or `\u{1b}`.
///
/// What a CI runner would take for a command is broken up too: a word that begins with `::`, and `##[`
/// (`actions/runner`, `src/Runner.Common/ActionCommand.cs`).
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let acts = text.starts_with("::")
        || text.contains(|c| acts(c) || c == '\t')
        || text.contains(" ::")
        || text.contains("##[");
    if !acts {
        return Cow::Borrowed(text);
    }
    let mut shown = escaped(text, true);
    if shown.starts_with("::") {
        shown.replace_range(..1, r"\u{3a}");
    }
    Cow::Owned(
        shown
            .replace(" ::", r" \u{3a}:")
            .replace("##[", r"#\u{23}["),
    )
}

/// The same for a part of a source line, which stands behind a line number: tabs stay, for they are laid out.
pub(super) fn visible_source(text: &str) -> String {
    escaped(text, false).replace("##[", r"#\u{23}[")
}

fn escaped(text: &str, tabs: bool) -> String {
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\t' if !tabs => shown.push(c),
            '\t' | '\n' | '\r' => shown.extend(c.escape_default()),
            // Writing to a string cannot fail.
            _ if acts(c) => _ = write!(shown, "{}", c.escape_unicode()),
            _ => shown.push(c),
        }
    }
    shown
}

/// Control characters but the tab; Unicode's bidirectional controls, line separators, zero-width characters and tags; and what XML forbids.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_acts_on_a_terminal_is_shown_and_not_done() {
        for (text, shown) in [
            ("nginx:1.27", "nginx:1.27"),
            ("größer 中", "größer 中"),
            ("\u{1b}[31mred\u{7}", r"\u{1b}[31mred\u{7}"),
            ("two\r\nlines\tand a tab", r"two\r\nlines\tand a tab"),
            ("\u{9b}31m", r"\u{9b}31m"),
            (
                "a\u{202e}b\u{2066}c\u{200b}",
                r"a\u{202e}b\u{2066}c\u{200b}",
            ),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn what_a_runner_takes_for_a_command_is_broken_up() {
        assert_eq!(visible("::add-mask::x"), r"\u{3a}:add-mask::x");
        assert_eq!(
            visible("a ::stop-commands::x"),
            r"a \u{3a}:stop-commands::x"
        );
        assert_eq!(visible("a\n::error::x"), r"a\n::error::x");
        assert_eq!(visible("##[add-mask]x"), r"#\u{23}[add-mask]x");
        assert_eq!(visible("[::1]:5000/x"), "[::1]:5000/x");
    }

    #[test]
    fn tabs_of_a_source_line_stay() {
        assert_eq!(visible_source("\timage: \u{1b}x"), "\timage: \\u{1b}x");
    }

    proptest! {
        #[test]
        fn nothing_visible_acts(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(|c| acts(c) || c.is_control()));
            prop_assert!(!visible_source(&text).chars().any(acts));
        }
    }
}
