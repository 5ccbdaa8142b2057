//! The three outcomes of a question, kept apart to the very end.

use std::time::Duration;

/// The answer of a registry or layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It is there.
    Found(T),
    /// A definite no.
    Refused(Refusal),
    /// We could not tell.
    Undetermined(Failure),
}

impl<T> Answer<T> {
    /// What was found.
    pub const fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            _ => None,
        }
    }

    /// Why it could not be told.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Undetermined(failure) => Some(failure),
            _ => None,
        }
    }

    /// The word of the report for this outcome.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Refused(_) => "refused",
            Self::Undetermined(_) => "undetermined",
        }
    }

    /// The word of the report for why it is not found.
    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Found(_) => None,
            Self::Refused(refusal) => Some(refusal.reason.as_str()),
            Self::Undetermined(failure) => Some(failure.reason.as_str()),
        }
    }
}

/// A definite no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which no.
    pub reason: RefusalReason,
    /// The HTTP status, where HTTP was spoken.
    pub status: Option<u16>,
    /// The server's own words: bounded, on one line, without control characters; empty where it had none.
    pub message: String,
    /// Who asked.
    pub identity: Identity,
    /// Whether the token service refused, and not the registry itself.
    pub by_token_service: bool,
    /// Existing tags of the repository that are nearest to the one asked for, best first. Only for a missing tag.
    pub nearest_tags: Vec<String>,
}

/// Which no it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// 404: there is nothing of that name.
    NotFound(Missing),
    /// 401: no credentials, or none that the registry takes.
    Unauthorized,
    /// 403, or 401 with `insufficient_scope`: the identity is known and may not.
    Forbidden,
    /// The registry has it in a form that it will not give out.
    Unsupported,
}

impl RefusalReason {
    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// The repository (`NAME_UNKNOWN`).
    Repository,
    /// The tag or the digest in it (`MANIFEST_UNKNOWN`).
    Manifest,
    /// A config or layer (`BLOB_UNKNOWN`).
    Blob,
    /// The server does not say.
    Unsaid,
}

/// Who asked. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Nobody: no credentials are configured for the registry.
    Anonymous,
    /// A credential; the text says where it came from, such as `~/.docker/config.json`.
    Credential {
        /// Where the credential came from.
        origin: String,
    },
    /// A pod: the text names the pull secret that it shows.
    PullSecret {
        /// Its namespace and name, or the path of a file.
        secret: String,
    },
    /// No registry was asked: the answer came from a layout.
    Layout,
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous => f.write_str("nobody"),
            Self::Credential { origin } => write!(f, "the credentials from {origin}"),
            Self::PullSecret { secret } => write!(f, "the pull secret {secret}"),
            Self::Layout => f.write_str("a layout"),
        }
    }
}

/// We could not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// At which stage it failed.
    pub reason: FailureReason,
    /// What happened, in words for a person: host, status or operating system error. Bounded, without control characters
    /// and without secrets.
    pub detail: String,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// The host that failed, as `host` or `host:port`, where it is not the registry itself: a mirror, a token service, or
    /// where the registry redirects to.
    pub respondent: Option<String>,
}

/// The stage at which a question failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// 429 after all tries.
    RateLimited,
    /// The host's name could not be resolved.
    Dns,
    /// The credentials that are configured for the registry could not be had, and nobody gets no answer.
    Credentials,
    /// No connection, or it broke.
    Connect,
    /// No trusted encrypted connection.
    Tls,
    /// No answer in time.
    Timeout,
    /// 5xx, or a status that no registry should give.
    ServerError,
    /// An answer that is none: no HTTP, a web page, a redirect that leads nowhere, a token service without a token, or
    /// more than is read. It says nothing about the image.
    Malformed,
    /// The content that was asked for, and not as it must be: of another digest, or a manifest that no node takes.
    Damaged,
}

impl FailureReason {
    /// The word of the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate-limited",
            Self::Dns => "dns",
            Self::Credentials => "credentials",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::ServerError => "server-error",
            Self::Malformed => "malformed",
            Self::Damaged => "damaged",
        }
    }
}
