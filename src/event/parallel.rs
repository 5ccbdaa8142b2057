//! The same work on all processors.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// Fewer items than this are worked through sooner than threads are started.
const WORTH_THREADS: usize = 64;

/// The results of `work` on portions of `items`, one for each processor, in their order.
pub(super) fn in_portions<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    // To ask for the number of processors takes longer than to work through a few items.
    if items.len() < WORTH_THREADS {
        return vec![work(items)];
    }
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    if threads == 1 {
        return vec![work(items)];
    }
    let work = &work;
    thread::scope(|scope| {
        let running: Vec<_> = items
            .chunks(items.len().div_ceil(threads))
            .map(|portion| scope.spawn(move || work(portion)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_stand_in_the_order_of_the_items() {
        for length in [0, 1, WORTH_THREADS, 1000] {
            let items: Vec<usize> = (0..length).collect();
            let together: Vec<usize> = in_portions(&items, <[usize]>::to_vec).concat();
            assert_eq!(together, items);
        }
    }
}
