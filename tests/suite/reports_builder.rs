//! Reports made by hand, for the tests of the formats.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use oci_preflight::cluster::{KubernetesVersion, NodePool};
use oci_preflight::facts::{
    Answer, Failure, FailureReason, Found, Identity, Lookup, Missing, PlatformImage, Refusal,
    RefusalReason,
};
use oci_preflight::finding::{Event, Finding, Problem, Severity};
use oci_preflight::oci::{Config, Digest, HistoryEntry, Manifest, Platform};
use oci_preflight::registry::RateLimit;
use oci_preflight::report::{Format, Gathered, Input, Report, Statistics};
use oci_preflight::text::{Dialect, Origin, Source, SourceId, Span};
use oci_preflight::workload::{Occurrence, Owner, Placement, Role};

/// What one run gathered, built up step by step.
#[derive(Default)]
pub struct Builder(pub Gathered);

impl Builder {
    /// A source of Kubernetes objects.
    pub fn source(&mut self, path: &str, text: &str) -> SourceId {
        let id = self.0.sources.add(Source {
            name: path.to_owned(),
            text: text.to_owned(),
            origin: Origin::File,
        });
        self.0.inputs.push(Input {
            path: path.to_owned(),
            source: Some(id),
            dialect: Dialect::Kubernetes,
            skipped: None,
        });
        id
    }

    /// A source that was not looked at; without text it could not even be read.
    pub fn skipped(&mut self, path: &str, source: Option<SourceId>, why: &str) {
        self.0.inputs.push(Input {
            path: path.to_owned(),
            source,
            dialect: Dialect::HelmTemplate,
            skipped: Some(why.to_owned()),
        });
    }

    /// The `nth` place where `written` stands in a source, from 0.
    pub fn span(&self, source: SourceId, written: &str, nth: usize) -> Span {
        let text = &self.0.sources.get(source).text;
        let (start, _) = text.match_indices(written).nth(nth).expect("the text");
        Span::new(source, start..start + written.len())
    }

    /// Names the `nth` place of `written` an image of a container.
    pub fn occurrence(&mut self, source: SourceId, written: &str, nth: usize) -> Occurrence {
        let occurrence = Occurrence {
            written: written.to_owned(),
            reference: written.parse(),
            value: written.to_owned(),
            span: self.span(source, written, nth),
            owner: Owner {
                api_version: Some("apps/v1".to_owned()),
                kind: Some("Deployment".to_owned()),
                namespace: Some("shop".to_owned()),
                name: Some("web".to_owned()),
            },
            field: format!("spec.template.spec.containers[{nth}].image"),
            container: Some(format!("web-{nth}")),
            role: Role::Container,
            pull_policy: None,
            pull_secrets: vec![],
            service_account: None,
            placement: Arc::new(Placement::default()),
        };
        self.0.occurrences.push(occurrence.clone());
        occurrence
    }

    /// The answer about an image.
    pub fn lookup(&mut self, image: &str, lookup: Lookup) {
        let reference = image.parse().expect(image);
        self.0.lookups.insert(reference, lookup);
    }

    /// A node pool of a platform.
    pub fn pool(&mut self, name: &str, platform: &str) {
        self.0.node_pools.push(NodePool {
            name: name.to_owned(),
            machine_type: Some("t2a-standard-4".to_owned()),
            kubernetes_version: "1.33.2".parse::<KubernetesVersion>().ok(),
            described_in: "pools.json".to_owned(),
            ..NodePool::of_platform(platform.parse().expect(platform))
        });
    }

    pub fn report(self) -> Report {
        Report::new(self.0, Some(Severity::Error))
    }
}

/// An error about one occurrence.
pub fn finding(rule: &'static str, occurrence: &Occurrence) -> Finding {
    Finding {
        rule,
        severity: Severity::Error,
        message: format!("{} is not as it should be", occurrence.written),
        reference: Some(match &occurrence.reference {
            Ok(reference) => reference.to_string(),
            Err(_) => occurrence.written.clone(),
        }),
        places: vec![occurrence.span],
        help: None,
        event: None,
        node_pools: vec![],
        layers: None,
    }
}

pub fn undetermined(reason: FailureReason) -> Failure {
    Failure {
        reason,
        detail: "no such host".to_owned(),
        retry_after: None,
        respondent: None,
    }
}

pub fn not_found() -> Lookup {
    Answer::Refused(Refusal {
        reason: RefusalReason::NotFound(Missing::Manifest),
        status: Some(404),
        message: String::new(),
        identity: Identity::Anonymous,
        by_token_service: false,
        nearest_tags: vec![],
    })
}

/// An index of `amd64` with two layers, and of `arm64`, whose manifest is `arm`.
pub fn index(arm: Option<Answer<Manifest>>) -> Lookup {
    let digest = |letter: &str| Digest::sha256_of(letter.as_bytes());
    let descriptor = |letter: &str, kind: &str, size: u64| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{}","size":{size}}}"#,
            digest(letter)
        )
    };
    let image = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[{},{}]}}"#,
        descriptor("config", "config.v1+json", 700),
        descriptor("base", "layer.v1.tar+gzip", 29_000_000),
        descriptor("app", "layer.v1.tar+gzip", 1_200_000),
    );
    let list = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{},{}]}}"#,
        descriptor("amd64", "manifest.v1+json", 900),
        descriptor("arm64", "manifest.v1+json", 900),
    );
    let manifest = |text: &str| Manifest::parse(text.as_bytes(), None).expect(text);
    let instruction = |text: &str| HistoryEntry {
        created_by: Some(text.to_owned()),
        ..HistoryEntry::default()
    };
    Answer::Found(Found {
        identity: Identity::Anonymous,
        digest: digest("index"),
        content_type: "application/vnd.oci.image.index.v1+json".to_owned(),
        manifest: manifest(&list),
        images: vec![
            PlatformImage {
                declared: Some(Platform::linux_amd64()),
                digest: digest("amd64"),
                manifest: Some(Answer::Found(manifest(&image))),
                config: Some(Answer::Found(Config {
                    platform: Some(Platform::linux_amd64()),
                    created: None,
                    history: vec![
                        instruction("/bin/sh -c #(nop) ADD file:1 in / "),
                        instruction("COPY app /app # buildkit"),
                    ],
                    ..Config::default()
                })),
                faulty_blobs: vec![],
                content: None,
            },
            PlatformImage {
                declared: Some(Platform::new("linux", "arm64", None, None)),
                digest: digest("arm64"),
                manifest: arm,
                config: None,
                faulty_blobs: vec![],
                content: None,
            },
        ],
        tag_digest: None,
        older_tag: None,
    })
}

/// A shop with one of everything.
pub fn shop() -> Builder {
    let mut builder = Builder::default();
    builder.pool("arm", "linux/arm64");
    builder.pool("general", "linux/amd64");
    let web = builder.source(
        "k8s/web.yaml",
        "kind: Deployment\nspec:\n  containers:\n    - name: web\n      image: \"nginx:1.27\"\n    - name: side\n      \
         image: nginx:1.27\n    - name: broken\n      image: Shop/API:2 # müde\n",
    );
    let jobs = builder.source(
        "k8s/jobs.yaml",
        "- image: nginx:1.27\n- image: quay.io/shop/migrate:9\n- image: gone.example.com/shop/old:1\n",
    );
    let broken = builder.source("k8s/broken.yaml", "kind: [\nimage: x\n");
    let template = builder.source("chart/templates/web.yaml", "image: {{ .Values.image }}\n");
    builder.0.inputs.pop();
    builder.skipped(
        "chart/templates/web.yaml",
        Some(template),
        "a Helm template is no YAML before it is rendered",
    );
    builder.skipped("k8s/secret.yaml", None, "Permission denied (os error 13)");
    for place in [(web, 0), (web, 1), (jobs, 0)] {
        let occurrence = builder.occurrence(place.0, "nginx:1.27", place.1);
        builder.0.findings.push(Finding {
            message: "docker.io/library/nginx:1.27 has no image for linux/arm64".to_owned(),
            help: Some("Build it for linux/arm64 too, or keep the pod away from arm nodes.".to_owned()),
            event: Some(Event {
                reason: "ErrImagePull",
                message: "Failed to pull image \"nginx:1.27\": rpc error: code = NotFound desc = failed to pull and \
                          unpack image \"docker.io/library/nginx:1.27\": no match for platform in manifest: not found"
                    .to_owned(),
            }),
            node_pools: vec!["arm".to_owned()],
            ..finding("missing-platform", &occurrence)
        });
    }
    let invalid = builder.occurrence(web, "Shop/API:2", 0);
    builder.0.findings.push(Finding {
        message: "`Shop/API:2` is no image name: repository name (Shop/API) must be lowercase"
            .to_owned(),
        ..finding("invalid-reference", &invalid)
    });
    let migrate = builder.occurrence(jobs, "quay.io/shop/migrate:9", 0);
    builder.0.findings.push(Finding {
        message: "quay.io/shop/migrate:9 could not be looked up: no such host".to_owned(),
        ..finding("undetermined-image", &migrate)
    });
    let old = builder.occurrence(jobs, "gone.example.com/shop/old:1", 0);
    builder.0.findings.push(Finding {
        severity: Severity::Warning,
        message: "gone.example.com is shut down".to_owned(),
        ..finding("retired-registry", &old)
    });
    builder.lookup("nginx:1.27", index(None));
    builder.lookup(
        "quay.io/shop/migrate:9",
        Answer::Undetermined(undetermined(FailureReason::Dns)),
    );
    builder.lookup("gone.example.com/shop/old:1", not_found());
    builder.0.problems.push(Problem {
        span: builder.span(broken, "[", 0),
        message: "this list is never closed".to_owned(),
        help: Some("Write `]` where the list ends.".to_owned()),
    });
    builder.0.ignored = 2;
    builder.0.statistics = Statistics {
        duration: Duration::from_millis(1234),
        requests: 7,
        bytes_downloaded: 4_200,
        cache_hits: 1,
        rate_limits: BTreeMap::from([(
            "registry-1.docker.io".to_owned(),
            RateLimit {
                remaining: 76,
                limit: Some(100),
                window: Some(Duration::from_hours(6)),
            },
        )]),
    };
    builder
}

/// A run that found one good image and nothing else.
pub fn clean() -> Builder {
    let mut builder = Builder::default();
    let source = builder.source("web.yaml", "image: nginx:1.27\n");
    builder.occurrence(source, "nginx:1.27", 0);
    builder.lookup("nginx:1.27", index(None));
    builder
}

/// What a format writes.
pub fn written(format: &dyn Format, report: &Report) -> String {
    let mut out = Vec::new();
    format.write(report, &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("UTF-8")
}
