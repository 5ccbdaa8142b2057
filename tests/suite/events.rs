//! Event messages that were seen in public, held against what they turned out to mean.

use std::fs;
use std::path::Path;

use oci_preflight::event::{Class, Confidence, Explained, classify, explain};
use oci_preflight::report::{Style, write_explanation};
use proptest::prelude::*;
use serde_json::json;

use crate::runner::Preflight;

/// A message and the class of its true cause.
struct Row {
    message: String,
    class: String,
}

/// The rows of a table with a heading, whose columns for message and cause are named.
fn table(text: &str, message: &str, class: &str) -> Vec<Row> {
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().expect("a heading").split('\t').collect();
    let column = |name: &str| heading.iter().position(|column| *column == name);
    let (message, class) = (column(message), column(class));
    let (message, class) = (message.expect("messages"), class.expect("causes"));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            Row {
                message: fields[message].to_owned(),
                class: fields[class].to_owned(),
            }
        })
        .collect()
}

/// Messages that were seen in public or stand in the programs' sources, with what they turned out to mean.
fn seen() -> Vec<Row> {
    table(include_str!("events/seen.tsv"), "message", "cause")
}

/// A message for each row of the patterns that none of those shows, with its cause.
fn made() -> Vec<Row> {
    table(include_str!("events/rows.tsv"), "message", "cause")
}

/// More of the same kind; none where that collection is not at hand.
fn collected() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/events.tsv");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: no collection of events at {}", path.display());
        return Vec::new();
    };
    table(&text, "message", "cause_class")
}

/// Prints the misses, and holds both shares against what is asked for.
fn judge(name: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    let (mut first, mut among_three) = (0, 0);
    for row in rows {
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
                "{} is not first, but {}: {}",
                row.class,
                words.join(", "),
                row.message
            );
        }
        let is_sure = causes
            .first()
            .is_some_and(|cause| cause.confidence == Confidence::Sure);
        assert!(
            !is_sure || rank == Some(0),
            "surely {}, and wrong: {}",
            words.join(", "),
            row.message
        );
    }
    let percent = |count: usize| count * 100 / rows.len();
    println!(
        "{name}: {} messages, first cause right {} %, among the first three {} %",
        rows.len(),
        percent(first),
        percent(among_three)
    );
    assert!(
        percent(first) >= 90,
        "{name}: first cause right: {first} of {}",
        rows.len()
    );
    assert!(
        percent(among_three) >= 97,
        "{name}: among three: {among_three} of {}",
        rows.len()
    );
}

#[test]
fn the_first_cause_is_mostly_right_and_the_first_three_nearly_always() {
    judge("seen", &seen());
    judge("collected", &collected());
}

#[test]
fn a_message_in_the_words_of_a_row_has_its_cause_first() {
    for row in made() {
        let first = classify(&row.message)
            .first()
            .map(|cause| cause.class.as_str());
        assert_eq!(first, Some(row.class.as_str()), "{}", row.message);
    }
}

#[test]
fn every_class_of_the_collection_is_in_the_vocabulary() {
    for row in seen().into_iter().chain(collected()) {
        assert!(
            Class::ALL.iter().any(|class| class.as_str() == row.class),
            "{}: {}",
            row.class,
            row.message
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
                .causes()
                .iter()
                .map(|cause| cause.class.as_str())
                .collect()
        })
        .collect()
}

#[test]
fn a_message_means_the_same_in_every_wrapping() {
    for row in seen().into_iter().step_by(20).chain(collected()) {
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
                assert_eq!(found, [alone.as_slice()], "{text}");
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
        "das Abbild konnte nicht geladen werden: Auf dem Gerät ist kein Speicherplatz mehr verfügbar",
        "镜像拉取失败: 连接超时",
        "イメージをプルできませんでした: ディスクに空き領域がありません",
        "Error: ErrImagePull",
    ] {
        let found = explained(text.as_bytes());
        assert!(found.iter().all(Vec::is_empty), "{text}: {found:?}");
    }
}

#[test]
fn data_that_is_no_text_has_no_failures() {
    assert!(explained(b"\x00\x01\xff\xfe\x00").is_empty());
    // Programs hold the very words of failures.
    let program = fs::read(env!("CARGO_BIN_EXE_oci-preflight")).expect("the program");
    assert!(explained(&program).is_empty());
    let mut lines = b"Failed to pull image \"nginx:0\": toomanyrequests\n".to_vec();
    lines.extend(b"\x02no space left on device: image layer\x03\n");
    assert_eq!(explained(&lines), [["rate_limit"]]);
}

#[test]
fn utf_16_and_gzip_are_read() {
    let message = "Failed to pull image \"nginx:0\": toomanyrequests: slow down";
    let mut wide = vec![0xff, 0xfe];
    wide.extend(message.encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(explained(&wide), [["rate_limit"]]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, message.as_bytes()).expect("a vector");
    let packed = packed.finish().expect("a vector");
    assert_eq!(explained(&packed), [["rate_limit"]]);
}

/// What `kubectl describe pod` prints of three pods, and the three failures in it.
const DESCRIPTIONS: &str = "\
Name:             api-1
Namespace:        shop
Service Account:  api
Node:             n1/10.0.0.5
Containers:
  api:
    Image:          europe-west1-docker.pkg.dev/acme/shop/api:1.4
    State:          Waiting
      Reason:       ImagePullBackOff
Events:
  Type     Reason  Age                From     Message
  ----     ------  ----               ----     -------
  Warning  Failed  12m (x4 over 14m)  kubelet  Failed to pull image \"europe-west1-docker.pkg.dev/acme/shop/api:1.4\": rpc error: code = Unknown desc = failed to pull and unpack image \"europe-west1-docker.pkg.dev/acme/shop/api:1.4\": failed to resolve reference \"europe-west1-docker.pkg.dev/acme/shop/api:1.4\": unexpected status from HEAD request to https://europe-west1-docker.pkg.dev/v2/acme/shop/api/manifests/1.4: 403 Forbidden
  Normal   BackOff  4m (x42 over 14m)  kubelet  Back-off pulling image \"europe-west1-docker.pkg.dev/acme/shop/api:1.4\"


Name:             cache-1
Namespace:        shop
Node:             n2/10.0.0.6
Containers:
  cache:
    Image:          ghcr.io/acme/cache:2
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
      Message:      exec /bin/cache: exec format error
Events:           <none>


Name:             web-1
Namespace:        shop
Node:             n1/10.0.0.5
Containers:
  web:
    Image:          web:local
    State:          Waiting
      Reason:       ErrImageNeverPull
Events:           <none>
";

#[test]
fn descriptions_of_pods_give_each_failure_with_its_image_pod_and_node() {
    let widths = [None, Some(120), Some(80)];
    for width in widths {
        // Broken as a narrow terminal would, at a column.
        let text: String = DESCRIPTIONS
            .lines()
            .flat_map(|line| match width {
                Some(width) if line.len() > width => {
                    line.as_bytes().chunks(width).map(<[u8]>::to_vec).collect()
                }
                _ => vec![line.as_bytes().to_vec()],
            })
            .map(|line| String::from_utf8(line).expect("text") + "\n")
            .collect();
        let explanation = explain(text.as_bytes()).expect("a slice can be read");
        let mut found: Vec<_> = explanation
            .events
            .iter()
            .map(|event| {
                let class = event.causes().first().map(|cause| cause.class.as_str());
                (
                    event.details().reference.unwrap_or_default(),
                    class.unwrap_or_default(),
                    event.pods.join(" "),
                    event.nodes.join(" "),
                    event.count,
                )
            })
            .collect();
        found.sort();
        let expected = [
            (
                "docker.io/library/web:local",
                "never_pull_absent",
                "shop/web-1",
                "n1",
                1,
            ),
            (
                "europe-west1-docker.pkg.dev/acme/shop/api:1.4",
                "permission_denied",
                "shop/api-1",
                "n1",
                4,
            ),
            (
                "ghcr.io/acme/cache:2",
                "wrong_arch_binary",
                "shop/cache-1",
                "n2",
                1,
            ),
        ]
        .map(|(image, class, pod, node, count)| {
            (
                image.to_owned(),
                class,
                pod.to_owned(),
                node.to_owned(),
                count,
            )
        });
        assert_eq!(found, expected, "{width:?}");
    }
}

#[test]
fn kubectl_output_means_the_same_in_json_yaml_and_a_watch() {
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "Failed", "count": 7,
        "message": "Failed to pull image \"ghcr.io/team/app:1\": toomanyrequests: slow down",
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "app-1"}, "source": {"host": "n1"}
    });
    let yaml = "apiVersion: v1\nitems:\n- apiVersion: v1\n  count: 7\n  involvedObject:\n    kind: Pod\n    name: app-1\n    \
                namespace: shop\n  kind: Event\n  message: 'Failed to pull image \"ghcr.io/team/app:1\": toomanyrequests:\n    \
                slow down'\n  reason: Failed\n  source:\n    host: n1\n  type: Warning\nkind: List\nmetadata:\n  \
                resourceVersion: \"\"\n";
    for text in [
        json!({"kind": "List", "items": [event]}).to_string(),
        json!({"type": "ADDED", "object": event}).to_string(),
        json!({"events": [event]}).to_string(),
        yaml.to_owned(),
    ] {
        let explanation = explain(text.as_bytes()).expect("a slice can be read");
        let [event] = explanation.events.as_slice() else {
            panic!("{text}: {explanation:?}");
        };
        assert_eq!(event.count, 7, "{text}");
        assert_eq!(event.pods, ["shop/app-1".into()], "{text}");
        assert_eq!(event.nodes, ["n1".into()], "{text}");
        assert_eq!(event.causes()[0].class, Class::RateLimit, "{text}");
    }
}

/// A day of a kubelet's log is one failure for each image, whatever the times, addresses and identifiers in its lines.
#[test]
fn a_log_is_as_many_failures_as_there_are_images() {
    let lines = (0..2_000).map(|line| {
        let image = line % 5;
        let id = format!("{:08x}-0f5c-4a3e-8f5e-{:012x}", line * 7919, line);
        format!(
            "E1124 04:{:02}:{:02}.{line:06} 812 pod_workers.go:1298] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" \
             for \\\"app\\\" with ErrImagePull: \\\"rpc error: code = Unknown desc = failed to pull and unpack image \
             \\\\\\\"ghcr.io/team/app-{image}:1\\\\\\\": failed to do request: Head: read tcp 10.4.{}.7:{}->140.82.121.33:443: i/o timeout\\\"\" \
             pod=\"shop/app-{image}-{line:x}\" podUID=\"{id}\"\n",
            line / 60 % 60,
            line % 60,
            line % 250,
            40_000 + line,
        )
    });
    let log: String = lines.collect();
    let explanation = explain(log.as_bytes()).expect("a slice can be read");
    assert_eq!(explanation.events.len(), 5);
    assert!(explanation.events.iter().all(|event| event.count == 400));
}

#[test]
fn numbers_in_a_log_are_no_statuses() {
    for number in [401, 403, 407, 429, 500, 503] {
        let line = format!(
            "I1124 04:00:00.0 1 server.go:{number}] handled path=/healthz/{number} status=200 image layer {number} ok"
        );
        assert_eq!(classify(&line), [], "{line}");
    }
}

#[test]
fn a_message_that_yaml_has_folded_is_one() {
    let text = b"- message: 'Failed to pull image \"ghcr.io/team/app:1\": rpc error:\n    code = FailedPrecondition desc = failed to pull\n    \
                 and unpack image \"ghcr.io/team/app:1\":\n    failed size validation: 1000 != 2000000: failed precondition'\n";
    assert_eq!(explained(text).len(), 1);
    assert_eq!(explained(text)[0][0], "truncated_download");
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

/// One wording of each kind that has more than one way to be read, with its first cause.
#[test]
fn what_looks_alike_is_told_apart() {
    let digest = "0b3d4c5e".repeat(8);
    for (message, class) in [
        (
            "error pulling image configuration: download failed after attempts=6: dial tcp 192.0.2.1:443: i/o timeout".to_owned(),
            Class::RedirectTargetUnreachable,
        ),
        (
            "failed to register layer: processing tar file(exit status 1): unexpected EOF".to_owned(),
            Class::LayerCorruptOrFormat,
        ),
        (
            "Failed to pull image \"r.example/a:1\": writing blob: happened during read: unexpected EOF".to_owned(),
            Class::TruncatedDownload,
        ),
        (
            format!("copying image 1/2 from manifest list: reading manifest sha256:{digest} in r.example/a: manifest unknown"),
            Class::DanglingTag,
        ),
        (
            format!("failed to resolve source metadata for docker.io/library/node@sha256:{digest}: docker.io/library/node@sha256:{digest}: not found"),
            Class::DigestGone,
        ),
        (
            "Get \"https://registry-1.docker.io/v2/\": x509: certificate is valid for gateway.example, not registry-1.docker.io".to_owned(),
            Class::TlsInterceptingProxy,
        ),
        (
            format!("failed to copy: httpReadSeeker: failed open: unexpected status from GET request to https://s3.r.example/docker/registry/v2/blobs/sha256/0b/{digest}/data: 403 Forbidden"),
            Class::BlobBackendError,
        ),
        (
            "Failed to pull image \"kind.local/app:1\": Head \"https://kind.local/v2/app/manifests/1\": dial tcp: lookup kind.local: no such host".to_owned(),
            Class::LocalImageNotPushed,
        ),
    ] {
        assert_eq!(classify(&message).first().map(|cause| cause.class), Some(class), "{message}");
    }
}

#[test]
fn a_message_quoted_many_times_over_means_the_same() {
    let mut text =
        "Failed to pull image \"ghcr.io/team/app:1\": toomanyrequests: slow down".to_owned();
    for _ in 0..5 {
        text = format!("err={text:?}");
    }
    assert_eq!(explained(text.as_bytes()), [["rate_limit"]]);
}

#[test]
fn a_message_cut_off_anywhere_never_gets_a_sure_cause_that_the_whole_has_not() {
    let text = "Failed to pull image \"ghcr.io/team/app:1\": failed to resolve reference: unexpected status from HEAD request to \
                https://ghcr.io/v2/team/app/manifests/1: 403 Forbidden";
    let whole: Vec<Class> = classify(text).iter().map(|cause| cause.class).collect();
    for end in 0..text.len() {
        let causes = classify(&text[..end]);
        let sure = causes
            .iter()
            .find(|cause| cause.confidence == Confidence::Sure && !whole.contains(&cause.class));
        assert!(sure.is_none(), "{}: {sure:?}", &text[..end]);
    }
}

/// Logs as long as a day's: 100 MB in an optimised build, a tenth of it where the program is not.
#[test]
fn long_logs_are_read_as_a_stream() {
    const LINE: &[u8] = b"I1124 04:00:00.000000 1 server.go:1] handled request path=/healthz status=200 registry cache warm\n";
    let lines = if cfg!(debug_assertions) {
        100_000
    } else {
        1_000_000
    };
    let failure = &b"Failed to pull image \"nginx:0\": toomanyrequests: slow down\n"[..];
    let log = std::io::Read::chain(
        Repeated {
            line: LINE,
            at: 0,
            left: lines * LINE.len(),
        },
        failure,
    );
    let explanation = explain(std::io::BufReader::new(log)).expect("memory can be read");
    assert_eq!(explanation.events.len(), 1);
    assert_eq!(explanation.events[0].causes()[0].class, Class::RateLimit);
}

/// One line again and again, never held as a whole.
struct Repeated {
    line: &'static [u8],
    at: usize,
    left: usize,
}

impl std::io::Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.line[self.at..];
        let length = rest.len().min(buffer.len()).min(self.left);
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at = (self.at + length) % self.line.len();
        self.left -= length;
        Ok(length)
    }
}

#[test]
fn the_images_of_a_message_are_checked_at_once() {
    let outcome = Preflight::new([
        "explain",
        "--lint",
        "--config",
        "fixtures/oci-preflight.toml",
        "--output",
        "json",
        "Failed to pull image \"registry.example.com/shop/api:0.0.0\": not found",
    ])
    .run();
    let written: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let image = &written["lint"]["images"][0];
    assert_eq!(image["reference"], "registry.example.com/shop/api:0.0.0");
    assert_eq!(outcome.status, 1, "{}", outcome.stdout);
}

proptest! {
    #[test]
    fn any_text_is_explained_without_panic(text in "\\PC{0,300}") {
        let mut written = Vec::new();
        let explanation = explain(text.as_bytes()).expect("a slice can be read");
        write_explanation(&explanation, Style::default(), &mut written)
            .expect("a vector can be written");
        prop_assert!(!written.is_empty());
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
    for row in seen() {
        let explanation = explain(row.message.as_bytes()).expect("a slice can be read");
        let details = explanation.events.iter().map(Explained::details);
        for advice in details.flat_map(|details| details.advice) {
            for rule in advice
                .foresight
                .map_or(&[][..], |foresight| foresight.rules)
            {
                assert!(oci_preflight::rule::find(rule).is_some(), "{rule}");
            }
        }
    }
}
