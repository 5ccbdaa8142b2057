use super::event::Pull;
use super::node_identity::{has_node_identity, is_public};
use super::{Finding, Subject, access_denied, declare_rule};
use crate::facts::{Answer, Depth, Identity, Lookup, RefusalReason};
use crate::finding::{Event, Severity};
use crate::oci::Reference;
use crate::workload::{
    NamedSecret, NearMiss, PullPolicy, PullSecret, RegistryKey, SecretContent, SecretPlace,
    covering, written,
};

declare_rule! {
    /// ## What it does
    /// Follows the pull secrets that a pod names, itself or through its ServiceAccount, to the Secrets among the sources and
    /// to those given with `--pull-secret`, and matches them to the image as the kubelet does: the host label by label, with
    /// `*` for one label, the same port, and the beginning of the path. It is an error where a secret is in another
    /// namespace, has a type that the kubelet does not pull with, cannot be read, holds no credentials, or nearly covers the
    /// image; and where the registry wants a login and no secret covers the image. It is a warning where a secret covers none
    /// of the images of the pods that name it, and where it is missing among sources that hold other pull secrets. Secrets
    /// that are made elsewhere are not judged.
    ///
    /// Online, the registry is asked with the pod's own secrets where it refuses the image to us, and where it gives it to us
    /// only because of our credentials. It is an error where it does not take a secret, and where an image is private and the
    /// pod has no secret for it; a warning where nothing is known of the pull secrets in the cluster. Registries of Google
    /// Cloud, AWS and Azure are left out, which know the nodes themselves.
    ///
    /// ## Why it matters
    /// The kubelet passes over a secret that it can't use without an error of its own, and pulls as nobody. The event then
    /// shows a refused login, and not the secret. It is the pod's secret that counts, whatever credentials CI has.
    ///
    /// ## What the cluster would show
    /// `ErrImagePull`, with `failed to authorize: failed to fetch anonymous token: …: 401 Unauthorized`; where the secret is
    /// missing, the event `FailedToRetrieveImagePullSecret` before it: `Unable to retrieve some image pull secrets (NAME);
    /// attempting to pull the image may not succeed.`
    ///
    /// ## How to fix it
    /// Make the secret anew in the namespace of the pod: `kubectl create secret docker-registry NAME --docker-server=HOST
    /// --docker-username=USER --docker-password=PASSWORD --namespace=NAMESPACE`. For Docker Hub the server is
    /// `https://index.docker.io/v1/`.
    id: "pull-secret-mismatch",
    summary: "a pull secret of the pod is missing, unusable, or for other images",
    severity: Some(Severity::Error),
    needs: Depth::Reference,
    event: Some("ErrImagePull"),
}

const WHOSE_IDENTITY: &str =
    "What counts in the cluster is this secret, and not the credentials of CI.";

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let occurrence = subject.occurrence;
    let Some(reference) = subject.reference() else {
        return vec![];
    };
    if occurrence.pull_policy == Some(PullPolicy::Never) {
        return vec![];
    }
    let pod = Pod::of(subject, reference);
    let mut findings: Vec<Finding> = pod
        .named
        .iter()
        .filter_map(|named| pod.unusable(named))
        .collect();
    if findings.is_empty() {
        findings.extend(pod.uncovered());
    }
    if findings.is_empty() {
        findings.extend(pod.refused_itself());
    }
    findings
}

/// The pod's side of one pull.
struct Pod<'a> {
    subject: &'a Subject<'a>,
    reference: &'a Reference,
    /// The image with its host and without its tag.
    name: String,
    named: Vec<NamedSecret<'a>>,
    /// The keys that the kubelet would try.
    covering: Vec<&'a RegistryKey>,
}

impl<'a> Pod<'a> {
    fn of(subject: &'a Subject<'a>, reference: &'a Reference) -> Self {
        let named = subject.pull_secrets.named_by(subject.occurrence);
        let name = reference.name();
        let given = subject.pull_secrets.given.iter();
        let keys = named
            .iter()
            .filter_map(NamedSecret::here)
            .chain(given)
            .flat_map(PullSecret::keys);
        Self {
            covering: covering(keys, &name),
            subject,
            reference,
            name,
            named,
        }
    }

    /// What is wrong with a secret itself, whatever the image is.
    fn unusable(&self, named: &NamedSecret<'_>) -> Option<Finding> {
        let who = whose(named);
        let is_covered = self.covering.iter().any(|key| key.has_credentials);
        let namespace = self.subject.occurrence.owner.namespace.as_deref();
        let (message, help, event, severity) = match named.place {
            SecretPlace::OtherNamespace(other) => (
                format!("{who} is in the namespace {other}, and the pod in {}", namespace.unwrap_or("another one")),
                "A pod pulls with secrets of its own namespace only: make the secret there too.".to_owned(),
                Some(not_retrieved(named)),
                Severity::Error,
            ),
            SecretPlace::Unknown if self.subject.pull_secrets.has_some_in(namespace) => (
                format!("{who} is not among the sources, which hold other pull secrets"),
                "Check the name. If the secret is made elsewhere, ignore this.".to_owned(),
                Some(not_retrieved(named)),
                Severity::Warning,
            ),
            SecretPlace::Unknown => return None,
            SecretPlace::Here(secret) => match &secret.content {
                SecretContent::OtherType(kind) => (
                    format!("{who} {}, which the kubelet does not pull with", typed(kind)),
                    "Make it with the type `kubernetes.io/dockerconfigjson`: `kubectl create secret docker-registry`.".to_owned(),
                    Some(self.refused()),
                    Severity::Error,
                ),
                SecretContent::Unreadable(reason) => (
                    format!("{who} cannot be read: {reason}"),
                    "The API server or the kubelet refuses it. Make it anew with `kubectl create secret docker-registry`.".to_owned(),
                    None,
                    Severity::Error,
                ),
                SecretContent::Keys(_) | SecretContent::Elsewhere => return None,
            },
        };
        // Another secret pulls the image all the same.
        if is_covered && severity == Severity::Warning {
            return None;
        }
        let severity = if is_covered {
            Severity::Warning
        } else {
            severity
        };
        Some(
            RULE.finding(self.subject, message)
                .severity(severity)
                .help(help)
                .event(event),
        )
    }

    /// What is wrong with the image's cover, where all secrets are known and can be used.
    fn uncovered(&self) -> Option<Finding> {
        if let Some(first) = self.covering.first() {
            return self.without_credentials(first);
        }
        let is_known = |named: &NamedSecret<'_>| matches!(named.place, SecretPlace::Here(secret) if matches!(secret.content, SecretContent::Keys(_)));
        if is_public(&self.name) || !self.named.iter().all(is_known) {
            return None;
        }
        let is_private = self.subject.lookup.is_some_and(is_private);
        if is_private && self.has_secrets() && !has_node_identity(&self.name) {
            return Some(self.uncovered_finding(
                format!(
                    "{} wants a login, and none of the pod's pull secrets is for {}: {}",
                    self.reference.registry(),
                    self.name,
                    self.covers()
                ),
                Severity::Error,
            ));
        }
        self.idle()
    }

    /// The registry was asked in the name of the pod, and does not give it what it gives to others.
    fn refused_itself(&self) -> Option<Finding> {
        let Some(Answer::Refused(refusal)) = self.subject.as_pod else {
            return None;
        };
        let registry = self.reference.registry();
        let status = refusal.status.map(|status| format!(" ({status})"));
        let status = status.unwrap_or_default();
        let (message, severity) = match (&refusal.identity, refusal.reason) {
            (Identity::PullSecret { secret }, RefusalReason::Unauthorized) => (
                format!(
                    "{registry} does not take the pull secret {secret} for {}{status}",
                    self.name
                ),
                Severity::Error,
            ),
            (Identity::PullSecret { secret }, _) => (
                format!(
                    "{registry} does not give {} to the pull secret {secret}{status}",
                    self.name
                ),
                Severity::Error,
            ),
            _ => (
                format!(
                    "{} is private, and the pod has no pull secret for it{status}",
                    self.name
                ),
                self.certainty(),
            ),
        };
        let found = self.subject.lookup.and_then(Answer::found);
        let ours = found.map_or_else(String::new, |found| {
            format!(
                "It was read here with {}, which the pod does not have. ",
                found.identity
            )
        });
        let server = self.server();
        let help = match &refusal.identity {
            Identity::PullSecret { .. } => format!(
                "{ours}Make the secret anew with credentials for `--docker-server={server}` that are valid and may read the repository."
            ),
            _ => format!(
                "{ours}Make a pull secret for `--docker-server={server}` and name it in the pod's `imagePullSecrets` or in its \
                 ServiceAccount. Where the nodes have credentials of their own for the registry, ignore this."
            ),
        };
        let event = match &refusal.identity {
            Identity::PullSecret { .. } => {
                access_denied::event(self.subject, self.reference, refusal)
            }
            _ => self.refused(),
        };
        Some(
            RULE.finding(self.subject, message)
                .severity(severity)
                .help(help)
                .event(event),
        )
    }

    /// A pod whose secrets are all among the sources has no other. Else its ServiceAccount may have some in the cluster.
    const fn certainty(&self) -> Severity {
        if self.named.is_empty() && self.subject.pull_secrets.is_empty() {
            Severity::Warning
        } else {
            Severity::Error
        }
    }

    /// Every key is empty: the kubelet sends nothing.
    fn without_credentials(&self, first: &RegistryKey) -> Option<Finding> {
        if self.covering.iter().any(|key| key.has_credentials) || is_public(&self.name) {
            return None;
        }
        let message = format!(
            "the pod's pull secret for {} has the key {} without user and password",
            self.name,
            first.written()
        );
        Some(
            RULE.finding(self.subject, message)
                .help(format!(
                    "A `config.json` whose credentials are in a store (`credsStore`) holds none: make the secret with \
                     `kubectl create secret docker-registry`. {WHOSE_IDENTITY}"
                ))
                .event(self.refused()),
        )
    }

    /// A secret that the pod itself names, and that is for none of its images, was probably meant for this one.
    fn idle(&self) -> Option<Finding> {
        self.named.iter().find_map(|named| {
            let secret = named.here()?;
            let is_idle = |idle: &&PullSecret| std::ptr::eq(*idle, secret);
            if !self.subject.idle_secrets.iter().any(is_idle) {
                return None;
            }
            let who = whose(named);
            let missed = secret
                .keys()
                .iter()
                .find_map(|key| Some((key, key.near_miss(&self.name)?)));
            match missed {
                Some((key, miss)) => Some(self.uncovered_finding(
                    format!(
                        "{who} has the key {}, which is not for {}: {}",
                        key.written(),
                        self.name,
                        explained(miss)
                    ),
                    Severity::Error,
                )),
                None if named.account.is_none() => Some(self.uncovered_finding(
                    format!("{who} is not for {}: {}", self.name, self.covers()),
                    Severity::Warning,
                )),
                None => None,
            }
        })
    }

    fn uncovered_finding(&self, message: String, severity: Severity) -> Finding {
        let server = self.server();
        RULE.finding(self.subject, message)
            .severity(severity)
            .help(format!(
                "Make the secret for `--docker-server={server}`. {WHOSE_IDENTITY}"
            ))
            .event(self.refused())
    }

    /// What `kubectl create secret docker-registry` calls the registry.
    fn server(&self) -> &str {
        match self.reference.registry() {
            "docker.io" => "https://index.docker.io/v1/",
            registry => registry,
        }
    }

    fn covers(&self) -> String {
        let given = self.subject.pull_secrets.given.iter();
        let secrets = self.named.iter().filter_map(NamedSecret::here).chain(given);
        match written(secrets.flat_map(PullSecret::keys)) {
            keys if keys.is_empty() => "it has no key at all".to_owned(),
            keys => format!("it covers {keys}"),
        }
    }

    fn has_secrets(&self) -> bool {
        !self.named.is_empty() || !self.subject.pull_secrets.given.is_empty()
    }

    fn refused(&self) -> Event {
        Pull::new(
            self.subject,
            self.reference,
            self.subject.pools.iter().copied(),
        )
        .refused_as_nobody()
    }
}

/// Whether the registry refused those without credentials. Whoever is refused with some is asked as nobody too.
fn is_private(lookup: &Lookup) -> bool {
    matches!(lookup, Answer::Refused(refusal)
        if refusal.identity != Identity::Layout
            && matches!(refusal.reason, RefusalReason::Unauthorized | RefusalReason::Forbidden))
}

fn whose(named: &NamedSecret<'_>) -> String {
    match named.account {
        Some(account) => format!(
            "the pull secret {} of the ServiceAccount {account}",
            named.name
        ),
        None => format!("the pull secret {}", named.name),
    }
}

fn typed(kind: &str) -> String {
    match kind {
        "" => "has no type and so is Opaque".to_owned(),
        kind => format!("has the type {kind}"),
    }
}

const fn explained(miss: NearMiss) -> &'static str {
    match miss {
        NearMiss::Path => "the path is another one",
        NearMiss::Port => "the port is another one",
        NearMiss::Labels => "a * stands for exactly one part of the host",
        NearMiss::DockerHub => "for Docker Hub the key is https://index.docker.io/v1/",
    }
}

/// The kubelet's words (`pkg/kubelet/kubelet_pods.go`, `getPullSecretsForPod`; `pkg/kubelet/kubelet.go`).
fn not_retrieved(named: &NamedSecret<'_>) -> Event {
    Event {
        reason: "FailedToRetrieveImagePullSecret",
        message: format!(
            "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
            named.name
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::subject_for_tests::{Case, refusal};
    use crate::workload::{Role, ServiceAccount};

    const IMAGE: &str = "ghcr.io/team/app:1";

    fn keys(written: &[&str]) -> SecretContent {
        let key = |written: &&str| RegistryKey::new(written, true).expect("a key");
        SecretContent::Keys(written.iter().map(key).collect())
    }

    fn secret(name: &str, namespace: Option<&str>, content: SecretContent) -> PullSecret {
        PullSecret {
            name: name.to_owned(),
            namespace: namespace.map(ToOwned::to_owned),
            content,
            is_replicated: false,
        }
    }

    /// A pod in the namespace `shop` that names `regcred`, with these secrets in the sources.
    fn pod(image: &str, secrets: Vec<PullSecret>) -> Case {
        Case::image(image).change(|case| {
            case.occurrence.owner.namespace = Some("shop".to_owned());
            case.occurrence.pull_secrets = vec!["regcred".to_owned()];
            case.pull_secrets.secrets = secrets;
        })
    }

    fn with(image: &str, content: SecretContent) -> Case {
        pod(image, vec![secret("regcred", Some("shop"), content)])
    }

    fn private(case: Case) -> Case {
        case.refused(RefusalReason::Unauthorized, Identity::Anonymous)
    }

    #[test]
    fn what_the_registry_gives_us_and_not_the_pod_is_told_with_whose_credentials() {
        let ours = Identity::Credential {
            origin: "~/.docker/config.json (ghcr.io)".to_owned(),
        };
        let secret = Identity::PullSecret {
            secret: "shop/regcred".to_owned(),
        };
        for (identity, reason, secrets, words, severity) in [
            (
                secret.clone(),
                RefusalReason::Unauthorized,
                true,
                "ghcr.io does not take the pull secret shop/regcred for ghcr.io/team/app",
                Severity::Error,
            ),
            (
                secret,
                RefusalReason::Forbidden,
                true,
                "ghcr.io does not give ghcr.io/team/app to the pull secret shop/regcred",
                Severity::Error,
            ),
            (
                Identity::Anonymous,
                RefusalReason::Unauthorized,
                true,
                "ghcr.io/team/app is private, and the pod has no pull secret for it",
                Severity::Error,
            ),
            (
                Identity::Anonymous,
                RefusalReason::Forbidden,
                false,
                "ghcr.io/team/app is private, and the pod has no pull secret for it",
                Severity::Warning,
            ),
        ] {
            let finding = Case::image(IMAGE)
                .single(&[("linux/amd64", &[1])])
                .change(|case| {
                    if let Some(Answer::Found(found)) = &mut case.lookup {
                        found.identity = ours.clone();
                    }
                    if secrets {
                        let other = secret_of(SecretContent::Elsewhere);
                        case.pull_secrets.secrets.push(other);
                    }
                    case.as_pod = Some(Answer::Refused(refusal(reason, identity)));
                })
                .only_finding(&RULE);
            assert_eq!(finding.message, words);
            assert_eq!(finding.severity, severity, "{words}");
            let help = finding.help.unwrap_or_default();
            assert!(
                help.contains("read here with the credentials from ~/.docker/config.json (ghcr.io), which the pod does not have"),
                "{help}"
            );
        }
    }

    fn secret_of(content: SecretContent) -> PullSecret {
        secret("other", Some("shop"), content)
    }

    #[test]
    fn a_secret_that_the_kubelet_cannot_use_is_an_error() {
        for (content, words) in [
            (
                SecretContent::OtherType("Opaque".to_owned()),
                "has the type Opaque",
            ),
            (SecretContent::OtherType(String::new()), "has no type"),
            (
                SecretContent::Unreadable("its data .dockerconfigjson is not base64".to_owned()),
                "cannot be read: its data",
            ),
        ] {
            let finding = with(IMAGE, content).only_finding(&RULE);
            assert_eq!(finding.severity, Severity::Error);
            assert!(finding.message.contains(words), "{}", finding.message);
        }
    }

    #[test]
    fn a_secret_of_another_namespace_is_not_retrieved() {
        let elsewhere = secret("regcred", Some("default"), keys(&["ghcr.io"]));
        let finding = pod(IMAGE, vec![elsewhere.clone()]).only_finding(&RULE);
        assert_eq!(
            finding.message,
            "the pull secret regcred is in the namespace default, and the pod in shop"
        );
        assert_eq!(
            finding.event.map(|event| event.message).unwrap_or_default(),
            "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."
        );
        let replicated = PullSecret {
            is_replicated: true,
            ..elsewhere.clone()
        };
        pod(IMAGE, vec![replicated]).has_no_finding(&RULE);
        let unsaid = PullSecret {
            namespace: None,
            ..elsewhere
        };
        pod(IMAGE, vec![unsaid]).has_no_finding(&RULE);
    }

    #[test]
    fn a_missing_secret_counts_only_beside_other_pull_secrets() {
        pod(IMAGE, vec![]).has_no_finding(&RULE);
        let opaque = SecretContent::OtherType("Opaque".to_owned());
        pod(IMAGE, vec![secret("other", Some("shop"), opaque)]).has_no_finding(&RULE);
        pod(
            IMAGE,
            vec![secret("other", Some("default"), keys(&["ghcr.io"]))],
        )
        .has_no_finding(&RULE);
        let finding = pod(
            IMAGE,
            vec![secret("other", Some("shop"), keys(&["ghcr.io"]))],
        )
        .only_finding(&RULE);
        assert_eq!(finding.severity, Severity::Warning);
    }

    #[test]
    fn a_near_miss_is_an_error_and_another_host_a_warning() {
        for (key, image, severity, words) in [
            (
                "ghcr.io/other",
                IMAGE,
                Severity::Error,
                "the path is another one",
            ),
            (
                "registry-1.docker.io",
                "team/app:1",
                Severity::Error,
                "for Docker Hub the key is",
            ),
            ("quay.io", IMAGE, Severity::Warning, "it covers quay.io"),
        ] {
            let finding = with(image, keys(&[key])).only_finding(&RULE);
            assert_eq!(finding.severity, severity, "{key}");
            assert!(finding.message.contains(words), "{}", finding.message);
        }
    }

    #[test]
    fn what_is_covered_public_or_not_known_is_silent() {
        with(IMAGE, keys(&["ghcr.io"])).has_no_finding(&RULE);
        with(IMAGE, SecretContent::Elsewhere).has_no_finding(&RULE);
        with("nginx:1", keys(&["ghcr.io"])).has_no_finding(&RULE);
        with(IMAGE, keys(&["quay.io"]))
            .role(Role::Unplaced)
            .has_no_finding(&RULE);
        with(IMAGE, keys(&["quay.io"]))
            .pull_policy(PullPolicy::Never)
            .has_no_finding(&RULE);
    }

    #[test]
    fn a_private_image_without_a_secret_for_it_is_an_error() {
        let finding = private(with(IMAGE, keys(&["quay.io"]))).only_finding(&RULE);
        assert_eq!(finding.severity, Severity::Error);
        assert!(finding.message.starts_with("ghcr.io wants a login"));
        let event = finding.event.map(|event| event.message).unwrap_or_default();
        assert!(event.contains("401 Unauthorized"), "{event}");
        private(with(IMAGE, keys(&["ghcr.io"]))).has_no_finding(&RULE);
        private(Case::image(IMAGE)).has_no_finding(&RULE);
    }

    #[test]
    fn a_given_secret_is_every_pods() {
        let given = |image, key| {
            private(Case::image(image)).change(|case| {
                case.pull_secrets.given = vec![secret("file.json", None, keys(&[key]))];
            })
        };
        given(IMAGE, "ghcr.io").has_no_finding(&RULE);
        assert_eq!(given(IMAGE, "quay.io").findings(&RULE).len(), 1);
        // The node's own identity may do.
        given("eu-docker.pkg.dev/p/r/app:1", "quay.io").has_no_finding(&RULE);
    }

    #[test]
    fn an_entry_without_credentials_covers_nothing() {
        let empty = RegistryKey::new("ghcr.io", false).expect("a key");
        let finding = with(IMAGE, SecretContent::Keys(vec![empty])).only_finding(&RULE);
        assert!(finding.message.contains("without user and password"));
    }

    #[test]
    fn the_secrets_of_the_service_account_count_where_the_pod_names_none() {
        let account = |own: &[&str]| {
            with(IMAGE, SecretContent::OtherType("Opaque".to_owned())).change(|case| {
                case.occurrence.pull_secrets = own.iter().map(ToString::to_string).collect();
                case.pull_secrets.accounts = vec![ServiceAccount {
                    name: "default".to_owned(),
                    namespace: Some("shop".to_owned()),
                    pull_secrets: vec!["regcred".to_owned()],
                }];
            })
        };
        let finding = account(&[]).only_finding(&RULE);
        assert!(
            finding
                .message
                .starts_with("the pull secret regcred of the ServiceAccount default"),
            "{}",
            finding.message
        );
        account(&["mine"]).has_no_finding(&RULE);
    }

    #[test]
    fn an_unusable_secret_beside_a_good_one_is_a_warning() {
        let finding = with(IMAGE, SecretContent::OtherType("Opaque".to_owned()))
            .change(|case| {
                case.occurrence.pull_secrets.push("good".to_owned());
                let good = secret("good", Some("shop"), keys(&["ghcr.io"]));
                case.pull_secrets.secrets.push(good);
            })
            .only_finding(&RULE);
        assert_eq!(finding.severity, Severity::Warning);
    }
}
