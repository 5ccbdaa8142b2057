//! The step that lints: annotations, summary, outputs, and what comes of bad input.

use std::path::Path;

use super::workflow_runner::{Done, Job, definition};
use crate::runner::{Preflight, Sources, pod, project};

/// A workspace with the sources of `fixtures/`, which need no network; its name has a blank.
fn shop() -> Sources {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("a folder") {
            let path = entry.expect("an entry").path();
            let target = to.join(path.file_name().expect("a name"));
            if path.is_dir() {
                copy(&path, &target);
            } else {
                std::fs::copy(&path, &target).expect("a copy");
            }
        }
    }
    let sources = Sources::new().file("the shop/.keep", "");
    let fixtures = project().join("fixtures");
    for folder in ["k8s", "layout", "clean"] {
        copy(
            &fixtures.join(folder),
            &sources.join("the shop").join(folder),
        );
    }
    for file in ["node-pools.json", "oci-preflight.toml"] {
        std::fs::copy(fixtures.join(file), sources.join("the shop").join(file)).expect("a copy");
    }
    sources
}

fn offline(sources: &Sources) -> Job {
    Job::new(sources.path()).input("offline", "true")
}

/// The same numbers from the program itself.
fn counts(workspace: &Path) -> serde_json::Value {
    let run = Preflight::lint(["k8s"]).current_dir(workspace);
    run.report()["summary"].clone()
}

#[test]
fn findings_become_annotations_a_summary_outputs_and_a_red_check() {
    let sources = shop();
    let workspace = sources.join("the shop");
    let done = Job::new(&workspace).input("paths", "k8s").run();
    assert_eq!(
        done.steps,
        ["version", "program", "Restore what registries said", "lint"]
    );
    assert_eq!(done.status, 1, "{}", done.log);

    let commands = done.commands();
    let annotation = commands
        .iter()
        .find(|command| command.properties.contains("title=missing-platform"))
        .expect("the annotation of a finding");
    assert_eq!(annotation.name, "error");
    assert!(
        annotation.properties.contains("file=k8s/api.yaml,line=24,"),
        "{}",
        annotation.properties
    );
    assert!(
        annotation
            .message
            .contains("registry.example.com/shop/api:2.0.0 has no image for linux/arm64"),
        "{}",
        annotation.message
    );
    assert!(
        done.log.contains("event:"),
        "people see the whole report in the log"
    );

    assert!(
        done.summary.starts_with("## oci-preflight: ❌ fail\n"),
        "{}",
        done.summary
    );
    assert!(done.summary.contains("k8s/api.yaml"), "{}", done.summary);

    let expected = counts(&workspace);
    assert!(expected["errors"].as_u64() > Some(0), "{expected}");
    for name in ["errors", "warnings", "notes", "undetermined", "images"] {
        assert_eq!(done.output(name), expected[name].to_string(), "{name}");
    }
    assert_eq!(done.output("verdict"), "fail");
    assert_eq!(done.output("exit-code"), "1");
    assert_eq!(done.output("can-upload-sarif"), "true");
    let sarif = std::fs::read_to_string(done.output("sarif-file")).expect("SARIF");
    assert!(
        sarif.contains("\"uri\": \"k8s/api.yaml\""),
        "paths are those of the workspace"
    );
    let markdown = std::fs::read_to_string(done.output("markdown-file")).expect("Markdown");
    assert_eq!(markdown, done.summary);
    assert_eq!(done.report()["summary"]["verdict"], "fail");
    assert!(
        done.path.contains("oci-preflight/bin"),
        "later steps can run it: {}",
        done.path
    );
}

#[test]
fn every_output_has_a_value() {
    let sources = shop();
    let done = Job::new(&sources.join("the shop"))
        .input("paths", "k8s")
        .run();
    let outputs = definition()["outputs"]
        .as_object()
        .expect("outputs")
        .clone();
    for name in outputs.keys() {
        assert!(!done.output(name).is_empty(), "{name}");
    }
}

#[test]
fn good_sources_pass_without_an_annotation() {
    let sources = shop();
    let done = Job::new(&sources.join("the shop"))
        .input("paths", "clean")
        .run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert_eq!(done.output("verdict"), "pass");
    assert_eq!(done.commands(), []);
    assert!(done.summary.contains("✅ pass"), "{}", done.summary);
}

#[test]
fn what_could_not_be_told_is_red_and_says_so() {
    let sources = Sources::new().file("values.yaml", "replicas: 2\n");
    let done = offline(&sources).run();
    assert_eq!(done.status, 2, "{}", done.log);
    assert_eq!(done.output("verdict"), "undetermined");
    let commands = done.commands();
    assert!(
        commands.iter().any(|command| command.name == "error"
            && command
                .message
                .contains("no image was found in any path given")),
        "{commands:?}"
    );
    let done = offline(&sources).input("allow-no-images", "true").run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert_eq!(done.said("notice"), ["There was no image to check."]);
}

#[test]
fn each_line_of_an_input_is_one_value() {
    let sources = Sources::new()
        .file("a b/one.yaml", pod("one:1"))
        .file("two.yaml", pod("two"))
        .file("left out.yaml", pod("three:1"));
    let done = offline(&sources)
        .input("paths", "\n  a b\n\n  two.yaml  \r\n  .\n")
        .input("exclude", "left out.yaml\nno such file\n")
        .input("image", "four:1\nfive:1")
        .input("rule", "latest-tag=error\n")
        .input("output", "html=made report.html")
        .run();
    assert_eq!(done.status, 1, "{}", done.log);
    assert_eq!(done.images(), ["five:1", "four:1", "one:1", "two:latest"]);
    assert!(sources.join("made report.html").is_file());
}

#[test]
fn a_run_that_could_not_be_done_says_why_in_an_annotation() {
    let sources = Sources::new().file("a.yaml", pod("a:1"));
    for (input, value, word) in [
        ("fail-on", "fatal", "is no threshold"),
        ("fail-on", "error\nwarning", "cannot be used multiple times"),
        ("partition", "9/3", "is no part"),
        ("offline", "perhaps", "perhaps"),
        ("config", "gone.toml", "gone.toml"),
        ("nodes", "gone.json", "gone.json"),
        ("changed-only", "yes", "must be true or false"),
        ("summary", "no", "must be true or false"),
        ("changed-since", "no-such-revision", "work tree"),
    ] {
        let done = Job::new(sources.path()).input(input, value).run();
        assert_eq!(done.status, 2, "{input}: {}", done.log);
        let said = done.said("error").join("\n");
        assert!(said.contains(word), "{input}: {said}\n{}", done.log);
    }
}

/// Nothing that a workflow hands over is carried out, wherever it stands.
#[test]
fn inputs_are_never_read_as_code() {
    let sources = Sources::new().file("a.yaml", pod("a:1"));
    let hostile = [
        "$(touch stolen)",
        "`touch stolen`",
        "'; touch stolen; '",
        "\"; touch stolen; \"",
        "x\ntouch stolen",
        "${{ github.token }}",
        "a b' \"c\" $HOME \\",
        "--output=json=stolen",
        "-- stolen",
        "& touch stolen |",
        "*",
    ];
    let definition = definition();
    let inputs = definition["inputs"].as_object().expect("inputs");
    let all = hostile.join("\n");
    // These three name files of their own to write.
    let others = |name: &&String| !matches!(name.as_str(), "cache-dir" | "no-cache" | "output");
    for input in inputs.keys().filter(others) {
        let done = offline(&sources).input(input, &all).run();
        assert!(!sources.join("stolen").exists(), "{input}");
        assert!((0..=2).contains(&done.status), "{input}: {}", done.log);
        assert!(
            done.commands()
                .iter()
                .all(|command| command.name != "add-mask")
        );
    }
}

#[test]
fn a_name_with_every_sign_of_a_shell_is_a_name() {
    let name = "it's \"$(touch stolen)\" `id` ${{ x }} & $HOME; *.yaml";
    let sources = Sources::new()
        .file(name, pod("named:1"))
        .file("other.yaml", pod("other:1"));
    let done = offline(&sources).input("paths", name).run();
    assert_eq!(done.status, 0, "{}", done.log);
    assert_eq!(done.images(), ["named:1"]);
    assert!(!sources.join("stolen").exists());
}

#[test]
fn no_source_speaks_to_the_runner() {
    let hostile = "::error title=oci-preflight::from a source\n::add-mask::a\n";
    let sources = Sources::new()
        .file("a.yaml", pod("'::set-output name=verdict::pass'"))
        .file("b.yaml", format!("{hostile}{{{{ broken: [\n{hostile}"))
        .file("oci-preflight.toml", format!("# {hostile}"));
    let done = offline(&sources).run();
    assert_ne!(done.status, 0);
    let done_too = offline(&sources)
        .input("config", "oci-preflight.toml")
        .run();
    for done in [&done, &done_too] {
        for command in done.commands() {
            assert!(
                ["error", "warning", "notice"].contains(&command.name.as_str()),
                "{command:?}"
            );
            assert_ne!(command.message, "from a source");
        }
        assert_eq!(
            done.said("error").len() + done.said("notice").len(),
            done_said(done),
            "{}",
            done.log
        );
    }
}

/// How often the script itself spoke: once where it could not run.
fn done_said(done: &Done) -> usize {
    usize::from(done.outputs["json-file"].is_empty())
}

#[test]
fn nothing_is_kept_where_that_is_not_wanted() {
    let sources = shop();
    let job = Job::new(&sources.join("the shop")).input("paths", "clean");
    let done = job.input("no-cache", "true").run();
    assert_eq!(done.steps, ["version", "program", "lint"]);
    assert_eq!(done.status, 0, "{}", done.log);

    let kept = sources.join("kept facts");
    let job = Job::new(&sources.join("the shop")).input("paths", "clean");
    let job = job.input("cache-dir", kept.to_str().expect("UTF-8"));
    assert_eq!(job.run().status, 0);
}

#[test]
fn the_summary_can_be_left_out() {
    let sources = shop();
    let job = Job::new(&sources.join("the shop")).input("paths", "k8s");
    let done = job.input("summary", "false").run();
    assert_eq!(done.summary, "");
    assert!(!done.commands().is_empty());
}

#[test]
fn the_reports_of_many_machines_come_to_one() {
    let sources = shop();
    let workspace = sources.join("the shop");
    for part in 1..=3 {
        let done = Job::new(&workspace)
            .input("paths", "k8s")
            .input("partition", &format!("{part}/3"))
            .input("annotations", "false")
            .run();
        assert_eq!(done.commands(), [], "{}", done.log);
        let folder = workspace.join(format!("all parts/part-{part}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::copy(done.output("json-file"), folder.join("report.json")).expect("a copy");
    }
    let done = Job::new(&workspace).input("merge", "all parts").run();
    assert_eq!(done.status, 1, "{}", done.log);
    let expected = counts(&workspace);
    for name in ["errors", "warnings", "notes", "undetermined", "images"] {
        assert_eq!(done.output(name), expected[name].to_string(), "{name}");
    }
    let done = Job::new(&workspace)
        .input("merge", "all parts/part-1\nall parts/part-3/report.json")
        .run();
    assert_eq!(done.status, 2, "{}", done.log);
    let said = done.said("error").join("\n");
    assert!(said.contains("part 2 of 3 is missing"), "{said}");
}
