//! Event messages that were seen in public, held against what they turned out to mean.

use std::fs;
use std::path::Path;

use oci_preflight::event::{Class, classify, explain};
use proptest::prelude::*;
use serde_json::json;

/// A message and the class of its true cause.
struct Row {
    id: String,
    message: String,
    class: String,
}

/// The collected messages; none where the collection is not at hand.
fn rows() -> Option<Vec<Row>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/events.tsv");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: no collection of events at {}", path.display());
        return None;
    };
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        Row {
            id: fields[0].to_owned(),
            message: fields[1].to_owned(),
            class: fields[3].to_owned(),
        }
    });
    Some(rows.collect())
}

#[test]
fn the_first_cause_is_mostly_right_and_the_first_three_nearly_always() {
    let Some(rows) = rows() else { return };
    let (mut first, mut among_three) = (0, 0);
    for row in &rows {
        let causes = classify(&row.message);
        let words: Vec<String> = causes
            .iter()
            .map(|cause| format!("{} ({})", cause.class, cause.confidence.as_str()))
            .collect();
        let rank = causes
            .iter()
            .position(|cause| cause.class.as_str() == row.class);
        first += usize::from(rank == Some(0));
        among_three += usize::from(rank.is_some_and(|rank| rank < 3));
        if rank != Some(0) {
            println!(
                "{}: {} is not first: {}",
                row.id,
                row.class,
                words.join(", ")
            );
        }
    }
    let percent = |count: usize| count * 100 / rows.len();
    println!(
        "{} messages: first cause right {} %, among the first three {} %",
        rows.len(),
        percent(first),
        percent(among_three)
    );
    assert!(
        percent(first) >= 90,
        "first cause right: {first} of {}",
        rows.len()
    );
    assert!(
        percent(among_three) >= 97,
        "among three: {among_three} of {}",
        rows.len()
    );
}

#[test]
fn every_class_of_the_collection_is_in_the_vocabulary() {
    let Some(rows) = rows() else { return };
    for row in rows {
        assert!(
            Class::ALL.iter().any(|class| class.as_str() == row.class),
            "{}: {}",
            row.id,
            row.class
        );
    }
}

/// The classes that the explanation of `input` gives, event by event.
fn explained(input: &[u8]) -> Vec<Vec<&'static str>> {
    let explanation = explain(input).expect("a slice can be read");
    explanation
        .events
        .iter()
        .map(|event| {
            event
                .causes
                .iter()
                .map(|cause| cause.class.as_str())
                .collect()
        })
        .collect()
}

#[test]
fn a_message_means_the_same_in_every_wrapping() {
    let Some(rows) = rows() else { return };
    for row in rows {
        let alone: Vec<&str> = classify(&row.message)
            .iter()
            .map(|cause| cause.class.as_str())
            .collect();
        let message = &row.message;
        let wrappings = [
            json!({"kind": "List", "items": [
                {"kind": "Event", "type": "Warning", "reason": "Failed", "message": message, "involvedObject": {}}
            ]}),
            json!([{"textPayload": message}]),
            json!({"jsonPayload": {"MESSAGE": message}}),
        ];
        for wrapping in wrappings {
            for text in [wrapping.to_string(), format!("{wrapping:#}")] {
                let found = explained(text.as_bytes());
                assert_eq!(found, [alone.as_slice()], "{}: {text}", row.id);
            }
        }
    }
}

#[test]
fn what_is_no_pull_failure_has_no_cause() {
    for text in [
        "",
        "hello",
        "Back-off restarting failed container app in pod app-1_default",
        "Readiness probe failed: Get \"http://10.0.0.1:8080/v2/\": dial tcp 10.0.0.1:8080: connect: connection refused",
        "Error: secret \"registry-token\" not found",
        "0/3 nodes are available: 3 node(s) had untolerated taint",
        "Successfully pulled image \"example.com/not-found:1\" in 2s",
        "das Abbild konnte nicht geladen werden",
        "镜像拉取失败",
        "Error: ErrImagePull",
    ] {
        let found = explained(text.as_bytes());
        assert!(found.iter().all(Vec::is_empty), "{text}: {found:?}");
    }
    assert!(explained(b"\x00\x01\xff\xfe\x00").is_empty());
}

#[test]
fn a_manifest_of_today_is_not_taken_for_schema_1() {
    let digest = "0".repeat(64);
    let message = format!(
        "Failed to pull image \"ghcr.io/team/app:3\": failed to copy: httpReadSeeker: failed open: could not fetch content \
         descriptor sha256:{digest} (application/vnd.oci.image.manifest.v1+json) from remote: not found"
    );
    assert_eq!(classify(&message)[0].class, Class::DanglingTag);
}

#[test]
fn a_truncated_message_keeps_what_is_certain() {
    let list = br#"{"items": [{"kind": "Event", "involvedObject": {}, "type": "Warning", "message": "Failed to pull image \"nginx:0\": toomanyrequests: You have rea"#;
    assert_eq!(explained(list), [["rate_limit"]]);
}

#[test]
fn a_message_that_a_terminal_has_broken_is_joined() {
    let text = b"Failed to pull image \"quay.io/team/app:1\": rpc error: code = Unknown desc = no spa\nce left on device";
    assert_eq!(explained(text)[0][0], "disk_full");
}

proptest! {
    #[test]
    fn any_text_is_explained_without_panic(text in "\\PC{0,300}") {
        let _ = explain(text.as_bytes()).expect("a slice can be read").to_text();
    }

    #[test]
    fn any_bytes_are_explained_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut written = Vec::new();
        let explanation = explain(bytes.as_slice()).expect("a slice can be read");
        explanation.write_json(None, &mut written).expect("a vector can be written");
        serde_json::from_slice::<serde_json::Value>(&written).expect("valid JSON");
    }
}

#[test]
fn the_rules_that_causes_point_to_exist() {
    for class in Class::ALL {
        if let Some(rule) = class.rule() {
            assert!(oci_preflight::rule::find(rule).is_some(), "{class}: {rule}");
        }
    }
}
