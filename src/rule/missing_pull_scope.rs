use super::artifact_registry::{gke_pools, pulled_by_node, token_refused};
use super::{Finding, Subject, declare_rule, names};
use crate::cluster::NodePool;
use crate::facts::Depth;
use crate::finding::Severity;

/// The beginnings of the scopes with which a GKE node uses its service account for pulls (kubernetes/cloud-provider-gcp,
/// `pkg/gcpcredential/gcpcredential.go`, `Enabled`).
const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/devstorage",
    "https://www.googleapis.com/auth/cloud-platform",
];

declare_rule! {
    /// ## What it does
    /// Reports images in Artifact Registry and `gcr.io` on GKE node pools whose OAuth scopes have neither
    /// `devstorage.read_only` (or another of `devstorage`) nor `cloud-platform`. Images of pods with pull secrets, and
    /// those of well-known public projects, are left alone.
    ///
    /// ## Why it matters
    /// Without one of these scopes the node does not use its service account at all: it pulls anonymously, whatever roles
    /// the account has.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull` with `failed to authorize: failed to fetch anonymous token`, and 401 or 403 behind it.
    ///
    /// ## How to fix it
    /// The scopes of a node pool can't be changed. Make a new pool with `--scopes=gke-default` or
    /// `--scopes=cloud-platform`, move the workloads, and delete the old one.
    id: "missing-pull-scope",
    summary: "the OAuth scopes of a GKE node pool don't let its nodes pull from Artifact Registry",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(reference) = pulled_by_node(subject) else {
        return vec![];
    };
    let pools: Vec<&NodePool> = gke_pools(subject)
        .filter(|pool| lacks_scope(pool))
        .collect();
    if pools.is_empty() {
        return vec![];
    }
    let message = format!(
        "{reference} can't be pulled unless it is public: the OAuth scopes of {} have neither devstorage.read_only nor \
         cloud-platform",
        names(&pools)
    );
    vec![
        RULE.finding(subject, message)
            .help("Make a new node pool with `--scopes=gke-default` and move the workload: scopes can't be changed later.")
            .event(token_refused(subject, reference, &pools, "anonymous", "403 Forbidden"))
            .on_pools(&pools),
    ]
}

fn lacks_scope(pool: &NodePool) -> bool {
    pool.oauth_scopes.as_ref().is_some_and(|scopes| {
        !scopes
            .iter()
            .any(|scope| SCOPES.iter().any(|prefix| scope.starts_with(prefix)))
    })
}
