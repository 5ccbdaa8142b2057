//! Looks many references up.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::Registry;
use super::pending::{Asked, Numbered, Pending};
use crate::facts::{Depth, Lookup};
use crate::oci::{Platform, Reference};

/// How often it is told how many answers there are.
const PROGRESS: Duration = Duration::from_millis(100);

/// What is asked about one reference: how deep, and for which platforms; all of them where none are named.
pub type Wanted = (Reference, Depth, Option<Vec<Platform>>);

/// How deep it is asked, and for which platforms.
pub type Want = (Depth, Option<Vec<Platform>>);

impl Registry {
    /// Looks many references up, several at a time, each once however often it is wanted. References that nothing
    /// [`answers`](Self::answers), and those wanted at [`Depth::Reference`] alone, are left out. `progress` is told how far it
    /// is, now and then and at the end.
    pub async fn look_up_all(
        &self,
        wanted: Vec<Wanted>,
        progress: impl Fn(Asked<'_>),
    ) -> BTreeMap<Reference, Lookup> {
        let mut asked = distinct(wanted);
        asked.retain(|reference, (depth, _)| *depth > Depth::Reference && self.answers(reference));
        let askers = self.0.options.concurrency.clamp(1, asked.len().max(1));
        let pending = Arc::new(Pending::new(asked));
        let report = || {
            let (done, longest) = pending.asked();
            let longest = longest.as_ref();
            progress(Asked { done, longest });
        };
        // Tasks of their own, so that all processors read and judge what comes in.
        let mut tasks = JoinSet::new();
        for first in (0..askers).map_while(|_| pending.next(None)) {
            let (registry, pending) = (self.clone(), Arc::clone(&pending));
            tasks.spawn(async move { registry.answer(first, &pending).await });
        }
        report();
        let mut lookups = BTreeMap::new();
        loop {
            match timeout(PROGRESS, tasks.join_next()).await {
                Ok(None) => break,
                Ok(Some(answers)) => lookups.extend(answers.unwrap_or_else(broken)),
                Err(_) => {}
            }
            report();
        }
        if let Some(cache) = &self.0.ourselves.wire.cache {
            cache.prune();
        }
        lookups
    }

    /// Answers for one reference after the other until none is left.
    async fn answer(&self, first: Numbered, pending: &Pending) -> Vec<(Reference, Lookup)> {
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some((number, (reference, (depth, platforms)))) = next {
            let lookup = self.look_up(&reference, depth, platforms.as_deref()).await;
            answers.push((reference, lookup));
            next = pending.next(Some(number));
        }
        answers
    }
}

/// A task is never aborted while somebody waits for it, so that it can only have panicked.
fn broken<T>(error: JoinError) -> T {
    resume_unwind(error.into_panic())
}

/// Each reference once, as deep as anybody wants it, for all platforms that anybody wants.
#[must_use]
pub fn distinct(wanted: Vec<Wanted>) -> BTreeMap<Reference, Want> {
    let mut distinct: BTreeMap<Reference, Want> = BTreeMap::new();
    for (reference, depth, platforms) in wanted {
        let (deepest, all) = distinct
            .entry(reference)
            .or_insert_with(|| (depth, Some(Vec::new())));
        *deepest = (*deepest).max(depth);
        match (all.as_mut(), platforms) {
            (Some(all), Some(more)) => {
                for platform in more {
                    if !all.contains(&platform) {
                        all.push(platform);
                    }
                }
            }
            _ => *all = None,
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_asked_about_once_and_for_everybody() {
        let reference: Reference = "a.io/x".parse().expect("a reference");
        let arm = Platform::new("linux", "arm64", None, None);
        let amd = Platform::linux_amd64();
        let merged = distinct(vec![
            (reference.clone(), Depth::Manifest, Some(vec![arm.clone()])),
            (
                reference.clone(),
                Depth::Config,
                Some(vec![amd.clone(), arm.clone()]),
            ),
        ]);
        assert_eq!(merged[&reference], (Depth::Config, Some(vec![arm, amd])));
        let merged = distinct(vec![
            (reference.clone(), Depth::Manifest, None),
            (reference.clone(), Depth::Manifest, Some(Vec::new())),
        ]);
        assert_eq!(merged[&reference], (Depth::Manifest, None));
    }
}
