//! What the words of a message mean, found out once for messages of the same shape.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::class::Cause;
use super::clues::Clues;
use super::lookalike::lookalike;
use super::pattern::{causes_of, conditions_of, speaks_of_pulls};
use super::runtime::Runtime;
use super::shape::{core, shape};

/// The most shapes that are remembered. A cluster's events have some dozens.
const MAX_SHAPES: usize = 4096;

/// What the words of a message mean.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// The causes, the most probable first.
    pub causes: Vec<Cause>,
    /// Which program wrote it.
    pub runtime: Option<Runtime>,
    /// What to say where there is no cause.
    pub note: Option<&'static str>,
    /// Whether the message speaks of pulls at all.
    pub speaks_of_pulls: bool,
    /// The reason that the message gives, without what differs at every try.
    pub core: String,
}

impl Verdict {
    /// Reads the words of one message.
    pub fn of(clues: &Clues) -> Self {
        Self::of_shape(clues, &shape(clues))
    }

    fn of_shape(clues: &Clues, shape: &str) -> Self {
        let known = lookalike(shape);
        let causes = match known {
            Some(known) if !known.is_pull => Vec::new(),
            _ => causes_of(clues, shape),
        };
        Self {
            note: known.filter(|_| causes.is_empty()).map(|known| known.note),
            causes,
            runtime: Runtime::of(shape),
            speaks_of_pulls: speaks_of_pulls(clues.text.as_bytes()),
            core: core(shape),
        }
    }
}

/// The verdicts on the shapes that were seen, by shape and by the conditions that hold for the image.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    known: Mutex<HashMap<(String, u32), Arc<Verdict>>>,
}

impl Verdicts {
    /// The verdict on a message, from memory where one of the same shape was read before.
    pub fn of(&self, clues: &Clues) -> Arc<Verdict> {
        let key = (shape(clues), conditions_of(clues));
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verdict) = known().get(&key) {
            return Arc::clone(verdict);
        }
        let verdict = Arc::new(Verdict::of_shape(clues, &key.0));
        let mut known = known();
        if known.len() < MAX_SHAPES {
            known.insert(key, Arc::clone(&verdict));
        }
        verdict
    }
}
