//! Questions in the name of a pod: with a pull secret, or as nobody, and never with the credentials of whoever runs the
//! program.

use std::sync::{Arc, PoisonError};

use super::Registry;
use super::credentials::Keyring;
use super::host::Wire;
use super::look_up::Shared;
use super::request::Question;
use super::setback::Setback;
use super::unfold::Known;
use crate::facts::{Answer, Depth, Identity, Lookup, RefusalReason};
use crate::oci::{Platform, Reference};
use crate::workload::PullLogin;

/// Somebody who asks, with what only they have and know.
#[derive(Debug)]
pub(super) struct Asker {
    pub wire: Wire,
    pub known: Known,
}

/// A registry, and what a pod shows it.
pub(super) type Pod = (String, Option<PullLogin>);

impl Asker {
    pub fn new(wire: Wire) -> Self {
        Self {
            wire,
            known: Known::default(),
        }
    }
}

impl Registry {
    /// What is stored under `reference` for a pod that has `logins`: each is tried until the registry takes one, as the
    /// kubelet does (`pkg/kubelet/images/image_manager.go`). Where there are none, it is asked as nobody.
    pub async fn look_up_as(
        &self,
        logins: &[PullLogin],
        reference: &Reference,
        depth: Depth,
        platforms: Option<&[Platform]>,
    ) -> Lookup {
        let ask = async |login| {
            let asker = self.0.asker(reference, login);
            self.0.answer(&asker, reference, depth, platforms).await
        };
        let mut logins = logins.iter();
        let mut answer = ask(logins.next()).await;
        for login in logins {
            if !matches!(answer, Answer::Refused(_)) {
                break;
            }
            answer = ask(Some(login)).await;
        }
        answer
    }

    /// Whether the registry gives `reference` to a pod that has `logins`, and which of them it takes. It costs a request
    /// without a body for each.
    pub async fn gives_to(&self, logins: &[PullLogin], reference: &Reference) -> Answer<Identity> {
        let mut logins = logins.iter();
        let mut answer = self.0.gives_to(logins.next(), reference).await;
        for login in logins {
            if !matches!(answer, Err(Setback::Refused(_))) {
                break;
            }
            answer = self.0.gives_to(Some(login), reference).await;
        }
        answer.into()
    }
}

impl Shared {
    fn asker(&self, reference: &Reference, login: Option<&PullLogin>) -> Arc<Asker> {
        let registry = reference.registry().to_owned();
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        let asker =
            pods.entry((registry, login.cloned()))
                .or_insert_with_key(|(registry, login)| {
                    let keyring = Keyring::of_pod(registry, login.as_ref());
                    Arc::new(Asker::new(self.ourselves.wire.with_keyring(keyring)))
                });
        Arc::clone(asker)
    }

    async fn gives_to(
        &self,
        login: Option<&PullLogin>,
        reference: &Reference,
    ) -> Result<Identity, Setback> {
        let asker = self.asker(reference, login);
        let ways = self.routes.to(reference)?;
        let repository = reference.repository();
        let tag_or_digest = reference.tag_or_digest();
        let question = Question::ManifestHead {
            repository,
            tag_or_digest,
        };
        let reply = match ways.ask(&asker.wire, &question).await {
            Err(Setback::Refused(refusal)) if refusal.reason == RefusalReason::Unsupported => {
                let question = Question::Manifest {
                    repository,
                    tag_or_digest,
                };
                ways.ask(&asker.wire, &question).await?
            }
            answer => answer?,
        };
        Ok(reply.identity)
    }
}
