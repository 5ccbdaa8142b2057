//! Secrets, which no message and no debug output shows.

use std::fmt;

use serde::Deserialize;

use crate::facts::Identity;
use crate::workload::PullLogin;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, to be sent.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What to show a registry, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Whose it is, for messages.
    pub identity: Identity,
    /// The secret itself.
    pub kind: CredentialKind,
}

impl Credential {
    /// A credential of whoever runs the program. `origin` is the file, with the key in it or the helper that it names.
    pub const fn of_ours(origin: String, kind: CredentialKind) -> Self {
        Self {
            identity: Identity::Credential { origin },
            kind,
        }
    }

    /// What a pod shows.
    pub fn of_pod(login: &PullLogin) -> Self {
        Self {
            identity: Identity::PullSecret {
                secret: login.secret.clone(),
            },
            kind: CredentialKind::Password {
                username: Secret::new(login.user().to_owned()),
                password: Secret::new(login.password().to_owned()),
            },
        }
    }
}

/// The kinds of credential that the files and helpers hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKind {
    /// For Basic authentication, at the registry or its token service.
    Password {
        /// The user, which is no secret but is not shown either.
        username: Secret,
        /// The password.
        password: Secret,
    },
    /// To be traded for a token at the token service.
    IdentityToken(Secret),
    /// A token for the registry itself.
    RegistryToken(Secret),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let credential = Credential {
            identity: Identity::Anonymous,
            kind: CredentialKind::Password {
                username: Secret::new("ada".to_owned()),
                password: Secret::new("hunter2".to_owned()),
            },
        };
        let shown = format!("{credential:?}");
        assert!(
            !shown.contains("ada") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
