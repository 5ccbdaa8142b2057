use super::event::Pull;
use super::{Finding, Subject, declare_rule};
use crate::cluster::{NodePool, Runtime, RuntimeKind};
use crate::facts::{Answer, Depth, Found};
use crate::finding::{Event, Severity};
use crate::oci::{Manifest, Reference};

declare_rule! {
    /// ## What it does
    /// Reports images that the registry keeps as Docker manifests of version 2, schema 1. The document decides, and not what
    /// the registry calls it. It is an error where a node's containerd is 2.0 or later or is not known, and a warning where
    /// all nodes still convert the format.
    ///
    /// ## Why it matters
    /// containerd 2.0 disables the format and containerd 2.1 removes it. On GKE, Linux nodes have containerd 2.0 from version
    /// 1.33 on, so the image that runs today fails after the upgrade.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`: ``failed to get converter for "…": Pulling Schema 1 images have been deprecated and disabled by default
    /// since containerd v2.0 …``; from containerd 2.1 on ``schema 1 image manifests are no longer supported: invalid
    /// argument``.
    ///
    /// ## How to fix it
    /// Build the image again and push it with a current tool. Without its sources, convert it with a tool that still reads
    /// the format: `skopeo copy --format v2s2 docker://OLD docker://NEW`.
    id: "schema1-manifest",
    summary: "the image has the Docker schema 1 format, which containerd 2 refuses",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

/// containerd 2.0's own words (`core/remotes/docker/schema1/converter.go`, v2.0.7).
const DISABLED: &str = "Pulling Schema 1 images have been deprecated and disabled by default since containerd v2.0. \
    As a workaround you may set an environment variable `CONTAINERD_ENABLE_DEPRECATED_PULL_SCHEMA_1_IMAGE=1`, but this \
    will be completely removed in containerd v2.1.";

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let Some(schema1) = Schema1::of(subject, found) else {
        return vec![];
    };
    let help = format!(
        "Build it again and push it with a current tool, or convert it: `skopeo copy --format v2s2 docker://{reference} docker://NEW`."
    );
    let (refusing, converting): (Vec<&NodePool>, Vec<&NodePool>) = subject
        .pools
        .iter()
        .copied()
        .partition(|pool| schema1.is_refused_by(pool.container_runtime().as_ref()));
    if refusing.is_empty() && !converting.is_empty() {
        return vec![
            RULE.finding(
                subject,
                format!(
                    "{reference} has the Docker schema 1 format: {}",
                    for_how_long(&converting)
                ),
            )
            .severity(Severity::Warning)
            .help(help)
            .on_pools(&converting),
        ];
    }
    vec![
        RULE.finding(
            subject,
            format!(
                "{reference} has the Docker schema 1 format, which containerd refuses from 2.0 on"
            ),
        )
        .help(help)
        .event(schema1.event(subject, reference, &refusing))
        .on_pools(&refusing),
    ]
}

/// What becomes of nodes that still take the format.
fn for_how_long(pools: &[&NodePool]) -> &'static str {
    let is_cri_o = |pool: &&NodePool| {
        let runtime = pool.container_runtime();
        runtime.is_some_and(|runtime| runtime.kind == RuntimeKind::CriO)
    };
    if pools.iter().all(is_cri_o) {
        "CRI-O still pulls it, and containerd refuses it from 2.0 on"
    } else {
        "these nodes still convert it, and no longer after their upgrade to containerd 2"
    }
}

/// Where the old format stands.
enum Schema1 {
    /// Behind the name itself.
    Itself,
    /// Behind an index: no containerd converts it there.
    InIndex,
}

impl Schema1 {
    fn of(subject: &Subject<'_>, found: &Found) -> Option<Self> {
        if matches!(found.manifest, Manifest::Schema1(_)) {
            return Some(Self::Itself);
        }
        subject
            .pulled(found)
            .iter()
            .any(|pulled| {
                matches!(
                    pulled.image.manifest.as_ref().and_then(Answer::found),
                    Some(Manifest::Schema1(_))
                )
            })
            .then_some(Self::InIndex)
    }

    /// Whether a runtime refuses the format. One that is not known is taken for a current one.
    fn is_refused_by(&self, runtime: Option<&Runtime>) -> bool {
        match (self, runtime) {
            (Self::InIndex, Some(runtime)) => runtime.kind != RuntimeKind::CriO,
            (Self::Itself, Some(runtime)) => !runtime.pulls_schema1(),
            (_, None) => true,
        }
    }

    fn event(&self, subject: &Subject<'_>, reference: &Reference, pools: &[&NodePool]) -> Event {
        let pull = Pull::new(subject, reference, pools.iter().copied());
        let runtime = pools.iter().find_map(|pool| pool.container_runtime());
        let is_after_removal = runtime.is_some_and(|runtime| {
            runtime.kind == RuntimeKind::Containerd && (runtime.major, runtime.minor) >= (2, 1)
        });
        match self {
            Self::InIndex => pull.failed_to_unpack("Unknown", "media-type: schema 1 not supported"),
            // Nodes that pull without the transfer service name the type instead; both words are containerd's.
            Self::Itself if is_after_removal => pull.failed_to_unpack(
                "InvalidArgument",
                "schema 1 image manifests are no longer supported: invalid argument",
            ),
            Self::Itself => pull.failed_to_unpack(
                "Unknown",
                &format!(
                    "failed to get converter for \"{}\": {DISABLED}",
                    pull.image()
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FailureReason;
    use crate::oci;
    use crate::rule::subject_for_tests::Case;

    fn schema1() -> Case {
        Case::image("registry.example.com/old:1").manifest(Manifest::Schema1(oci::Schema1 {
            signed: true,
            architecture: Some("amd64".to_owned()),
            layers: Vec::new(),
        }))
    }

    fn on(kind: RuntimeKind, major: u32, minor: u32) -> Finding {
        schema1()
            .pool_with_runtime("pool", kind, major, minor)
            .only_finding(&RULE)
    }

    #[test]
    fn the_runtime_of_the_pool_decides_how_bad_it_is() {
        for (kind, major, minor, severity) in [
            (RuntimeKind::Containerd, 1, 7, Severity::Warning),
            (RuntimeKind::Containerd, 2, 0, Severity::Error),
            (RuntimeKind::Containerd, 2, 2, Severity::Error),
            (RuntimeKind::CriO, 1, 33, Severity::Warning),
            (RuntimeKind::Docker, 20, 10, Severity::Warning),
        ] {
            let finding = on(kind, major, minor);
            assert_eq!(finding.severity, severity, "{kind:?} {major}.{minor}");
            assert_eq!(finding.node_pools, ["pool"]);
        }
    }

    #[test]
    fn without_a_target_it_is_an_error() {
        assert_eq!(schema1().only_finding(&RULE).severity, Severity::Error);
        let unknown = schema1().pool("pool", "linux/amd64").only_finding(&RULE);
        assert_eq!(unknown.severity, Severity::Error);
    }

    #[test]
    fn each_generation_has_its_words() {
        let event = |minor| {
            on(RuntimeKind::Containerd, 2, minor)
                .event
                .map(|event| event.message)
                .unwrap_or_default()
        };
        assert!(event(0).contains(
            "failed to get converter for \"registry.example.com/old:1\": Pulling Schema 1 images have been deprecated"
        ));
        assert!(
            event(1)
                .ends_with("schema 1 image manifests are no longer supported: invalid argument")
        );
    }

    #[test]
    fn in_a_mixed_cluster_the_pools_that_fail_are_named() {
        let finding = schema1()
            .pool_with_runtime("old", RuntimeKind::Containerd, 1, 7)
            .pool_with_runtime("new", RuntimeKind::Containerd, 2, 0)
            .only_finding(&RULE);
        assert_eq!(finding.severity, Severity::Error);
        assert_eq!(finding.node_pools, ["new"]);
    }

    #[test]
    fn current_formats_are_silent() {
        Case::image("app:1")
            .single(&[("linux/amd64", &[1])])
            .has_no_finding(&RULE);
        Case::image("app:1")
            .undetermined(FailureReason::Malformed, "")
            .has_no_finding(&RULE);
    }
}
