//! From which of several hosts a node takes an image.

use super::fault::Fault;
use super::outcome::{HostReport, Progress};

/// What a node comes to that asks the hosts in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// It gets everything from this host.
    From(usize),
    /// This host answers, and what it says is of no use; the node goes on to no other.
    Stuck(usize),
    /// None of them gives it.
    Nowhere,
}

/// What a node comes to.
///
/// containerd takes the digest from the first host that tells one and asks each host in turn for each part, until one answers
/// (`core/remotes/docker/resolver.go`, `fetcher.go`); CRI-O takes everything from the first host that gives out the manifest
/// (`containers/image`, `docker/docker_image_src.go`). What is wrong with an answer drives neither to the next host.
pub(super) fn choice(hosts: &[HostReport]) -> Choice {
    for (index, host) in hosts.iter().enumerate().filter(|(_, host)| host.is_asked) {
        let Some(fault) = &host.fault else {
            return Choice::From(index);
        };
        let is_stuck = if host.serves_alone {
            host.progress >= Progress::Manifest
        } else {
            host.progress >= Progress::Resolved && is_about_content(fault)
        };
        if is_stuck {
            return Choice::Stuck(index);
        }
    }
    Choice::Nowhere
}

/// The fault that stands for all where none of the hosts gives the image: the first of what is not known, for it may well be
/// there; else the last refusal, which is the registry's own.
pub(super) fn weightiest(hosts: &[HostReport]) -> Option<&Fault> {
    let mut faults = hosts.iter().filter_map(|host| host.fault.as_ref());
    let unknown = faults.clone().find(|fault| !is_refusal(fault));
    unknown.or_else(|| faults.next_back())
}

/// Whether an answer came and is of no use to a node.
const fn is_about_content(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Page(_)
            | Fault::Damaged { .. }
            | Fault::Truncated(_)
            | Fault::Schema1(_)
            | Fault::NoImage(_)
            | Fault::Platform { .. }
    )
}

/// Whether a host has said no.
const fn is_refusal(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Credentials { .. }
            | Fault::Forbidden { .. }
            | Fault::NotFound(_)
            | Fault::Incomplete { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(fault: Option<Fault>) -> HostReport {
        HostReport {
            fault,
            is_asked: true,
            ..HostReport::default()
        }
    }

    fn resolved(fault: Fault) -> HostReport {
        HostReport {
            progress: Progress::Manifest,
            ..host(Some(fault))
        }
    }

    fn name() -> String {
        "registry.example.com/app:1".to_owned()
    }

    #[test]
    fn a_host_that_does_not_answer_is_passed_by_and_one_that_answers_wrongly_is_not() {
        let dead = || host(Some(Fault::Name(name())));
        let page = || resolved(Fault::Page(name()));
        let no_blob = || {
            resolved(Fault::Storage {
                host: name(),
                status: 403,
            })
        };
        let alone = |report: HostReport| HostReport {
            serves_alone: true,
            ..report
        };
        let unasked = HostReport {
            is_asked: false,
            ..host(None)
        };
        for (hosts, expected) in [
            (vec![host(None)], Choice::From(0)),
            (vec![dead(), host(None)], Choice::From(1)),
            (vec![dead(), dead()], Choice::Nowhere),
            (vec![page(), host(None)], Choice::Stuck(0)),
            (vec![dead(), page(), host(None)], Choice::Stuck(1)),
            (vec![no_blob(), host(None)], Choice::From(1)),
            (vec![alone(no_blob()), host(None)], Choice::Stuck(0)),
            (vec![alone(dead()), host(None)], Choice::From(1)),
            (vec![unasked, host(None)], Choice::From(1)),
        ] {
            assert_eq!(choice(&hosts), expected, "{hosts:#?}");
        }
    }

    #[test]
    fn what_is_not_known_weighs_more_than_a_refusal() {
        let missing = || host(Some(Fault::NotFound(name())));
        let dead = || host(Some(Fault::Name(name())));
        assert_eq!(
            weightiest(&[missing(), dead(), missing()]),
            Some(&Fault::Name(name()))
        );
        assert_eq!(
            weightiest(&[missing(), missing()]),
            Some(&Fault::NotFound(name()))
        );
    }
}
