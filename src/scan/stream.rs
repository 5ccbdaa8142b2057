//! From a registry's pieces, or a file, to a reader on a thread of its own.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes as Piece};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::spawn_blocking;

use super::layer::{Expected, LayerFacts, Stop, read_layer};
use crate::facts::{Answer, Failure, FailureReason};
use crate::oci::Bytes;
use crate::registry::LayerBlob;

/// How many batches of the network wait to be read. A batch has about a megabyte, as the registry client gathers it.
const BATCHES: usize = 2;

/// Reads a layer. The thread that reads is not one of those that wait for the network.
pub(super) async fn read_from(
    blob: LayerBlob<'_>,
    expected: Expected,
    pipelined: bool,
) -> Result<LayerFacts, Stop> {
    match blob {
        LayerBlob::File(file) => {
            let work = spawn_blocking(move || read_layer(file, &expected, pipelined));
            work.await
                .unwrap_or_else(|_| Err(broken("the reading thread ended early")))
        }
        LayerBlob::Download(download) => {
            let (sink, batches) = channel(BATCHES);
            let reader = Pieces {
                batches,
                batch: Vec::new().into_iter(),
                current: Piece::new(),
            };
            let work = spawn_blocking(move || read_layer(reader, &expected, pipelined));
            let (poured, facts) = tokio::join!(download.pour(sink), work);
            match poured {
                Answer::Found(()) => {
                    facts.unwrap_or_else(|_| Err(broken("the reading thread ended early")))
                }
                Answer::Refused(refusal) => Err(Stop::Missing(Answer::Refused(refusal))),
                Answer::Undetermined(failure) => Err(Stop::Missing(Answer::Undetermined(failure))),
            }
        }
    }
}

/// The failure of a source that broke off.
pub(super) fn broken(detail: &str) -> Stop {
    Stop::Missing(Answer::<Bytes>::Undetermined(Failure {
        reason: FailureReason::Connect,
        detail: detail.to_owned(),
        retry_after: None,
        respondent: None,
    }))
}

/// Batches of pieces of the network as one stream.
struct Pieces {
    batches: Receiver<Vec<Piece>>,
    batch: std::vec::IntoIter<Piece>,
    current: Piece,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.batch.next() {
                Some(piece) => self.current = piece,
                None => match self.batches.blocking_recv() {
                    Some(batch) => self.batch = batch.into_iter(),
                    None => return Ok(0),
                },
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current
            .copy_to_slice(buffer.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}
