//! What the repositories of images held before, where nobody says what is deployed.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{Answer, Found, Lookup};
use crate::oci::{Digest, Platform, Reference};
use crate::registry::{EarlierTags, Registry, Wanted};
use crate::settings::Settings;

/// A time before this says nothing of when an image was built: reproducible builds write 1 January of 1, 1970 or 1980.
const FIRST_REAL_TIME: i64 = 500_000_000;

/// The earlier tags of images.
#[derive(Default)]
pub(super) struct Histories {
    /// The tags before an image, newest first.
    pub earlier: BTreeMap<Reference, Vec<Reference>>,
    /// The images whose registry did not give its whole list of tags.
    pub unlisted: BTreeSet<Reference>,
    /// What is stored under them.
    pub lookups: BTreeMap<Reference, Lookup>,
}

impl Histories {
    /// Asks for the last tags before each image of `wanted` that was found, as many as the settings say.
    pub async fn read(
        settings: &Settings,
        registry: &Registry,
        wanted: Vec<Wanted>,
        lookups: &BTreeMap<Reference, Lookup>,
    ) -> Self {
        let count = settings.history;
        if count == 0 {
            return Self::default();
        }
        let mut platforms: BTreeMap<&Reference, Option<BTreeSet<&Platform>>> = BTreeMap::new();
        for (reference, _, of_place) in &wanted {
            let all = platforms
                .entry(reference)
                .or_insert_with(|| Some(BTreeSet::new()));
            match (all.as_mut(), of_place) {
                (Some(all), Some(of_place)) => all.extend(of_place),
                _ => *all = None,
            }
        }
        let asked = platforms.into_iter().filter_map(|(reference, platforms)| {
            lookups.get(reference)?.found()?;
            let platforms = platforms.map(|platforms| platforms.into_iter().cloned().collect());
            Some((reference.clone(), platforms))
        });
        // Of tags that were pushed in another order than that of their versions, the last ones by time count.
        let found = registry
            .earlier_tags(asked.collect(), count.saturating_mul(2))
            .await;
        let mut histories = Self::default();
        for (reference, earlier) in found {
            if !earlier.is_whole {
                histories.unlisted.insert(reference.clone());
            }
            let now = lookups.get(&reference).and_then(Answer::found);
            let ordered = last(now, earlier, count);
            let names = ordered
                .iter()
                .map(|(reference, _)| reference.clone())
                .collect();
            histories.earlier.insert(reference, names);
            histories.lookups.extend(ordered);
        }
        histories
    }
}

/// The last `count` images made before `now`, newest first, each once however many tags it has. Where a time is missing or none
/// at all, their order is that of the versions, in which they come if they have one.
fn last(now: Option<&Found>, earlier: EarlierTags, count: usize) -> Vec<(Reference, Lookup)> {
    let EarlierTags {
        is_ordered,
        found: mut earlier,
        ..
    } = earlier;
    earlier.retain(|(_, lookup)| lookup.found().is_some());
    let times: Option<Vec<i64>> = earlier
        .iter()
        .map(|(_, lookup)| created(lookup.found()?))
        .collect();
    if let (Some(now), Some(times)) = (now.and_then(created), times) {
        let mut dated: Vec<(i64, (Reference, Lookup))> = times.into_iter().zip(earlier).collect();
        dated.retain(|(time, _)| *time <= now);
        dated.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        earlier = dated.into_iter().map(|(_, image)| image).collect();
    } else if !is_ordered {
        return Vec::new();
    }
    let mut known: BTreeSet<Digest> = now.map(|now| now.digest.clone()).into_iter().collect();
    earlier.retain(|(_, lookup)| {
        let digest = lookup.found().map(|found| found.digest.clone());
        digest.is_some_and(|digest| known.insert(digest))
    });
    earlier.truncate(count);
    earlier
}

/// When an image was made, in seconds since 1970: the newest of its platforms.
fn created(found: &Found) -> Option<i64> {
    let times = found
        .images
        .iter()
        .filter_map(|image| image.config()?.created);
    times.max().filter(|time| *time >= FIRST_REAL_TIME)
}
