use std::collections::BTreeSet;

use super::artifact_registry::is_artifact_registry;
use super::{Finding, Subject, declare_rule, names};
use crate::cluster::NodePool;
use crate::facts::{Depth, Found};
use crate::finding::Severity;
use crate::oci::Manifest;

declare_rule! {
    /// ## What it does
    /// Reports images that a GKE node pool with image streaming pulls whole nevertheless: images outside of Artifact
    /// Registry, schema 1 manifests, and images with empty or duplicate layers. Each reason is named.
    ///
    /// ## Why it matters
    /// The pool was set up for containers that start before their image is there. This one waits for all of it.
    ///
    /// ## What the cluster would show
    /// Nothing: the event `ImageStreaming` is missing, and `Pulled` comes late.
    ///
    /// ## How to fix it
    /// Copy the image to Artifact Registry, for example with
    /// `crane copy IMAGE LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG`, or pull it through a remote repository
    /// there. Build it again without empty and duplicate layers.
    id: "streaming-ineligible",
    summary: "a node pool streams images, and this one can't be streamed",
    severity: Some(Severity::Note),
    needs: Depth::Config,
    event: None,
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let streaming: Vec<&NodePool> = subject
        .pools
        .iter()
        .copied()
        .filter(|pool| pool.image_streaming)
        .collect();
    let (Some(pool), Some(reference)) = (streaming.first(), subject.reference()) else {
        return vec![];
    };
    if subject.is_never_pulled() {
        return vec![];
    }
    let mut reasons = Vec::new();
    if !is_artifact_registry(reference) {
        reasons.push("it is not in Artifact Registry");
    }
    if let Some((_, found)) = subject.found() {
        reasons.extend(of_manifest(found, pool));
    }
    if reasons.is_empty() {
        return vec![];
    }
    let message = format!(
        "{reference} is not streamed on {}, but pulled whole: {}",
        names(&streaming),
        reasons.join(", and ")
    );
    vec![
        RULE.finding(subject, message)
            .help("See the limits at https://cloud.google.com/kubernetes-engine/docs/how-to/image-streaming.")
            .on_pools(&streaming),
    ]
}

/// <https://cloud.google.com/kubernetes-engine/docs/how-to/image-streaming#limitations>
fn of_manifest(found: &Found, pool: &NodePool) -> Vec<&'static str> {
    if matches!(found.manifest, Manifest::Schema1(_)) {
        return vec!["its manifest is of Docker's schema 1"];
    }
    let layers = found.image_on(pool).and_then(|image| image.layers());
    let layers = layers.unwrap_or_default();
    let mut reasons = Vec::new();
    // The gzip of an empty tar file has 32 bytes.
    if layers.iter().any(|layer| layer.size.0 <= 32) {
        reasons.push("it has an empty layer");
    }
    let distinct: BTreeSet<String> = layers
        .iter()
        .map(|layer| layer.digest.to_string())
        .collect();
    if distinct.len() < layers.len() {
        reasons.push("it has the same layer twice");
    }
    reasons
}
