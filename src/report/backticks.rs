//! Messages put names between backticks, for formats that can show code.

/// A part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Plain words.
    Words(&'a str),
    /// What stood between backticks.
    Code(&'a str),
}

/// The parts of a message. Without pairs of backticks, or with nothing in a pair, the whole of it is words.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let pieces: Vec<&str> = text.split('`').collect();
    let paired = !pieces.len().is_multiple_of(2);
    if !paired || pieces.iter().skip(1).step_by(2).any(|code| code.is_empty()) {
        return vec![Part::Words(text)];
    }
    let pieces = pieces.into_iter().enumerate();
    pieces
        .map(|(index, piece)| match index % 2 {
            0 => Part::Words(piece),
            _ => Part::Code(piece),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_backticks_hold_code() {
        assert_eq!(
            parts("use `a` now"),
            [Part::Words("use "), Part::Code("a"), Part::Words(" now")]
        );
        for text in ["`a` `b", "`` is empty", ""] {
            assert_eq!(parts(text), [Part::Words(text)]);
        }
    }
}
