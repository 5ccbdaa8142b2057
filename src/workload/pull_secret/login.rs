//! What a pull secret says to a registry.

use std::fmt;

/// User and password under one key of a pull secret. No output shows them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PullLogin {
    /// The secret for a person: its namespace and name, or the path of a file.
    pub secret: String,
    user: String,
    password: String,
}

impl PullLogin {
    /// The login of a secret.
    #[must_use]
    pub const fn new(secret: String, user: String, password: String) -> Self {
        Self {
            secret,
            user,
            password,
        }
    }

    /// The user, to be sent.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password, to be sent.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for PullLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PullLogin({})", self.secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let login = PullLogin::new(
            "shop/regcred".to_owned(),
            "ada".to_owned(),
            "hunter2".to_owned(),
        );
        assert_eq!(format!("{login:?}"), "PullLogin(shop/regcred)");
    }
}
