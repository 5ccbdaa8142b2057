//! The signs of this program's own sentences, for terminals that show ASCII only.

use std::borrow::Cow;

/// The signs, and what stands for them.
const SIGNS: [(char, &str); 6] = [
    ('…', "..."),
    ('–', "-"),
    ('—', "-"),
    ('→', "->"),
    ('×', "x"),
    ('·', "-"),
];

/// The text with ASCII for each sign. Names and source lines keep the letters of their language.
#[must_use]
pub fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match SIGNS.iter().find(|(sign, _)| *sign == c) {
            Some((_, ascii)) => shown.push_str(ascii),
            None => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_become_ascii_and_letters_stay() {
        assert_eq!(in_ascii("1 → 2 – `@sha256:…`"), "1 -> 2 - `@sha256:...`");
        assert_eq!(in_ascii("müde"), "müde");
    }
}
