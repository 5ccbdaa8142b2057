//! The formats of platforms, each held against something that knows the format.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use oci_preflight::facts::{Answer, Found, Identity};
use oci_preflight::finding::{ChartLayer, Finding, LayerChart, LayerMark, Severity};
use oci_preflight::oci::Bytes;
use oci_preflight::report::{Base, BasePlace, GitLab, Html, JUnit, Markdown, Report, Sarif};
use oci_preflight::rule::RULES;
use oci_preflight::text::{Origin, Source};
use oci_preflight::workload::{Placement, Role};
use serde_json::Value;

use crate::reports_builder::{Builder, clean, finding, index, not_found, shop, written};
use crate::reports_hostile::{EVIL, hostile};

fn reports() -> Vec<Report> {
    vec![
        shop().report(),
        clean().report(),
        Builder::default().report(),
        hostile(),
    ]
}

/// The official schema, as the package `serde-sarif` ships it. None where the package cannot be fetched.
fn sarif_schema() -> Option<Value> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata");
    if !metadata.status.success() {
        let why = String::from_utf8_lossy(&metadata.stderr);
        println!("skipped: the official SARIF schema is not to be had ({why})");
        return None;
    }
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("metadata");
    let package = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .find(|package| package["name"] == "serde-sarif")
        .expect("serde-sarif is a dependency of tests");
    let manifest = PathBuf::from(package["manifest_path"].as_str().expect("a path"));
    let schema = std::fs::read(manifest.with_file_name("src").join("schema.json"));
    let mut schema: Value = serde_json::from_slice(&schema.expect("the schema")).expect("JSON");
    // This pattern has a stray bracket and is no regular expression. Reports have no such field.
    for object in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][object]["properties"]["language"];
        let fields = language.as_object_mut().expect("a schema");
        assert!(fields.remove("pattern").is_some());
    }
    Some(schema)
}

#[test]
fn sarif_follows_the_official_schema() {
    let Some(schema) = sarif_schema() else {
        return;
    };
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for report in reports() {
        let sarif: Value = serde_json::from_str(&written(&Sarif, &report)).expect("JSON");
        let errors: Vec<String> = validator
            .iter_errors(&sarif)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    let mut wrong: Value = serde_json::from_str(&written(&Sarif, &shop().report())).expect("JSON");
    wrong["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn sarif_has_all_rules_with_their_documentation() {
    let sarif: Value = serde_json::from_str(&written(&Sarif, &shop().report())).expect("JSON");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let ids: Vec<&str> = rules
        .iter()
        .filter_map(|rule| rule["id"].as_str())
        .collect();
    assert_eq!(ids, RULES.iter().map(|rule| rule.id).collect::<Vec<_>>());
    assert_eq!(rules[0]["help"]["markdown"], RULES[0].text());
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    for result in run["results"].as_array().expect("results") {
        if let Some(index) = result["ruleIndex"].as_u64() {
            assert_eq!(
                ids[usize::try_from(index).expect("small")],
                result["ruleId"]
            );
        }
    }
}

#[test]
fn sarif_names_each_place() {
    let sarif: Value = serde_json::from_str(&written(&Sarif, &shop().report())).expect("JSON");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "missing-platform");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "k8s/jobs.yaml");
    let region =
        serde_json::json!({"startLine": 1, "startColumn": 10, "endLine": 1, "endColumn": 20});
    assert_eq!(place["region"], region);
    assert_eq!(
        result["relatedLocations"].as_array().expect("a list").len(),
        2
    );
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let lines: Vec<(&Value, &Value)> = results
        .iter()
        .filter(|result| result["ruleId"] == "missing-platform")
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            (
                &place["artifactLocation"]["uri"],
                &place["region"]["startLine"],
            )
        })
        .collect();
    let expected = [
        ("k8s/jobs.yaml", 1),
        ("k8s/web.yaml", 5),
        ("k8s/web.yaml", 7),
    ];
    let expected = expected.map(|(path, line)| (Value::from(path), Value::from(line)));
    assert_eq!(
        lines,
        expected
            .iter()
            .map(|(path, line)| (path, line))
            .collect::<Vec<_>>()
    );
    let names: BTreeSet<&str> = results
        .iter()
        .filter_map(|result| result["partialFingerprints"]["ociPreflight/v1"].as_str())
        .collect();
    assert_eq!(names.len(), results.len());
    assert_eq!(sarif["runs"][0]["invocations"][0]["exitCode"], 1);
}

#[test]
fn sarif_has_a_file_for_what_stands_in_none() {
    let mut builder = Builder::default();
    let source = builder.0.sources.add(Source {
        name: "--image".to_owned(),
        text: "x/y:1".to_owned(),
        origin: Origin::Argument,
    });
    let occurrence = builder.occurrence(source, "x/y:1", 0);
    builder.0.findings.push(finding("some-rule", &occurrence));
    let sarif: Value = serde_json::from_str(&written(&Sarif, &builder.report())).expect("JSON");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "--image");
}

#[test]
fn sarif_leaves_out_the_mildest_of_what_github_does_not_take() {
    let mut builder = Builder::default();
    let text = "image: x/y:1\n".repeat(100);
    let occurrences: Vec<_> = (0..260)
        .flat_map(|number| {
            let source = builder.source(&format!("{number}.yaml"), &text);
            (0..100)
                .map(|nth| builder.occurrence(source, "x/y:1", nth))
                .collect::<Vec<_>>()
        })
        .collect();
    for (number, occurrence) in occurrences.iter().enumerate() {
        let mut finding = finding("some-rule", occurrence);
        if number < 25_999 {
            finding.severity = Severity::Note;
        }
        builder.0.findings.push(finding);
    }
    let sarif: Value = serde_json::from_str(&written(&Sarif, &builder.report())).expect("JSON");
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 25_000);
    assert_eq!(results[0]["level"], "error");
    let said = run["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(said.contains("1000 further results are left out"), "{said}");
}

#[test]
fn gitlab_entries_have_what_gitlab_asks_for() {
    for report in reports() {
        let entries: Value = serde_json::from_str(&written(&GitLab, &report)).expect("JSON");
        let entries = entries.as_array().expect("a list");
        let places = report.findings.iter().map(|finding| finding.places.len());
        assert_eq!(entries.len(), places.sum::<usize>() + report.problems.len());
        let mut fingerprints = BTreeSet::new();
        for entry in entries {
            assert!(
                ["info", "minor", "critical"]
                    .contains(&entry["severity"].as_str().expect("a word"))
            );
            assert!(!entry["description"].as_str().expect("a text").is_empty());
            assert!(!entry["check_name"].as_str().expect("a text").is_empty());
            assert!(entry["location"]["path"].is_string());
            assert!(
                entry["location"]["lines"]["begin"]
                    .as_u64()
                    .expect("a line")
                    > 0
            );
            assert!(fingerprints.insert(entry["fingerprint"].as_str().expect("a text").to_owned()));
        }
    }
}

#[test]
fn junit_reads_back_with_one_case_for_each_place() {
    for report in reports() {
        let text = written(&JUnit, &report);
        let read = quick_junit::Report::deserialize_from_str(&text).expect(&text);
        // https://www.w3.org/TR/xml/#charsets
        let forbidden = |c| matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}'..='\u{ffff}');
        assert!(!text.contains(forbidden), "{text}");
        let doubtful = usize::from(!report.undetermined_because.is_empty());
        let undetermined = |rule: &str| rule == "undetermined-image";
        let failing: BTreeSet<_> = report
            .findings
            .iter()
            .filter(|finding| {
                !undetermined(finding.rule) && report.fail_on <= Some(finding.severity)
            })
            .flat_map(|finding| finding.places.clone())
            .collect();
        let errors: BTreeSet<_> = report
            .findings
            .iter()
            .filter(|finding| undetermined(finding.rule))
            .flat_map(|finding| finding.places.clone())
            .collect();
        let places = report
            .images
            .iter()
            .map(|image| image.occurrences.len())
            .sum::<usize>();
        assert_eq!(read.tests, places + report.invalid.len() + 1, "{text}");
        assert_eq!(
            (read.failures, read.errors),
            (failing.len(), errors.len() + doubtful),
            "{text}"
        );
    }
}

#[test]
fn markdown_shows_images_against_node_pools() {
    insta::assert_snapshot!(written(&Markdown, &shop().report()));
}

/// What GitHub takes of a comment (<https://docs.github.com/en/rest/issues/comments>), in characters.
const COMMENT: usize = 65_536;

#[test]
fn markdown_fits_into_a_comment() {
    let long = "@`|<".repeat(2_000);
    let mut builder = Builder::default();
    let source = builder.source("a.yaml", &"image: x/y:1\n".repeat(200));
    for nth in 0..200 {
        let mut occurrence = builder.occurrence(source, "x/y:1", nth);
        occurrence.container = Some(long.clone());
        *builder.0.occurrences.last_mut().expect("it") = occurrence.clone();
        builder.0.findings.push(Finding {
            message: format!("number {nth}: {long}"),
            help: Some(long.clone()),
            node_pools: vec![long.clone(); 20],
            ..finding("some-rule", &occurrence)
        });
        builder.skipped(&format!("{nth}-{long}.yaml"), None, &long);
        builder.pool(&format!("{nth}{long}"), "linux/amd64");
        builder.0.base = Some(Base {
            name: long.clone(),
            places: (0..200)
                .map(|number| BasePlace {
                    reference: format!("x/{}:{number}", "a".repeat(200))
                        .parse()
                        .expect("a name"),
                    now: None,
                    role: Role::Container,
                    placement: Arc::default(),
                })
                .collect(),
            images: vec![],
            unread: vec![long.clone(); 20],
        });
    }
    let text = written(&Markdown, &builder.report());
    assert!(text.chars().count() < COMMENT, "{}", text.len());
    assert!(
        text.contains("number 0:") && text.contains(" findings more."),
        "{text}"
    );
    assert!(text.contains("images more."), "{text}");
}

#[test]
fn one_large_finding_leaves_room_for_the_others() {
    let mut builder = Builder::default();
    let source = builder.source("a.yaml", &"image: x/y:1\n".repeat(20));
    for nth in 0..20 {
        let occurrence = builder.occurrence(source, "x/y:1", nth);
        let length = if nth % 4 == 0 { 50_000 } else { 10 };
        let mut finding = Finding {
            message: format!("number {nth}."),
            help: Some("@x ".repeat(length)),
            node_pools: vec!["a long name of a pool".to_owned(); length],
            ..finding("some-rule", &occurrence)
        };
        if nth == 19 {
            finding.message += " It is long. ".repeat(length * 1_000).as_str();
        }
        builder.0.findings.push(finding);
    }
    let text = written(&Markdown, &builder.report());
    assert!(text.chars().count() < COMMENT, "{}", text.len());
    for nth in 0..20 {
        assert!(text.contains(&format!("number {nth}.")), "{nth}: {text}");
    }
}

#[test]
fn markdown_shows_the_worst_findings_first() {
    let text = written(&Markdown, &shop().report());
    let at = |word: &str| text.find(word).expect(word);
    assert!(
        at("`invalid-reference`") < at("`retired-registry`"),
        "{text}"
    );
}

/// A finding with a picture of the layers that it is about.
fn with_layers() -> Report {
    let mut builder = clean();
    let occurrence = builder.0.occurrences[0].clone();
    let layer = |number, bytes, instruction: &str, mark| ChartLayer {
        number,
        bytes: Bytes(bytes),
        instruction: Some(instruction.to_owned()),
        mark,
    };
    builder.0.findings.push(Finding {
        layers: Some(LayerChart {
            layers: vec![
                layer(1, 30_000_000, "ADD rootfs /", LayerMark::Base),
                layer(2, 12_000, "COPY . /srv ``` <b>", LayerMark::AtFault),
                layer(3, 310_000_000, "RUN npm ci", LayerMark::Again),
            ],
        }),
        ..finding("layer-order", &occurrence)
    });
    builder.report()
}

#[test]
fn markdown_and_html_show_the_layers_of_a_finding() {
    let text = written(&Markdown, &with_layers());
    assert!(text.contains("\n  ````text\n"), "{text}");
    assert!(text.contains("  ▶   2   12.0 kB"), "{text}");
    let page = written(&Html, &with_layers());
    assert!(page.contains("<pre class=\"layers\">"), "{page}");
    assert!(page.contains("COPY . /srv ``` &lt;b&gt;"), "{page}");
}

#[test]
fn the_table_knows_an_image_of_which_a_part_is_missing() {
    let mut builder = clean();
    builder.pool("arm", "linux/arm64");
    let Answer::Refused(missing) = not_found() else {
        panic!("a refusal");
    };
    builder.lookup("nginx:1.27", index(Some(Answer::Refused(missing))));
    let text = written(&Markdown, &builder.report());
    assert!(text.contains("| 1 | ❌ incomplete |"), "{text}");
}

#[test]
fn markdown_without_node_pools_shows_platforms() {
    let text = written(&Markdown, &clean().report());
    assert!(
        text.contains("| `docker.io/library/nginx:1.27` | 1 | linux/amd64 30.2 MB, linux/arm64 |"),
        "{text}"
    );
}

#[test]
fn markdown_from_hostile_text_has_no_markup_of_its_own() {
    let text = written(&Markdown, &hostile());
    assert!(EVIL.contains("</script>"));
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::"), "{line}");
    }
    // Outside of code spans every angle bracket is escaped.
    let outside: String = text.split('`').step_by(2).collect();
    assert!(!outside.replace("\\<", "").contains("</"), "{outside}");
}

#[test]
fn the_table_tells_what_a_node_of_each_pool_gets() {
    let mut builder = clean();
    for (name, platform) in [
        ("amd", "linux/amd64"),
        ("arm", "linux/arm64"),
        ("ibm", "linux/s390x"),
    ] {
        builder.pool(name, platform);
    }
    let source = builder.source(
        "more.yaml",
        "image: only/amd64:1\nimage: picky/pod:1\nimage: no/answer:1\n",
    );
    builder.occurrence(source, "only/amd64:1", 0);
    builder.occurrence(source, "picky/pod:1", 0);
    builder.occurrence(source, "no/answer:1", 0);
    let placement = Placement {
        node_selector: [("kubernetes.io/arch".to_owned(), "arm64".to_owned())].into(),
        ..Placement::default()
    };
    builder.0.occurrences[2].placement = Arc::new(placement);
    let Answer::Found(index) = index(None) else {
        panic!("an index");
    };
    let amd64 = index.images[0].clone();
    let single = Found {
        identity: Identity::Anonymous,
        digest: amd64.digest.clone(),
        manifest: amd64
            .manifest
            .clone()
            .and_then(|answer| answer.found().cloned())
            .expect("a manifest"),
        images: vec![amd64],
        ..index.clone()
    };
    builder.lookup("only/amd64:1", Answer::Found(single));
    builder.lookup("picky/pod:1", Answer::Found(index));
    let text = written(&Markdown, &builder.report());
    for row in [
        "| `docker.io/library/nginx:1.27` | 1 | ✅ 30.2 MB | ✅ runs | ❌ no such platform |",
        "| `docker.io/only/amd64:1` | 1 | ✅ 30.2 MB | ❌ is linux/amd64 | ❌ is linux/amd64 |",
        "| `docker.io/picky/pod:1` | 1 | – no pod here | ✅ runs | – no pod here |",
        "| `docker.io/no/answer:1` | 1 | – not known | – not known | – not known |",
    ] {
        assert!(text.contains(row), "{row}\n{text}");
    }
}
