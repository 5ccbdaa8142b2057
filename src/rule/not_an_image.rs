use super::event::{Pull, Wording};
use super::{Finding, Subject, declare_rule};
use crate::facts::{Answer, Depth, Found};
use crate::finding::Severity;
use crate::oci::{Artifact, Manifest};

declare_rule! {
    /// ## What it does
    /// Reports names behind which there is something that no node can run: a Helm chart, a signature, an SBOM, a WebAssembly
    /// module, or an index that lists no image at all. Volumes may mount such things, so they are left out.
    ///
    /// ## Why it matters
    /// Registries keep all kinds of content under the same names as images. A chart and its image often differ by one word.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`: containerd fails with `mismatched image rootfs and manifest layers`, CRI-O with `unsupported
    /// image-specific operation on artifact with type "…"`.
    ///
    /// ## How to fix it
    /// Write the name of the image itself, as `image: ghcr.io/team/app:1.2` and not `ghcr.io/team/charts/app:1.2`.
    id: "not-an-image",
    summary: "the name leads to a chart, a signature or another artifact",
    severity: Some(Severity::Error),
    needs: Depth::Manifest,
    event: Some("ErrImagePull"),
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    if !subject.occurrence.role.runs() {
        return vec![];
    }
    let finding = |what: &str| {
        RULE.finding(
            subject,
            format!("{reference} is {what}, and no image that a node can run"),
        )
        .help("Write the name of the image itself.")
    };
    if is_empty_index(found) {
        return vec![
            finding("an index without images")
                .help("Push the images that the index should list, and then the index."),
        ];
    }
    let Some(artifact) = artifact(subject, found) else {
        return vec![];
    };
    let what = match artifact.artifact_type.as_str() {
        "" => artifact.kind().to_owned(),
        kind => format!("{} ({kind})", artifact.kind()),
    };
    let pull = Pull::new(subject, reference, subject.pools.iter().copied());
    vec![finding(&what).event(match pull.wording() {
        Wording::CriO => pull.failed(
            "Unknown",
            &format!(
                "unsupported image-specific operation on artifact with type \"{}\"",
                artifact.artifact_type
            ),
        ),
        _ => pull.failed_to_unpack(
            "Unknown",
            "failed to unpack image on snapshotter overlayfs: mismatched image rootfs and manifest layers",
        ),
    })]
}

fn is_empty_index(found: &Found) -> bool {
    matches!(&found.manifest, Manifest::Index(index) if index.images().next().is_none())
}

/// The artifact that nodes would get: behind the name itself, or behind an index.
fn artifact<'a>(subject: &Subject<'a>, found: &'a Found) -> Option<&'a Artifact> {
    if let Manifest::Artifact(artifact) = &found.manifest {
        return Some(artifact);
    }
    subject.pulled(found).into_iter().find_map(|pulled| {
        match pulled.image.manifest.as_ref().and_then(Answer::found) {
            Some(Manifest::Artifact(artifact)) => Some(artifact),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::RuntimeKind;
    use crate::oci::{Bytes, media_type};
    use crate::rule::subject_for_tests::Case;
    use crate::workload::Role;

    fn chart() -> Manifest {
        Manifest::Artifact(Artifact {
            media_type: media_type::OCI_MANIFEST.to_owned(),
            artifact_type: media_type::HELM_CONFIG.to_owned(),
            size: Bytes(10),
        })
    }

    #[test]
    fn a_chart_is_called_by_its_name() {
        let finding = Case::image("ghcr.io/team/charts/app:1")
            .manifest(chart())
            .only_finding(&RULE);
        assert_eq!(
            finding.message,
            "ghcr.io/team/charts/app:1 is a Helm chart (application/vnd.cncf.helm.config.v1+json), and no image that a node can run"
        );
    }

    #[test]
    fn cri_o_words_it_in_its_own_way() {
        let finding = Case::image("app:1")
            .manifest(chart())
            .pool_with_runtime("pool", RuntimeKind::CriO, 1, 33)
            .only_finding(&RULE);
        let event = finding.event.map(|event| event.message).unwrap_or_default();
        assert!(
            event.contains("unsupported image-specific operation on artifact"),
            "{event}"
        );
    }

    #[test]
    fn an_index_must_list_an_image() {
        let finding = Case::image("app:1").index(&[]).only_finding(&RULE);
        assert!(finding.message.contains("an index without images"));
    }

    #[test]
    fn images_are_silent_and_so_are_volumes() {
        Case::image("app:1")
            .single(&[("linux/amd64", &[1])])
            .has_no_finding(&RULE);
        Case::image("app:1")
            .index(&[("linux/amd64", &[1])])
            .has_no_finding(&RULE);
        Case::image("app:1")
            .manifest(chart())
            .role(Role::Volume)
            .has_no_finding(&RULE);
    }
}
