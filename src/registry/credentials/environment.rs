//! Credentials that stand in environment variables, for registries whose helper is not at hand.
//!
//! Only these variables are read, and the metadata service of no cloud is ever asked: a lint must not act as the machine
//! that it happens to run on.

use std::ffi::OsString;

use super::file::CredentialsDocument;
use super::secret::{Credential, CredentialKind, Secret};

/// A whole credentials file, as GitLab's runners and the Docker command line take it:
/// <https://docs.gitlab.com/ci/docker/using_docker_images/#use-a-dockerconfig-file-from-a-variable>.
pub(super) const DOCUMENT: &str = "DOCKER_AUTH_CONFIG";

/// A cloud's registries, and the variable that holds a token for them.
struct Family {
    variable: &'static str,
    /// The user that goes with the token.
    user: &'static str,
    covers: fn(&str) -> bool,
}

const FAMILIES: [Family; 3] = [
    // <https://docs.cloud.google.com/artifact-registry/docs/docker/authentication#token>
    Family {
        variable: "GOOGLE_OAUTH_ACCESS_TOKEN",
        user: "oauth2accesstoken",
        covers: |host| host == "gcr.io" || host.ends_with(".gcr.io") || host.ends_with(".pkg.dev"),
    },
    // What `aws ecr get-login-password` prints:
    // <https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html>
    Family {
        variable: "OCI_PREFLIGHT_ECR_TOKEN",
        user: "AWS",
        covers: |host| {
            host.contains(".dkr.ecr")
                && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
        },
    },
    // What `az acr login --expose-token` prints as `accessToken`:
    // <https://learn.microsoft.com/azure/container-registry/container-registry-authentication>
    Family {
        variable: "OCI_PREFLIGHT_ACR_TOKEN",
        user: "00000000-0000-0000-0000-000000000000",
        covers: |host| {
            [".azurecr.io", ".azurecr.cn", ".azurecr.us"]
                .iter()
                .any(|domain| host.ends_with(domain))
        },
    },
];

/// What the environment knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentCredentials {
    document: Option<Secret>,
    tokens: Vec<(&'static str, Secret)>,
}

impl EnvironmentCredentials {
    /// Reads the variables. One that is empty or no text counts as not set.
    pub(super) fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let secret = |name: &str| {
            let value = variable(name)?.into_string().ok()?;
            let value = value.trim();
            (!value.is_empty()).then(|| Secret::new(value.to_owned()))
        };
        Self {
            document: secret(DOCUMENT),
            tokens: FAMILIES
                .iter()
                .filter_map(|family| Some((family.variable, secret(family.variable)?)))
                .collect(),
        }
    }

    /// The credentials file that the variable [`DOCUMENT`] holds.
    pub(super) fn document(&self) -> Result<Option<CredentialsDocument>, String> {
        let text = self.document.as_ref().map(Secret::reveal);
        text.map(|text| CredentialsDocument::parse(text.as_bytes()))
            .transpose()
    }

    /// The token for a registry host.
    pub(super) fn token(&self, registry: &str) -> Option<Credential> {
        let family = FAMILIES.iter().find(|family| (family.covers)(registry))?;
        let (variable, token) = self
            .tokens
            .iter()
            .find(|(variable, _)| *variable == family.variable)?;
        Some(Credential::of_ours(
            format!("the variable {variable}"),
            CredentialKind::Password {
                username: Secret::new(family.user.to_owned()),
                password: token.clone(),
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::credentials::file::Entrance;

    fn of(variables: &[(&str, &str)]) -> EnvironmentCredentials {
        EnvironmentCredentials::from_variables(|name| {
            let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(value))
        })
    }

    #[test]
    fn a_token_goes_to_the_registries_of_its_cloud_and_to_no_other() {
        let environment = of(&[
            ("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29\n"),
            ("OCI_PREFLIGHT_ECR_TOKEN", "ecr"),
            ("OCI_PREFLIGHT_ACR_TOKEN", "acr"),
        ]);
        for (host, expected) in [
            ("gcr.io", Some(("oauth2accesstoken", "ya29"))),
            ("eu.gcr.io", Some(("oauth2accesstoken", "ya29"))),
            (
                "europe-west1-docker.pkg.dev",
                Some(("oauth2accesstoken", "ya29")),
            ),
            ("1234.dkr.ecr.eu-west-1.amazonaws.com", Some(("AWS", "ecr"))),
            (
                "shop.azurecr.io",
                Some(("00000000-0000-0000-0000-000000000000", "acr")),
            ),
            ("gcr.io.example.com", None),
            ("notgcr.io", None),
            ("pkg.dev.example.com", None),
            ("dkr.ecr.example.com", None),
            ("s3.amazonaws.com", None),
            ("docker.io", None),
            ("ghcr.io", None),
        ] {
            let found = environment.token(host);
            let shown = found.as_ref().map(|credential| match &credential.kind {
                CredentialKind::Password { username, password } => {
                    (username.reveal(), password.reveal())
                }
                other => panic!("{other:?}"),
            });
            assert_eq!(shown, expected, "{host}");
        }
    }

    #[test]
    fn an_empty_variable_is_none() {
        let environment = of(&[
            ("GOOGLE_OAUTH_ACCESS_TOKEN", " "),
            ("DOCKER_AUTH_CONFIG", ""),
        ]);
        assert_eq!(environment, EnvironmentCredentials::default());
    }

    #[test]
    fn a_credentials_file_may_stand_in_a_variable() {
        let environment = of(&[(
            "DOCKER_AUTH_CONFIG",
            r#"{"auths":{"ghcr.io":{"username":"u","password":"p"}}}"#,
        )]);
        let document = environment.document().expect("sound").expect("set");
        assert!(matches!(
            document.entrance("ghcr.io", "a/b"),
            Some(Entrance::Stored { key: "ghcr.io", .. })
        ));
        assert!(of(&[("DOCKER_AUTH_CONFIG", "{")]).document().is_err());
    }
}
