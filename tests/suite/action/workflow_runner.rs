//! What the runner of GitHub Actions does with a composite action, as far as ours needs it.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#runs-for-composite-actions>

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::runner::project;
use crate::yaml;

/// One use of the action in a job.
pub struct Job {
    pub workspace: PathBuf,
    /// `RUNNER_TEMP`, with a blank in its name as on machines of one's own.
    pub temp: PathBuf,
    folder: Arc<TempDir>,
    inputs: BTreeMap<String, String>,
    github: Value,
    variables: BTreeMap<String, String>,
    program_is_cached: bool,
}

/// What a job showed, and left to later steps.
pub struct Done {
    /// The exit status of the step that failed; else 0.
    pub status: i32,
    pub log: String,
    /// The ids, else names, of the steps that ran.
    pub steps: Vec<String>,
    /// What later steps see as `steps.ID.outputs`.
    pub outputs: BTreeMap<String, String>,
    pub summary: String,
    /// What was added to the `PATH` of later steps.
    pub path: String,
    /// Keeps the files that outputs name.
    _folder: Arc<TempDir>,
}

/// A workflow command that the runner carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowCommand {
    pub name: String,
    pub properties: String,
    /// As it is shown, with its line breaks.
    pub message: String,
}

pub fn definition() -> Value {
    yaml::file("action.yml")
}

impl Job {
    /// A job on a push, with the program that the tests are about in the cache.
    pub fn new(workspace: &Path) -> Self {
        let folder = Arc::new(TempDir::new().expect("a folder"));
        let temp = folder.path().join("runner temp");
        fs::create_dir_all(&temp).expect("a folder");
        Self {
            workspace: workspace.to_owned(),
            temp,
            folder,
            inputs: BTreeMap::new(),
            github: json!({"event_name": "push", "event": {}, "run_id": "7", "run_attempt": "1"}),
            variables: BTreeMap::new(),
            program_is_cached: true,
        }
    }

    pub fn input(mut self, name: &str, value: &str) -> Self {
        self.inputs.insert(name.to_owned(), value.to_owned());
        self
    }

    /// What started the workflow, as in `github.event_name` and `github.event`.
    pub fn event(mut self, name: &str, event: Value) -> Self {
        self.github["event_name"] = name.into();
        self.github["event"] = event;
        self
    }

    /// The revision of the action that the workflow names, and no program in the cache.
    pub fn uses(mut self, action_ref: &str) -> Self {
        self.github["action_ref"] = action_ref.into();
        self.program_is_cached = false;
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs the steps of `action.yml` up to the first that fails.
    pub fn run(&self) -> Done {
        let definition = definition();
        let mut contexts = json!({
            "github": self.github,
            "inputs": self.given(&definition),
            "runner": {"temp": self.temp},
            "steps": {},
        });
        let mut done = Done {
            status: 0,
            log: String::new(),
            steps: Vec::new(),
            outputs: BTreeMap::new(),
            summary: String::new(),
            path: String::new(),
            _folder: Arc::clone(&self.folder),
        };
        for step in definition["runs"]["steps"].as_array().expect("steps") {
            let name = step.get("id").unwrap_or(&step["name"]);
            let name = name.as_str().expect("a name").to_owned();
            if let Some(condition) = step.get("if")
                && !holds(condition.as_str().expect("a condition"), &contexts)
            {
                continue;
            }
            done.steps.push(name.clone());
            let outputs = match step.get("uses") {
                Some(action) => self.cache(action, step, &contexts),
                None => self.shell(step, &contexts, &mut done),
            };
            contexts["steps"][&name] = json!({"outputs": outputs});
            if done.status != 0 {
                break;
            }
        }
        for (name, output) in definition["outputs"].as_object().expect("outputs") {
            let value = evaluated(output["value"].as_str().expect("a value"), &contexts);
            done.outputs.insert(name.clone(), value);
        }
        done
    }

    fn given(&self, definition: &Value) -> Value {
        let known = definition["inputs"].as_object().expect("inputs");
        for name in self.inputs.keys() {
            assert!(known.contains_key(name), "no input {name}");
        }
        let given = known.iter().map(|(name, input)| {
            let default = input["default"].as_str().unwrap_or_default();
            let value = self.inputs.get(name).map_or(default, String::as_str);
            (name.clone(), value.into())
        });
        Value::Object(given.collect())
    }

    /// `actions/cache` restores nothing but the program.
    fn cache(&self, action: &Value, step: &Value, contexts: &Value) -> Value {
        let action = action.as_str().expect("an action");
        assert!(action.starts_with("actions/cache@"), "{action}");
        let with = |name: &str| evaluated(step["with"][name].as_str().expect(name), contexts);
        let key = with("key");
        assert!(key.len() < 512 && !key.contains(','), "{key}");
        let path = PathBuf::from(with("path"));
        assert!(path.is_absolute(), "{}", path.display());
        if path.ends_with("bin") && self.program_is_cached {
            fs::create_dir_all(&path).expect("the folder of the program");
            let program = assert_cmd::cargo::cargo_bin("oci-preflight");
            std::os::unix::fs::symlink(program, path.join("oci-preflight")).expect("a link");
            return json!({"cache-hit": "true"});
        }
        json!({"cache-hit": ""})
    }

    /// `shell: bash`, as the runner calls it.
    fn shell(&self, step: &Value, contexts: &Value, done: &mut Done) -> Value {
        assert_eq!(step["shell"], "bash");
        let files = TempDir::new_in(self.folder.path()).expect("a folder");
        let file = |name: &str| {
            let path = files.path().join(name);
            fs::write(&path, "").expect("a file");
            path
        };
        let script = file("script.sh");
        fs::write(&script, step["run"].as_str().expect("a script")).expect("a script");
        let (outputs, summary, path) = (file("output"), file("summary"), file("path"));
        let event = file("event.json");
        fs::write(&event, self.github["event"].to_string()).expect("the event");
        let log = file("log");
        let stream = fs::File::create(&log).expect("the log");
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail"])
            .arg(&script)
            .current_dir(&self.workspace)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_ACTION_PATH", project())
            .env("GITHUB_WORKSPACE", &self.workspace)
            .env("GITHUB_REPOSITORY", "shop/shop")
            .env("GITHUB_ACTOR", "ada")
            .env(
                "GITHUB_EVENT_NAME",
                self.github["event_name"].as_str().unwrap_or_default(),
            )
            .env("GITHUB_EVENT_PATH", &event)
            .env("GITHUB_OUTPUT", &outputs)
            .env("GITHUB_STEP_SUMMARY", &summary)
            .env("GITHUB_PATH", &path)
            .env("RUNNER_TEMP", &self.temp)
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", "X64");
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(
                name,
                evaluated(value.as_str().unwrap_or_default(), contexts),
            );
        }
        command.envs(&self.variables);
        let status = command
            .stdin(Stdio::null())
            .stdout(stream.try_clone().expect("the log"))
            .stderr(stream)
            .status()
            .expect("bash runs");
        let read = |path: &Path| fs::read_to_string(path).expect("what the step wrote");
        done.status = status.code().unwrap_or(-1);
        done.log += &read(&log);
        done.summary += &read(&summary);
        done.path += &read(&path);
        let outputs = read(&outputs);
        let outputs = outputs.lines().map(|line| {
            let (name, value) = line.split_once('=').expect("NAME=VALUE");
            (name.to_owned(), value.into())
        });
        Value::Object(outputs.collect::<Map<_, _>>())
    }
}

impl Done {
    /// The workflow commands that the runner carries out: not those between `stop-commands` and its end.
    pub fn commands(&self) -> Vec<WorkflowCommand> {
        let mut stopped: Option<String> = None;
        let mut commands = Vec::new();
        for line in self.log.lines().map(str::trim_start) {
            let Some((head, message)) = line
                .strip_prefix("::")
                .and_then(|line| line.split_once("::"))
            else {
                continue;
            };
            match &stopped {
                Some(token) if head == token => stopped = None,
                Some(_) => {}
                None if head == "stop-commands" => stopped = Some(message.to_owned()),
                None => {
                    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
                    commands.push(WorkflowCommand {
                        name: name.to_owned(),
                        properties: properties.to_owned(),
                        message: message.replace("%0A", "\n").replace("%25", "%"),
                    });
                }
            }
        }
        assert_eq!(stopped, None, "commands are on again");
        commands
    }

    /// The messages of the commands of that name whose title is our own.
    pub fn said(&self, name: &str) -> Vec<String> {
        let own = |command: &WorkflowCommand| {
            command.name == name && command.properties == "title=oci-preflight"
        };
        let commands = self.commands().into_iter();
        commands
            .filter(own)
            .map(|command| command.message)
            .collect()
    }

    pub fn output(&self, name: &str) -> &str {
        &self.outputs[name]
    }

    pub fn report(&self) -> Value {
        let text = fs::read_to_string(self.output("json-file")).expect("the report");
        serde_json::from_str(&text).expect("JSON")
    }

    pub fn images(&self) -> Vec<String> {
        let report = self.report();
        let images = report["images"].as_array().expect("images").iter();
        images
            .filter_map(|image| image["reference"].as_str())
            .map(|name| name.trim_start_matches("docker.io/library/").to_owned())
            .collect()
    }
}

/// A text with its expressions evaluated.
fn evaluated(text: &str, contexts: &Value) -> String {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, expression)) = rest.split_once("${{") {
        let (expression, after) = expression.split_once("}}").expect("an end");
        made += before;
        let value = expression
            .split("||")
            .map(|path| looked_up(path.trim(), contexts))
            .find(|value| !value.is_empty());
        made += &value.unwrap_or_default();
        rest = after;
    }
    made + rest
}

/// `CONTEXT.NAME.NAME`; nothing where there is no such value.
fn looked_up(path: &str, contexts: &Value) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    assert!(
        path.chars().all(is_name),
        "an expression beyond this runner: {path}"
    );
    let pointer = format!("/{}", path.replace('.', "/"));
    match contexts.pointer(&pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// `PATH != 'TEXT'`.
fn holds(condition: &str, contexts: &Value) -> bool {
    let (path, text) = condition
        .split_once(" != ")
        .expect("a condition this runner knows");
    looked_up(path, contexts) != text.trim_matches('\'')
}
