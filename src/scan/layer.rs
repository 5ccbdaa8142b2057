//! Reads one layer from its first byte to its last, and keeps nothing but what its entries say.

use std::io::{self, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::archive::{ArchiveFault, Walk};
use super::decompress::Plain;
use super::entries::{Collector, Entries, TooMany};
use super::stream::broken;
use crate::facts::{Answer, Damage, LayerSummary};
use crate::oci::{Bytes, Digest, Hasher};

/// How much is read, or decompressed, at a time.
const PIECE: usize = 128 * 1024;
/// How many decompressed pieces wait to be looked at.
const PIECES: usize = 4;

/// What a layer is held to.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// The digest of the blob.
    pub digest: Digest,
    /// Its bytes.
    pub size: Bytes,
    pub limits: Limits,
}

/// How far a layer may expand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The most bytes that may come out, and that files may be declared to have.
    pub unpacked: u64,
    /// The most bytes that may come out for one that goes in, ...
    pub ratio: u64,
    /// ... once so many have come out.
    pub ratio_from: u64,
}

impl Default for Limits {
    /// No node has room for 200 GB of one layer: Google's largest image with weights has a tenth. Deflate can't do more than
    /// 1032 to 1, and real layers have less than 20 to 1; small ones that are full of zeros are harmless.
    fn default() -> Self {
        Self {
            unpacked: 200_000_000_000,
            ratio: 200,
            ratio_from: 1 << 30,
        }
    }
}

/// What a whole and sound layer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LayerFacts {
    /// The bytes of the blob, which manifests may declare differently.
    pub blob: Bytes,
    /// The digest of what comes out.
    pub diff_id: Digest,
    pub summary: LayerSummary,
    pub entries: Entries,
}

/// Why a layer could not be read to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is damaged.
    Damage(Damage),
    /// It could not be fetched.
    Missing(Answer<Bytes>),
}

/// Reads a layer. With `pipelined`, a second thread looks at what this one decompresses.
pub(super) fn read_layer(
    blob: impl Read + Send,
    expected: &Expected,
    pipelined: bool,
) -> Result<LayerFacts, Stop> {
    let meter = Meter::new(expected);
    let mut blob = Metered {
        blob,
        meter: &meter,
    };
    let outcome = if pipelined {
        unpack_pipelined(&mut blob, expected, &meter)
    } else {
        unpack(&mut blob, expected, &meter)
    };
    // What follows the archive, or its first fault, belongs to the blob too. A damaged blob explains all else.
    let drained = io::copy(&mut blob, &mut io::sink());
    match meter.verdict(expected) {
        Verdict::Broken(error) => return Err(broken(&error.to_string())),
        Verdict::Damaged(damage) => return Err(Stop::Damage(damage)),
        Verdict::Sound => drop(drained.map_err(|error| broken(&error.to_string()))?),
    }
    outcome.map_err(Stop::Damage)
}

/// What has come in.
struct Meter {
    bytes: AtomicU64,
    declared: u64,
    rest: Mutex<(Option<Hasher>, Option<io::Error>)>,
}

enum Verdict {
    Sound,
    Damaged(Damage),
    Broken(io::Error),
}

impl Meter {
    fn new(expected: &Expected) -> Self {
        Self {
            bytes: AtomicU64::new(0),
            declared: expected.size.0,
            rest: Mutex::new((Some(Hasher::like(&expected.digest)), None)),
        }
    }

    fn verdict(&self, expected: &Expected) -> Verdict {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = rest.1.take() {
            return Verdict::Broken(error);
        }
        let bytes = self.bytes.load(Ordering::Relaxed);
        if bytes != self.declared {
            return Verdict::Damaged(Damage::Size {
                declared: expected.size,
                more: bytes > self.declared,
            });
        }
        match rest.0.take().map(Hasher::finish) {
            Some(actual) if actual != expected.digest => {
                Verdict::Damaged(Damage::Digest { actual })
            }
            _ => Verdict::Sound,
        }
    }
}

/// A blob that is hashed and counted while it is read. It ends where it has more bytes than are declared.
struct Metered<'a, R> {
    blob: R,
    meter: &'a Meter,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let meter = self.meter;
        if meter.bytes.load(Ordering::Relaxed) > meter.declared {
            return Ok(0);
        }
        let mut rest = meter.rest.lock().unwrap_or_else(PoisonError::into_inner);
        match self.blob.read(buffer) {
            Ok(count) => {
                if let Some(hasher) = &mut rest.0 {
                    hasher.update(buffer.get(..count).unwrap_or_default());
                }
                meter.bytes.fetch_add(count as u64, Ordering::Relaxed);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let words = io::Error::other(error.to_string());
                rest.1.get_or_insert(error);
                Err(words)
            }
        }
    }
}

/// What comes out: it is hashed, walked and counted.
struct Unpacked<'a> {
    hasher: Hasher,
    walk: Walk,
    collector: Collector,
    bytes: u64,
    limits: Limits,
    expected_bytes: Bytes,
    meter: &'a Meter,
}

impl<'a> Unpacked<'a> {
    fn new(expected: &Expected, meter: &'a Meter) -> Self {
        Self {
            // Configs have diff IDs of sha256 only (containerd `core/unpack/unpacker.go`).
            hasher: Hasher::sha256(),
            walk: Walk::default(),
            collector: Collector::default(),
            bytes: 0,
            limits: expected.limits,
            expected_bytes: expected.size,
            meter,
        }
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), Damage> {
        self.hasher.update(piece);
        self.bytes += piece.len() as u64;
        let compressed = self.meter.bytes.load(Ordering::Relaxed);
        let (limits, collector) = (self.limits, &mut self.collector);
        let bomb = |unpacked| Damage::Bomb {
            compressed: Bytes(compressed),
            unpacked: Bytes(unpacked),
        };
        let expands =
            self.bytes > limits.ratio_from && self.bytes / limits.ratio > compressed.max(1);
        if expands || self.bytes > limits.unpacked {
            return Err(bomb(self.bytes));
        }
        self.walk.feed(piece, &mut |member| {
            collector.add(member)?;
            if collector.unpacked > limits.unpacked {
                return Err(bomb(collector.unpacked));
            }
            Ok(())
        })
    }

    fn finish(self) -> Result<LayerFacts, Damage> {
        self.walk.finish()?;
        let collector = self.collector;
        Ok(LayerFacts {
            // A sound blob has as many as are declared.
            blob: self.expected_bytes,
            diff_id: self.hasher.finish(),
            summary: LayerSummary {
                unpacked: Bytes(collector.unpacked),
                escaping: collector.escaping,
                first_escaping: collector.first_escaping.clone(),
            },
            entries: collector.finish(),
        })
    }
}

impl From<ArchiveFault> for Damage {
    fn from(fault: ArchiveFault) -> Self {
        Self::Archive(fault.to_string())
    }
}

impl From<TooMany> for Damage {
    fn from(_: TooMany) -> Self {
        Self::Archive("it has more entries than a node could hold".to_owned())
    }
}

fn unpack(
    blob: &mut (impl Read + Send),
    expected: &Expected,
    meter: &Meter,
) -> Result<LayerFacts, Damage> {
    let mut unpacked = Unpacked::new(expected, meter);
    let mut plain = open(blob)?;
    let mut piece = vec![0; PIECE];
    loop {
        match read(&mut plain, &mut piece)? {
            0 => return unpacked.finish(),
            count => unpacked.take(piece.get(..count).unwrap_or_default())?,
        }
    }
}

/// Decompresses on this thread, and hashes and walks on another. Pieces go round between the two.
fn unpack_pipelined(
    blob: &mut (impl Read + Send),
    expected: &Expected,
    meter: &Meter,
) -> Result<LayerFacts, Damage> {
    let (full, filled) = sync_channel::<Vec<u8>>(PIECES);
    let (empty, emptied) = channel();
    thread::scope(|scope| {
        let taker = scope.spawn(move || {
            let mut unpacked = Unpacked::new(expected, meter);
            for piece in filled {
                unpacked.take(&piece)?;
                // Where the other side is done, nobody needs the piece.
                let _ = empty.send(piece);
            }
            unpacked.finish()
        });
        let given = decompress_into(blob, &full, &emptied);
        drop(full);
        let looked_at = taker
            .join()
            .unwrap_or_else(|_| Err(Damage::Archive("the walk ended early".to_owned())));
        given.and(looked_at)
    })
}

/// Ends early, and without a fault, where nobody takes the pieces any more: the other side knows why.
fn decompress_into(
    blob: &mut (impl Read + Send),
    full: &SyncSender<Vec<u8>>,
    emptied: &Receiver<Vec<u8>>,
) -> Result<(), Damage> {
    let mut plain = open(blob)?;
    loop {
        let mut piece = emptied.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let count = read(&mut plain, &mut piece)?;
        piece.truncate(count);
        if count == 0 || full.send(piece).is_err() {
            return Ok(());
        }
    }
}

fn open<R: Read>(blob: R) -> Result<Plain<BufReader<R>>, Damage> {
    Plain::new(BufReader::with_capacity(PIECE, blob)).map_err(|error| undecodable(&error))
}

/// Fills the piece as far as it goes.
fn read(plain: &mut impl Read, piece: &mut [u8]) -> Result<usize, Damage> {
    let mut filled = 0;
    while let Some(room) = piece.get_mut(filled..).filter(|room| !room.is_empty()) {
        match plain.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(undecodable(&error)),
        }
    }
    Ok(filled)
}

fn undecodable(error: &io::Error) -> Damage {
    Damage::Compression(match error.kind() {
        io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ => error.to_string(),
    })
}

#[cfg(test)]
mod tests;
