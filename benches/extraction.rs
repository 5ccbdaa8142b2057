//! How fast images are found, beside how fast the same text is parsed: `cargo bench --bench extraction`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark holds the clock, reads the corpus and prints"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use oci_preflight::extract::extract;
use oci_preflight::input;
use oci_preflight::text::yaml::documents;
use oci_preflight::text::{Origin, Source, SourceMap};

/// The length of the texts, in bytes.
const LENGTH: usize = 50_000_000;

/// How often each is read; the best time counts.
const TIMES: usize = 3;

fn main() {
    measure("generated", generated());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/manifests");
    if folder.is_dir() {
        measure("corpus", concatenated(&folder));
    } else {
        println!("corpus: skipped, {} is not there", folder.display());
    }
}

fn measure(name: &str, text: String) {
    let parsed = best(|| {
        documents(&text)
            .filter(|document| document.parse().is_ok())
            .count()
    });
    let length = text.len();
    let mut sources = SourceMap::default();
    let id = sources.add(Source {
        name: format!("{name}.yaml"),
        text,
        origin: Origin::File,
    });
    let extracted = best(|| extract(id, sources.get(id)).occurrences.len());
    println!(
        "{name}: {} MB; plain parsing on one thread {} MB/s, {} documents; extraction {} MB/s, {} images",
        length / 1_000_000,
        rate(length, parsed.0),
        parsed.1,
        rate(length, extracted.0),
        extracted.1,
    );
}

/// The best time of `work`, with what it gave.
fn best(work: impl Fn() -> usize) -> (Duration, usize) {
    let runs = (0..TIMES).map(|_| {
        let started = Instant::now();
        let count = work();
        (started.elapsed(), count)
    });
    runs.min().unwrap_or_default()
}

fn rate(length: usize, time: Duration) -> u128 {
    length as u128 / time.as_micros().max(1)
}

/// Objects as clusters have them: for each Deployment a Service, a `ConfigMap` and a Role.
fn generated() -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < LENGTH {
        number += 1;
        let labels =
            format!("app.kubernetes.io/name: app-{number}\n    app.kubernetes.io/part-of: shop");
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  labels:\n    {labels}\nspec:\n  \
             replicas: 3\n  selector:\n    matchLabels:\n      app: app-{number}\n  template:\n    metadata:\n      labels:\n        app: app-{number}\n    \
             spec:\n      containers:\n        - name: main\n          image: registry.example.com/shop/app-{number}:1.{number}\n          \
             ports:\n            - containerPort: 8080\n          resources:\n            limits: {{cpu: 500m, memory: 256Mi}}\n          \
             env:\n            - name: LEVEL\n              value: \"info\"\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: app-{number}\n  \
             labels:\n    {labels}\nspec:\n  selector:\n    app: app-{number}\n  ports:\n    - name: http\n      port: 80\n      targetPort: 8080\n\
             ---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-{number}\n  labels:\n    {labels}\ndata:\n  level: info\n  \
             settings.ini: |\n    [server]\n    port = 8080\n    workers = 4\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n\
             metadata:\n  name: app-{number}\nrules:\n  - apiGroups: [\"\"]\n    resources: [pods, services]\n    verbs: [get, list, watch]\n"
        );
    }
    text
}

/// The Kubernetes sources of a folder, one behind the other, as often as they fit.
fn concatenated(folder: &Path) -> String {
    let is_kubernetes = |text: &String| {
        text.contains("apiVersion:")
            && text.contains("kind:")
            && !text.contains("{{")
            && !text.starts_with('{')
    };
    let texts: Vec<String> = input::read(&[folder.to_owned()])
        .filter_map(Result::ok)
        .map(|source| source.text)
        .filter(is_kubernetes)
        .collect();
    let mut whole = String::new();
    while whole.len() < LENGTH && !texts.is_empty() {
        for text in &texts {
            whole.push_str("---\n");
            whole.push_str(text.trim_start_matches('\u{feff}'));
            whole.push('\n');
        }
    }
    whole
}
