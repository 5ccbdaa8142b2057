//! One source of each dialect.

use super::*;
use crate::text::Dialect;

/// The dialect, and each image with its field, its value, and whether it is provisional.
fn check(name: &str, text: &str, dialect: Dialect, expected: &[(&str, &str, bool)]) {
    let (_, extraction) = read_named(name, text);
    let found: Vec<_> = extraction
        .occurrences
        .iter()
        .map(|found| {
            (
                found.field.as_str(),
                found.value.as_str(),
                found.role == Role::Provisional,
            )
        })
        .collect();
    assert_eq!((extraction.dialect, found.as_slice()), (dialect, expected));
    assert_eq!((extraction.problems.len(), extraction.skipped), (0, None));
}

#[test]
fn compose_services() {
    let text = "
services:
  web: {image: a:1}
  built: {build: ., image: 'b:2'}
  only-built: {build: {context: ., cache_from: ['c:3']}}
  default: {image: 'd:${TAG:-4}'}
  unknown: {image: 'e:${TAG}'}
";
    let expected = [
        ("services.web.image", "a:1", false),
        ("services.built.image", "b:2", true),
        ("services.only-built.build.cache_from[0]", "c:3", true),
        ("services.default.image", "d:4", false),
    ];
    check("x.yaml", text, Dialect::Compose, &expected);
}

#[test]
fn what_no_node_pulls_is_told_from_what_nodes_pull() {
    let roles = |name: &str, text: &str| -> Vec<_> {
        let (_, extraction) = read_named(name, text);
        let roles = extraction.occurrences.iter().map(|found| {
            let platform = found.placement.platform.as_ref();
            (found.role, platform.map(ToString::to_string))
        });
        roles.collect()
    };
    let arm = Some("linux/arm64".to_owned());
    assert_eq!(
        roles(
            "Dockerfile",
            "FROM --platform=linux/arm64 a:1\nFROM --platform=$BUILDPLATFORM b:2\n"
        ),
        [(Role::OffCluster, arm.clone()), (Role::OffCluster, None)]
    );
    assert_eq!(
        roles(
            "x.yaml",
            "services: {a: {image: 'a:1', platform: linux/arm64}, b: {image: 'b:2', platform: '${P}'}}"
        ),
        [(Role::OffCluster, arm), (Role::OffCluster, None)]
    );
    assert_eq!(
        roles("ci.yml", "stages: [test]\nimage: a:1\n"),
        [(Role::OffCluster, None)]
    );
    assert_eq!(
        roles("values.yaml", "image: a:1\n"),
        [(Role::Unplaced, None)]
    );
}

#[test]
fn workflows_of_github() {
    let text = "
on: push
jobs:
  one:
    runs-on: x
    container: a:1
    services: {db: {image: b:2}, cache: {image: '${{ env.IMAGE }}'}}
    steps: [{uses: 'docker://c:3'}, {uses: actions/checkout@v4}]
  two:
    runs-on: x
    container: {image: d:4}
";
    let expected = [
        ("jobs.one.container", "a:1", false),
        ("jobs.two.container.image", "d:4", false),
        ("jobs.one.services.db.image", "b:2", false),
        ("jobs.one.steps[0].uses", "c:3", false),
    ];
    check("ci.yml", text, Dialect::GithubWorkflow, &expected);
}

#[test]
fn actions_of_github() {
    let text = "runs: {using: docker, image: 'docker://a:1'}";
    check(
        "action.yml",
        text,
        Dialect::GithubAction,
        &[("runs.image", "a:1", false)],
    );
    let text = "runs: {using: docker, image: Dockerfile}";
    check("action.yml", text, Dialect::GithubAction, &[]);
}

#[test]
fn pipelines_of_gitlab() {
    let text = "
image: a:1
services: [b:2, {name: c:3}]
stages: [test]
test: {image: {name: d:4}, script: [make], services: [$OTHER]}
";
    let expected = [
        ("image", "a:1", false),
        ("services[0]", "b:2", false),
        ("services[1].name", "c:3", false),
        ("test.image.name", "d:4", false),
    ];
    check(".gitlab-ci.yml", text, Dialect::GitlabCi, &expected);
}

#[test]
fn steps_of_cloud_build() {
    let text = "steps: [{name: a:1, args: [build]}]\nimages: [pushed:2]\n";
    check(
        "cloudbuild.yaml",
        text,
        Dialect::CloudBuild,
        &[("steps[0].name", "a:1", false)],
    );
}

#[test]
fn plans_of_terraform() {
    let text = r#"{"format_version": "1.2", "planned_values": {"root_module": {"resources": [{"type": "kubernetes_deployment_v1",
        "values": {"spec": [{"template": [{"spec": [{"container": [{"image": "a:1"}], "init_container": [{"image": "b:2"}]}]}]}]}}]}},
        "prior_state": {"values": {"container": [{"image": "c:3"}]}}}"#;
    let spec = "planned_values.root_module.resources[0].values.spec[0].template[0].spec[0]";
    let fields = ["container", "init_container"].map(|key| format!("{spec}.{key}[0].image"));
    let expected = [
        (fields[0].as_str(), "a:1", false),
        (fields[1].as_str(), "b:2", false),
    ];
    check("plan.json", text, Dialect::TerraformPlan, &expected);
}

#[test]
fn images_of_a_kustomization() {
    let text = "
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
images:
- {name: a, newName: q.io/b, newTag: '2'}
- {name: c, newTag: 3.0}
- {name: d, newName: q.io/d}
";
    let expected = [
        ("images[0].newName", "q.io/b:2", false),
        ("images[1].name", "c:3.0", false),
        ("images[2].newName", "q.io/d", true),
    ];
    check(
        "kustomization.yaml",
        text,
        Dialect::Kustomization,
        &expected,
    );
}

#[test]
fn values_of_a_chart() {
    let text = "
image: {repository: a/b, tag: ''}
proxy: {image: {registry: q.io, repository: c, tag: 1}}
sidecarImage: q.io/d:2
imagePullSecrets: [x]
charts: {repository: 'https://charts.example.com', tag: x}
tests: {image: {repository: ''}}
";
    let expected = [
        ("sidecarImage", "q.io/d:2", false),
        ("image.repository", "a/b", true),
        ("proxy.image.repository", "q.io/c:1", false),
    ];
    check("values.yaml", text, Dialect::HelmValues, &expected);
    check("config.yaml", text, Dialect::HelmValues, &expected);
}

#[test]
fn names_that_skaffold_and_kbld_replace() {
    let text = "apiVersion: skaffold/v4beta11\nkind: Config\nbuild: {artifacts: [{image: a}]}\n";
    check(
        "skaffold.yaml",
        text,
        Dialect::Skaffold,
        &[("build.artifacts[0].image", "a", true)],
    );
    let text =
        "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\noverrides: [{image: a, newImage: b:2}]\n";
    let expected = [
        ("overrides[0].image", "a", true),
        ("overrides[0].newImage", "b:2", true),
    ];
    check("kbld.yml", text, Dialect::Kbld, &expected);
}

#[test]
fn containers_and_fields_of_custom_resources() {
    let text = "
apiVersion: example.com/v1
kind: Server
spec:
  main: {image: a:1, args: [x]}
  container: {image: b:2}
  steps: [{name: s, image: c:3}]
  image: {repository: d, tag: '4'}
  disk: {image: not-an-image}
  host: {image: {image: /var/mnt/update, transport: oci}}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
spec: {image: e:5}
";
    let expected = [
        ("spec.main.image", "a:1", false),
        ("spec.container.image", "b:2", false),
        ("spec.steps[0].image", "c:3", false),
        ("spec.image.repository", "d:4", false),
        ("spec.image", "e:5", false),
    ];
    check("x.yaml", text, Dialect::Kubernetes, &expected);
}

#[test]
fn arguments_variables_and_annotations_that_are_known() {
    let text = "
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    metadata: {annotations: {sidecar.istio.io/proxyImage: a:1, note: 'b:2'}}
    spec:
      containers:
      - image: c:3
        args: ['--acme-http01-solver-image=d:4', --acme-http01-solver-image, e:5, '--other=f:6']
        env: [{name: RELATED_IMAGE_X, value: g:7}, {name: OTHER, value: h:8}]
";
    let pod = "spec.template.spec.containers[0]";
    let fields =
        ["image", "args[0]", "args[2]", "env[0].value"].map(|field| format!("{pod}.{field}"));
    let expected = [
        (
            "spec.template.metadata.annotations['sidecar.istio.io/proxyImage']",
            "a:1",
            false,
        ),
        (fields[0].as_str(), "c:3", false),
        (fields[1].as_str(), "d:4", false),
        (fields[2].as_str(), "e:5", false),
        (fields[3].as_str(), "g:7", false),
    ];
    check("x.yaml", text, Dialect::Kubernetes, &expected);
}

#[test]
fn tests_of_charts_name_no_images() {
    let text = "suite: x\ntests: [{asserts: [{equal: {image: a:1}}], set: {image: {repository: b, tag: c}}}]\n";
    check("values_test.yaml", text, Dialect::Unknown, &[]);
}
