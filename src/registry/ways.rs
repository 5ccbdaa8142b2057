//! The hosts that answer for a registry, in order.

use std::sync::{Arc, OnceLock};

use reqwest::Url;

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
    /// The host that alone is asked for the rest, once it has given the manifest.
    pub settled: OnceLock<usize>,
}

impl Ways {
    /// The first good reply. As in containerd, whatever keeps one host from giving it, the next is asked
    /// (`core/remotes/docker/resolver.go`, `Resolve`). Where none gives it, what is not known weighs more than a refusal:
    /// a mirror that is down may well have what the registry has not.
    pub async fn ask(&self, wire: &Wire, question: &Question<'_>) -> Result<Reply, Setback> {
        self.ask_any(wire, question).await.map(|(_, reply)| reply)
    }

    /// The same, and the number of the host that gave the reply.
    pub async fn ask_any(
        &self,
        wire: &Wire,
        question: &Question<'_>,
    ) -> Result<(usize, Reply), Setback> {
        let mut unknown = None;
        let mut refused = None;
        let settled = self.settled.get();
        let hosts = self.hosts.iter().enumerate();
        for (number, host) in hosts.filter(|(number, host)| {
            settled.is_none_or(|settled| settled == number) && host.serves(question)
        }) {
            match host.ask(wire, &self.at(number, question)).await {
                Ok(reply) => return Ok((number, reply)),
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
        Err(unknown.or(refused).unwrap_or_else(nobody))
    }

    /// From now on asks the host with that number alone, where it is one that serves alone: it has given the manifest.
    pub fn settle(&self, number: usize) {
        if self.hosts.get(number).is_some_and(Host::serves_alone) {
            // The first one stays: what it lists came from it too.
            self.settled.get_or_init(|| number);
        }
    }

    /// The reply of the host with that number, and of no other.
    pub async fn ask_at(
        &self,
        number: usize,
        wire: &Wire,
        question: &Question<'_>,
    ) -> Result<Reply, Setback> {
        let host = self.hosts.get(number).ok_or_else(nobody)?;
        host.ask(wire, &self.at(number, question)).await
    }

    /// The address that a question is asked at.
    pub fn address(&self, number: usize, question: &Question<'_>) -> Option<Url> {
        let host = self.hosts.get(number)?;
        let endpoint = host.endpoint(host.speaks_tls());
        let request = self.at(number, question).request(&endpoint);
        request.ok().map(|request| request.url)
    }

    /// A question as it is asked at a host, where the repository may have another name.
    fn at<'q>(&'q self, number: usize, question: &Question<'q>) -> Question<'q> {
        match self.repositories.get(number) {
            Some(Some(repository)) => question.about(repository),
            _ => question.clone(),
        }
    }
}

fn nobody() -> Setback {
    let words = "the hosts file names no host that may be asked for this";
    failure(FailureReason::Connect, words).into()
}
