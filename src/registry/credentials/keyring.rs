//! Finds the credential for a repository.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use super::environment::{DOCUMENT, EnvironmentCredentials};
use super::file::{CredentialsDocument, Entrance};
use super::secret::{Credential, CredentialKind};
use super::{CredentialSources, helper};
use crate::registry::RegistryError;
use crate::registry::content::read_bounded;
use crate::registry::single_flight::SingleFlight;
use crate::workload::PullLogin;

/// The most bytes of a credentials file.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

type HelperAnswer = Result<Option<CredentialKind>, String>;

/// All credentials that are at hand. Helpers are asked when a registry asks, once each for a server.
#[derive(Debug, Default)]
pub struct Keyring {
    /// The files that are there, with the path as messages show it.
    documents: Vec<(String, CredentialsDocument)>,
    helpers: SingleFlight<(String, String), HelperAnswer>,
    helper_path: Option<OsString>,
    /// How long whoever wants a credential can wait.
    patience: Duration,
    environment: EnvironmentCredentials,
    /// What a pod shows one registry, where the keyring is a pod's.
    of_pod: Option<(String, Credential)>,
}

/// What is known about a repository.
#[derive(Debug, Default)]
pub struct Findings {
    /// The first credential.
    pub credential: Option<Credential>,
    /// Why a credential that should be there is not.
    pub trouble: Option<String>,
}

impl Keyring {
    /// Reads the files that are there, and the one that stands in a variable, which is searched first as Docker does. Whoever
    /// will want a credential can wait for so long.
    pub fn read(sources: &CredentialSources, patience: Duration) -> Result<Self, RegistryError> {
        let environment = sources.environment.clone();
        let in_variable = environment
            .document()
            .map_err(|reason| RegistryError::Credentials {
                path: DOCUMENT.into(),
                reason,
            })?;
        let mut documents: Vec<(String, CredentialsDocument)> = Vec::new();
        documents.extend(in_variable.map(|document| (DOCUMENT.to_owned(), document)));
        for file in &sources.files {
            let fail = |reason: String| RegistryError::Credentials {
                path: file.path.clone(),
                reason,
            };
            let text = match read_bounded(&file.path, MAX_FILE_BYTES) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound && !file.must_exist => {
                    continue;
                }
                Err(error) => return Err(fail(error.to_string())),
            };
            let document = CredentialsDocument::parse(&text).map_err(fail)?;
            documents.push((sources.shown(&file.path), document));
        }
        Ok(Self {
            documents,
            helpers: SingleFlight::default(),
            helper_path: sources.helper_path.clone(),
            patience,
            environment,
            of_pod: None,
        })
    }

    /// What a pod shows `registry`, and no other host; nothing at all where it has no login.
    pub fn of_pod(registry: &str, login: Option<&PullLogin>) -> Self {
        Self {
            of_pod: login.map(|login| (registry.to_owned(), Credential::of_pod(login))),
            ..Self::default()
        }
    }

    /// Whether it holds what a pod shows.
    pub const fn is_of_pod(&self) -> bool {
        self.of_pod.is_some()
    }

    /// The credential for `repository` at `registry`: the first file that knows one has the word, and where none does, the
    /// token of the registry's cloud.
    pub async fn find(&self, registry: &str, repository: &str) -> Findings {
        let mut findings = Findings::default();
        if let Some((own, credential)) = &self.of_pod {
            findings.credential = (own == registry).then(|| credential.clone());
            return findings;
        }
        for (path, document) in &self.documents {
            let credential = match document.entrance(registry, repository) {
                None => continue,
                Some(Entrance::Stored { key, kind }) => {
                    Some(Credential::of_ours(format!("{path} ({key})"), kind))
                }
                Some(Entrance::Helper { name, server }) => {
                    match self.ask_helper(name, &server).await {
                        Ok(kind) => kind.map(|kind| {
                            let origin = format!("docker-credential-{name} ({server})");
                            Credential::of_ours(origin, kind)
                        }),
                        Err(trouble) => {
                            findings.trouble.get_or_insert(trouble);
                            None
                        }
                    }
                }
            };
            if credential.is_some() {
                findings.credential = credential;
                break;
            }
        }
        if findings.credential.is_none() {
            findings.credential = self.environment.token(registry);
        }
        findings
    }

    async fn ask_helper(&self, name: &str, server: &str) -> HelperAnswer {
        let key = (name.to_owned(), server.to_owned());
        self.helpers
            .get_or(
                key,
                helper::ask(name, server, self.helper_path.as_deref(), self.patience),
            )
            .await
            .0
    }
}
