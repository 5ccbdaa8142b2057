//! Text out of bytes: what PowerShell writes as UTF-16, and logs that are stored with gzip.

use std::cell::OnceCell;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;

/// The first bytes of a gzip file (RFC 1952, section 2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b];
/// How many bytes tell text from data.
const HEAD: usize = 8 << 10;

/// The text of an input.
pub(super) enum Decoded<R: BufRead> {
    /// The input, as UTF-8 where a byte order mark says that it is UTF-16.
    Text(R),
    /// Data that is no text.
    Binary,
    /// Nothing at all.
    Empty,
}

/// Why the compressed rest of an input was not read; it is told while the input is read.
#[derive(Clone, Default)]
pub(super) struct Damage(Rc<OnceCell<String>>);

impl Damage {
    pub(super) fn told(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// Compressed data that ends where it is damaged: what stands before the damage is worth reading.
struct UntilDamage<R> {
    content: MultiGzDecoder<R>,
    damage: Damage,
}

impl<R: BufRead> Read for UntilDamage<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        if self.damage.told().is_some() {
            return Ok(0);
        }
        match self.content.read(buffer) {
            Err(error) if matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) => {
                self.damage.0.get_or_init(|| error.to_string());
                Ok(0)
            }
            read => read,
        }
    }
}

/// Reads an input as text. It is taken for data where its beginning holds a zero byte, which no text has, or where it is
/// compressed and damaged from its beginning on.
pub(super) fn decode<'a>(
    mut input: impl BufRead + 'a,
    damage: &Damage,
) -> io::Result<Decoded<Box<dyn BufRead + 'a>>> {
    let magic = beginning(&mut input, GZIP.len())?;
    let is_gzip = magic == GZIP;
    let whole = Cursor::new(magic).chain(input);
    let whole: Box<dyn BufRead + 'a> = if is_gzip {
        Box::new(BufReader::new(UntilDamage {
            content: MultiGzDecoder::new(whole),
            damage: damage.clone(),
        }))
    } else {
        Box::new(whole)
    };
    let mut text = BufReader::new(
        DecodeReaderBytesBuilder::new()
            .bom_sniffing(true)
            .strip_bom(true)
            .build(whole),
    );
    let head = beginning(&mut text, HEAD)?;
    Ok(if head.is_empty() && damage.told().is_some() {
        Decoded::Binary
    } else if head.is_empty() {
        Decoded::Empty
    } else if head.contains(&0) {
        Decoded::Binary
    } else {
        Decoded::Text(Box::new(Cursor::new(head).chain(text)))
    })
}

/// The first bytes that come, at most `count`.
fn beginning(input: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    input.take(count as u64).read_to_end(&mut read)?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn text_of(input: &[u8]) -> Option<String> {
        match decode(input, &Damage::default()).expect("a slice can be read") {
            Decoded::Text(mut text) => {
                let mut read = String::new();
                text.read_to_string(&mut read).expect("text");
                Some(read)
            }
            Decoded::Binary | Decoded::Empty => None,
        }
    }

    #[test]
    fn text_stays_what_it_is() {
        assert_eq!(text_of("naïve\n".as_bytes()).as_deref(), Some("naïve\n"));
        assert_eq!(text_of("\u{feff}a".as_bytes()).as_deref(), Some("a"));
    }

    #[test]
    fn utf_16_is_read() {
        for (mark, order) in [
            ([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]),
            ([0xfe, 0xff], u16::to_be_bytes),
        ] {
            let mut bytes = mark.to_vec();
            bytes.extend("not found".encode_utf16().flat_map(order));
            assert_eq!(text_of(&bytes).as_deref(), Some("not found"));
        }
    }

    #[test]
    fn gzip_is_read() {
        let mut written = GzEncoder::new(Vec::new(), Compression::fast());
        written.write_all(b"not found").expect("a vector");
        let bytes = written.finish().expect("a vector");
        assert_eq!(text_of(&bytes).as_deref(), Some("not found"));
    }

    #[test]
    fn gzip_is_read_as_far_as_it_goes() {
        let mut written = GzEncoder::new(Vec::new(), Compression::fast());
        written.write_all(b"not found").expect("a vector");
        let mut bytes = written.finish().expect("a vector");
        bytes.extend(GZIP);
        bytes.extend(b"and no more");
        let damage = Damage::default();
        let Ok(Decoded::Text(mut text)) = decode(bytes.as_slice(), &damage) else {
            panic!("its beginning is text");
        };
        let mut read = String::new();
        text.read_to_string(&mut read).expect("what can be read");
        assert_eq!(read, "not found");
        assert_eq!(damage.told(), Some("invalid gzip header"));
    }

    #[test]
    fn gzip_that_is_damaged_from_its_beginning_on_is_data() {
        let damage = Damage::default();
        assert!(matches!(
            decode(&b"\x1f\x8bno gzip"[..], &damage),
            Ok(Decoded::Binary)
        ));
        assert!(damage.told().is_some());
    }

    #[test]
    fn data_and_nothing_are_told_apart() {
        assert!(matches!(
            decode(&b"\x7fELF\x02\x01\x01\0"[..], &Damage::default()),
            Ok(Decoded::Binary)
        ));
        assert!(matches!(
            decode(&b""[..], &Damage::default()),
            Ok(Decoded::Empty)
        ));
    }
}
