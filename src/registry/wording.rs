//! Words that came from outside, made fit for a message.

/// The most characters of a foreign text that a message shows.
const MAX_CHARACTERS: usize = 400;

/// A foreign text on one line: bounded, without control characters or characters that turn the reading direction, and
/// without the query part of URLs, which may carry signatures and tokens.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let printable = text
        .chars()
        .take(MAX_CHARACTERS * 4)
        .map(|c| if is_unsafe(c) { ' ' } else { c })
        .collect::<String>();
    for word in printable.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(without_query(word));
    }
    if line.chars().count() > MAX_CHARACTERS {
        line = line.chars().take(MAX_CHARACTERS).collect();
        line.push('…');
    }
    line
}

/// Bidirectional controls: <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn without_query(word: &str) -> &str {
    match (word.find("://"), word.find('?')) {
        (Some(scheme), Some(query)) if scheme < query => &word[..query],
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_stay_on_one_line_and_keep_no_secrets() {
        assert_eq!(
            one_line("denied:\r\n\u{1b}[31m see\u{202e} https://s.example/b?X-Sig=abc now"),
            "denied: [31m see https://s.example/b now"
        );
        assert_eq!(one_line(&"x".repeat(10_000)).chars().count(), 401);
        assert_eq!(one_line("really?"), "really?");
    }
}
