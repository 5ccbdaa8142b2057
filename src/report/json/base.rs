//! What is deployed now, for programs.

use serde::Serialize;

use super::node_pools::landings;
use super::{ImageEntry, image_entry};
use crate::report::Report;
use crate::report::base::{ImageChange, NodePull, PlatformChange};
use crate::report::place::Places;

#[derive(Serialize)]
pub(super) struct BaseEntry<'a> {
    name: &'a str,
    unread: &'a [String],
    places: Vec<PlaceOfBase>,
    images: Vec<ImageEntry<'a>>,
    changes: Vec<ChangeEntry>,
    pulls: Vec<PullEntry>,
}

#[derive(Serialize)]
struct PlaceOfBase {
    reference: String,
    now: Option<String>,
    role: Option<&'static str>,
    node_pools: Option<Vec<usize>>,
    on_demand_pools: Option<Vec<usize>>,
}

#[derive(Serialize)]
struct ChangeEntry {
    before: Option<String>,
    now: Option<String>,
    places: usize,
    platforms: Vec<PlatformEntry>,
}

#[derive(Serialize)]
struct PlatformEntry {
    platform: Option<String>,
    before_bytes: u64,
    now_bytes: u64,
    fetched_bytes: u64,
    common_layers: usize,
    other_base_image: Option<bool>,
}

#[derive(Serialize)]
struct PullEntry {
    node_pool: Option<String>,
    platform: String,
    before_bytes: u64,
    now_bytes: u64,
    fetched_bytes: u64,
    unknown_images: usize,
}

impl<'a> BaseEntry<'a> {
    /// None where nothing was compared.
    pub fn of(report: &'a Report, places: &Places<'a>) -> Option<Self> {
        let base = report.base.as_ref()?;
        Some(Self {
            name: &base.name,
            unread: &base.unread,
            places: base
                .places
                .iter()
                .map(|place| PlaceOfBase {
                    reference: place.reference.to_string(),
                    now: place.now.as_ref().map(ToString::to_string),
                    role: place.role.as_str(),
                    node_pools: landings(&place.placement, &report.node_pools, false),
                    on_demand_pools: landings(&place.placement, &report.node_pools, true),
                })
                .collect(),
            images: base
                .images
                .iter()
                .map(|image| image_entry(image, places, &report.node_pools))
                .collect(),
            changes: report.image_changes().iter().map(change).collect(),
            pulls: report.node_pulls().into_iter().map(pull).collect(),
        })
    }
}

fn change(change: &ImageChange<'_>) -> ChangeEntry {
    ChangeEntry {
        before: change.before.map(ToString::to_string),
        now: change.now.map(ToString::to_string),
        places: change.places,
        platforms: change.platforms.iter().map(platform).collect(),
    }
}

fn platform(change: &PlatformChange<'_>) -> PlatformEntry {
    PlatformEntry {
        platform: change.platform.map(ToString::to_string),
        before_bytes: change.before.0,
        now_bytes: change.now.0,
        fetched_bytes: change.fetched.0,
        common_layers: change.common,
        other_base_image: change.other_base,
    }
}

fn pull(pull: NodePull) -> PullEntry {
    PullEntry {
        node_pool: pull.node_pool,
        platform: pull.platform,
        before_bytes: pull.before.0,
        now_bytes: pull.now.0,
        fetched_bytes: pull.fetched.0,
        unknown_images: pull.unknown,
    }
}
