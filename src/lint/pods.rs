//! Asks in the name of the pods, where that may have another outcome than asking as whoever runs the program.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::facts::{Answer, Found, Identity, Lookup, Missing, Refusal, RefusalReason};
use crate::oci::Reference;
use crate::registry::{Registry, Want};
use crate::rule::{has_node_identity, is_public};
use crate::workload::{Occurrence, PodLogins, PullLogin, PullPolicy, PullSecrets, Role};

/// For each occurrence, whether the registry gives its pod the image; none where it was not asked.
pub(super) type PodAnswers = Vec<Option<Arc<Answer<Identity>>>>;

/// A name, and what a pod shows its registry.
type Shown = (String, Vec<PullLogin>);

/// Asks with the pull secrets of the pods for what the registry refused to ourselves, and puts what it gives them in place
/// of the refusal. Then asks whether it gives the pods what it gave only to somebody with a login: once for a repository and
/// all pods that show the same.
pub(super) async fn ask(
    registry: &Registry,
    occurrences: &[Occurrence],
    wanted: &BTreeMap<Reference, Want>,
    pull_secrets: &PullSecrets,
    lookups: &mut BTreeMap<Reference, Lookup>,
    at_once: usize,
) -> PodAnswers {
    let pods: Vec<Option<Pod<'_>>> = occurrences
        .iter()
        .map(|occurrence| Pod::of(occurrence, pull_secrets))
        .collect();
    let refused = look_up(registry, &pods, wanted, lookups, at_once).await;
    let mut given: BTreeMap<Shown, Reference> = BTreeMap::new();
    for pod in pods.iter().flatten() {
        if !refused.contains_key(&pod.shown_for_image()) && pod.is_in_doubt(lookups) {
            given
                .entry(pod.shown_for_repository())
                .or_insert_with(|| pod.reference.clone());
        }
    }
    let asked = given.into_iter().map(|(shown, reference)| async move {
        let answer = registry.gives_to(&shown.1, &reference).await;
        (shown, Arc::new(answer))
    });
    let given: BTreeMap<Shown, Arc<Answer<Identity>>> = stream::iter(asked)
        .buffer_unordered(at_once)
        .collect()
        .await;
    let answer = |pod: &Option<Pod<'_>>| {
        let pod = pod.as_ref()?;
        refused
            .get(&pod.shown_for_image())
            .or_else(|| {
                let given = given.get(&pod.shown_for_repository());
                given.filter(|_| pod.is_in_doubt(lookups))
            })
            .cloned()
    };
    pods.iter().map(answer).collect()
}

/// What the pods get of what was refused to ourselves.
async fn look_up(
    registry: &Registry,
    pods: &[Option<Pod<'_>>],
    wanted: &BTreeMap<Reference, Want>,
    lookups: &mut BTreeMap<Reference, Lookup>,
    at_once: usize,
) -> BTreeMap<Shown, Arc<Answer<Identity>>> {
    let mut asked = BTreeMap::new();
    for pod in pods.iter().flatten() {
        let is_refused = lookups.get(pod.reference).is_some_and(may_be_private);
        if let (true, false, Some(want)) = (
            is_refused,
            pod.shown.logins.is_empty(),
            wanted.get(pod.reference),
        ) {
            asked.insert(pod.shown_for_image(), (pod.reference.clone(), want));
        }
    }
    let asked = asked
        .into_iter()
        .map(|(shown, (reference, want))| async move {
            let (depth, platforms) = want;
            let lookup = registry
                .look_up_as(&shown.1, &reference, *depth, platforms.as_deref())
                .await;
            (shown, reference, lookup)
        });
    let mut answered = stream::iter(asked).buffer_unordered(at_once);
    let mut answers = BTreeMap::new();
    while let Some((shown, reference, lookup)) = answered.next().await {
        let answer = match &lookup {
            Answer::Found(found) => Answer::Found(found.identity.clone()),
            Answer::Refused(refusal) => Answer::Refused(refusal.clone()),
            Answer::Undetermined(failure) => Answer::Undetermined(failure.clone()),
        };
        answers.insert(shown, Arc::new(answer));
        let is_known = matches!(lookups.get(&reference), Some(Answer::Found(_)));
        if let (Answer::Found(_), false) = (&lookup, is_known) {
            lookups.insert(reference, lookup);
        }
    }
    answers
}

/// One place of a pod that names an image.
struct Pod<'a> {
    reference: &'a Reference,
    shown: PodLogins<'a>,
    role: Role,
}

impl<'a> Pod<'a> {
    fn of(occurrence: &'a Occurrence, pull_secrets: &'a PullSecrets) -> Option<Self> {
        let reference = occurrence.reference.as_ref().ok()?;
        let is_pulled = occurrence.pull_policy != Some(PullPolicy::Never);
        let is_in_cluster = !matches!(
            occurrence.role,
            Role::OffCluster | Role::Guess | Role::Provisional
        );
        (is_pulled && is_in_cluster).then(|| Self {
            shown: pull_secrets.shown_for(occurrence, &reference.name()),
            reference,
            role: occurrence.role,
        })
    }

    fn logins(&self) -> Vec<PullLogin> {
        self.shown.logins.iter().copied().cloned().collect()
    }

    fn shown_for_image(&self) -> Shown {
        (self.reference.to_string(), self.logins())
    }

    fn shown_for_repository(&self) -> Shown {
        (self.reference.name(), self.logins())
    }

    /// Whether the image was given to somebody with a login, and nothing says that the pod gets it too. What the pod shows
    /// must be known, and what is the node's own to show is not.
    fn is_in_doubt(&self, lookups: &BTreeMap<Reference, Lookup>) -> bool {
        let Some(Answer::Found(Found { identity, .. })) = lookups.get(self.reference) else {
            return false;
        };
        let has_pod = self.role != Role::Unplaced;
        let is_login = matches!(
            identity,
            Identity::Credential { .. } | Identity::PullSecret { .. }
        );
        let name = self.reference.name();
        let is_anybodys = has_node_identity(&name) || is_public(&name);
        has_pod && is_login && self.shown.is_known && !is_anybodys
    }
}

/// Whether the registry may have the image for somebody else. Many answer alike for what is private and what is not there.
fn may_be_private(lookup: &Lookup) -> bool {
    matches!(lookup, Answer::Refused(Refusal { status: Some(_), reason, .. })
        if matches!(reason, RefusalReason::Unauthorized | RefusalReason::Forbidden
            | RefusalReason::NotFound(Missing::Repository | Missing::Unsaid)))
}
