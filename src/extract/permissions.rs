//! What `gcloud` prints of service accounts and policies.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::cluster::{Binding, Permissions};
use crate::text::yaml::{Node, documents};

/// Why a text says nothing of permissions.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{file} is neither a list of service accounts nor an IAM policy: give what `gcloud iam service-accounts list \
     --format=json`, `gcloud artifacts repositories get-iam-policy REPOSITORY --location=LOCATION --format=json` or \
     `gcloud projects get-iam-policy PROJECT --format=json` prints"
)]
pub struct PermissionsError {
    /// The file, as the user would write its path.
    pub file: String,
}

/// Reads a list of service accounts or an IAM policy, as JSON or YAML. `name` is the path as the user would write it.
///
/// # Errors
///
/// When the text is neither.
pub fn permissions(name: &str, text: &str) -> Result<Permissions, PermissionsError> {
    let mut permissions = Permissions::default();
    let mut known = false;
    for document in documents(text) {
        let Ok(tree) = document.parse() else {
            known = false;
            break;
        };
        if let Some(found) = read(tree.root()) {
            permissions.join(found);
            known = true;
        }
    }
    if known {
        Ok(permissions)
    } else {
        Err(PermissionsError {
            file: name.to_owned(),
        })
    }
}

/// A policy without bindings has nothing but an `etag`; a list of accounts may be empty.
fn read(root: Node<'_>) -> Option<Permissions> {
    if root.get("bindings").is_some() || root.get("etag").is_some() {
        let bindings = root.get("bindings");
        let bindings = bindings.into_iter().flat_map(|list| list.items());
        return Some(Permissions {
            accounts: BTreeMap::new(),
            bindings: Some(bindings.filter_map(binding).collect()),
        });
    }
    if !root.is_sequence() {
        return None;
    }
    let accounts: BTreeMap<String, bool> = root.items().filter_map(account).collect();
    let is_list = !accounts.is_empty() || root.items().next().is_none();
    is_list.then_some(Permissions {
        accounts,
        bindings: None,
    })
}

fn binding(node: Node<'_>) -> Option<Binding> {
    let members = node.get("members");
    let members = members.into_iter().flat_map(|list| list.items());
    Some(Binding {
        role: node.get("role")?.as_str()?.to_owned(),
        members: members
            .filter_map(|member| member.as_str().map(ToOwned::to_owned))
            .collect(),
        conditional: node
            .get("condition")
            .is_some_and(|condition| !condition.is_null()),
    })
}

/// `disabled` is left out where it is false.
fn account(node: Node<'_>) -> Option<(String, bool)> {
    let disabled = node.get("disabled").and_then(|value| value.as_str());
    Some((
        node.get("email")?.as_str()?.to_owned(),
        disabled == Some("true"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Access;

    fn read(text: &str) -> Permissions {
        permissions("iam.json", text).expect(text)
    }

    #[test]
    fn accounts_are_enabled_unless_they_say_otherwise() {
        let found =
            read(r#"[{"email": "a@p", "disabled": true}, {"email": "b@p", "displayName": "b"}]"#);
        assert!(found.is_disabled("a@p") && !found.is_disabled("b@p"));
    }

    #[test]
    fn policies_say_who_has_which_role() {
        let found = read(
            r#"{"bindings": [{"role": "roles/artifactregistry.reader", "members": ["serviceAccount:a@p"]}], "etag": "x", "version": 1}"#,
        );
        assert_eq!(found.may_pull("a@p"), Access::Granted);
        assert_eq!(found.may_pull("b@p"), Access::Denied);
        assert_eq!(read(r#"{"etag": "ACAB"}"#).may_pull("a@p"), Access::Denied);
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "{}", "kind: Pod", "[1]", "{"] {
            assert!(permissions("iam.json", text).is_err(), "{text}");
        }
    }
}
