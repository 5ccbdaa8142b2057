//! Images beside the earlier tags of their repository, through the binary.

use serde_json::{Value, json};

use crate::runner::{Preflight, Sources, pod, project};

const SHOP: &str = "registry.example.com/shop";

fn lint(image: &str, words: &[&str]) -> Preflight {
    let sources = Sources::new().file("pod.yaml", pod(image));
    let layout = project().join("fixtures/layout");
    let layout = format!("registry.example.com={}", layout.display());
    let path = sources.path().to_owned();
    Preflight::lint([&path])
        .args(["--layout", &layout, "--platform", "linux/amd64"])
        .args(words)
        .keep(sources)
}

fn messages(report: &Value, rule: &str) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let findings = findings.filter(|finding| finding["rule"] == rule);
    findings
        .map(|finding| finding["message"].as_str().expect("a message").to_owned())
        .collect()
}

#[test]
fn the_last_releases_tell_what_each_of_them_makes_nodes_pull_again() {
    let image = format!("{SHOP}/orders:1.2.0");
    let report = lint(&image, &["--history", "5"]).report();
    assert_eq!(
        messages(&report, "layer-order"),
        [format!(
            "{image}: 12.0 kB of source changed in layer 3 (`COPY . /srv`) since {SHOP}/orders:1.1.0, and 310.0 MB of \
             dependencies above it are pulled again on every node (layer 4, `RUN npm ci --omit=dev`); so it was in 2 of the last 2 \
             releases"
        )]
    );
    // `1.1.0-alpine` is another series.
    assert_eq!(
        report["history"],
        json!({ &image: [format!("{SHOP}/orders:1.1.0"), format!("{SHOP}/orders:1.0.0")] })
    );
    let one = lint(&image, &["--history", "1"]).report();
    assert_eq!(
        one["history"][&image],
        json!([format!("{SHOP}/orders:1.1.0")])
    );
}

#[test]
fn the_tags_that_were_compared_are_said() {
    for (image, said) in [
        ("orders:1.2.0", "orders:1.2.0 with 1.1.0, 1.0.0"),
        (
            "orders:1.1.0-alpine",
            "with nothing: no earlier tag is written like its own",
        ),
    ] {
        let outcome = lint(&format!("{SHOP}/{image}"), &["--history", "5"]).run();
        let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
        let shown = words.join(" ");
        assert!(shown.contains(said), "{image}: {shown}");
    }
    let without = lint(&format!("{SHOP}/orders:1.2.0"), &[]).report();
    assert_eq!(without["history"], json!({}));
    assert!(messages(&without, "layer-order")[0].contains("each change of the source"));
}

#[test]
fn growth_is_measured_from_the_last_release() {
    let report = lint(&format!("{SHOP}/gallery:2.0"), &["--history", "3"]).report();
    let messages = messages(&report, "image-growth");
    assert!(
        messages[0].contains("grew from 129.6 MB to 263.6 MB")
            && messages[0].contains("since registry.example.com/shop/gallery:1.1"),
        "{messages:?}"
    );
}
