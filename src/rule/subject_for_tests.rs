//! Subjects with facts made by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Budgets, ProbeFlags, Rule, Subject};
use crate::cluster::{NodePool, Runtime, RuntimeKind, Target};
use crate::facts::{
    Answer, BaseImages, Earlier, Failure, FailureReason, Found, Identity, Lookup, PlatformImage,
    Refusal, RefusalReason,
};
use crate::finding::Finding;
use crate::oci::{
    Bytes, Config, Descriptor, Digest, HistoryEntry, ImageManifest, Index, IndexEntry, Manifest,
    Platform, Reference, media_type,
};
use crate::text::{Origin, Source, SourceMap, Span};
use crate::workload::{Occurrence, Owner, Placement, PullPolicy, PullSecrets, Role};

/// One occurrence with its facts, to be judged by a rule.
pub struct Case {
    pub occurrence: Occurrence,
    pub lookup: Option<Lookup>,
    /// What stood there before, newest first.
    pub earlier: Vec<(Reference, Found)>,
    /// Other images of the run.
    pub others: BTreeMap<Reference, Lookup>,
    pub as_pod: Option<Answer<Identity>>,
    pub is_from_fork: bool,
    pub pools: Vec<NodePool>,
    pub pull_secrets: PullSecrets,
    pub budgets: Budgets,
    pub probe_flags: ProbeFlags,
}

impl Case {
    pub fn image(text: &str) -> Self {
        let mut sources = SourceMap::default();
        let source = sources.add(Source {
            name: "pod.yaml".to_owned(),
            text: text.to_owned(),
            origin: Origin::File,
        });
        Self {
            occurrence: Occurrence {
                written: text.to_owned(),
                reference: text.parse(),
                value: text.to_owned(),
                span: Span::new(source, 0..text.len()),
                owner: Owner::default(),
                field: "spec.containers[0].image".to_owned(),
                container: Some("app".to_owned()),
                role: Role::Container,
                pull_policy: None,
                pull_secrets: Vec::new(),
                service_account: None,
                placement: Arc::new(Placement::default()),
            },
            lookup: None,
            earlier: Vec::new(),
            others: BTreeMap::new(),
            as_pod: None,
            is_from_fork: false,
            pools: Vec::new(),
            pull_secrets: PullSecrets::default(),
            budgets: Budgets::default(),
            probe_flags: ProbeFlags::default(),
        }
    }

    pub fn role(mut self, role: Role) -> Self {
        self.occurrence.role = role;
        self
    }

    pub fn pull_policy(mut self, policy: PullPolicy) -> Self {
        self.occurrence.pull_policy = Some(policy);
        self
    }

    pub fn pool(mut self, name: &str, platform: &str) -> Self {
        let mut pool = NodePool::of_platform(platform.parse().expect(platform));
        name.clone_into(&mut pool.name);
        self.pools.push(pool);
        self
    }

    /// A linux/amd64 pool with a runtime, such as `containerd 2.0`.
    pub fn pool_with_runtime(self, name: &str, kind: RuntimeKind, major: u32, minor: u32) -> Self {
        let mut case = self.pool(name, "linux/amd64");
        if let Some(pool) = case.pools.last_mut() {
            pool.runtime = Some(Runtime { kind, major, minor });
        }
        case
    }

    pub fn refused(self, reason: RefusalReason, identity: Identity) -> Self {
        self.refusal(refusal(reason, identity))
    }

    pub fn refusal(mut self, refusal: Refusal) -> Self {
        self.lookup = Some(Answer::Refused(refusal));
        self
    }

    pub fn undetermined(self, reason: FailureReason, detail: &str) -> Self {
        self.lookup(Answer::Undetermined(failure(reason, detail)))
    }

    pub fn lookup(mut self, lookup: Lookup) -> Self {
        self.lookup = Some(lookup);
        self
    }

    pub fn found(mut self, found: Found) -> Self {
        self.lookup = Some(Answer::Found(found));
        self
    }

    /// Something found that has no image behind it.
    pub fn manifest(self, manifest: Manifest) -> Self {
        self.found(Found {
            identity: Identity::Anonymous,
            digest: digest("top"),
            content_type: String::new(),
            manifest,
            images: Vec::new(),
            tag_digest: None,
            older_tag: None,
        })
    }

    /// A single manifest of the first platform listed, with layers of these sizes.
    pub fn single(self, images: &[(&str, &[u64])]) -> Self {
        let (platform, sizes) = images.first().expect("an image");
        let manifest = image_manifest(platform, sizes);
        self.found(Found {
            identity: Identity::Anonymous,
            digest: digest(platform),
            content_type: String::new(),
            manifest: manifest.clone(),
            images: vec![PlatformImage {
                declared: None,
                digest: digest(platform),
                manifest: Some(Answer::Found(manifest)),
                config: Some(Answer::Found(config(platform, sizes.len()))),
                faulty_blobs: Vec::new(),
                content: None,
            }],
            tag_digest: None,
            older_tag: None,
        })
    }

    /// An index of images: the declared platforms, with layers of these sizes.
    pub fn index(self, images: &[(&str, &[u64])]) -> Self {
        let images: Vec<PlatformImage> = images
            .iter()
            .map(|(platform, sizes)| PlatformImage {
                declared: Some(platform.parse().expect(platform)),
                digest: digest(platform),
                manifest: Some(Answer::Found(image_manifest(platform, sizes))),
                config: Some(Answer::Found(config(platform, sizes.len()))),
                faulty_blobs: Vec::new(),
                content: None,
            })
            .collect();
        let entries = images
            .iter()
            .map(|image| IndexEntry {
                descriptor: descriptor(media_type::OCI_MANIFEST, image.digest.clone(), 500),
                platform: image.declared.clone(),
            })
            .collect();
        self.found(Found {
            identity: Identity::Anonymous,
            digest: digest("index"),
            content_type: media_type::OCI_INDEX.to_owned(),
            manifest: Manifest::Index(Index {
                media_type: media_type::OCI_INDEX.to_owned(),
                entries,
                annotations: std::collections::BTreeMap::new(),
            }),
            images,
            tag_digest: None,
            older_tag: None,
        })
    }

    /// A single linux/amd64 image with this build history: instruction and bytes of its layer, zero for none.
    pub fn history(self, steps: &[(&str, u64)]) -> Self {
        let sizes: Vec<u64> = steps
            .iter()
            .map(|(_, size)| *size)
            .filter(|s| *s > 0)
            .collect();
        let mut case = self.single(&[("linux/amd64", &sizes)]);
        let history = steps
            .iter()
            .map(|(created_by, size)| HistoryEntry {
                created_by: Some((*created_by).to_owned()),
                empty_layer: *size == 0,
                ..HistoryEntry::default()
            })
            .collect();
        if let Some(Answer::Found(Config { history: old, .. })) = case.first_image().config.as_mut()
        {
            *old = history;
        }
        case
    }

    /// What another case found stood here before.
    pub fn after(mut self, earlier: Self) -> Self {
        let reference = earlier.occurrence.reference.expect("a reference");
        if let Some(Answer::Found(found)) = earlier.lookup {
            self.earlier.push((reference, found));
        }
        self
    }

    /// The first image that was found, to be changed.
    pub fn first_image(&mut self) -> &mut PlatformImage {
        match &mut self.lookup {
            Some(Answer::Found(found)) => found.images.first_mut().expect("an image"),
            _ => panic!("nothing was found"),
        }
    }

    /// Changes what was built so far.
    pub fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn findings(&self, rule: &Rule) -> Vec<Finding> {
        let pools: Vec<&NodePool> = self.pools.iter().collect();
        let earlier: Vec<Earlier<'_>> = self
            .earlier
            .iter()
            .map(|(reference, found)| Earlier { reference, found })
            .collect();
        (rule.check)(&Subject {
            occurrence: &self.occurrence,
            lookup: self.lookup.as_ref(),
            earlier: &earlier,
            bases: &BaseImages::of(&self.others),
            as_pod: self.as_pod.as_ref(),
            is_from_fork: self.is_from_fork,
            pools: &pools,
            target: &Target {
                pools: self.pools.clone(),
                ..Target::default()
            },
            pull_secrets: &self.pull_secrets,
            idle_secrets: &self
                .pull_secrets
                .idle(std::slice::from_ref(&self.occurrence)),
            budgets: &self.budgets,
            probe_flags: &self.probe_flags,
        })
    }

    pub fn only_finding(&self, rule: &Rule) -> Finding {
        let mut findings = self.findings(rule);
        assert_eq!(
            findings.len(),
            1,
            "{}: {findings:#?}",
            self.occurrence.value
        );
        let finding = findings.remove(0);
        assert_eq!(finding.places, [self.occurrence.span]);
        finding
    }

    pub fn has_no_finding(&self, rule: &Rule) {
        let findings = self.findings(rule);
        assert!(
            findings.is_empty(),
            "{}: {findings:#?}",
            self.occurrence.value
        );
    }
}

pub fn refusal(reason: RefusalReason, identity: Identity) -> Refusal {
    Refusal {
        reason,
        status: None,
        message: String::new(),
        identity,
        by_token_service: false,
        nearest_tags: Vec::new(),
    }
}

pub fn failure(reason: FailureReason, detail: &str) -> Failure {
    Failure {
        reason,
        detail: detail.to_owned(),
        retry_after: None,
        respondent: None,
    }
}

pub fn digest(of: &str) -> Digest {
    Digest::sha256_of(of.as_bytes())
}

fn descriptor(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size: Bytes(size),
        urls: Vec::new(),
        annotations: std::collections::BTreeMap::new(),
    }
}

pub fn image_manifest(name: &str, sizes: &[u64]) -> Manifest {
    Manifest::Image(ImageManifest {
        media_type: media_type::OCI_MANIFEST.to_owned(),
        config: descriptor(
            media_type::OCI_CONFIG,
            digest(&format!("{name} config")),
            300,
        ),
        layers: sizes
            .iter()
            .enumerate()
            .map(|(index, size)| {
                descriptor(
                    "application/vnd.oci.image.layer.v1.tar+gzip",
                    digest(&format!("{name} layer {index} {size}")),
                    *size,
                )
            })
            .collect(),
        annotations: std::collections::BTreeMap::new(),
    })
}

pub fn config(platform: &str, layers: usize) -> Config {
    let platform: Platform = platform.parse().expect(platform);
    Config {
        platform: Some(platform),
        names_architecture: true,
        created: None,
        history: Vec::new(),
        diff_ids: (0..layers)
            .map(|index| digest(&format!("diff {index}")).to_string())
            .collect(),
        ..Config::default()
    }
}
