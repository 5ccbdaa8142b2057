//! The hosts that answer for a registry, in order.

use std::sync::Arc;

use super::host::{Host, Wire};
use super::request::Question;
use super::setback::{Setback, failure};
use super::transport::Reply;
use crate::facts::FailureReason;

/// The hosts that answer for one reference: mirrors first, as a node asks them.
#[derive(Debug)]
pub(super) struct Ways {
    pub hosts: Arc<[Host]>,
    /// For each host, the name that the repository has there, where it is another one.
    pub repositories: Vec<Option<String>>,
}

impl Ways {
    /// The first good reply. As in containerd, whatever keeps one host from giving it, the next is asked
    /// (`core/remotes/docker/resolver.go`, `Resolve`). Where none gives it, what is not known weighs more than a refusal:
    /// a mirror that is down may well have what the registry has not.
    pub async fn ask(&self, wire: &Wire, question: &Question<'_>) -> Result<Reply, Setback> {
        let mut unknown = None;
        let mut refused = None;
        let hosts = self.hosts.iter().zip(&self.repositories);
        for (host, repository) in hosts.filter(|(host, _)| host.serves(question)) {
            let answer = match repository {
                Some(repository) => host.ask(wire, &question.about(repository)).await,
                None => host.ask(wire, question).await,
            };
            match answer {
                Ok(reply) => return Ok(reply),
                Err(refusal @ Setback::Refused(_)) => refused = Some(refusal),
                Err(setback) => {
                    let setback = match host.mirror() {
                        Some(mirror) => setback.of(mirror),
                        None => setback,
                    };
                    unknown = unknown.or(Some(setback));
                }
            }
        }
        Err(unknown.or(refused).unwrap_or_else(|| {
            let words = "the hosts file names no host that may be asked for this";
            failure(FailureReason::Connect, words).into()
        }))
    }
}
