//! The least that reading layers takes: two threads that each hash a blob, decompress it, hash what comes out and walk it as a
//! tar archive, and do nothing else.
//!
//! `bound FILE…`, each a layer compressed with gzip. Built and run by `run.py`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads files and prints"
)]

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

const THREADS: usize = 2;
const PIECE: usize = 128 * 1024;

/// Hashes what is read.
struct Hashing<R> {
    reader: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

fn hashing<R: Read>(reader: R) -> Hashing<R> {
    Hashing {
        reader,
        hasher: Sha256::new(),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds a word of its own.
    let files: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let next = AtomicUsize::new(0);
    let counts: Result<Vec<usize>, String> = thread::scope(|scope| {
        let work = || -> Result<usize, String> {
            let mut entries = 0;
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                entries += layer(file).map_err(|error| format!("{file}: {error}"))?;
            }
            Ok(entries)
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err("a thread broke".to_owned()))
            })
            .collect()
    });
    println!("{} entries", counts?.into_iter().sum::<usize>());
    Ok(())
}

/// How many entries a layer has.
fn layer(path: &str) -> io::Result<usize> {
    let compressed = BufReader::with_capacity(PIECE, hashing(File::open(path)?));
    let plain = hashing(MultiGzDecoder::new(compressed));
    let mut archive = tar::Archive::new(BufReader::with_capacity(PIECE, plain));
    let mut entries = 0;
    for entry in archive.entries()? {
        entry?;
        entries += 1;
    }
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(entries)
}
