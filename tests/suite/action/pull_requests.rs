//! Pull requests of forks have no secrets, and a token that can only read.

use serde_json::{Value, json};

use super::workflow_runner::Job;
use crate::docker_registry::{Access, DockerRegistry};
use crate::images::Image;
use crate::runner::{Sources, pod};

fn event(head: &Value) -> Value {
    json!({"pull_request": {"base": {"sha": "0".repeat(40)}, "head": {"repo": head}}})
}

fn fork() -> Value {
    json!({"full_name": "mallory/shop"})
}

#[test]
fn the_message_about_sarif_comes_where_the_token_can_only_read() {
    let sources = Sources::new().file("a.yaml", pod("a:1"));
    let job = |head: &Value| {
        Job::new(sources.path())
            .input("offline", "true")
            .event("pull_request", event(head))
    };
    // A deleted fork has no name any more.
    for head in [fork(), Value::Null] {
        let done = job(&head).run();
        assert_eq!(done.status, 0, "{}", done.log);
        assert_eq!(done.output("can-upload-sarif"), "false");
        let said = done.said("notice").join("\n");
        assert!(
            said.contains("Resource not accessible by integration"),
            "{said}"
        );
    }
    let own = json!({"full_name": "shop/shop"});
    let done = job(&own).run();
    assert_eq!(done.output("can-upload-sarif"), "true");
    assert_eq!(done.said("notice"), Vec::<String>::new());
    let done = job(&own).variable("GITHUB_ACTOR", "dependabot[bot]").run();
    assert_eq!(done.output("can-upload-sarif"), "false");
}

#[tokio::test(flavor = "multi_thread")]
async fn private_images_are_no_fault_of_a_fork() {
    let Some(registry) = DockerRegistry::start(&Access::Password) else {
        return;
    };
    registry
        .push("app", "1", &Image::oci("linux/amd64", "private"))
        .await;
    let sources = Sources::new().file("a.yaml", pod(&format!("{}/app:1", registry.host)));
    let job = || {
        Job::new(sources.path())
            .input("plain-http", &registry.host)
            .input("rule", "latest-tag=off")
    };
    let done = job().run();
    assert_eq!(done.status, 1, "a push has secrets: {}", done.log);

    let done = job().event("pull_request", event(&fork())).run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert_eq!((done.output("errors"), done.output("warnings")), ("0", "1"));
    let said = done.said("notice").join("\n");
    assert!(
        said.contains("Images that could not be checked: 1."),
        "{said}"
    );

    let job = job().event("pull_request", event(&fork()));
    let done = job.input("rule", "access-denied=error").run();
    assert_eq!(done.status, 1, "who says it gets it: {}", done.log);
}
