//! Asks registries and OCI image layouts what is stored under a reference.
//!
//! One way in, [`Registry::look_up`], and three outcomes out. Below it lie, each using only the ones before it: words for
//! messages, requests as values, credentials, the transport (one HTTP client, redirects, retries, deadlines), tokens, and
//! the two places that hold content: a registry host and a layout folder.

#![allow(
    clippy::disallowed_methods,
    reason = "this module does the network's and the layouts' I/O"
)]

mod appeal;
mod archive;
mod as_pod;
mod bundle;
mod cache;
mod challenge;
mod classify;
mod client;
mod content;
mod conversation;
mod credentials;
mod demands;
mod error;
mod host;
#[cfg(test)]
mod hostile_answers;
mod hosts_file;
mod judge;
mod layer;
mod layout;
mod link_local;
mod look_up;
mod many;
mod options;
mod pace;
mod pending;
mod proxies;
mod registries_conf;
mod registry_host;
mod request;
mod routes;
mod schema1;
mod setback;
mod shelf;
mod sign_in;
mod single_flight;
mod statistics;
mod tag_list;
mod tags;
mod token;
mod transport;
mod unfold;
mod verifier;
mod way;
mod ways;
mod wording;

pub use appeal::{Appeal, Appealed, Chain};
pub use cache::Cache;
pub use client::{Trust, read_authorities};
pub use credentials::{CredentialFile, CredentialSources, EnvironmentCredentials};
pub use error::RegistryError;
pub use layer::{Download, LayerBlob};
pub use layout::names_in;
pub use look_up::{EarlierTags, Registry};
pub use many::{Want, Wanted, distinct};
pub use options::{LayoutMapping, Options};
pub use pending::Asked;
pub use proxies::Proxies;
pub use registry_host::RegistryHost;
pub use routes::{Blocked, Routes};
pub use sign_in::{Admission, SignIn};
pub use statistics::{RateLimit, Statistics};
pub use verifier::{ClientIdentity, server_verifier, tls_config, tls_config_with};
