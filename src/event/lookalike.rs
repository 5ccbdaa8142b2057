//! Messages that are taken for pull failures and are none, or that do not say why.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// Words of such messages, and what to say about them.
///
/// Sources: kubelet `pkg/kubelet/kuberuntime`, `pkg/kubelet/kubelet_pods.go`, `pkg/kubelet/prober`; kube-scheduler
/// `pkg/scheduler/schedule_one.go`.
const ROWS: [(&str, &str); 15] = [
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
        r"failed calling webhook|failed to call webhook",
        "No pull failure: an admission webhook does not answer, or is not trusted, so the object was not even stored.",
    ),
    (
        r"not a valid chart repository|cannot load Chart\.yaml|/index\.yaml\b|failed to fetch \S+\.tgz\b|chart .{1,120} not found in \S+ (index|repository)",
        "No pull failure: this is about a Helm chart, not about an image.",
    ),
    (
        r"(unable|failed) to clone|git clone|Cloning into|fatal: (unable to access|authentication failed|could not read)|git-upload-pack",
        "No pull failure: this is about a git repository.",
    ),
    (
        r"npm (ERR|error|WARN)|registry\.npmjs\.org|registry\.yarnpkg\.com|Could not fetch URL https://pypi|files\.pythonhosted\.org|(?-i:\bE: )(Failed to fetch|Unable to fetch)|proxy\.golang\.org|repo\.maven|crates\.io|rubygems\.org",
        "No pull failure: this is about a package of a programming language or system.",
    ),
    (
        r"validation failure|require-image-tag|disallow-latest-tag|latest.{0,20} tag .{0,20}(not allowed|disallowed)|validation error: .*image tag",
        "No pull failure: a policy of the cluster does not admit the pod as it is written.",
    ),
    (
        r"The push refers to|failed to push|push access denied|denied: requested access to the resource is denied: push|error pushing",
        "No pull failure: this is about pushing an image.",
    ),
    (
        r"ErrImagePull|ImagePullBackOff|Back-off pulling image|Failed to pull image|image pull failed|failed to pull",
        "This says only that a pull failed. The reason stands in the message `Failed to pull image …` before it: `kubectl describe pod POD` shows it.",
    ),
];

/// Messages about pulls that hold words of other failures too: programs of another machine end and are started again, and a pull
/// secret is a Secret.
const PULLS: &str = r#"exec format error|secrets "\S*(regist|pull|docker|cred|[._-][eag]cr|quay|harbor)\S*"? not found"#;

/// The row that explains a message about a pull too: nobody has asked a registry yet.
const RUNTIME_DOWN: usize = 0;
/// The row that is about pulls, without saying why.
const WITHOUT_REASON: usize = ROWS.len() - 1;

/// The rows, compiled. The test below builds them, so the empty set never stands in.
static SET: LazyLock<RegexSet> = LazyLock::new(|| build().unwrap_or_else(|_| RegexSet::empty()));

static PULL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    RegexBuilder::new(PULLS)
        .case_insensitive(true)
        .unicode(false)
        .build()
        .ok()
});

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
    let is_about_pulls = PULL
        .as_ref()
        .is_some_and(|pull| pull.is_match(text.as_bytes()));
    let is_pull = is_about_pulls || rows.matched(WITHOUT_REASON) && !rows.matched(RUNTIME_DOWN);
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
        assert!(PULL.is_some());
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
