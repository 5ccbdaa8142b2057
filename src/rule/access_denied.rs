use super::event::{Pull, Wording};
use super::registry_family::RegistryFamily;
use super::{Finding, Subject, declare_rule};
use crate::facts::{Answer, Depth, Identity, Refusal, RefusalReason};
use crate::finding::{Event, Severity};
use crate::oci::Reference;

declare_rule! {
    /// ## What it does
    /// Reports images that the registry did not let us read. It tells three cases apart: no credentials were there to send,
    /// the credentials were not taken, or they were taken and may not read this repository. It does not say that the image is
    /// missing: most registries answer alike for what is private and for what is not there.
    ///
    /// ## Why it matters
    /// A node that is refused in the same way cannot start the pod. But the node is not CI: what counts in the cluster is the
    /// identity of the node, or the pull secrets of the pod. If only CI lacks access, give it access, so that it can check.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`, with `failed to authorize: failed to fetch anonymous token: …: 401 Unauthorized`, or
    /// `failed to authorize: failed to fetch oauth token: …: 403 Forbidden`, or `pull access denied, repository does not exist or
    /// may require authorization`.
    ///
    /// ## How to fix it
    /// Give the node's identity the right to read the repository, or name a pull secret for the registry's host in the pod's
    /// `imagePullSecrets`. The finding names what it takes at this registry.
    id: "access-denied",
    summary: "the registry refuses to give the image to us",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

/// What Google's registries answer from outside of a service perimeter
/// (<https://cloud.google.com/vpc-service-controls/docs/troubleshooting>).
const PERIMETER: [&str; 3] = [
    "Request is prohibited by organization's policy",
    "vpcServiceControlsUniqueIdentifier",
    "SECURITY_POLICY_VIOLATED",
];

const WHOSE_IDENTITY: &str = "What counts in the cluster is the identity of the node or the pod's `imagePullSecrets`, and not that of CI.";

/// - <https://docs.github.com/actions/security-for-github-actions/security-guides/using-secrets-in-github-actions>
/// - <https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/#use-with-forked-projects>
const FORK: &str = "This run belongs to a pull request from a fork, which gets none of the project's secrets, and so no \
                    credentials: check private images in a run of the project itself.";

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, answer)) = subject.answer() else {
        return vec![];
    };
    let parts = subject.missing_parts();
    let refusal = match answer {
        Answer::Refused(refusal) => Some(refusal),
        _ => parts
            .iter()
            .find_map(|part| part.refusal.filter(|refusal| is_denial(refusal))),
    };
    let Some(refusal) = refusal.filter(|refusal| is_denial(refusal)) else {
        return vec![];
    };
    vec![
        RULE.finding(subject, message(reference, refusal))
            .help(help(subject, reference, refusal))
            .event(event(subject, reference, refusal)),
    ]
}

fn is_denial(refusal: &Refusal) -> bool {
    matches!(
        refusal.reason,
        RefusalReason::Unauthorized | RefusalReason::Forbidden
    )
}

fn message(reference: &Reference, refusal: &Refusal) -> String {
    let registry = reference.registry();
    if is_perimeter(refusal) {
        return format!(
            "{reference} cannot be read from here: a VPC Service Controls perimeter around {registry} forbids it"
        );
    }
    if is_blocked(refusal) {
        return format!("{reference} cannot be pulled: {}", refusal.message);
    }
    let what = match (&refusal.identity, refusal.reason) {
        (
            who @ (Identity::Credential { .. } | Identity::PullSecret { .. }),
            RefusalReason::Forbidden,
        ) => {
            format!("{registry} knows {who} and forbids them to read it")
        }
        (who @ (Identity::Credential { .. } | Identity::PullSecret { .. }), _) => {
            format!("{registry} does not take {who}")
        }
        (_, RefusalReason::Forbidden) => format!("{registry} forbids anonymous access to it"),
        _ => format!("{registry} asks for a login, and no credentials for it are configured here"),
    };
    let status = refusal
        .status
        .map(|status| format!(" ({status})"))
        .unwrap_or_default();
    format!("{reference} cannot be read: {what}{status}")
}

fn help(subject: &Subject<'_>, reference: &Reference, refusal: &Refusal) -> String {
    if is_blocked(refusal) {
        return "The nodes' own settings forbid it: take the image from another registry, or end the block there."
            .to_owned();
    }
    let family = RegistryFamily::of(reference.registry());
    let mut parts = vec![if is_perimeter(refusal) {
        "Let the cluster's and CI's project into the perimeter, or check from a machine inside it."
            .to_owned()
    } else {
        family.advice.to_owned()
    }];
    if family.hides_missing && !is_perimeter(refusal) {
        parts.push(format!(
            "{} says the same for a repository that does not exist.",
            capitalised(family.name)
        ));
    }
    if subject.is_from_fork && refusal.identity == Identity::Anonymous {
        parts.push(FORK.to_owned());
    }
    parts.push(WHOSE_IDENTITY.to_owned());
    if !refusal.message.is_empty() {
        parts.push(format!("The registry says: {}", refusal.message));
    }
    parts.join(" ")
}

fn is_perimeter(refusal: &Refusal) -> bool {
    PERIMETER
        .iter()
        .any(|words| refusal.message.contains(words))
}

/// Whether the nodes' `registries.conf` forbids the registry, so that nobody was asked.
fn is_blocked(refusal: &Refusal) -> bool {
    refusal.status.is_none() && refusal.message.contains(" is blocked in ")
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

/// What a node shows that is refused as we were. The address of a token service is known only to who asked it.
pub(super) fn event(subject: &Subject<'_>, reference: &Reference, refusal: &Refusal) -> Event {
    let pull = Pull::new(subject, reference, subject.pools.iter().copied());
    let status = match refusal.status {
        Some(403) => "403 Forbidden",
        None if refusal.reason == RefusalReason::Forbidden => "403 Forbidden",
        _ => "401 Unauthorized",
    };
    let with_credentials = matches!(
        refusal.identity,
        Identity::Credential { .. } | Identity::PullSecret { .. }
    );
    if is_blocked(refusal) {
        // `containers/image`, `pkg/sysregistriesv2`: the words of who reads the file.
        let cause = format!(
            "initializing source docker://{}: {}",
            pull.image(),
            refusal.message
        );
        return pull.failed("Unknown", &cause);
    }
    if pull.wording() == Wording::CriO {
        let cause = if with_credentials {
            "unable to retrieve auth token: invalid username/password: unauthorized".to_owned()
        } else {
            format!(
                "reading manifest {} in {}: unauthorized: authentication required",
                reference.tag_or_digest(),
                reference.name()
            )
        };
        return pull.failed(
            "Unknown",
            &format!("initializing source docker://{}: {cause}", pull.image()),
        );
    }
    let cause = if refusal.by_token_service {
        let token = if with_credentials {
            "oauth"
        } else {
            "anonymous"
        };
        format!(
            "failed to authorize: failed to fetch {token} token: unexpected status from GET request to …: {status}"
        )
    } else if status.starts_with("401") && !with_credentials {
        let why = if hands_out_anonymous_tokens(reference, refusal) {
            "server message: insufficient_scope: authorization failed"
        } else {
            "authorization failed: no basic auth credentials"
        };
        format!("pull access denied, repository does not exist or may require authorization: {why}")
    } else {
        format!(
            "unexpected status from HEAD request to {}: {status}",
            pull.manifest_url()
        )
    };
    pull.failed_to_resolve("Unknown", &cause)
}

/// Docker Hub gives a token to everybody, and the registry behind it then says what the token lacks.
fn hands_out_anonymous_tokens(reference: &Reference, refusal: &Refusal) -> bool {
    reference.registry() == "docker.io" || refusal.message.contains("insufficient_scope")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Missing;
    use crate::rule::subject_for_tests::{Case, refusal};

    const IMAGE: &str = "ghcr.io/team/app:1";

    fn credential() -> Identity {
        Identity::Credential {
            origin: "~/.docker/config.json".to_owned(),
        }
    }

    #[test]
    fn the_cases_are_told_apart() {
        for (identity, reason, words) in [
            (
                Identity::Anonymous,
                RefusalReason::Unauthorized,
                "asks for a login, and no credentials",
            ),
            (
                Identity::Anonymous,
                RefusalReason::Forbidden,
                "forbids anonymous access",
            ),
            (
                credential(),
                RefusalReason::Unauthorized,
                "does not take the credentials from ~/.docker/config.json",
            ),
            (
                credential(),
                RefusalReason::Forbidden,
                "knows the credentials from ~/.docker/config.json and forbids",
            ),
        ] {
            let finding = Case::image(IMAGE)
                .refused(reason, identity)
                .only_finding(&RULE);
            assert!(finding.message.contains(words), "{}", finding.message);
            assert!(!finding.message.contains("does not exist"));
        }
    }

    #[test]
    fn the_advice_is_that_of_the_registry_and_names_whose_identity_counts() {
        for (image, words) in [
            (
                "europe-docker.pkg.dev/p/r/app:1",
                "roles/artifactregistry.reader",
            ),
            ("ghcr.io/team/app:1", "read:packages"),
            ("1.dkr.ecr.eu-west-1.amazonaws.com/app:1", "12 hours"),
            ("team.azurecr.io/app:1", "AcrPull"),
            ("registry.example.com/app:1", "imagePullSecrets"),
        ] {
            let help = Case::image(image)
                .refused(RefusalReason::Unauthorized, Identity::Anonymous)
                .only_finding(&RULE)
                .help
                .unwrap_or_default();
            assert!(help.contains(words), "{help}");
            assert!(help.contains("not that of CI"), "{help}");
        }
    }

    #[test]
    fn only_a_registry_that_separates_the_two_is_believed_to_have_the_image() {
        let help = |image| {
            Case::image(image)
                .refused(RefusalReason::Forbidden, credential())
                .only_finding(&RULE)
                .help
                .unwrap_or_default()
        };
        assert!(help(IMAGE).contains("the same for a repository that does not exist"));
        assert!(!help("1.dkr.ecr.eu-west-1.amazonaws.com/app:1").contains("does not exist"));
    }

    #[test]
    fn a_run_for_a_fork_says_that_it_has_no_credentials() {
        let help = |identity, is_from_fork| {
            Case::image(IMAGE)
                .refused(RefusalReason::Unauthorized, identity)
                .change(|case| case.is_from_fork = is_from_fork)
                .only_finding(&RULE)
                .help
                .unwrap_or_default()
        };
        assert!(help(Identity::Anonymous, true).contains("from a fork"));
        assert!(!help(Identity::Anonymous, false).contains("from a fork"));
        assert!(!help(credential(), true).contains("from a fork"));
    }

    #[test]
    fn what_the_nodes_settings_block_is_no_matter_of_credentials() {
        let mut blocked = refusal(RefusalReason::Forbidden, Identity::Anonymous);
        blocked.message = "registry ghcr.io is blocked in registries.conf".to_owned();
        let finding = Case::image(IMAGE).refusal(blocked).only_finding(&RULE);
        assert_eq!(
            finding.message,
            "ghcr.io/team/app:1 cannot be pulled: registry ghcr.io is blocked in registries.conf"
        );
        let event = finding.event.expect("an event").message;
        assert!(event.ends_with("is blocked in registries.conf"), "{event}");
    }

    #[test]
    fn a_service_perimeter_is_recognised_by_its_words() {
        let mut denied = refusal(RefusalReason::Forbidden, credential());
        denied.message =
            "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x"
                .to_owned();
        let finding = Case::image("europe-docker.pkg.dev/p/r/app:1")
            .refusal(denied)
            .only_finding(&RULE);
        assert!(finding.message.contains("VPC Service Controls perimeter"));
    }

    #[test]
    fn one_word_of_the_event_tells_whether_credentials_were_sent() {
        let event = |identity, reason| {
            let mut denied = refusal(reason, identity);
            denied.by_token_service = true;
            let finding = Case::image(IMAGE).refusal(denied).only_finding(&RULE);
            finding.event.map(|event| event.message).unwrap_or_default()
        };
        let anonymous = event(Identity::Anonymous, RefusalReason::Forbidden);
        assert!(
            anonymous.contains("failed to fetch anonymous token"),
            "{anonymous}"
        );
        assert!(anonymous.ends_with("403 Forbidden"), "{anonymous}");
        let refused = event(credential(), RefusalReason::Unauthorized);
        assert!(refused.contains("failed to fetch oauth token"), "{refused}");
        assert!(refused.ends_with("401 Unauthorized"), "{refused}");
    }

    #[test]
    fn a_refusal_of_a_part_counts_too() {
        let finding = Case::image(IMAGE)
            .index(&[("linux/amd64", &[1])])
            .change(|case| {
                case.first_image().manifest = Some(Answer::Refused(refusal(
                    RefusalReason::Forbidden,
                    Identity::Anonymous,
                )));
            })
            .only_finding(&RULE);
        assert!(finding.message.contains("forbids anonymous access"));
    }

    #[test]
    fn what_is_missing_is_no_denial() {
        Case::image(IMAGE)
            .refused(
                RefusalReason::NotFound(Missing::Manifest),
                Identity::Anonymous,
            )
            .has_no_finding(&RULE);
        Case::image(IMAGE)
            .single(&[("linux/amd64", &[1])])
            .has_no_finding(&RULE);
    }
}
