//! Messages that are taken for pull failures and are none, or that do not say why.

use std::sync::LazyLock;

use regex::bytes::{RegexSet, RegexSetBuilder};

/// Words of such messages, and what to say about them.
///
/// Sources: kubelet `pkg/kubelet/kuberuntime`, `pkg/kubelet/kubelet_pods.go`, `pkg/kubelet/prober`; kube-scheduler
/// `pkg/scheduler/schedule_one.go`.
const ROWS: [(&str, &str); 10] = [
    (
        r"dial unix \S+\.sock|code = Unavailable desc = (transport|connection error|error reading from server)",
        "No failure of the image: the container runtime on the node does not answer. Look at `journalctl -u containerd` there.",
    ),
    (
        r"Back-?off (\S+ )?restarting failed|CrashLoopBackOff",
        "No pull failure: the image was pulled, and its program ends again and again. Look at `kubectl logs --previous`.",
    ),
    (
        r"CreateContainerConfigError|(secret|configmap) .{1,260} not found|couldn't find key",
        "No pull failure: a Secret or ConfigMap that the container wants is missing.",
    ),
    (
        r"FailedMount|MountVolume|Unable to attach or mount volumes|FailedAttachVolume",
        "No pull failure: a volume could not be mounted.",
    ),
    (
        r"FailedScheduling|nodes are available|didn't match Pod's node affinity",
        "No pull failure: no node takes the pod, so nothing was pulled yet.",
    ),
    (
        r"(readiness|liveness|startup) probe (failed|errored)",
        "No pull failure: the container runs, and its health check fails.",
    ),
    (
        r"OOMKilled|Memory cgroup out of memory",
        "No pull failure: the container used more memory than it may.",
    ),
    (
        r"network plugin|failed to set ?up network for sandbox|NetworkPluginNotReady|cni (plugin|config)|failed to (setup|set up) pod network",
        "No pull failure: the pod's network could not be set up.",
    ),
    (
        r"failed to push|push access denied|denied: requested access to the resource is denied: push|error pushing",
        "No pull failure: this is about pushing an image.",
    ),
    (
        r"ErrImagePull|ImagePullBackOff|Back-off pulling image|Failed to pull image|image pull failed|failed to pull",
        "This says only that a pull failed. The reason stands in the message `Failed to pull image …` before it: `kubectl describe pod POD` shows it.",
    ),
];

/// The row that explains a message about a pull too: nobody has asked a registry yet.
const RUNTIME_DOWN: usize = 0;
/// The row that is about pulls, without saying why.
const WITHOUT_REASON: usize = ROWS.len() - 1;

/// The rows, compiled. The test below builds them, so the empty set never stands in.
static SET: LazyLock<RegexSet> = LazyLock::new(|| build().unwrap_or_else(|_| RegexSet::empty()));

fn build() -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(ROWS.iter().map(|(words, _)| *words))
        .case_insensitive(true)
        .unicode(false)
        .build()
}

/// What a text is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lookalike {
    /// What to say about it.
    pub note: &'static str,
    /// Whether it is about a pull after all.
    pub is_pull: bool,
}

/// Whether `text` merely looks like a pull failure, or is one that does not say why.
pub(super) fn lookalike(text: &str) -> Option<Lookalike> {
    let rows = SET.matches(text.as_bytes());
    let is_pull = rows.matched(WITHOUT_REASON) && !rows.matched(RUNTIME_DOWN);
    let row = if is_pull {
        WITHOUT_REASON
    } else {
        rows.iter().next()?
    };
    Some(Lookalike {
        note: ROWS.get(row)?.1,
        is_pull,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_compile() {
        build().expect("the rows compile");
    }

    #[test]
    fn what_is_no_pull_failure_is_named() {
        for text in [
            "Back-off restarting failed container app in pod app-1",
            "Error: secret \"token\" not found",
            "Readiness probe failed: Get \"http://10.0.0.1/v2/\": connection refused",
            "0/3 nodes are available: 3 Insufficient cpu.",
        ] {
            assert!(
                lookalike(text).is_some_and(|found| !found.is_pull),
                "{text}"
            );
        }
        assert!(lookalike("Error: ImagePullBackOff").is_some_and(|found| found.is_pull));
        assert_eq!(lookalike("hello"), None);
    }
}
