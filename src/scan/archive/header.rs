//! The header block of one member.

/// The bytes of a block.
pub(super) const BLOCK: usize = 512;

/// A member that is about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    /// GNU: the path.
    LongPath,
    /// GNU: the target of a link.
    LongTarget,
    /// POSIX: extended headers.
    Extended,
    /// POSIX: extended headers of all that follow.
    Global,
}

/// What a header block says.
#[derive(Debug)]
pub(super) struct Header {
    /// The `typeflag`.
    pub kind: u8,
    pub path: Vec<u8>,
    pub target: Vec<u8>,
    /// The stored bytes.
    pub bytes: u64,
    /// For an old GNU sparse file, the bytes with its holes.
    pub real_bytes: Option<u64>,
}

impl Header {
    /// Reads a block; nothing where Go would refuse it.
    pub fn parse(block: &[u8]) -> Option<Self> {
        let sum = number(&block[148..156])?;
        let as_blank = |at: usize, byte: u8| if (148..156).contains(&at) { b' ' } else { byte };
        let bytes = block
            .iter()
            .enumerate()
            .map(|(at, byte)| as_blank(at, *byte));
        // Some old programs summed signed bytes.
        let (unsigned, signed) = bytes.fold((0_i64, 0_i64), |(unsigned, signed), byte| {
            (
                unsigned + i64::from(byte),
                signed + i64::from(byte.cast_signed()),
            )
        });
        if sum != unsigned && sum != signed {
            return None;
        }
        // Mode, owner, group and time must be numbers as well.
        for field in [100..108, 108..116, 116..124, 136..148] {
            number(&block[field])?;
        }
        let kind = block[156];
        let is_posix = &block[257..263] == b"ustar\0";
        let is_star = is_posix && &block[508..512] == b"tar\0";
        let is_gnu = &block[257..265] == b"ustar  \0";
        let prefix = match (is_star, is_posix) {
            (true, _) => text(&block[345..476]),
            (_, true) => text(&block[345..500]),
            _ => &[],
        };
        let name = text(&block[..100]);
        let path = if prefix.is_empty() {
            name.to_vec()
        } else {
            [prefix, b"/", name].concat()
        };
        let real_bytes = if kind == b'S' {
            // Only GNU's own format has the fields.
            let real = number(&block[483..495]).filter(|_| is_gnu)?;
            Some(u64::try_from(real).ok()?)
        } else {
            None
        };
        Some(Self {
            kind,
            path,
            target: text(&block[157..257]).to_vec(),
            bytes: u64::try_from(number(&block[124..136])?).ok()?,
            real_bytes,
        })
    }

    /// What it is where it is about the next member.
    pub const fn special(&self) -> Option<Special> {
        match self.kind {
            b'L' => Some(Special::LongPath),
            b'K' => Some(Special::LongTarget),
            b'x' => Some(Special::Extended),
            b'g' => Some(Special::Global),
            _ => None,
        }
    }
}

/// A field up to its NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number: octal digits, or binary where the highest bit is set (GNU tar manual, "Large or Negative Values").
fn number(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => binary(field),
        _ => octal(field),
    }
}

/// Two's complement; the first bit only marks the form.
fn binary(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    let is_negative = first & 0x40 != 0;
    let start = i128::from(first & 0x3f) - if is_negative { 0x40 } else { 0 };
    let value = rest.iter().try_fold(start, |value, byte| {
        let next = value * 256 + i128::from(*byte);
        (i64::try_from(next).is_ok()).then_some(next)
    })?;
    i64::try_from(value).ok()
}

fn octal(field: &[u8]) -> Option<i64> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !is_blank(byte));
    let Some(start) = start else {
        return Some(0);
    };
    let end = field.iter().rposition(|byte| !is_blank(byte))? + 1;
    let digits = text(&field[start..end]);
    digits.iter().try_fold(0_i64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value.checked_mul(8)?.checked_add(i64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        for (field, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"  644 \0\0", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"0000648\0", None),
            (b"-000001\0", None),
            (b"77777777777\0", Some(0o77_777_777_777)),
            (b"\x80\0\0\0\0\0\0\x01\0\0\0\0", Some(1 << 32)),
            (
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                Some(-1),
            ),
            (b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
        ] {
            assert_eq!(number(field), value, "{field:?}");
        }
    }
}
