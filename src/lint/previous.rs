//! What images are compared with: what is deployed now, or what their repositories held before.

use std::collections::BTreeMap;

use super::base::Deployed;
use super::gather::Asked;
use super::history::Histories;
use super::judge::{self, Landings};
use crate::cluster::{NodePool, Target};
use crate::facts::{Depth, Earlier, Lookup};
use crate::input::RevisionError;
use crate::oci::Reference;
use crate::registry::{Registry, Wanted};
use crate::report::{Base, Partition};
use crate::settings::Settings;
use crate::text::SourceMap;
use crate::workload::Occurrence;

/// What images are compared with.
pub(super) struct Previous {
    deployed: Option<Deployed>,
    /// The answers about images that only what is deployed has.
    of_base: BTreeMap<Reference, Lookup>,
    histories: Histories,
}

impl Previous {
    /// Reads what is deployed, where the settings say what that is.
    ///
    /// # Errors
    ///
    /// When it is neither a folder nor a revision of the repository that the paths are in.
    pub async fn read(
        settings: &Settings,
        asked: &Asked,
        sources: &SourceMap,
    ) -> Result<Self, RevisionError> {
        Ok(Self {
            deployed: Deployed::read(settings, asked, sources).await?,
            of_base: BTreeMap::new(),
            histories: Histories::default(),
        })
    }

    /// Lets go of the places that are not looked at now.
    pub fn narrow(&mut self, occurrences: &[Occurrence]) {
        if let Some(deployed) = &mut self.deployed {
            deployed.narrow(occurrences);
        }
    }

    /// Keeps the places whose image is in a part.
    pub fn select(&mut self, partition: Option<Partition>) {
        if let (Some(deployed), Some(partition)) = (&mut self.deployed, partition) {
            deployed.select(partition);
        }
    }

    /// What has to be asked about what is deployed.
    pub fn wanted(&self, target: &Target, elsewhere: &[NodePool], depth: Depth) -> Vec<Wanted> {
        let deployed = self.deployed.as_ref();
        deployed
            .map(|deployed| deployed.wanted(target, elsewhere, depth))
            .unwrap_or_default()
    }

    /// Takes the answers about images that stand in no source now.
    pub fn take_answers(
        &mut self,
        occurrences: &[Occurrence],
        lookups: &mut BTreeMap<Reference, Lookup>,
    ) {
        if let Some(deployed) = &mut self.deployed {
            self.of_base = deployed.take_answers(occurrences, lookups);
        }
    }

    /// Asks for the earlier tags of images that are not deployed, where the settings say so.
    pub async fn ask_histories(
        &mut self,
        settings: &Settings,
        registry: &Registry,
        (occurrences, landings): (&[Occurrence], &Landings<'_>),
        lookups: &BTreeMap<Reference, Lookup>,
    ) {
        let is_new = |occurrence: &Occurrence| self.before(occurrence).is_none();
        let wanted = judge::wanted_of(occurrences, landings, Depth::Config, is_new);
        self.histories = Histories::read(settings, registry, wanted, lookups).await;
    }

    fn before(&self, occurrence: &Occurrence) -> Option<&Reference> {
        self.deployed.as_ref()?.before(occurrence.span)
    }

    /// What stood at a place before, newest first; else what its repository held. The image that stands there now is no other.
    pub fn earlier<'a>(
        &'a self,
        occurrence: &Occurrence,
        lookups: &'a BTreeMap<Reference, Lookup>,
    ) -> Vec<Earlier<'a>> {
        let found = |reference: &'a Reference| {
            let lookup = lookups
                .get(reference)
                .or_else(|| self.of_base.get(reference))
                .or_else(|| self.histories.lookups.get(reference))?;
            let found = lookup.found()?;
            Some(Earlier { reference, found })
        };
        match (self.before(occurrence), &occurrence.reference) {
            (Some(before), now) if now.as_ref() != Ok(before) => {
                found(before).into_iter().collect()
            }
            (None, Ok(now)) => {
                let tags = self.histories.earlier.get(now).into_iter().flatten();
                tags.filter_map(found).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What the report says of it: the base, and the earlier tags of each image.
    pub fn into_report(self) -> (Option<Base>, Histories) {
        let base = self
            .deployed
            .map(|deployed| deployed.into_base(self.of_base));
        (base, self.histories)
    }
}
