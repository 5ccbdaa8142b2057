//! What the pipeline that runs the program says of the pull request that it runs for.

use serde::Deserialize;

/// The event that GitHub describes in a file.
#[derive(Deserialize)]
struct Event {
    pull_request: PullRequest,
}

#[derive(Deserialize)]
struct PullRequest {
    head: End,
    base: End,
}

/// One end of a pull request. The repository of a fork that was deleted is null.
#[derive(Deserialize)]
struct End {
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
}

/// Whether the run belongs to a pull request from a fork, which gets no secrets. `variable` gives environment variables, and
/// `file` the text of a file.
///
/// Sources:
/// - <https://docs.github.com/actions/reference/workflows-and-actions/variables>
/// - <https://docs.gitlab.com/ci/variables/predefined_variables/#predefined-variables-for-merge-request-pipelines>
/// - <https://learn.microsoft.com/azure/devops/pipelines/build/variables#system-variables-devops-services>
/// - <https://circleci.com/docs/reference/variables/#built-in-environment-variables>
pub(crate) fn is_from_fork(
    variable: impl Fn(&str) -> Option<String>,
    file: impl Fn(&str) -> Option<String>,
) -> bool {
    let says = |name: &str| variable(name).filter(|value| !value.is_empty());
    // A `pull_request_target` runs with the secrets of the project.
    if says("GITHUB_EVENT_NAME").as_deref() == Some("pull_request") {
        let event = says("GITHUB_EVENT_PATH").and_then(|path| file(&path));
        let event = event.and_then(|text| serde_json::from_str::<Event>(&text).ok());
        return event.is_some_and(|event| {
            let id = |end: &End| end.repo.as_ref().map(|repository| repository.id);
            id(&event.pull_request.head) != id(&event.pull_request.base)
        });
    }
    let source = says("CI_MERGE_REQUEST_SOURCE_PROJECT_ID");
    (source.is_some() && source != says("CI_MERGE_REQUEST_PROJECT_ID"))
        || says("SYSTEM_PULLREQUEST_ISFORK").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || says("CIRCLE_PR_REPONAME").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_fork(variables: &[(&str, &str)], event: &str) -> bool {
        is_from_fork(
            |name| {
                let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
                Some((*value).to_owned())
            },
            |path| (path == "/event.json").then(|| event.to_owned()),
        )
    }

    #[test]
    fn github_tells_both_ends_of_a_pull_request() {
        let of = |name: &str, head: &str| {
            is_fork(
                &[
                    ("GITHUB_EVENT_NAME", name),
                    ("GITHUB_EVENT_PATH", "/event.json"),
                ],
                &format!(
                    r#"{{"pull_request":{{"head":{{"repo":{head}}},"base":{{"repo":{{"id":1}}}}}}}}"#
                ),
            )
        };
        assert!(of("pull_request", r#"{"id":2}"#));
        assert!(of("pull_request", "null"));
        assert!(!of("pull_request", r#"{"id":1}"#));
        assert!(!of("pull_request_target", r#"{"id":2}"#));
        assert!(!is_fork(&[("GITHUB_EVENT_NAME", "pull_request")], ""));
        assert!(!is_fork(
            &[
                ("GITHUB_EVENT_NAME", "pull_request"),
                ("GITHUB_EVENT_PATH", "/event.json")
            ],
            "{"
        ));
    }

    #[test]
    fn other_pipelines_say_it_in_variables() {
        for (variables, expected) in [
            (
                &[
                    ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "2"),
                    ("CI_MERGE_REQUEST_PROJECT_ID", "1"),
                ][..],
                true,
            ),
            (
                &[
                    ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "1"),
                    ("CI_MERGE_REQUEST_PROJECT_ID", "1"),
                ],
                false,
            ),
            (&[("CI_PROJECT_ID", "1")], false),
            (&[("SYSTEM_PULLREQUEST_ISFORK", "True")], true),
            (&[("SYSTEM_PULLREQUEST_ISFORK", "False")], false),
            (&[("CIRCLE_PR_REPONAME", "fork")], true),
            (&[], false),
        ] {
            assert_eq!(is_fork(variables, ""), expected, "{variables:?}");
        }
    }
}
