//! The content of a layer, as it comes in.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use reqwest::{Response, StatusCode, header};
use tokio::sync::mpsc::Sender;
use tokio::time::timeout;

use super::Registry;
use super::classify::classify;
use super::host::Wire;
use super::request::Question;
use super::setback::{Setback, failure};
use super::transport::Reply;
use super::ways::Ways;
use crate::facts::{Answer, FailureReason};
use crate::oci::{Descriptor, Digest, Reference};

/// Where the content of a layer comes from.
pub enum LayerBlob<'a> {
    /// A file of a layout, or a part of an archive.
    File(Box<dyn Read + Send>),
    /// A registry.
    Download(Download<'a>),
}

/// A layer that a registry has.
#[derive(Debug)]
pub struct Download<'a> {
    ways: Arc<Ways>,
    wire: &'a Wire,
    repository: &'a str,
    digest: &'a Digest,
}

impl Registry {
    /// Where the content of a layer comes from. A registry is not asked yet.
    pub fn layer<'a>(
        &'a self,
        reference: &'a Reference,
        layer: &'a Descriptor,
    ) -> Answer<LayerBlob<'a>> {
        match self.0.layout(reference) {
            Some(layout) => layout.open_blob(&layer.digest).map(LayerBlob::File).into(),
            None => match self.0.routes.to(reference) {
                Ok(ways) => Answer::Found(LayerBlob::Download(Download {
                    ways: Arc::new(ways),
                    wire: &self.0.ourselves.wire,
                    repository: reference.repository(),
                    digest: &layer.digest,
                })),
                Err(setback) => Err(setback).into(),
            },
        }
    }

    /// What an earlier run found in the layer with that digest, in the words of [`Self::remember`].
    #[must_use]
    pub fn recall(&self, layer: &Digest, limit: usize) -> Option<Vec<u8>> {
        let facts = self.0.ourselves.wire.cache.as_ref()?.facts(layer, limit)?;
        self.0.ourselves.wire.transport.counters.cache_hit();
        Some(facts)
    }

    /// Drops what was longest unused, where the cache has grown too large.
    pub fn prune(&self) {
        if let Some(cache) = &self.0.ourselves.wire.cache {
            cache.prune();
        }
    }

    /// Keeps what was found in a sound layer for later runs.
    pub fn remember(&self, layer: &Digest, facts: &[u8]) {
        if let Some(cache) = &self.0.ourselves.wire.cache {
            cache.keep_facts(layer, facts);
        }
    }
}

/// How many bytes are given on together. Each time wakes a thread on the other side, and that one us.
const BATCH_BYTES: usize = 1 << 20;
/// How many pieces are given on together: each, however small, may keep a whole buffer of the connection.
const BATCH_PIECES: usize = 16;

/// Pieces of the network on their way to whoever reads them, gathered until they are worth a thread's while.
struct Batch {
    pieces: Vec<Bytes>,
    bytes: usize,
    sink: Sender<Vec<Bytes>>,
}

/// Nobody takes what is given any more.
struct Unwanted;

impl Batch {
    async fn add(&mut self, piece: Bytes) -> Result<(), Unwanted> {
        self.bytes += piece.len();
        self.pieces.push(piece);
        if self.bytes < BATCH_BYTES && self.pieces.len() < BATCH_PIECES {
            return Ok(());
        }
        self.give().await
    }

    async fn give(&mut self) -> Result<(), Unwanted> {
        self.bytes = 0;
        let pieces = std::mem::take(&mut self.pieces);
        self.sink.send(pieces).await.map_err(|_| Unwanted)
    }
}

impl Download<'_> {
    /// Gives the content in batches of pieces, as fast as `sink` takes it, and stops when nobody takes it any more. Where
    /// the connection breaks, it goes on from there, as often as the settings say without a byte in between.
    ///
    /// What comes is not verified: whoever takes it knows the whole.
    pub async fn pour(self, sink: Sender<Vec<Bytes>>) -> Answer<()> {
        let mut given = 0;
        let mut tries = 0;
        let mut batch = Batch {
            pieces: Vec::new(),
            bytes: 0,
            sink,
        };
        loop {
            let before = given;
            let Err(setback) = self.pour_from(&mut given, &mut batch).await else {
                // Whoever takes nothing more has what there was to know.
                let _ = batch.give().await;
                return Answer::Found(());
            };
            tries = if given > before { 0 } else { tries + 1 };
            let is_refusal = matches!(setback, Setback::Refused(_));
            if is_refusal || given == 0 || tries > self.wire.retries {
                return Err(setback).into();
            }
        }
    }

    async fn pour_from(&self, given: &mut u64, batch: &mut Batch) -> Result<(), Setback> {
        let question = Question::Layer {
            repository: self.repository,
            digest: self.digest,
            from: *given,
        };
        let reply = self.ways.ask(self.wire, &question).boxed().await?;
        let host = reply.host.clone();
        // Some servers do not know ranges and begin anew.
        let mut skip = match reply.status {
            StatusCode::PARTIAL_CONTENT => 0,
            _ => *given,
        };
        let mut response = unread(reply)?;
        loop {
            let chunk = match timeout(self.wire.timeout, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(classify(&error, &host)),
                Err(_) => {
                    let seconds = self.wire.timeout.as_secs_f32();
                    let words = format!("nothing more of a layer from {host} for {seconds} s");
                    return Err(failure(FailureReason::Timeout, &words).into());
                }
            };
            self.wire.transport.counters.downloaded(chunk.len());
            let known = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.len());
            skip -= known as u64;
            let chunk = chunk.slice(known..);
            *given += chunk.len() as u64;
            if !chunk.is_empty() && batch.add(chunk).await.is_err() {
                return Ok(());
            }
        }
    }
}

fn unread(reply: Reply) -> Result<Response, Setback> {
    if let Some(coding) = reply.header(header::CONTENT_ENCODING.as_str())
        && coding != "identity"
    {
        return Err(Setback::malformed(&format!(
            "{} sends a layer with the content coding {coding}, which was not asked for",
            reply.host
        )));
    }
    let words = format!("{} sends no layer", reply.host);
    reply.unread.ok_or_else(|| Setback::malformed(&words))
}
