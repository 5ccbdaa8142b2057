//! Credentials of the person or the pipeline that runs the program: the files and helpers of Docker and Podman,
//! and environment variables.

mod environment;
mod file;
mod helper;
mod keyring;
mod secret;
mod sources;

pub use environment::EnvironmentCredentials;
pub(super) use keyring::Keyring;
pub(super) use secret::{Credential, CredentialKind, Secret};
pub use sources::{CredentialFile, CredentialSources};
