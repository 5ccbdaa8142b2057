//! Runs the real binary in an environment that says nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// The folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One run of `oci-preflight`, built up word by word. Neither the home folder nor any variable of the machine reaches it.
pub struct Preflight {
    command: Command,
    /// The home folder and what the run reads, which go when the run is done.
    folders: Vec<TempDir>,
}

/// What a run gave back.
pub struct Outcome {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Preflight {
    /// `oci-preflight WORDS…` in the project's folder.
    pub fn new<Word: AsRef<OsStr>>(words: impl IntoIterator<Item = Word>) -> Self {
        let home = TempDir::new().expect("a home folder");
        let mut command = Command::cargo_bin("oci-preflight").expect("the binary");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path())
            .current_dir(project())
            .timeout(std::time::Duration::from_mins(2))
            .args(words);
        Self {
            command,
            folders: vec![home],
        }
    }

    /// `oci-preflight lint WORDS…`.
    pub fn lint<Word: AsRef<OsStr>>(words: impl IntoIterator<Item = Word>) -> Self {
        let mut run = Self::new(["lint"]);
        run.command.args(words);
        run
    }

    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.command.arg(word);
        self
    }

    /// Keeps the files that the run reads until it is done.
    pub fn keep(mut self, sources: Sources) -> Self {
        self.folders.push(sources.folder);
        self
    }

    pub fn args<Word: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = Word>) -> Self {
        self.command.args(words);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn current_dir(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.command.write_stdin(text);
        self
    }

    /// Runs to the end.
    pub fn run(mut self) -> Outcome {
        let output = self.command.output().expect("the binary runs");
        Outcome {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("errors are UTF-8"),
        }
    }

    /// Runs with `--output json` and reads the report.
    pub fn report(self) -> Value {
        let outcome = self.arg("--output").arg("json").run();
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| {
            panic!("no report: {error}\n{}\n{}", outcome.stdout, outcome.stderr)
        })
    }
}

/// A folder of sources that a test writes.
pub struct Sources {
    folder: TempDir,
}

impl Sources {
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a folder"),
        }
    }

    /// Adds a file.
    pub fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A pod with one container of that image.
pub fn pod(image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\nspec:\n  containers:\n    - name: app\n      image: {image}\n"
    )
}
