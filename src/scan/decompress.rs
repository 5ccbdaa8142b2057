//! Takes the compression off a layer. It is told by the first bytes and not by the media type, as in containerd
//! (`pkg/archive/compression/compression.go`, `DetectCompression`).

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

/// The largest window of zstd that is taken, as a power of two: 128 MiB, what `zstd --ultra -22` and `--long` use. It is what
/// decompression may need of memory.
const MAX_WINDOW_LOG: u32 = 27;

/// The plain bytes of a layer.
pub(super) enum Plain<R: BufRead> {
    Gzip(Box<MultiGzDecoder<R>>),
    Zstd(ZstdDecoder<'static, R>),
    /// The layer is not compressed.
    Tar(R),
}

impl<R: BufRead> Plain<R> {
    /// Looks at the first bytes.
    ///
    /// # Errors
    ///
    /// When they can't be had, or are those of a compression that container runtimes do not know.
    pub fn new(mut compressed: R) -> io::Result<Self> {
        let start = compressed.fill_buf()?;
        match start {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(compressed)))),
            // A frame, or a skippable one (RFC 8878, sections 3.1.1 and 3.1.2).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                let mut decoder = ZstdDecoder::with_buffer(compressed)?;
                decoder.window_log_max(MAX_WINDOW_LOG)?;
                Ok(Self::Zstd(decoder))
            }
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Err(unknown("xz")),
            [b'B', b'Z', b'h', ..] => Err(unknown("bzip2")),
            _ => Ok(Self::Tar(compressed)),
        }
    }
}

fn unknown(name: &str) -> io::Error {
    io::Error::other(format!(
        "it is compressed with {name}, and runtimes know gzip and zstd"
    ))
}

impl<R: BufRead> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::Tar(plain) => plain.read(buffer),
        }
    }
}
