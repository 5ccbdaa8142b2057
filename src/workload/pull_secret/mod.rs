//! The secrets that pods pull with, as the kubelet puts them together. Only [`PullLogin`] holds a credential.

mod key;
mod login;

use std::collections::BTreeSet;

pub use key::{NearMiss, RegistryKey, covering, written};
pub use login::PullLogin;

use super::{Occurrence, Role};

/// The service account of pods that name none.
const DEFAULT_ACCOUNT: &str = "default";

/// A Secret that a pod can name in `imagePullSecrets`, or a file that stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullSecret {
    /// Its name; the path of a file.
    pub name: String,
    /// Its namespace, where the source says it.
    pub namespace: Option<String>,
    /// What is known of its content.
    pub content: SecretContent,
    /// Whether something in the cluster copies it to other namespaces.
    pub is_replicated: bool,
}

/// What is known of a Secret's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretContent {
    /// It can be read, and has these keys.
    Keys(Vec<RegistryKey>),
    /// It is made, filled in or decrypted elsewhere.
    Elsewhere,
    /// It has a type that the kubelet does not pull with; empty where it says none.
    OtherType(String),
    /// Neither the kubelet nor the API server can read it, for this reason.
    Unreadable(String),
}

/// A ServiceAccount that stands among the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its name.
    pub name: String,
    /// Its namespace, where the source says it.
    pub namespace: Option<String>,
    /// The pull secrets of its pods that name none of their own.
    pub pull_secrets: Vec<String>,
}

/// What a pod shows a registry for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodLogins<'a> {
    /// The logins, in the order in which the kubelet tries them; empty where it asks as nobody.
    pub logins: Vec<&'a PullLogin>,
    /// Whether the content of all secrets that the pod names is known.
    pub is_known: bool,
    /// Whether the pod, or its service account, names any.
    pub names_some: bool,
}

/// All pull secrets that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullSecrets {
    /// Those of the sources.
    pub secrets: Vec<PullSecret>,
    /// Those who hand some to their pods.
    pub accounts: Vec<ServiceAccount>,
    /// Those that every pod has, because whoever started the run says so.
    pub given: Vec<PullSecret>,
}

/// A pull secret that a pod names, itself or through its service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSecret<'a> {
    /// The name.
    pub name: &'a str,
    /// The service account that names it; none where the pod itself does.
    pub account: Option<&'a str>,
    /// Where it is.
    pub place: SecretPlace<'a>,
}

impl<'a> NamedSecret<'a> {
    /// The secret itself, where it is among the sources.
    #[must_use]
    pub const fn here(&self) -> Option<&'a PullSecret> {
        match self.place {
            SecretPlace::Here(secret) => Some(secret),
            _ => None,
        }
    }
}

/// Where a pull secret is that a pod names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretPlace<'a> {
    /// Among the sources.
    Here(&'a PullSecret),
    /// In other namespaces alone, of which this is one.
    OtherNamespace(&'a str),
    /// Not among the sources.
    Unknown,
}

impl PullSecrets {
    /// Adds what another source holds.
    pub fn join(&mut self, other: Self) {
        self.secrets.extend(other.secrets);
        self.accounts.extend(other.accounts);
        self.given.extend(other.given);
    }

    /// Whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.accounts.is_empty() && self.given.is_empty()
    }

    /// The pull secrets of the pod that names an image. Those of its service account count where it names none itself
    /// (<https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#add-imagepullsecrets-to-a-service-account>).
    #[must_use]
    pub fn named_by<'a>(&'a self, occurrence: &'a Occurrence) -> Vec<NamedSecret<'a>> {
        if matches!(occurrence.role, Role::Unplaced | Role::Provisional) {
            return Vec::new();
        }
        let namespace = occurrence.owner.namespace.as_deref();
        let (account, names) = if occurrence.pull_secrets.is_empty() {
            let name = occurrence
                .service_account
                .as_deref()
                .unwrap_or(DEFAULT_ACCOUNT);
            let own = self
                .accounts
                .iter()
                .find(|account| account.name == name && account.namespace.as_deref() == namespace);
            match own {
                Some(account) => (Some(account.name.as_str()), &account.pull_secrets),
                None => return Vec::new(),
            }
        } else {
            (None, &occurrence.pull_secrets)
        };
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        names
            .into_iter()
            .map(|name| NamedSecret {
                name,
                account,
                place: self.place(name, namespace),
            })
            .collect()
    }

    /// What the pod that names an image shows its registry.
    #[must_use]
    pub fn shown_for<'a>(&'a self, occurrence: &'a Occurrence, name: &str) -> PodLogins<'a> {
        let named = self.named_by(occurrence);
        let is_read = |named: &NamedSecret<'_>| {
            named
                .here()
                .is_some_and(|secret| matches!(secret.content, SecretContent::Keys(_)))
        };
        let is_known = named.iter().all(is_read);
        let names_some = !named.is_empty();
        let secrets = named
            .iter()
            .filter_map(NamedSecret::here)
            .chain(&self.given);
        PodLogins {
            logins: covering(secrets.flat_map(PullSecret::keys), name)
                .into_iter()
                .filter_map(|key| key.login.as_ref())
                .collect(),
            is_known,
            names_some,
        }
    }

    /// A namespace that is not said may be any: it is often given at the deploy.
    fn place(&self, name: &str, namespace: Option<&str>) -> SecretPlace<'_> {
        let named = || self.secrets.iter().filter(|secret| secret.name == name);
        let same = named().find(|secret| secret.namespace.as_deref() == namespace);
        if let Some(secret) = same.or_else(|| named().find(|secret| secret.is_in(namespace))) {
            return SecretPlace::Here(secret);
        }
        let mut others = named();
        if others.clone().any(|secret| secret.is_replicated) {
            return SecretPlace::Unknown;
        }
        others
            .find_map(|secret| secret.namespace.as_deref())
            .map_or(SecretPlace::Unknown, SecretPlace::OtherNamespace)
    }

    /// Whether the sources hold pull secrets that may be in `namespace`.
    #[must_use]
    pub fn has_some_in(&self, namespace: Option<&str>) -> bool {
        self.secrets.iter().any(|secret| {
            secret.is_in(namespace) && matches!(secret.content, SecretContent::Keys(_))
        })
    }

    /// The secrets that are for no image of any pod that names them.
    #[must_use]
    pub fn idle(&self, occurrences: &[Occurrence]) -> Vec<&PullSecret> {
        let mut idle: Vec<&PullSecret> = self
            .secrets
            .iter()
            .filter(|secret| matches!(secret.content, SecretContent::Keys(_)))
            .collect();
        for occurrence in occurrences {
            let Ok(reference) = &occurrence.reference else {
                continue;
            };
            let name = reference.name();
            for named in self.named_by(occurrence) {
                if let SecretPlace::Here(secret) = named.place
                    && secret.covers(&name)
                {
                    idle.retain(|other| !std::ptr::eq(*other, secret));
                }
            }
        }
        idle
    }
}

impl PullSecret {
    /// Its keys; none where they are not known.
    #[must_use]
    pub fn keys(&self) -> &[RegistryKey] {
        match &self.content {
            SecretContent::Keys(keys) => keys,
            _ => &[],
        }
    }

    /// Whether one of its keys is for the image `name`, which has no tag.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        !covering(self.keys(), name).is_empty()
    }

    fn is_in(&self, namespace: Option<&str>) -> bool {
        match (self.namespace.as_deref(), namespace) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        }
    }
}
