use super::{Finding, Subject, declare_rule};
use crate::facts::Depth;
use crate::finding::Severity;
use crate::oci::Reference;

declare_rule! {
    /// ## What it does
    /// Reports images under hosts and namespaces that are frozen, moved or shut down, with the date and the successor. The
    /// list is short: it holds what its owners announced.
    ///
    /// ## Why it matters
    /// Some of these images are gone already. The others get no security fixes any more, and one day they stop coming.
    ///
    /// ## What the cluster would show
    /// Nothing while the old place still answers. Once it is gone: `ErrImagePull`, with `not found`.
    ///
    /// ## How to fix it
    /// Write the successor that the finding names, such as `image: registry.k8s.io/pause:3.10` in place of
    /// `k8s.gcr.io/pause:3.10`.
    id: "retired-registry",
    summary: "the host or namespace is frozen, moved or shut down",
    severity: Some(Severity::Warning),
    needs: Depth::Reference,
    event: None,
}

/// A place that gets no new images any more.
struct Retired {
    /// Host, or host and namespace or repository.
    prefix: &'static str,
    what: &'static str,
    /// What takes the place of the prefix; none where no name follows from the old one.
    successor: Option<&'static str>,
    advice: &'static str,
}

/// What the owners announced. Each entry has its source in front.
static RETIRED: &[Retired] = &[
    // https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/
    Retired {
        prefix: "k8s.gcr.io",
        what: "k8s.gcr.io is frozen since 2023-04-03",
        successor: Some("registry.k8s.io"),
        advice: "The same images are at registry.k8s.io.",
    },
    // https://github.com/kubernetes-sigs/kubebuilder/discussions/3907
    Retired {
        prefix: "gcr.io/kubebuilder",
        what: "gcr.io/kubebuilder is shut down since 2025-03-18",
        successor: Some("registry.k8s.io/kubebuilder"),
        advice: "kube-rbac-proxy is at registry.k8s.io/kubebuilder and at quay.io/brancz.",
    },
    // https://github.com/bitnami/containers/issues/83267
    Retired {
        prefix: "docker.io/bitnami",
        what: "Bitnami moved its versioned images out of docker.io/bitnami from 2025-08-28 on",
        successor: Some("docker.io/bitnamilegacy"),
        advice: "docker.io/bitnamilegacy has the old images and gets no updates: plan for another image.",
    },
    // https://github.com/docker-library/docs/pull/2162
    Retired {
        prefix: "docker.io/library/openjdk",
        what: "the official image openjdk gets no releases since 2022-07",
        successor: None,
        advice: "Use `eclipse-temurin`, or the image of another vendor.",
    },
    // https://github.com/docker-library/docs/pull/2008
    Retired {
        prefix: "docker.io/library/adoptopenjdk",
        what: "the official image adoptopenjdk gets no updates since 2021-08-01",
        successor: None,
        advice: "Use `eclipse-temurin`.",
    },
];

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(reference) = subject.reference() else {
        return vec![];
    };
    let Some(retired) = RETIRED
        .iter()
        .find(|retired| retired.rest(reference).is_some())
    else {
        return vec![];
    };
    let help = match retired.renamed(reference) {
        Some(name) => format!("Write `{name}`. {}", retired.advice),
        None => retired.advice.to_owned(),
    };
    vec![
        RULE.finding(
            subject,
            format!("{reference} is no longer kept up: {}", retired.what),
        )
        .help(help),
    ]
}

impl Retired {
    /// What follows the prefix in the name, where the name is under it.
    fn rest(&self, reference: &Reference) -> Option<String> {
        let name = reference.name();
        let rest = name.strip_prefix(self.prefix)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
    }

    /// The same image at the successor. A digest stays true, because the content moved unchanged.
    fn renamed(&self, reference: &Reference) -> Option<String> {
        let mut name = format!("{}{}", self.successor?, self.rest(reference)?);
        if let Some(tag) = reference.tag() {
            name.push(':');
            name.push_str(tag);
        }
        if let Some(digest) = reference.digest() {
            name.push('@');
            name.push_str(digest.as_str());
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::Case;

    #[test]
    fn the_successor_is_offered_where_it_is_known() {
        for (image, successor) in [
            ("k8s.gcr.io/pause:3.2", "registry.k8s.io/pause:3.2"),
            (
                "gcr.io/kubebuilder/kube-rbac-proxy:v0.15.0",
                "registry.k8s.io/kubebuilder/kube-rbac-proxy:v0.15.0",
            ),
            ("bitnami/redis:7.2", "docker.io/bitnamilegacy/redis:7.2"),
        ] {
            let finding = Case::image(image).only_finding(&RULE);
            let help = finding.help.unwrap_or_default();
            assert!(help.starts_with(&format!("Write `{successor}`.")), "{help}");
        }
        let finding = Case::image("openjdk:11").only_finding(&RULE);
        assert_eq!(
            finding.help.as_deref(),
            Some("Use `eclipse-temurin`, or the image of another vendor.")
        );
    }

    #[test]
    fn living_places_are_silent() {
        for image in [
            "registry.k8s.io/pause:3.2",
            "gcr.io/distroless/static:nonroot",
            "gcr.io/kubebuilder-mirror/x:1",
            "docker.io/bitnamilegacy/redis:7.2",
            "team/openjdk:11",
        ] {
            Case::image(image).has_no_finding(&RULE);
        }
    }
}
