//! Credential helper programs.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::secret::{CredentialKind, Secret};

/// The longest that a helper may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of a helper's answer.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;
/// The user name that marks an identity token (`docker/cli` `cli/config/credentials/native_store.go`).
const IDENTITY_TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: Secret,
}

/// Asks `docker-credential-NAME get` about `server`. `None` is the helper's "I have none". The error says what went wrong
/// and never what the helper wrote. Programs are searched for in `path`, where it is given. One gets
/// half of `patience`, and ten seconds at most, so that there is time left to do without it.
///
/// Source: the protocol of `docker/docker-credential-helpers`, README "Development".
pub async fn ask(
    name: &str,
    server: &str,
    path: Option<&OsStr>,
    patience: Duration,
) -> Result<Option<CredentialKind>, String> {
    let program = format!("docker-credential-{name}");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err("the credentials file names a helper that cannot be a program".to_owned());
    }
    let limit = TIMEOUT.min(patience / 2);
    match timeout(limit, run(&program, server, path)).await {
        Ok(Ok(Some(answer))) => read(&answer).map(Some).ok_or_else(|| {
            format!("the credential helper {program} gave no credentials that can be read")
        }),
        Ok(Ok(None)) => Ok(None),
        Ok(Err(reason)) => Err(format!("the credential helper {program} {reason}")),
        Err(_) => Err(format!(
            "the credential helper {program} took more than {} s",
            limit.as_secs_f32()
        )),
    }
}

async fn run(program: &str, server: &str, path: Option<&OsStr>) -> Result<Option<Vec<u8>>, String> {
    let mut command = Command::new(program);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let mut child = command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that answers without reading closes its end.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let mut answer = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout
            .take(MAX_ANSWER_BYTES)
            .read_to_end(&mut answer)
            .await
            .map_err(|error| format!("cannot be read: {error}"))?;
    }
    let status = child
        .wait()
        .await
        .map_err(|error| format!("cannot be waited for: {error}"))?;
    if status.success() {
        return Ok(Some(answer));
    }
    // `credentials.errCredentialsNotFound` of docker-credential-helpers, and what the cloud helpers say in its place.
    let words = String::from_utf8_lossy(&answer).to_lowercase();
    if words.contains("credentials not found") {
        return Ok(None);
    }
    Err(format!("failed with {status}"))
}

fn read(answer: &[u8]) -> Option<CredentialKind> {
    let Answer { username, secret } = serde_json::from_slice(answer).ok()?;
    Some(if username == IDENTITY_TOKEN_USER {
        CredentialKind::IdentityToken(secret)
    } else {
        CredentialKind::Password {
            username: Secret::new(username),
            password: secret,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_name_tells_an_identity_token() {
        let read = |text: &str| read(text.as_bytes());
        assert!(matches!(
            read(r#"{"ServerURL":"a.io","Username":"<token>","Secret":"s"}"#),
            Some(CredentialKind::IdentityToken(_))
        ));
        assert!(matches!(
            read(r#"{"Username":"ada","Secret":"s"}"#),
            Some(CredentialKind::Password { .. })
        ));
        assert_eq!(read("{}"), None);
    }

    #[tokio::test]
    async fn a_helper_that_is_none_says_so() {
        for name in ["", "../../bin/sh", "a b"] {
            assert!(ask(name, "a.io", None, TIMEOUT).await.is_err(), "{name}");
        }
        let error = ask("oci-preflight-no-such-helper", "a.io", None, TIMEOUT).await;
        assert!(error.is_err_and(|words| words.contains("cannot be started")));
    }
}
