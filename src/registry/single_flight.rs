//! Does a piece of work once, however many ask for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Results by key. Those who ask while the work is under way wait for it; those who ask later get the same result.
#[derive(Debug)]
pub(super) struct SingleFlight<K, V> {
    cells: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self {
            cells: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash, V: Clone> SingleFlight<K, V> {
    /// The result for `key`, and whether somebody else's work gave it. Work that is dropped before its end, because its
    /// deadline passed, leaves no result behind.
    pub async fn get_or(&self, key: K, work: impl Future<Output = V>) -> (V, bool) {
        let cell = Arc::clone(
            self.cells
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(key)
                .or_default(),
        );
        let mut shared = true;
        let value = cell
            .get_or_init(|| {
                shared = false;
                work
            })
            .await
            .clone();
        (value, shared)
    }

    /// Forgets the result for `key` if it is one that `is_stale` says.
    pub fn forget_if(&self, key: &K, is_stale: impl Fn(&V) -> bool) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if cells
            .get(key)
            .and_then(|cell| cell.get())
            .is_some_and(is_stale)
        {
            cells.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn work_is_done_once_until_it_is_forgotten() {
        let flights = SingleFlight::default();
        let runs = AtomicUsize::new(0);
        let work = || async { runs.fetch_add(1, Ordering::Relaxed) };
        let (first, second) =
            tokio::join!(flights.get_or("a", work()), flights.get_or("a", work()));
        assert_eq!((first.0, second.0), (0, 0));
        assert!(!first.1 && second.1);
        flights.forget_if(&"a", |value| *value == 7);
        assert_eq!(flights.get_or("a", work()).await, (0, true));
        flights.forget_if(&"a", |value| *value == 0);
        assert_eq!(flights.get_or("a", work()).await, (1, false));
    }
}
