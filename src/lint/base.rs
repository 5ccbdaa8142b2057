//! What is deployed now, and which of its places is which of those that are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::gather::{self, Asked};
use super::judge::{self, Landings};
use crate::cluster::{NodePool, Target};
use crate::facts::{Depth, Lookup};
use crate::input::{self, Exclude, Revision, RevisionError};
use crate::oci::Reference;
use crate::registry::Wanted;
use crate::report::{Base, BasePlace, Image, Partition};
use crate::settings::Settings;
use crate::text::{SourceMap, Span};
use crate::workload::{Occurrence, PlacedSlot, Role, Slot, matched};

/// What is deployed now.
pub(super) struct Deployed {
    name: String,
    occurrences: Vec<Occurrence>,
    /// What stands now in the place of each; none where nothing does.
    now: Vec<Option<Now>>,
    /// What stood before at each place that is looked at.
    before: BTreeMap<Span, Reference>,
    unread: Vec<String>,
}

/// What stands now in a place of the base.
struct Now {
    place: Span,
    /// None where it is no image name.
    reference: Option<Reference>,
}

impl Deployed {
    /// Reads the base that the settings name, and finds the places of `asked` in it.
    ///
    /// # Errors
    ///
    /// When the base is neither a folder nor a revision of the repository that the paths are in.
    pub async fn read(
        settings: &Settings,
        asked: &Asked,
        sources: &SourceMap,
    ) -> Result<Option<Self>, RevisionError> {
        let Some(name) = &settings.base else {
            return Ok(None);
        };
        let (settings_of_base, _revision) = settings_of(settings, name)?;
        let mut base_sources = SourceMap::default();
        let base = if settings_of_base.paths.is_empty() {
            Asked::default()
        } else {
            gather::occurrences(&settings_of_base, &mut base_sources).await
        };
        let unread = unread(&base, &base_sources, &settings_of_base.paths);
        let (before, deployed) = slots(&base.occurrences, &base_sources, &settings_of_base.paths);
        let (now, named) = slots(&asked.occurrences, sources, &settings.paths);
        let mut pairs = BTreeMap::new();
        let mut stands_now: Vec<Option<Now>> = deployed.iter().map(|_| None).collect();
        for (position, found) in matched(&before, &now).into_iter().enumerate() {
            let Some(found) = found else { continue };
            let (place, earlier) = (named[position], deployed[found]);
            stands_now[found] = Some(Now {
                place: place.span,
                reference: place.reference.clone().ok(),
            });
            if let Ok(reference) = &earlier.reference {
                pairs.insert(place.span, reference.clone());
            }
        }
        Ok(Some(Self {
            name: name.clone(),
            occurrences: deployed.into_iter().cloned().collect(),
            now: stands_now,
            before: pairs,
            unread,
        }))
    }

    /// Keeps the places whose image is in a part: the image that stands there now, or else the one that did.
    pub fn select(&mut self, partition: Partition) {
        let kept: Vec<bool> = self
            .places()
            .map(|(occurrence, now)| {
                let reference = now.or(occurrence.reference.as_ref().ok());
                reference.is_some_and(|reference| partition.holds(&reference.to_string()))
            })
            .collect();
        self.keep(&kept);
    }

    /// Lets go of the places that are not looked at now. Those that are gone stay: that is a change.
    pub fn narrow(&mut self, occurrences: &[Occurrence]) {
        let looked_at: BTreeSet<Span> = occurrences
            .iter()
            .map(|occurrence| occurrence.span)
            .collect();
        let is_kept = |now: &Option<Now>| {
            now.as_ref()
                .is_none_or(|now| looked_at.contains(&now.place))
        };
        let kept: Vec<bool> = self.now.iter().map(is_kept).collect();
        self.keep(&kept);
    }

    fn keep(&mut self, kept: &[bool]) {
        let mut keep = kept.iter().copied();
        self.occurrences.retain(|_| keep.next().unwrap_or_default());
        let mut keep = kept.iter().copied();
        self.now.retain(|_| keep.next().unwrap_or_default());
    }

    fn places(&self) -> impl Iterator<Item = (&Occurrence, Option<&Reference>)> {
        self.occurrences
            .iter()
            .zip(self.now.iter().map(|now| now.as_ref()?.reference.as_ref()))
    }

    /// What has to be asked beside what stands in the sources now: the images that are others, or are gone.
    pub fn wanted(&self, target: &Target, elsewhere: &[NodePool], depth: Depth) -> Vec<Wanted> {
        let landings: Landings<'_> = judge::landings(&self.occurrences, target, elsewhere);
        let mut wanted = judge::wanted(&self.occurrences, &landings, depth);
        let others: BTreeSet<&Reference> = self
            .places()
            .filter_map(|(occurrence, now)| {
                let reference = occurrence.reference.as_ref().ok()?;
                (now != Some(reference)).then_some(reference)
            })
            .collect();
        wanted.retain(|(reference, ..)| others.contains(reference));
        wanted
    }

    /// Takes the answers about images that stand in no source now. Lets go of texts in the base that only looked like an
    /// image.
    pub fn take_answers(
        &mut self,
        occurrences: &[Occurrence],
        lookups: &mut BTreeMap<Reference, Lookup>,
    ) -> BTreeMap<Reference, Lookup> {
        let is_found = |occurrence: &Occurrence| {
            let reference = occurrence.reference.as_ref().ok();
            let lookup = reference.and_then(|reference| lookups.get(reference));
            lookup.is_some_and(|lookup| lookup.found().is_some())
        };
        let kept: Vec<bool> = self
            .occurrences
            .iter()
            .map(|occurrence| occurrence.role != Role::Guess || is_found(occurrence))
            .collect();
        self.keep(&kept);
        let named = |occurrences: &[Occurrence]| -> BTreeSet<Reference> {
            let references = occurrences.iter().map(|occurrence| &occurrence.reference);
            references
                .filter_map(|reference| reference.clone().ok())
                .collect()
        };
        let mut gone = named(&self.occurrences);
        for reference in named(occurrences) {
            gone.remove(&reference);
        }
        lookups
            .extract_if(.., |reference, _| gone.contains(reference))
            .collect()
    }

    /// What stood before at a place that is looked at.
    pub fn before(&self, place: Span) -> Option<&Reference> {
        self.before.get(&place)
    }

    /// What the report says of the base, with the answers about images that only the base has.
    pub fn into_base(self, lookups: BTreeMap<Reference, Lookup>) -> Base {
        let now = self.now.into_iter().map(|now| now?.reference);
        let places = self.occurrences.into_iter().zip(now);
        Base {
            name: self.name,
            places: places
                .filter_map(|(occurrence, now)| {
                    Some(BasePlace {
                        reference: occurrence.reference.ok()?,
                        now,
                        role: occurrence.role,
                        placement: occurrence.placement,
                    })
                })
                .collect(),
            images: lookups
                .into_iter()
                .map(|(reference, lookup)| Image {
                    reference,
                    lookup: Some(lookup),
                    occurrences: Vec::new(),
                })
                .collect(),
            unread: self.unread,
        }
    }
}

/// The settings that leave out what is deployed where its folder lies among the sources.
pub(super) fn without_base(settings: &Settings) -> Settings {
    let folder = settings
        .base
        .as_deref()
        .map(Path::new)
        .filter(|path| path.is_dir());
    let mut without = settings.clone();
    without.exclude.extend(folder.and_then(Exclude::folder));
    without
}

/// The settings that read the base as the sources are read, and what holds its files meanwhile.
fn settings_of(
    settings: &Settings,
    base: &str,
) -> Result<(Settings, Option<Revision>), RevisionError> {
    let mut of_base = Settings {
        images: Vec::new(),
        ..settings.clone()
    };
    let folder = Path::new(base);
    if folder.is_dir() {
        // A folder that has the same paths is another state of the current one. Any other is what is deployed.
        let inside = |path: &PathBuf| path.is_relative().then(|| folder.join(path));
        of_base.paths = settings.paths.iter().filter_map(inside).collect();
        of_base.paths.retain(|path| path.exists());
        if of_base.paths.is_empty() {
            of_base.paths.push(folder.to_owned());
        }
        let exclude = settings.exclude.iter();
        of_base.exclude = exclude
            .map(|exclude| exclude.moved(|_| Some(folder.to_owned())))
            .collect();
        return Ok((of_base, None));
    }
    let revision = Revision::take(base, &settings.paths, settings.rendering.is_some())?;
    let moved = |path: &PathBuf| revision.place_of(path).filter(|path| path.exists());
    of_base.paths = settings.paths.iter().filter_map(moved).collect();
    of_base.exclude = settings
        .exclude
        .iter()
        .map(|exclude| exclude.moved(|folder| revision.place_of(folder)))
        .collect();
    if let Some(rendering) = &mut of_base.rendering {
        for file in &mut rendering.values {
            if let Some(earlier) = moved(file) {
                *file = earlier;
            }
        }
    }
    Ok((of_base, Some(revision)))
}

/// The places that can be told again, with what tells them.
fn slots<'a>(
    occurrences: &'a [Occurrence],
    sources: &SourceMap,
    roots: &[PathBuf],
) -> (Vec<PlacedSlot>, Vec<&'a Occurrence>) {
    occurrences
        .iter()
        .filter_map(|occurrence| {
            let path = below(&sources.get(occurrence.span.source).name, roots);
            let slot = Slot::of(occurrence, &path)?;
            Some(((slot, path), occurrence))
        })
        .unzip()
}

/// A path relative to the one of `roots` that it was found in.
fn below(path: &str, roots: &[PathBuf]) -> String {
    let stripped = roots.iter().filter_map(|root| {
        let root = input::name(root);
        let rest = match root.as_str() {
            "." => Path::new(path),
            root => Path::new(path).strip_prefix(root).ok()?,
        };
        // A root that is a file itself.
        if rest.as_os_str().is_empty() {
            return Path::new(path).file_name().map(Path::new);
        }
        Some(rest)
    });
    let shortest = stripped.min_by_key(|rest| rest.as_os_str().len());
    shortest.unwrap_or(Path::new(path)).display().to_string()
}

/// What of the base could not be read: images in it are not known.
fn unread(base: &Asked, sources: &SourceMap, roots: &[PathBuf]) -> Vec<String> {
    let files = base.inputs.iter().filter(|input| input.source.is_none());
    let files = files.map(|input| {
        let why = input.skipped.as_deref().unwrap_or("cannot be read");
        format!("{}: {why}", below(&input.path, roots))
    });
    let problems = base.problems.iter().map(|problem| {
        let path = below(&sources.get(problem.span.source).name, roots);
        format!(
            "{path}:{}: {}",
            sources.start(problem.span).line,
            problem.message
        )
    });
    let mut unread: Vec<String> = files.chain(problems).collect();
    unread.sort();
    unread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_below_what_was_looked_at() {
        let roots = |roots: &[&str]| roots.iter().map(PathBuf::from).collect::<Vec<_>>();
        for (path, given, expected) in [
            ("k8s/web/a.yaml", roots(&["k8s"]), "web/a.yaml"),
            ("a.yaml", roots(&["."]), "a.yaml"),
            ("k8s/a.yaml", roots(&["k8s/a.yaml"]), "a.yaml"),
            (
                "/tmp/x/k8s/a.yaml",
                roots(&["/tmp/x/k8s", "/tmp/x"]),
                "a.yaml",
            ),
            ("elsewhere.yaml", roots(&["k8s"]), "elsewhere.yaml"),
        ] {
            assert_eq!(below(path, &given), expected);
        }
    }
}
