use super::artifact_registry::{gke_pools, pulled_by_node, token_refused};
use super::{Finding, Subject, declare_rule};
use crate::cluster::Access;
use crate::facts::Depth;
use crate::finding::Severity;

declare_rule! {
    /// ## What it does
    /// Reports images in Artifact Registry on GKE node pools whose service account is disabled, or has no role that lets
    /// it read: by what `gcloud iam service-accounts list` and `gcloud … get-iam-policy` printed, given with `--iam`.
    /// Conditions, groups and roles of one's own hide who may do what; then nothing is reported.
    ///
    /// ## Why it matters
    /// The nodes pull as their service account. A disabled account gets 401 although its roles are right, and an account
    /// without a role gets 403, on every node of the pool.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull` with `failed to authorize: failed to fetch oauth token`, and 401 or 403 behind it.
    ///
    /// ## How to fix it
    /// Enable the account with `gcloud iam service-accounts enable ACCOUNT`, or grant it `roles/artifactregistry.reader`
    /// on the repository or its project. For an image of another project the role belongs there.
    id: "node-service-account",
    summary: "the service account of a GKE node pool is disabled, or may not read the image's repository",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(reference) = pulled_by_node(subject) else {
        return vec![];
    };
    let permissions = &subject.target.permissions;
    let mut findings: Vec<Finding> = Vec::new();
    for pool in gke_pools(subject) {
        let account = pool.service_account.as_deref().unwrap_or("default");
        let named = if account == "default" {
            "the Compute Engine default service account".to_owned()
        } else {
            format!("the service account {account}")
        };
        let (what, status, help) = if permissions.is_disabled(account) {
            (
                "is disabled",
                "401 Unauthorized",
                "Enable it with `gcloud iam service-accounts enable ACCOUNT`.",
            )
        } else if permissions.may_pull(account) == Access::Denied {
            (
                "has no role that lets it read there",
                "403 Forbidden",
                "Grant it `roles/artifactregistry.reader` on the repository, or on the image's project.",
            )
        } else {
            continue;
        };
        let message =
            format!("{reference} can't be pulled unless it is public: {named} of the nodes {what}");
        let same = findings
            .iter_mut()
            .find(|finding| finding.message == message);
        if let Some(finding) = same {
            finding.node_pools.push(pool.name.clone());
            continue;
        }
        findings.push(
            RULE.finding(subject, message)
                .help(help)
                .event(token_refused(subject, reference, &[pool], "oauth", status))
                .on_pools(&[pool]),
        );
    }
    findings
}
