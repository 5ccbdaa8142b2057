use std::time::Duration;

use super::event::{Pull, Wording};
use super::{Finding, ProbeFlags, Subject, declare_rule};
use crate::facts::{Answer, Depth, Failure, FailureReason};
use crate::finding::{Event, Severity};
use crate::oci::Reference;

declare_rule! {
    /// ## What it does
    /// Reports images of which we could not learn whether they are there, with the stage at which it failed: the host's
    /// name, the connection, the encryption, the time, the rate limit, the server itself, an answer that is none, such as the
    /// page of a login portal, or the credential helper of this machine. It names the host that failed, which may be a mirror,
    /// a token service or the storage that a registry redirects to.
    ///
    /// ## Why it matters
    /// Not knowing is no pass. If the nodes have the same way to the registry, they fail as well. If they have another way,
    /// nothing was checked.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`, with `dial tcp: lookup …: no such host`, `i/o timeout`, `connection refused`, `x509: …` or
    /// `429 Too Many Requests`; on CRI-O `RegistryUnavailable` where the connection is refused.
    ///
    /// ## How to fix it
    /// Follow the finding's advice for the stage, and run the check again. If this machine has no way to the registry at all,
    /// run the check from one that has, or use `--mirror` or `--layout`.
    id: "undetermined-image",
    summary: "we could not tell whether the image is there",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, answer)) = subject.answer() else {
        return vec![];
    };
    let parts = subject.missing_parts();
    let failed_part = parts.iter().find_map(|part| {
        let failure = part.failure.filter(|failure| is_outage(failure))?;
        Some((format!("{} of {reference}", part.name), failure))
    });
    let (what, failure) = match (answer, failed_part) {
        (Answer::Undetermined(failure), _) if is_outage(failure) => {
            (reference.to_string(), failure)
        }
        (_, Some(part)) => part,
        _ => return vec![],
    };
    // The detail differs from machine to machine. The message must not, so that reports can be compared.
    let host = failure
        .respondent
        .as_deref()
        .unwrap_or_else(|| reference.api_host());
    let mut help = help(failure, host, reference);
    if is_about_the_way(failure.reason) {
        let flags = match failure.reason {
            FailureReason::Timeout => subject.probe_flags.clone(),
            _ => subject.probe_flags.without_timeout(),
        };
        help = format!("{help} {}", where_to_look(&flags, reference));
    }
    if !failure.detail.is_empty() {
        help = format!("{help} What happened: {}", failure.detail);
    }
    vec![
        RULE.finding(
            subject,
            format!(
                "could not tell whether {what} is there: {}",
                stage(failure.reason, host)
            ),
        )
        .help(help)
        .event(event(subject, reference, failure)),
    ]
}

/// Whether walking the way to the registry tells more. A limit that was reached would only be used up further.
fn is_about_the_way(reason: FailureReason) -> bool {
    !matches!(
        reason,
        FailureReason::RateLimited | FailureReason::Credentials
    )
}

/// The command to run, as this run has asked.
fn where_to_look(flags: &ProbeFlags, reference: &Reference) -> String {
    let command = flags.command(reference);
    format!("`{command}` shows at which stage the way ends.")
}

/// Content that is there and damaged is `corrupt-manifest`'s.
fn is_outage(failure: &Failure) -> bool {
    failure.reason != FailureReason::Damaged
}

fn stage(reason: FailureReason, host: &str) -> String {
    match reason {
        FailureReason::Credentials => {
            format!("the credentials for {host} could not be had")
        }
        FailureReason::RateLimited => format!("{host} limits how often we may ask"),
        FailureReason::Dns => format!("the name {host} does not resolve"),
        FailureReason::Connect => format!("no connection to {host}"),
        FailureReason::Tls => format!("no trusted connection to {host}"),
        FailureReason::Timeout => format!("no answer from {host} in time"),
        FailureReason::ServerError => format!("{host} fails"),
        FailureReason::Malformed | FailureReason::Damaged => {
            format!("the answer of {host} cannot be used")
        }
    }
}

fn help(failure: &Failure, host: &str, reference: &Reference) -> String {
    match failure.reason {
        FailureReason::Credentials => format!(
            "Mend the credential helper that the credentials file of this machine names, or log in to {} anew. Nodes have credentials of their own.",
            reference.registry()
        ),
        FailureReason::RateLimited => {
            let wait = failure
                .retry_after
                .map(|time| format!(" in {}", words(time)))
                .unwrap_or_default();
            format!(
                "Log in to {} (`docker login`), which raises the limit, or try again{wait}.",
                reference.registry()
            )
        }
        FailureReason::Dns => format!(
            "Check the spelling of the host. If it is a private name, run this where it resolves, and check that the nodes' DNS knows {host}."
        ),
        FailureReason::Connect => format!(
            "Check that {host} is up and that firewall and proxy (`HTTPS_PROXY`) let this machine through; a registry without encryption needs `--plain-http {host}`."
        ),
        FailureReason::Tls => format!(
            "If {host} has a certificate of a private authority, pass it with `--ca-file`; the nodes must trust it as well."
        ),
        FailureReason::Timeout => format!(
            "Check firewall, routes and proxy between this machine and {host}, or allow more time with `--timeout`."
        ),
        FailureReason::ServerError => match &failure.respondent {
            Some(host) => format!(
                "Try again. {} sends whoever pulls on to {host}: check that firewalls, proxies and service perimeters let the nodes through to it, too.",
                reference.registry()
            ),
            None => format!(
                "Try again, and look at the status page of {}.",
                reference.registry()
            ),
        },
        FailureReason::Malformed | FailureReason::Damaged => format!(
            "Check that a registry answers at {host}, and no proxy, login portal or other server in its place."
        ),
    }
}

/// A time to wait, rounded up to a unit that a person would take.
fn words(wait: Duration) -> String {
    let seconds = wait.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

/// What a node shows that fails at the same stage; none where the words hold what only the node can know.
fn event(subject: &Subject<'_>, reference: &Reference, failure: &Failure) -> Option<Event> {
    let reason = failure.reason;
    if failure.respondent.is_some() {
        return None;
    }
    let pull = Pull::new(subject, reference, subject.pools.iter().copied());
    let host = reference.api_host();
    let address = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:443")
    };
    let name = host.split(':').next().unwrap_or(host);
    let cause = match reason {
        FailureReason::Dns => format!("dial tcp: lookup {name}: no such host"),
        FailureReason::Connect => format!("dial tcp {address}: connect: connection refused"),
        FailureReason::Timeout => format!("dial tcp {address}: i/o timeout"),
        FailureReason::Tls => {
            "tls: failed to verify certificate: x509: certificate signed by unknown authority"
                .to_owned()
        }
        FailureReason::RateLimited => "429 Too Many Requests".to_owned(),
        FailureReason::Credentials
        | FailureReason::ServerError
        | FailureReason::Malformed
        | FailureReason::Damaged => {
            return None;
        }
    };
    if pull.wording() == Wording::CriO {
        let description = format!("pinging container registry {host}: {cause}");
        if reason == FailureReason::Connect {
            return Some(Event {
                reason: "RegistryUnavailable",
                message: format!(
                    "image pull failed for {} because the registry is unavailable: {description}",
                    subject.occurrence.value
                ),
            });
        }
        return Some(pull.failed(
            "Unknown",
            &format!(
                "initializing source docker://{}: {description}",
                pull.image()
            ),
        ));
    }
    let url = pull.manifest_url();
    Some(if reason == FailureReason::RateLimited {
        pull.failed_to_resolve(
            "Unknown",
            &format!("unexpected status from HEAD request to {url}: {cause}"),
        )
    } else {
        let code = if reason == FailureReason::Timeout {
            "DeadlineExceeded"
        } else {
            "Unknown"
        };
        pull.failed_to_resolve(
            code,
            &format!("failed to do request: Head \"{url}\": {cause}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::RuntimeKind;
    use crate::facts::{Identity, RefusalReason};
    use crate::rule::subject_for_tests::{Case, failure};

    const IMAGE: &str = "registry.example.com/app:1";

    const OUTAGES: [FailureReason; 8] = [
        FailureReason::RateLimited,
        FailureReason::Dns,
        FailureReason::Credentials,
        FailureReason::Connect,
        FailureReason::Tls,
        FailureReason::Timeout,
        FailureReason::ServerError,
        FailureReason::Malformed,
    ];

    #[test]
    fn every_stage_names_the_host_and_what_to_check() {
        let mut helps = Vec::new();
        for reason in OUTAGES {
            let finding = Case::image(IMAGE)
                .undetermined(reason, "the detail")
                .only_finding(&RULE);
            assert!(
                finding.message.contains("registry.example.com"),
                "{}",
                finding.message
            );
            let help = finding.help.unwrap_or_default();
            assert!(help.ends_with("What happened: the detail"), "{help}");
            helps.push(help);
        }
        helps.sort();
        helps.dedup();
        assert_eq!(helps.len(), OUTAGES.len());
    }

    #[test]
    fn a_host_that_the_registry_sends_to_is_blamed_itself() {
        for reason in OUTAGES {
            let failure = Failure {
                respondent: Some("storage.example.net".to_owned()),
                ..failure(reason, "")
            };
            let finding = Case::image(IMAGE)
                .lookup(Answer::Undetermined(failure))
                .only_finding(&RULE);
            assert!(
                finding.message.contains("storage.example.net"),
                "{}",
                finding.message
            );
            assert_eq!(
                finding.event, None,
                "the words of nodes name another address"
            );
        }
    }

    #[test]
    fn the_events_are_containerds() {
        let event = |reason| {
            Case::image(IMAGE)
                .undetermined(reason, "")
                .only_finding(&RULE)
                .event
                .map(|event| event.message)
                .unwrap_or_default()
        };
        assert_eq!(
            event(FailureReason::Dns),
            "Failed to pull image \"registry.example.com/app:1\": rpc error: code = Unknown desc = failed to pull and \
             unpack image \"registry.example.com/app:1\": failed to resolve reference \"registry.example.com/app:1\": \
             failed to do request: Head \"https://registry.example.com/v2/app/manifests/1\": dial tcp: lookup \
             registry.example.com: no such host"
        );
        assert!(
            event(FailureReason::Timeout)
                .ends_with("dial tcp registry.example.com:443: i/o timeout")
        );
        assert!(event(FailureReason::RateLimited).ends_with("manifests/1: 429 Too Many Requests"));
        assert_eq!(event(FailureReason::ServerError), "");
    }

    #[test]
    fn only_cri_o_calls_a_refused_connection_registry_unavailable() {
        let reason = |kind| {
            Case::image(IMAGE)
                .undetermined(FailureReason::Connect, "")
                .pool_with_runtime("pool", kind, 1, 33)
                .only_finding(&RULE)
                .event
                .map(|event| event.reason)
        };
        assert_eq!(reason(RuntimeKind::CriO), Some("RegistryUnavailable"));
        assert_eq!(reason(RuntimeKind::Containerd), Some("ErrImagePull"));
    }

    #[test]
    fn how_long_to_wait_is_said_where_the_server_says_it() {
        let mut limited = failure(FailureReason::RateLimited, "");
        limited.retry_after = Some(Duration::from_secs(90));
        let mut case = Case::image(IMAGE);
        case.lookup = Some(Answer::Undetermined(limited));
        let help = case.only_finding(&RULE).help.unwrap_or_default();
        assert!(help.ends_with("try again in 90 s."), "{help}");
    }

    #[test]
    fn an_outage_half_way_does_not_vanish() {
        let finding = Case::image(IMAGE)
            .index(&[("linux/amd64", &[1])])
            .change(|case| {
                case.first_image().config =
                    Some(Answer::Undetermined(failure(FailureReason::Timeout, "5 s")));
            })
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "could not tell whether the config for linux/amd64 of registry.example.com/app:1 is there: no answer from registry.example.com in time"
        );
    }

    #[test]
    fn what_is_known_is_silent() {
        Case::image(IMAGE).has_no_finding(&RULE);
        Case::image(IMAGE)
            .single(&[("linux/amd64", &[1])])
            .has_no_finding(&RULE);
        Case::image(IMAGE)
            .refused(RefusalReason::Forbidden, Identity::Anonymous)
            .has_no_finding(&RULE);
        Case::image(IMAGE)
            .undetermined(FailureReason::Damaged, "no JSON")
            .has_no_finding(&RULE);
    }
}
