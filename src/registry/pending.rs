//! Which questions are under way.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::oci::Reference;

/// How far a round of questions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// How many answers there are.
    pub done: usize,
    /// The question that has been under way for longest.
    pub longest: Option<&'a Reference>,
}

/// The questions under way, in the order in which they were put.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<BTreeMap<usize, Reference>>);

impl Pending {
    /// Notes that a question is put. Gives the one that has been under way for longest, where that is news.
    pub fn begin(&self, number: usize, reference: &Reference) -> Option<Reference> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.insert(number, reference.clone());
        (pending.len() == 1).then(|| reference.clone())
    }

    /// Notes that a question is answered. Gives the one that has been under way for longest of those that are left.
    pub fn end(&self, number: usize) -> Option<Reference> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.remove(&number);
        pending.values().next().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_question_without_an_answer_is_waited_for() {
        let [a, b, c] = ["a.io/a", "b.io/b", "c.io/c"].map(|name| {
            let reference: Reference = name.parse().expect("a reference");
            reference
        });
        let pending = Pending::default();
        assert_eq!(pending.begin(0, &a), Some(a.clone()));
        assert_eq!(pending.begin(1, &b), None);
        assert_eq!(pending.begin(2, &c), None);
        assert_eq!(pending.end(1), Some(a));
        assert_eq!(pending.end(0), Some(c));
        assert_eq!(pending.end(2), None);
    }
}
