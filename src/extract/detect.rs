//! Which dialect a document is written in, by what stands in it.

use super::field::Field;
use super::place::string;
use super::select::select;
use crate::text::Dialect;
use crate::text::yaml::Node;

/// Judges the root of a document.
type Test = fn(Node<'_>) -> bool;

/// The dialect of a document with this root; none where it is none that is known.
///
/// Sources: the schemas behind <https://kubernetes.io/docs/concepts/overview/working-with-objects/>,
/// <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>, <https://skaffold.dev/docs/references/yaml/>,
/// <https://carvel.dev/kbld/docs/latest/config/>, <https://docs.docker.com/reference/compose-file/>,
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>,
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax>,
/// <https://docs.gitlab.com/ci/yaml/>, <https://cloud.google.com/build/docs/build-config-file-schema> and
/// <https://developer.hashicorp.com/terraform/internals/json-format>.
pub(super) fn dialect(root: Node<'_>, name: &str) -> Option<Dialect> {
    if let (Some(version), Some(_)) = (string(root, "apiVersion"), string(root, "kind")) {
        let group = version.split('/').next().unwrap_or_default();
        return Some(match group {
            "kustomize.config.k8s.io" => Dialect::Kustomization,
            "skaffold" => Dialect::Skaffold,
            "kbld.k14s.io" | "kbld.carvel.dev" => Dialect::Kbld,
            _ => Dialect::Kubernetes,
        });
    }
    let known: [(Test, Dialect); 9] = [
        (is_kubernetes_list, Dialect::Kubernetes),
        (is_kustomization, Dialect::Kustomization),
        (is_action, Dialect::GithubAction),
        (is_workflow, Dialect::GithubWorkflow),
        (is_terraform_plan, Dialect::TerraformPlan),
        (is_compose, Dialect::Compose),
        (is_cloud_build, Dialect::CloudBuild),
        (is_gitlab_ci, Dialect::GitlabCi),
        (is_helm_test, Dialect::Unknown),
    ];
    let found = known.into_iter().find(|(is, _)| is(root));
    found
        .map(|(_, dialect)| dialect)
        .or_else(|| is_helm_values(root, name).then_some(Dialect::HelmValues))
}

fn is_kubernetes_list(root: Node<'_>) -> bool {
    root.items()
        .any(|item| string(item, "apiVersion").is_some() && string(item, "kind").is_some())
}

/// `apiVersion` and `kind` may be left out of a Kustomization.
fn is_kustomization(root: Node<'_>) -> bool {
    let has_list = |key| root.get(key).is_some_and(|list| list.is_sequence());
    has_list("images") && (has_list("resources") || has_list("bases") || has_list("components"))
}

fn is_action(root: Node<'_>) -> bool {
    root.get("runs")
        .is_some_and(|runs| runs.get("using").is_some())
}

fn is_workflow(root: Node<'_>) -> bool {
    let is_job = |(_, job): (Node<'_>, Node<'_>)| {
        ["runs-on", "steps", "uses"]
            .iter()
            .any(|key| job.get(key).is_some())
    };
    root.get("jobs")
        .is_some_and(|jobs| jobs.fields().into_iter().any(is_job))
}

fn is_terraform_plan(root: Node<'_>) -> bool {
    root.get("format_version").is_some() && root.get("planned_values").is_some()
}

fn is_compose(root: Node<'_>) -> bool {
    const KEYS: [&str; 6] = [
        "image",
        "build",
        "extends",
        "command",
        "environment",
        "ports",
    ];
    let is_service =
        |(_, service): (Node<'_>, Node<'_>)| KEYS.iter().any(|key| service.get(key).is_some());
    root.get("services").is_some_and(|services| {
        let services = services.fields();
        !services.is_empty() && services.into_iter().all(is_service)
    })
}

fn is_cloud_build(root: Node<'_>) -> bool {
    const KEYS: [&str; 13] = [
        "steps",
        "images",
        "options",
        "substitutions",
        "timeout",
        "artifacts",
        "logsBucket",
        "availableSecrets",
        "secrets",
        "tags",
        "serviceAccount",
        "queueTtl",
        "dependencies",
    ];
    let has_known_keys = || {
        root.entries()
            .all(|(key, _)| key.as_str().is_some_and(|key| KEYS.contains(&key)))
    };
    root.get("steps")
        .is_some_and(|steps| steps.items().any(|step| string(step, "name").is_some()))
        && has_known_keys()
}

fn is_gitlab_ci(root: Node<'_>) -> bool {
    root.get("stages")
        .is_some_and(|stages| stages.is_sequence())
        || root
            .fields()
            .into_iter()
            .any(|(_, job)| job.get("script").is_some() && job.is_mapping())
}

/// Tests of charts name images that nobody pulls (<https://github.com/helm-unittest/helm-unittest>).
fn is_helm_test(root: Node<'_>) -> bool {
    root.get("tests").is_some_and(|tests| tests.is_sequence())
        && (root.get("suite").is_some() || root.get("templates").is_some())
}

/// Values have no schema: they are known by the name of the file, or by an image that is spread over fields.
fn is_helm_values(root: Node<'_>, name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    let is_yaml = [".yaml", ".yml"]
        .iter()
        .any(|ending| file.ends_with(ending));
    let mut has_image = false;
    select(
        root,
        "**.image.repository",
        &mut Field::default(),
        &mut |_, _| has_image = true,
    );
    root.is_mapping() && (has_image || (is_yaml && file.contains("values")))
}
