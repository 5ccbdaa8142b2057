//! What the rules about Google's registries share.

use super::Subject;
use crate::cluster::{NodePool, Provider};
use crate::facts::{Answer, RefusalReason};
use crate::finding::Event;
use crate::oci::Reference;

/// Projects of Google and others whose images everybody may pull, as `HOST/PROJECT`.
const PUBLIC: [&str; 16] = [
    "gcr.io/cadvisor",
    "gcr.io/cloud-builders",
    "gcr.io/cloud-sql-connectors",
    "gcr.io/cloudsql-docker",
    "gcr.io/distroless",
    "gcr.io/cloudrun",
    "gcr.io/gke-release",
    "gcr.io/google-containers",
    "gcr.io/google-samples",
    "gcr.io/google.com",
    "gcr.io/google_containers",
    "gcr.io/istio-release",
    "gcr.io/kaniko-project",
    "gcr.io/knative-releases",
    "gcr.io/ml-pipeline",
    "gcr.io/tekton-releases",
];

/// The image, where it stands in a repository of Artifact Registry from which a node pulls by its own service account:
/// not where the image is public, the pod brings pull secrets, or the registry says that there is no such image.
pub(super) fn pulled_by_node<'a>(subject: &Subject<'a>) -> Option<&'a Reference> {
    let occurrence = subject.occurrence;
    let reference = occurrence.reference.as_ref().ok()?;
    let missing = matches!(
        subject.lookup,
        Some(Answer::Refused(refusal)) if matches!(refusal.reason, RefusalReason::NotFound(_))
    );
    let private = is_artifact_registry(reference) && !is_public(reference);
    (private && !missing && occurrence.pull_secrets.is_empty()).then_some(reference)
}

/// `LOCATION-docker.pkg.dev`, and the hosts of Container Registry, which Artifact Registry serves now.
pub(super) fn is_artifact_registry(reference: &Reference) -> bool {
    let host = reference.registry();
    host.ends_with("-docker.pkg.dev") || is_container_registry(host)
}

fn is_container_registry(host: &str) -> bool {
    matches!(host, "gcr.io" | "us.gcr.io" | "eu.gcr.io" | "asia.gcr.io")
}

fn is_public(reference: &Reference) -> bool {
    let project = reference.repository().split('/').next().unwrap_or_default();
    let project = format!("gcr.io/{project}");
    PUBLIC.contains(&project.as_str())
}

/// The GKE pools on which the pod can land.
pub(super) fn gke_pools<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a NodePool> {
    let pools = subject.pools.iter().copied();
    pools.filter(|pool| pool.provider == Provider::Gke)
}

/// The pull fails at the token service. `token` is `oauth` where the node has a credential, and `anonymous` where not.
pub(super) fn token_refused(subject: &Subject<'_>, token: &str, status: &str) -> Option<Event> {
    let reference = subject.occurrence.reference.as_ref().ok()?;
    let written = &subject.occurrence.value;
    let host = reference.registry();
    Some(Event {
        reason: "ErrImagePull",
        message: format!(
            "Failed to pull image \"{written}\": failed to pull and unpack image \"{reference}\": failed to resolve \
             reference \"{reference}\": failed to authorize: failed to fetch {token} token: unexpected status from GET \
             request to https://{host}/v2/token: {status}"
        ),
    })
}
