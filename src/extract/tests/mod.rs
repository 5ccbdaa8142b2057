//! What stands in a source, and what is read of it.

mod dialects;

use super::*;
use crate::text::{Origin, SourceMap};
use crate::workload::{PullPolicy, Role};
use proptest::prelude::*;

fn read(text: &str) -> (SourceMap, Extraction) {
    read_named("shop.yaml", text)
}

fn read_named(name: &str, text: &str) -> (SourceMap, Extraction) {
    let mut sources = SourceMap::default();
    let id = sources.add(Source {
        name: name.to_owned(),
        text: text.to_owned(),
        origin: Origin::File,
    });
    let extraction = extract(id, sources.get(id));
    for occurrence in &extraction.occurrences {
        assert_eq!(sources.slice(occurrence.span), occurrence.written);
    }
    (sources, extraction)
}

/// The images as written, each with the line and column of its text.
fn images(text: &str) -> Vec<(String, usize, usize)> {
    let (sources, extraction) = read(text);
    assert_eq!((extraction.problems.len(), &extraction.skipped), (0, &None));
    let place = |occurrence: &Occurrence| {
        let start = sources.start(occurrence.span);
        (occurrence.written.clone(), start.line, start.column)
    };
    extraction.occurrences.iter().map(place).collect()
}

fn values(text: &str) -> Vec<String> {
    let (_, extraction) = read(text);
    extraction
        .occurrences
        .into_iter()
        .map(|occurrence| occurrence.value)
        .collect()
}

fn image(written: &str, line: usize, column: usize) -> (String, usize, usize) {
    (written.to_owned(), line, column)
}

fn pod(containers: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n{containers}")
}

#[test]
fn comments_and_quotes_are_no_part_of_the_image() {
    let text = pod("  - image: a:1 # image: b:2\n  - image: \"c:3\"\n  - image: 'd:4' # e\n");
    assert_eq!(
        images(&text),
        [
            image("a:1", 5, 12),
            image("c:3", 6, 13),
            image("d:4", 7, 13)
        ]
    );
}

#[test]
fn escapes_are_written_as_they_stand_and_read_as_they_mean() {
    let text = r#"{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "q.io\/a\u003a1"}]}}"#;
    assert_eq!(images(text), [image(r"q.io\/a\u003a1", 1, 72)]);
    assert_eq!(values(text), ["q.io/a:1"]);
}

#[test]
fn an_alias_stands_where_its_text_stands() {
    let text = pod("  - name: one\n    image: &app a:1\n  - name: two\n    image: *app\n");
    assert_eq!(images(&text), [image("a:1", 6, 17), image("a:1", 6, 17)]);
    let (_, extraction) = read(&text);
    let names: Vec<_> = extraction
        .occurrences
        .iter()
        .map(|found| found.container.as_deref())
        .collect();
    assert_eq!(names, [Some("one"), Some("two")]);
}

#[test]
fn merge_keys_bring_images_in() {
    let text = pod(
        "  - &base {name: one, image: a:1}\n  - <<: *base\n    name: two\n  - <<: *base\n    image: b:2\n",
    );
    assert_eq!(
        images(&text),
        [
            image("a:1", 5, 30),
            image("a:1", 5, 30),
            image("b:2", 9, 12)
        ]
    );
    let merged = "apiVersion: v1\nkind: Pod\nspec:\n  <<: {containers: [{image: a:1}]}\n";
    assert_eq!(values(merged), ["a:1"]);
}

#[test]
fn block_scalars_are_placed_at_their_first_character() {
    let text = pod("  - image: >-\n      a:1\n  - image: |\n      b:2\n");
    assert_eq!(images(&text), [image("a:1", 6, 7), image("b:2", 8, 7)]);
    assert_eq!(values(&text), ["a:1", "b:2\n"]);
}

#[test]
fn line_breaks_of_windows_and_byte_order_marks_move_nothing() {
    let text = format!(
        "\u{feff}{}",
        pod("  - image: a:1\n  - image: 'ä'\n").replace('\n', "\r\n")
    );
    assert_eq!(images(&text), [image("a:1", 5, 12), image("ä", 6, 13)]);
}

#[test]
fn each_of_two_duplicate_keys_is_an_occurrence() {
    assert_eq!(
        values(&pod("  - image: a:1\n    image: b:2\n")),
        ["a:1", "b:2"]
    );
}

#[test]
fn null_names_no_image_and_an_empty_text_names_an_invalid_one() {
    let text = pod("  - image: null\n  - image: ~\n  - image:\n  - name: none\n  - image: ''\n");
    assert_eq!(images(&text), [image("", 9, 13)]);
}

#[test]
fn a_template_action_without_quotes_is_an_occurrence_as_it_stands() {
    let text = pod("  - image: {{ .Values.image }}\n  - image: \"{{ .Values.image }}\"\n");
    let written = "{{ .Values.image }}";
    assert_eq!(
        images(&text),
        [image(written, 5, 12), image(written, 6, 13)]
    );
}

#[test]
fn all_kinds_of_containers_and_image_volumes_are_read() {
    let text = "
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: n}
spec:
  serviceAccountName: runner
  imagePullSecrets: [{name: one}, {name: two}]
  containers: [{name: main, image: a:1, imagePullPolicy: Always}]
  initContainers: [{name: init, image: b:2}]
  ephemeralContainers: [{name: debug, image: c:3}]
  volumes:
  - {name: model, image: {reference: d:4, pullPolicy: Never}}
  - {name: disk, rbd: {image: not-an-image}}
";
    let (_, extraction) = read(text);
    let found: Vec<_> = extraction
        .occurrences
        .iter()
        .map(|found| (found.field.as_str(), found.role, found.pull_policy))
        .collect();
    assert_eq!(
        found,
        [
            ("spec.initContainers[0].image", Role::InitContainer, None),
            (
                "spec.containers[0].image",
                Role::Container,
                Some(PullPolicy::Always)
            ),
            (
                "spec.ephemeralContainers[0].image",
                Role::EphemeralContainer,
                None
            ),
            (
                "spec.volumes[0].image.reference",
                Role::Volume,
                Some(PullPolicy::Never)
            ),
        ]
    );
    for found in &extraction.occurrences {
        assert_eq!(found.owner.kind.as_deref(), Some("Pod"));
        assert_eq!(found.owner.name.as_deref(), Some("p"));
        assert_eq!(found.owner.namespace.as_deref(), Some("n"));
        assert_eq!(found.pull_secrets, ["one", "two"]);
        assert_eq!(found.service_account.as_deref(), Some("runner"));
    }
}

#[test]
fn every_built_in_kind_that_carries_a_pod_is_read() {
    let spec = "{containers: [{image: a:1}]}";
    let template = format!("{{template: {{spec: {spec}}}}}");
    let kinds = [
        ("v1", "Pod", "spec", spec.to_owned()),
        ("v1", "PodTemplate", "template", format!("{{spec: {spec}}}")),
        ("v1", "ReplicationController", "spec", template.clone()),
        ("apps/v1", "ReplicaSet", "spec", template.clone()),
        ("extensions/v1beta1", "Deployment", "spec", template.clone()),
        ("apps/v1beta2", "StatefulSet", "spec", template.clone()),
        ("apps/v1", "DaemonSet", "spec", template.clone()),
        ("batch/v1", "Job", "spec", template.clone()),
        (
            "batch/v1beta1",
            "CronJob",
            "spec",
            format!("{{jobTemplate: {{spec: {template}}}}}"),
        ),
    ];
    for (version, kind, key, value) in kinds {
        let text = format!("apiVersion: {version}\nkind: {kind}\n{key}: {value}\n");
        let (_, extraction) = read(&text);
        let [found] = extraction.occurrences.as_slice() else {
            panic!("{kind}: {:?}", extraction.occurrences);
        };
        assert_eq!(found.owner.kind.as_deref(), Some(kind));
        assert_eq!(found.placement.daemon_set, kind == "DaemonSet");
    }
}

#[test]
fn lists_are_read_item_by_item() {
    let text = "
apiVersion: v1
kind: List
items:
- null
- {apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {containers: [{image: a:1}], initContainers: null}}
- apiVersion: apps/v1
  kind: DaemonSetList
  items:
  - {metadata: {name: two}, spec: {template: {spec: {containers: [{image: b:2}]}}}}
";
    let (_, extraction) = read(text);
    let found: Vec<_> = extraction
        .occurrences
        .iter()
        .map(|found| {
            let owner = &found.owner;
            (
                found.field.as_str(),
                owner.kind.as_deref(),
                owner.name.as_deref(),
                found.placement.daemon_set,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                "items[1].spec.containers[0].image",
                Some("Pod"),
                Some("one"),
                false
            ),
            (
                "items[2].items[0].spec.template.spec.containers[0].image",
                Some("DaemonSet"),
                Some("two"),
                true
            ),
        ]
    );
}

#[test]
fn a_pod_spec_inside_a_custom_resource_is_found_by_its_shape() {
    let text = "
apiVersion: serving.example.com/v1
kind: Server
spec:
  containers: [{image: a:1}]
  workers:
  - template: {spec: {containers: [{name: w, image: b:2}]}}
";
    assert_eq!(values(text), ["a:1", "b:2"]);
}

#[test]
fn what_only_looks_like_a_pod_spec_is_none() {
    let containers = "containers: [{name: c, image: a:1}]";
    let objects = [
        format!("{{apiVersion: v1, kind: ConfigMap, data: {{{containers}}}}}"),
        format!("{{apiVersion: kyverno.io/v1, kind: Policy, spec: {{pattern: {{{containers}}}}}}}"),
        format!(
            "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {{{containers}}}}}"
        ),
        format!("{{apiVersion: v1, kind: Pod, status: {{{containers}}}}}"),
        format!("{{apiVersion: v1, kind: Pod, metadata: {{annotations: {{{containers}}}}}}}"),
        "{apiVersion: v1, kind: LimitRange, spec: {containers: {image: a:1}}}".to_owned(),
    ];
    for object in objects {
        assert_eq!(values(&object), [""; 0], "{object}");
    }
}

#[test]
fn placeholders_that_a_controller_fills_in_are_no_images() {
    let pod = "{containers: [{image: $(params.image)}, {image: a:1}]}";
    assert_eq!(
        values(&format!(
            "{{apiVersion: tekton.dev/v1, kind: Task, spec: {pod}}}"
        )),
        ["a:1"]
    );
    assert_eq!(
        values(&format!("{{apiVersion: v1, kind: Pod, spec: {pod}}}")).len(),
        2
    );
}

#[test]
fn a_broken_document_hides_no_other() {
    let text = format!(
        "{}---\nkind: Pod\nimage: [a\n---\n{}",
        pod("  - image: a:1\n"),
        pod("  - image: b:2\n")
    );
    let (sources, extraction) = read(&text);
    let [problem] = extraction.problems.as_slice() else {
        panic!("one problem: {:?}", extraction.problems);
    };
    assert_eq!(sources.start(problem.span).line, 8);
    assert!(problem.message.contains("no YAML"), "{}", problem.message);
    assert_eq!(extraction.occurrences.len(), 2);
}

#[test]
fn a_template_is_skipped_with_what_to_do_but_for_literal_images() {
    let text = pod(
        "  {{- if .Values.enabled }}\n  - image: a:1\n  - image: {{ .Values.image }}\n  {{- end }}\n",
    );
    let (_, extraction) = read(&text);
    assert_eq!(extraction.dialect, Dialect::HelmTemplate);
    assert!(
        extraction
            .skipped
            .expect("a reason")
            .contains("helm template")
    );
    assert_eq!(extraction.problems, []);
    let written: Vec<_> = extraction
        .occurrences
        .iter()
        .map(|found| found.written.as_str())
        .collect();
    assert_eq!(written, ["a:1"]);
}

#[test]
fn a_source_without_kubernetes_objects_is_quiet() {
    let (_, extraction) = read("image: a:1\ncontainers: [{image: b:2}]\n");
    assert_eq!(extraction, found(Dialect::Unknown, vec![], vec![]));
    let (_, extraction) = read("{\"image\": 1,, // no JSON");
    assert_eq!(
        (extraction.dialect, extraction.problems),
        (Dialect::Unknown, vec![])
    );
    assert!(extraction.skipped.expect("a reason").contains("no YAML"));
}

#[test]
fn an_alias_bomb_costs_little_and_is_told() {
    let levels = (1..30).map(|level| {
        format!(
            "  a{level}: &a{level} [{}]\n",
            vec![format!("*a{}", level - 1); 9].join(", ")
        )
    });
    let levels: String = levels.collect();
    let text = format!("apiVersion: v1\nkind: Pod\nspec:\n  a0: &a0 [{{image: lol}}]\n{levels}");
    let (_, extraction) = read(&text);
    assert_eq!(extraction.problems.len(), 1);
    assert!(extraction.problems[0].message.contains("was not read"));
}

#[test]
fn a_tab_for_indentation_is_told_at_its_place() {
    let text = format!(
        "{}---\n{}",
        pod("  - image: a:1\n"),
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n\t- image: b:2\n"
    );
    let (sources, extraction) = read(&text);
    let [problem] = extraction.problems.as_slice() else {
        panic!("one problem: {:?}", extraction.problems);
    };
    assert_eq!(sources.start(problem.span).line, 11);
    let written: Vec<_> = extraction
        .occurrences
        .iter()
        .map(|found| &found.written)
        .collect();
    assert_eq!(written, ["a:1", "b:2"]);
}

#[test]
fn an_anchor_that_contains_itself_ends() {
    let text =
        "apiVersion: v1\nkind: Pod\nspec: &spec\n  containers: [{image: a:1}]\n  again: *spec\n";
    assert_eq!(values(text), ["a:1"]);
}

#[test]
fn the_last_of_a_million_documents_is_read() {
    let text = "---\na: 1\n".repeat(1_000_000) + "---\n" + &pod("  - image: a:1\n");
    assert_eq!(images(&text), [image("a:1", 2_000_006, 12)]);
}

#[test]
fn deep_nesting_is_told_and_crashes_nothing() {
    let text = format!("apiVersion: v1\nkind: Pod\nimage: {}", "[".repeat(100_000));
    assert_eq!(read(&text).1.problems.len(), 1);
    let chain = (1..40).map(|level| {
        format!(
            "  a{level}: &a{level} {}*a{}{}\n",
            "[".repeat(90),
            level - 1,
            "]".repeat(90)
        )
    });
    let chain: String = chain.collect();
    let text = format!("apiVersion: v1\nkind: Pod\nspec:\n  a0: &a0 [image]\n{chain}");
    assert_eq!(read(&text).1.problems.len(), 1);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(image: |containers:\n|- |kind: Pod\n|apiVersion: v1\n|---\n|  |[{}\\[\\]'\"&*a|>\n]){0,40}") {
        read(&text);
    }
}
