//! Extended headers: `LENGTH KEY=VALUE\n`, as often as it takes.

/// What extended headers say of the next member, as far as it matters here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extended {
    pub path: Option<Vec<u8>>,
    pub target: Option<Vec<u8>>,
    /// The stored bytes.
    pub bytes: Option<u64>,
    /// The bytes of a sparse file with its holes (GNU tar manual, "PAX Format, Versions 0.0 and 0.1", "Version 1.0").
    pub real_bytes: Option<u64>,
}

impl Extended {
    /// Reads records; nothing where Go refuses them (`parsePAXRecord`, `validPAXRecord`).
    pub fn parse(mut text: &[u8]) -> Option<Self> {
        let mut extended = Self::default();
        let mut sparse_path = None;
        while !text.is_empty() {
            let (key, value, rest) = record(text)?;
            text = rest;
            if value.contains(&0) && matches!(key, b"path" | b"linkpath") {
                return None;
            }
            // An empty value takes back what an earlier header said.
            let words = (!value.is_empty()).then(|| value.to_vec());
            match key {
                b"path" => extended.path = words,
                b"linkpath" => extended.target = words,
                b"GNU.sparse.name" => sparse_path = words,
                b"size" if !value.is_empty() => {
                    extended.bytes = Some(decimal(value)?);
                }
                b"GNU.sparse.size" | b"GNU.sparse.realsize" if !value.is_empty() => {
                    extended.real_bytes = Some(decimal(value)?);
                }
                _ => {}
            }
        }
        extended.path = sparse_path.or(extended.path);
        Some(extended)
    }

    /// Adds what a further header says.
    pub fn join(&mut self, further: Self) {
        self.path = further.path.or(self.path.take());
        self.target = further.target.or(self.target.take());
        self.bytes = further.bytes.or(self.bytes);
        self.real_bytes = further.real_bytes.or(self.real_bytes);
    }
}

/// The first record, and what follows it. The length counts itself, the blank and the line's end.
fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = text.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&text[..blank])?).ok()?;
    if length <= blank + 1 || length > text.len() {
        return None;
    }
    let (record, rest) = text.split_at(length);
    let (end, record) = record[blank + 1..].split_last()?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    (*end == b'\n' && !key.is_empty() && !key.contains(&0)).then_some((key, value, rest))
}

fn decimal(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: i64 = str::from_utf8(text).ok()?.parse().ok()?;
    u64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_count_their_own_length() {
        let read = Extended::parse(b"12 path=a/b\n21 linkpath=target/1\n13 size=1234\n");
        let read = read.expect("records");
        assert_eq!(read.path.as_deref(), Some(&b"a/b"[..]));
        assert_eq!(read.target.as_deref(), Some(&b"target/1"[..]));
        assert_eq!(read.bytes, Some(1234));
    }

    #[test]
    fn records_that_go_refuses_are_refused() {
        for text in [
            &b"99 path=a\n"[..],
            b"0 path=a\n",
            b"11 path=a/b\n",
            b"path=a\n",
            b"13 size=-123\n",
            b"12 size=1e3\n",
            b"11 path=a\0b\n",
            b"31 size=99999999999999999999999\n",
        ] {
            assert!(Extended::parse(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text: Vec<u8>) {
            let _ = Extended::parse(&text);
        }
    }
}
