//! The same work for many documents, on all processors.

use std::num::NonZero;
use std::sync::Mutex;
use std::thread;

use crate::text::yaml::Document;

/// Texts below this length, in bytes, are read sooner than threads are started.
const WORTH_THREADS: usize = 1 << 20;

/// How many portions each thread takes, so that none waits long for another with larger documents.
const PORTIONS: usize = 16;

/// The results of `work` on each document, in their order.
pub(super) fn in_parallel<R: Send>(
    documents: &[Document<'_>],
    work: impl Fn(&Document<'_>) -> R + Sync,
) -> Vec<R> {
    let length: usize = documents.iter().map(|document| document.text().len()).sum();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    if length < WORTH_THREADS || documents.len() == 1 || threads == 1 {
        return documents.iter().map(work).collect();
    }
    let portion = documents.len().div_ceil(threads * PORTIONS);
    let next = Mutex::new(documents.chunks(portion).enumerate());
    let results = Mutex::new(Vec::new());
    let take = || next.lock().ok().and_then(|mut portions| portions.next());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, documents)) = take() {
                    let portion: Vec<R> = documents.iter().map(&work).collect();
                    if let Ok(mut results) = results.lock() {
                        results.push((index, portion));
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(index, _)| *index);
    results
        .into_iter()
        .flat_map(|(_, portion)| portion)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::yaml::documents;

    #[test]
    fn results_stand_in_the_order_of_the_documents() {
        let texts: Vec<_> = (0..2000)
            .map(|number| format!("---\n{number}{}\n", " ".repeat(1000)))
            .collect();
        let text = texts.concat();
        let documents: Vec<_> = documents(&text).collect();
        let numbers = in_parallel(&documents, |document| {
            document.text()[4..].trim().to_owned()
        });
        let expected: Vec<_> = (0..2000).map(|number| number.to_string()).collect();
        assert_eq!(numbers, expected);
    }
}
