//! Which questions are left, and which are under way.

use std::collections::{BTreeMap, btree_map};
use std::iter::Enumerate;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Want;
use crate::oci::Reference;

/// How far a round of questions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// How many answers there are.
    pub done: usize,
    /// The question that has been under way for longest.
    pub longest: Option<&'a Reference>,
}

/// A question with its number.
pub(super) type Numbered = (usize, (Reference, Want));

/// The questions of a round, each of which is put once.
#[derive(Debug)]
pub(super) struct Pending(Mutex<State>);

#[derive(Debug)]
struct State {
    left: Enumerate<btree_map::IntoIter<Reference, Want>>,
    /// In the order in which they were put.
    under_way: BTreeMap<usize, Reference>,
    done: usize,
}

impl Pending {
    /// All questions are left.
    pub fn new(questions: BTreeMap<Reference, Want>) -> Self {
        Self(Mutex::new(State {
            left: questions.into_iter().enumerate(),
            under_way: BTreeMap::new(),
            done: 0,
        }))
    }

    /// The next question, now under way, in place of the one that was `answered`.
    pub fn next(&self, answered: Option<usize>) -> Option<Numbered> {
        let mut state = self.state();
        if let Some(number) = answered {
            state.under_way.remove(&number);
            state.done += 1;
        }
        let (number, (reference, want)) = state.left.next()?;
        state.under_way.insert(number, reference.clone());
        Some((number, (reference, want)))
    }

    /// How many are answered, and which of the others has been under way for longest.
    pub fn asked(&self) -> (usize, Option<Reference>) {
        let state = self.state();
        (state.done, state.under_way.values().next().cloned())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Depth;

    #[test]
    fn the_first_question_without_an_answer_is_waited_for() {
        let [a, b, c] = ["a.io/a", "b.io/b", "c.io/c"].map(|name| {
            let reference: Reference = name.parse().expect("a reference");
            reference
        });
        let questions = [&a, &b, &c].map(|name| (name.clone(), (Depth::Manifest, None)));
        let pending = Pending::new(questions.into());
        let number = |next: Option<Numbered>| next.map(|(number, _)| number);
        assert_eq!(number(pending.next(None)), Some(0));
        assert_eq!(number(pending.next(None)), Some(1));
        assert_eq!(pending.asked(), (0, Some(a.clone())));
        assert_eq!(number(pending.next(Some(1))), Some(2));
        assert_eq!(pending.asked(), (1, Some(a)));
        assert_eq!(number(pending.next(Some(0))), None);
        assert_eq!(pending.asked(), (2, Some(c)));
        assert_eq!(number(pending.next(Some(2))), None);
        assert_eq!(pending.asked(), (3, None));
    }
}
