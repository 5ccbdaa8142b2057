//! What the rules about Google's registries share.

use super::Subject;
use super::event::Pull;
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
    let reference = subject.reference()?;
    let missing = matches!(
        subject.lookup,
        Some(Answer::Refused(refusal)) if matches!(refusal.reason, RefusalReason::NotFound(_))
    );
    let private = is_artifact_registry(reference) && !is_public(reference);
    let by_node = occurrence.pull_secrets.is_empty() && !subject.is_never_pulled();
    (private && by_node && !missing).then_some(reference)
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

/// The pull of the nodes of `pools` fails at the token service. `token` is `oauth` where the node has a credential, and
/// `anonymous` where not.
pub(super) fn token_refused<'a>(
    subject: &Subject<'a>,
    reference: &'a Reference,
    pools: &[&NodePool],
    token: &str,
    status: &str,
) -> Event {
    let url = format!("https://{}/v2/token", reference.registry());
    Pull::new(subject, reference, pools.iter().copied()).failed_to_resolve(
        "Unknown",
        &format!(
            "failed to authorize: failed to fetch {token} token: unexpected status from GET request to {url}: {status}"
        ),
    )
}
