//! Bodies that a server compressed by itself, and bombs among them.

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::answer::Answer;
use super::server::Request;
use super::{FOUND, faults, registry, unknown};

/// The plain bytes of a bomb: so many that a client that unpacks them all is seen by its memory.
const BOMB: usize = 256 * 1024 * 1024;

fn gzip(blocks: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    for block in blocks {
        gzip.write_all(&block).expect("memory");
    }
    gzip.finish().expect("memory")
}

/// Spaces, which JSON may begin with, as many as there may be.
fn gzip_of_spaces() -> Vec<u8> {
    static GZIP: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let block = 1024 * 1024;
        gzip((0..BOMB / block).map(|_| vec![b' '; block]))
    });
    GZIP.clone()
}

/// A manifest with this body, said to be gzip; the rest as it is.
fn coded(request: &Request, coding: &str, body: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Answer {
    if request.manifest().is_none() {
        return request.good();
    }
    let (_, plain) = request.good().parts("1.1", None);
    request
        .good()
        .header("Content-Encoding", coding)
        .body(body(plain))
}

faults! {
    /// A manifest in gzip, which nobody asked for and the protocol allows.
    gzenc: FOUND,
        registry(|request| coded(request, "gzip", |plain| gzip(std::iter::once(plain))));
    /// A manifest that is said to be gzip and is not.
    gzip_that_is_none: unknown("malformed"),
        registry(|request| coded(request, "gzip", |plain| plain));
    /// Gzip that breaks off.
    gzip_cut: unknown("malformed"), registry(|request| coded(request, "gzip", |plain| {
        let whole = gzip(std::iter::once(plain));
        whole[..whole.len() / 2].to_vec()
    }));
    /// A manifest in a coding that nobody asked for or knows.
    unknown_coding: unknown("malformed"),
        registry(|request| coded(request, "br", |_| vec![0x0b, 0x02, 0x80, 0x41, 0x03]));
    /// A manifest of 256 megabytes of spaces, in gzip.
    bombenc: unknown("malformed"), registry(|request| coded(request, "gzip", |_| gzip_of_spaces()));
    /// An error document of the same size.
    bomb_in_error: super::FORBIDDEN, registry(|_| {
        super::answer::whole(403).header("Content-Encoding", "gzip").body(gzip_of_spaces())
    });
    /// A layer that is a bomb. Whether it is there is all that is asked.
    bomb: FOUND, registry(|request| {
        let layer = super::server::good_image().blobs[0].digest();
        match request.blob() {
            Some(digest) if digest == layer.as_str() && !request.is_head() => {
                super::answer::whole(200).body(gzip_of_spaces())
            }
            _ => request.good(),
        }
    }).with_blobs();
}
