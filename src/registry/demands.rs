//! What a host wants of those who ask, as far as it is known before they ask.

use std::collections::HashMap;

use super::challenge::{Bearer, Challenge};

/// The challenges of one host.
#[derive(Debug, Default)]
pub(super) struct Demands {
    by_repository: HashMap<String, Challenge>,
    /// What was wanted of another repository, and was enough there. The scope is left out: it follows from the name.
    usual: Option<Challenge>,
}

impl Demands {
    /// What the host said that it wants for this very repository.
    pub fn of(&self, repository: &str) -> Option<Challenge> {
        self.by_repository.get(repository).cloned()
    }

    /// What the host will probably want, going by its other repositories. It saves a request, and decides nothing.
    pub fn guess(&self, repository: &str) -> Option<Challenge> {
        match self.usual.clone()? {
            Challenge::Basic => Some(Challenge::Basic),
            Challenge::Bearer(bearer) => Some(Challenge::Bearer(Bearer {
                scope: Some(pull_scope(repository)),
                ..bearer
            })),
        }
    }

    /// The host said what it wants.
    pub fn remember(&mut self, repository: &str, challenge: &Challenge) {
        self.by_repository
            .insert(repository.to_owned(), challenge.clone());
    }

    /// The host took what it wanted.
    pub fn prove(&mut self, repository: &str, challenge: &Challenge) {
        let usual = match challenge {
            Challenge::Basic => Challenge::Basic,
            Challenge::Bearer(bearer)
                if bearer.scope.as_deref() == Some(&pull_scope(repository)) =>
            {
                Challenge::Bearer(Bearer {
                    scope: None,
                    ..bearer.clone()
                })
            }
            Challenge::Bearer(_) => return,
        };
        self.usual = Some(usual);
    }
}

fn pull_scope(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(scope: Option<&str>) -> Challenge {
        Challenge::Bearer(Bearer {
            realm: "https://a.io/token".to_owned(),
            service: None,
            scope: scope.map(ToOwned::to_owned),
        })
    }

    #[test]
    fn what_proved_enough_is_guessed_for_other_repositories() {
        let mut demands = Demands::default();
        demands.remember("x", &bearer(Some("repository:x:pull")));
        assert_eq!(demands.guess("team/y"), None);
        demands.prove("x", &bearer(Some("repository:x:pull")));
        assert_eq!(
            demands.guess("team/y"),
            Some(bearer(Some("repository:team/y:pull")))
        );
        assert_eq!(demands.of("team/y"), None);
    }

    #[test]
    fn an_odd_scope_says_nothing_about_other_repositories() {
        let mut demands = Demands::default();
        demands.remember("z", &bearer(Some("odd")));
        demands.prove("z", &bearer(Some("odd")));
        assert_eq!(demands.of("z"), Some(bearer(Some("odd"))));
        assert_eq!(demands.guess("x"), None);
    }
}
