//! What the service accounts of Google Cloud may read.

use std::collections::BTreeMap;

/// The roles that hold `artifactregistry.repositories.downloadArtifacts`
/// (<https://cloud.google.com/artifact-registry/docs/access-control>).
const READERS: [&str; 11] = [
    "roles/artifactregistry.admin",
    "roles/artifactregistry.containerRegistryMigrationAdmin",
    "roles/artifactregistry.createOnPushRepoAdmin",
    "roles/artifactregistry.createOnPushWriter",
    "roles/artifactregistry.reader",
    "roles/artifactregistry.repoAdmin",
    "roles/artifactregistry.writer",
    "roles/cloudbuild.builds.builder",
    "roles/editor",
    "roles/owner",
    "roles/viewer",
];

/// The end of the address of a project's Compute Engine default service account.
const COMPUTE_DEFAULT: &str = "-compute@developer.gserviceaccount.com";

/// What the IAM descriptions that were given say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Service accounts by address, and whether each is disabled.
    pub accounts: BTreeMap<String, bool>,
    /// The bindings of all policies; none where no policy was given.
    pub bindings: Option<Vec<Binding>>,
}

/// One binding of an IAM policy (<https://cloud.google.com/iam/docs/reference/rest/v1/Policy#Binding>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The role, such as `roles/artifactregistry.reader`.
    pub role: String,
    /// Who has it, such as `serviceAccount:x@p.iam.gserviceaccount.com`.
    pub members: Vec<String>,
    /// Whether it holds under a condition only.
    pub conditional: bool,
}

/// Whether an account may pull from Artifact Registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A role says so.
    Granted,
    /// The policies are there, and none of them says so.
    Denied,
    /// The descriptions do not tell.
    Untold,
}

impl Permissions {
    /// Adds what another description says.
    pub fn join(&mut self, other: Self) {
        self.accounts.extend(other.accounts);
        if let Some(bindings) = other.bindings {
            self.bindings.get_or_insert_default().extend(bindings);
        }
    }

    /// Whether an account is listed as disabled. `account` is the address, or `default`.
    #[must_use]
    pub fn is_disabled(&self, account: &str) -> bool {
        self.accounts
            .iter()
            .any(|(address, disabled)| *disabled && is_account(address, account))
    }

    /// Whether an account may pull. Roles of one's own, conditions and groups hide who may do what.
    #[must_use]
    pub fn may_pull(&self, account: &str) -> Access {
        let Some(bindings) = &self.bindings else {
            return Access::Untold;
        };
        let mut access = Access::Denied;
        for binding in bindings {
            let own_role = !binding.role.starts_with("roles/");
            if !own_role && !READERS.contains(&binding.role.as_str()) {
                continue;
            }
            for member in &binding.members {
                match membership(member, account) {
                    Access::Denied => {}
                    Access::Granted if !own_role && !binding.conditional => return Access::Granted,
                    _ => access = Access::Untold,
                }
            }
        }
        access
    }
}

/// Whether a member of a binding is the account, can't be it, or may contain it.
fn membership(member: &str, account: &str) -> Access {
    match member.split_once(':') {
        None if member == "allUsers" || member == "allAuthenticatedUsers" => Access::Granted,
        Some(("serviceAccount", address)) if is_account(address, account) => Access::Granted,
        None | Some(("serviceAccount" | "user" | "deleted", _)) => Access::Denied,
        Some(_) => Access::Untold,
    }
}

fn is_account(address: &str, account: &str) -> bool {
    address == account || account == "default" && address.ends_with(COMPUTE_DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(role: &str, member: &str, conditional: bool) -> Access {
        let permissions = Permissions {
            bindings: Some(vec![Binding {
                role: role.to_owned(),
                members: vec![member.to_owned()],
                conditional,
            }]),
            ..Permissions::default()
        };
        permissions.may_pull("x@p.iam.gserviceaccount.com")
    }

    #[test]
    fn a_reader_role_lets_pull() {
        const READER: &str = "roles/artifactregistry.reader";
        const X: &str = "serviceAccount:x@p.iam.gserviceaccount.com";
        for (role, member, conditional, expected) in [
            (READER, X, false, Access::Granted),
            (READER, "allUsers", false, Access::Granted),
            (
                READER,
                "serviceAccount:y@p.iam.gserviceaccount.com",
                false,
                Access::Denied,
            ),
            (READER, "user:x@example.com", false, Access::Denied),
            (
                "roles/container.defaultNodeServiceAccount",
                X,
                false,
                Access::Denied,
            ),
            ("roles/storage.objectViewer", X, false, Access::Denied),
            (READER, X, true, Access::Untold),
            (READER, "group:nodes@example.com", false, Access::Untold),
            ("projects/p/roles/puller", X, false, Access::Untold),
        ] {
            assert_eq!(
                access(role, member, conditional),
                expected,
                "{role} {member}"
            );
        }
    }

    #[test]
    fn without_a_policy_nothing_is_told() {
        assert_eq!(Permissions::default().may_pull("default"), Access::Untold);
    }

    #[test]
    fn the_default_account_is_that_of_compute_engine() {
        let permissions = Permissions {
            accounts: [("1-compute@developer.gserviceaccount.com".to_owned(), true)].into(),
            bindings: None,
        };
        assert!(permissions.is_disabled("default"));
        assert!(!permissions.is_disabled("x@p.iam.gserviceaccount.com"));
    }
}
