use super::{Finding, Subject, declare_rule};
use crate::cluster::NodePool;
use crate::facts::{Depth, Found};
use crate::finding::Severity;
use crate::oci::{Digest, Manifest, Platform, Reference};

declare_rule! {
    /// ## What it does
    /// Reports references with a tag and a digest whose tag points to another digest now, and digests that lead to the image
    /// of one platform although the pod can land on nodes of several.
    ///
    /// ## Why it matters
    /// With a digest the tag is a mere comment: nodes pull what the digest says. Whoever reads the tag believes in another
    /// image, and updates to the tag never arrive. A digest copied from the output of a build or of `docker inspect` is often
    /// that of one platform's image and not that of the index.
    ///
    /// ## What the cluster would show
    /// Nothing where the digest is still there: the older image runs. Where the node is of another platform than the digest's
    /// image, `CrashLoopBackOff` with `exec format error`.
    ///
    /// ## How to fix it
    /// Write the digest that the tag has now: `crane digest IMAGE:TAG`, or `docker buildx imagetools inspect IMAGE:TAG`; it is
    /// the one of the index. Where the older image is meant, write its tag.
    id: "tag-digest-mismatch",
    summary: "the tag beside a digest points elsewhere, or the digest is that of one platform",
    severity: Some(Severity::Warning),
    needs: Depth::Manifest,
    event: None,
}

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let Some((reference, found)) = subject.found() else {
        return vec![];
    };
    let Some(digest) = reference.digest() else {
        return vec![];
    };
    one_platform(subject, reference, found)
        .or_else(|| moved_tag(subject, reference, found, digest))
        .into_iter()
        .collect()
}

/// The digest of a single manifest, and nodes of several platforms.
fn one_platform(subject: &Subject<'_>, reference: &Reference, found: &Found) -> Option<Finding> {
    if !matches!(found.manifest, Manifest::Image(_)) || !subject.occurrence.role.runs() {
        return None;
    }
    let mut platforms: Vec<&Platform> = Vec::new();
    let mut pools: Vec<&NodePool> = Vec::new();
    for (pool, platform) in subject.targets() {
        let is_known = |known: &&Platform| {
            known.os == platform.os && known.architecture == platform.architecture
        };
        if !platforms.iter().any(is_known) {
            platforms.push(platform);
        }
        pools.push(pool);
    }
    if platforms.len() < 2 {
        return None;
    }
    let listed: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    Some(
        RULE.finding(
            subject,
            format!(
                "the digest of {} leads to an image of one platform, and the pod can land on nodes of {}",
                reference.name(),
                listed.join(", ")
            ),
        )
        .help("Write the digest of the index, which `docker buildx imagetools inspect` prints first.")
        .on_pools(&pools),
    )
}

fn moved_tag(
    subject: &Subject<'_>,
    reference: &Reference,
    found: &Found,
    digest: &Digest,
) -> Option<Finding> {
    let tag = reference.tag()?;
    let now = found.tag_digest.as_ref().filter(|now| *now != digest)?;
    Some(
        RULE.finding(
            subject,
            format!(
                "the tag {tag} of {} points to {} now, and nodes pull {}",
                reference.name(),
                now.short(),
                digest.short()
            ),
        )
        .help(format!(
            "Write `{}:{tag}@{now}`, or the tag that belongs to the digest.",
            reference.name()
        )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Answer;
    use crate::rule::subject_for_tests::{Case, digest};

    /// An image that is pinned, with what its tag has now.
    fn pinned(tag: &str, now: Option<Digest>) -> Case {
        Case::image(&format!(
            "registry.example.com/app{tag}@{}",
            digest("linux/amd64")
        ))
        .single(&[("linux/amd64", &[1])])
        .change(|case| {
            if let Some(Answer::Found(found)) = &mut case.lookup {
                found.tag_digest = now;
            }
        })
    }

    #[test]
    fn a_tag_that_moved_on_is_named_with_both_digests() {
        let now = digest("newer");
        let finding = pinned(":1", Some(now.clone())).only_finding(&RULE);
        assert_eq!(
            finding.message,
            format!(
                "the tag 1 of registry.example.com/app points to {} now, and nodes pull {}",
                now.short(),
                digest("linux/amd64").short()
            )
        );
        assert!(finding.help.unwrap_or_default().contains(now.as_str()));
    }

    #[test]
    fn a_tag_that_agrees_or_is_not_told_is_silent() {
        pinned(":1", Some(digest("linux/amd64"))).has_no_finding(&RULE);
        pinned(":1", None).has_no_finding(&RULE);
        pinned("", None).has_no_finding(&RULE);
    }

    #[test]
    fn the_digest_of_one_platform_does_not_fit_mixed_pools() {
        let one = pinned("", None).pool("amd", "linux/amd64");
        one.has_no_finding(&RULE);
        let finding = one.pool("arm", "linux/arm64").only_finding(&RULE);
        assert!(
            finding
                .message
                .ends_with("nodes of linux/amd64, linux/arm64"),
            "{}",
            finding.message
        );
        assert_eq!(finding.node_pools, ["amd", "arm"]);
    }

    #[test]
    fn the_digest_of_an_index_fits_all() {
        Case::image(&format!("app@{}", digest("index")))
            .index(&[("linux/amd64", &[1]), ("linux/arm64", &[1])])
            .pool("amd", "linux/amd64")
            .pool("arm", "linux/arm64")
            .has_no_finding(&RULE);
    }
}
