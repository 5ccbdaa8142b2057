//! Credentials of the person or the pipeline that runs the program: the files and helpers of Docker and Podman.

mod file;
mod helper;
mod keyring;
mod secret;
mod sources;

pub(super) use keyring::Keyring;
pub(super) use secret::{Credential, CredentialKind, Secret};
pub use sources::{CredentialFile, CredentialSources};
