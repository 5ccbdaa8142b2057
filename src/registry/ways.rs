//! The hosts that answer for a registry, in order.

use super::host::{Host, Wire};
use super::request::Question;
use super::setback::{Setback, failure};
use super::transport::Reply;
use crate::facts::FailureReason;

/// The hosts that answer for one registry: mirrors first, as a node asks them.
#[derive(Debug)]
pub(super) struct Ways(pub Vec<Host>);

impl Ways {
    /// The first good reply. As in containerd, whatever keeps one host from giving it, the next is asked
    /// (`core/remotes/docker/resolver.go`, `Resolve`). Where none gives it, what is not known weighs more than a refusal:
    /// a mirror that is down may well have what the registry has not.
    pub async fn ask(&self, wire: &Wire, question: &Question<'_>) -> Result<Reply, Setback> {
        let mut unknown = None;
        let mut refused = None;
        for host in self.0.iter().filter(|host| host.serves(question)) {
            match host.ask(wire, question).await {
                Ok(reply) => return Ok(reply),
                Err(refusal @ Setback::Refused(_)) => refused = Some(refusal),
                Err(setback) => unknown = unknown.or(Some(setback)),
            }
        }
        Err(unknown.or(refused).unwrap_or_else(|| {
            let words = "the hosts file names no host that may be asked for this";
            failure(FailureReason::Connect, words).into()
        }))
    }
}
