//! Who asks, and what they may read.

use super::Pattern;
use crate::event::class::Class::{
    CredentialsMissing, CredentialsNotUsed, ImageRemovedUpstream, LocalImageNotPushed,
    PermissionDenied, RepoMissingOrPrivate, StaleCredentialsBreakPublicPull, TagNotFound,
    TokenExpired,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::family::Family::{
    Acr, ArtifactRegistry, DockerHub, Ecr, EcrPublic, GitHub, GitLab, Open, OpenShift, Quay, RedHat,
};
use crate::event::pattern::When;

/// HTTP 401 in the wordings of all runtimes.
const STATUS_401: &str = r"(status|code|http|error|response|request to \S+|https?://\S+|\])[:=]{0,2} ?\(?401\b|status[^|]{0,400}: 401\b|registry 401\b|401 \(?Unauthorized|^401\b";
/// HTTP 403 in the wordings of all runtimes.
const STATUS_403: &str = r"(status|code|http|error|response|request to \S+|https?://\S+|\])[:=]{0,2} ?\(?403\b|status[^|]{0,400}: 403\b|registry 403\b|403 \(?Forbidden|^403\b";
/// What was sent is out of date.
const EXPIRED: &str = r"authorization token has expired|security token included in the request is (invalid|expired)|ExpiredToken|token (is|has|was) (been )?(invalid or )?(expired|revoked)|(expired|revoked) (token|credentials)|token expired|jwt.{0,40}expired|credentials? (have|has|is|are) expired|ACCESS_TOKEN_EXPIRED|invalid_token|session (has )?expired|RequestExpired|UnrecognizedClientException|token .{0,40}no longer valid";
/// What was sent is wrong.
const REFUSED: &str = r"incorrect username or password|invalid username/password|invalid username or password|HTTP Basic: Access denied|malformed token|bad (credentials|username)|(wrong|invalid) (username|password|credentials|login|api key|access token)|authentication failed|basic auth failed|login (failed|denied)|cannot be authenticated with the token|must log in with a Personal Access Token|unable to retrieve auth token|username and password .{0,20}(incorrect|invalid)|Could not find robot|AUTHENTICATION_FAILED|UNAUTHENTICATED|Access Token validation failed";
/// The registry says no, without saying whether there is anything to be had.
const NO_ACCESS: &str = r"pull access denied|insufficient_scope|authorization failed|requested access to the resource is denied|no pull access|repository does not exist or may require|access to the requested resource is not authorized|may require authorization";

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"\[.*(: not found|manifest unknown), .*(40[13]|denied|unauthorized)",
        when: &[When::ByTag],
        causes: &[(TagNotFound, Likely), (CredentialsMissing, Possible)],
        source: "kubelet pkg/kubelet/kuberuntime/kuberuntime_image.go: each pull secret is tried, and the one that may read found nothing",
    },
    Pattern {
        text: EXPIRED,
        when: &[When::From(&[EcrPublic, Open])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (TokenExpired, Likely),
        ],
        source: "docs.aws.amazon.com/AmazonECR/latest/public/public-troubleshooting.html",
    },
    Pattern {
        text: EXPIRED,
        when: &[],
        causes: &[
            (TokenExpired, Likely),
            (StaleCredentialsBreakPublicPull, Possible),
            (CredentialsMissing, Possible),
        ],
        source: "Amazon ECR: a token lives 12 hours; distribution registry/auth/token, invalid_token",
    },
    Pattern {
        text: r"authorization token has expired|ExpiredToken|AADSTS7000222|client secret .*expired|invalid_grant|password has expired",
        when: &[When::NotFrom(&[EcrPublic])],
        causes: &[(TokenExpired, Sure)],
        source: "Amazon ECR; Microsoft Entra error AADSTS7000222",
    },
    Pattern {
        text: r"AADSTS7000222|client secret .*expired|invalid_grant|password has expired",
        when: &[],
        causes: &[(TokenExpired, Sure)],
        source: "Microsoft Entra error AADSTS7000222; RFC 6749, section 5.2",
    },
    Pattern {
        text: r"(oauth|anonymous|bearer|auth|authorization) token.*[ :]40[13]\b|40[13] \(?(Unauthorized|Forbidden)",
        when: &[When::Removed],
        causes: &[
            (ImageRemovedUpstream, Likely),
            (PermissionDenied, Possible),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "the notices of the publishers: what is gone is refused like what is private",
    },
    Pattern {
        text: r"no credentials on this request|without credentials|no (valid )?credentials (were|was) (sent|used|passed)",
        when: &[],
        causes: &[(CredentialsMissing, Likely), (CredentialsNotUsed, Likely)],
        source: "kubelet pkg/kubelet/dockertools before 1.6, and pkg/kubelet/images: nothing was sent",
    },
    Pattern {
        text: r"Unauthenticated requests? do(es)? not have permission|anonymous caller does not have|Anonymous user",
        when: &[],
        causes: &[(CredentialsMissing, Likely), (CredentialsNotUsed, Likely)],
        source: "Artifact Registry and Cloud Storage, to a request without credentials",
    },
    Pattern {
        text: r"not authorized to perform|because no resource-based policy allows",
        when: &[],
        causes: &[(PermissionDenied, Likely), (RepoMissingOrPrivate, Likely)],
        source: "Amazon ECR says so of the repositories of another account, whether they are there or not",
    },
    Pattern {
        text: r"not authorized to perform:? \S+( on (the )?resource:? \S+)?[.,]?( status code.*)?$|perform:? ecr:GetAuthorizationToken|because no identity-based policy allows|vpcServiceControls|organization's policy|SECURITY_POLICY_VIOLATED",
        when: &[],
        causes: &[(PermissionDenied, Sure)],
        source: "the access messages of Amazon ECR and VPC Service Controls",
    },
    Pattern {
        text: r"permission_denied: read_package",
        when: &[],
        causes: &[(RepoMissingOrPrivate, Likely), (PermissionDenied, Likely)],
        source: "ghcr.io, of a private package: whoever asks may not read it",
    },
    Pattern {
        text: r"Permission .{0,8}artifactregistry\.\S+ denied|denied: Permission (.{0,3}\S+ )?denied|Permission denied for|does not have \S*(storage|artifactregistry)\.\S+|(does not|doesn't) have .{0,60}permission|(caller|client) does not have permission|is not allowed access|IP .{0,40}not allowed|not authorized to (pull|access)|no pull permission|access to the requested resource is forbidden|permission_denied|PERMISSION_DENIED|insufficient (privileges|permissions?|scopes?)\b|does not match expected scopes|cannot be pulled due to configured policy|PROJECTPOLICYVIOLATION|AccessDeniedException|has not been used in project|explicit deny|export control|prohibited|(is|are|was|were) not permitted|is not allowed to|(account|user|service account) .{0,40}(disabled|suspended|blocked|deactivated)|IAM_PERMISSION_DENIED|storage\.objects\.get",
        when: &[],
        causes: &[
            (PermissionDenied, Likely),
            (CredentialsMissing, Possible),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "the access messages of Artifact Registry, Azure Container Registry, GitHub, Harbor and Docker Hub",
    },
    Pattern {
        text: r"You don't have the needed permissions",
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (PermissionDenied, Likely),
            (TokenExpired, Possible),
        ],
        source: "what gcr.io answers to no, old and too weak credentials",
    },
    Pattern {
        text: r"or it may not exist|may not exist",
        when: &[],
        causes: &[(PermissionDenied, Likely), (RepoMissingOrPrivate, Likely)],
        source: "Artifact Registry gives one answer for both",
    },
    Pattern {
        text: STATUS_403,
        when: &[When::From(&[EcrPublic])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (TokenExpired, Possible),
        ],
        source: "docs.aws.amazon.com/AmazonECR/latest/public/public-troubleshooting.html",
    },
    Pattern {
        text: r"anonymous token.*(: 40[134]|denied|unauthorized)",
        when: &[When::From(&[GitHub, Quay, DockerHub, GitLab, Open])],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Likely),
        ],
        source: "containerd core/remotes/docker/authorizer.go: anonymous means that no credentials were passed on",
    },
    Pattern {
        text: r"anonymous token.*(: 40[134]|denied|unauthorized)",
        when: &[When::From(&[ArtifactRegistry, Acr, Ecr, RedHat])],
        causes: &[
            (CredentialsMissing, Likely),
            (PermissionDenied, Likely),
            (CredentialsNotUsed, Likely),
        ],
        source: "containerd core/remotes/docker/authorizer.go; GKE passes no credentials where the node lacks the storage scope",
    },
    Pattern {
        text: r"anonymous token.*(: 40[0-9]|denied|unauthorized|unexpected status)",
        when: &[],
        causes: &[
            (CredentialsNotUsed, Likely),
            (CredentialsMissing, Likely),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "containerd core/remotes/docker/authorizer.go",
    },
    Pattern {
        text: r"denied: denied",
        when: &[When::From(&[GitHub])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (RepoMissingOrPrivate, Likely),
            (TokenExpired, Possible),
        ],
        source: "what ghcr.io's token service answers to a wrong or expired token",
    },
    Pattern {
        text: REFUSED,
        when: &[When::From(&[GitHub])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (RepoMissingOrPrivate, Likely),
            (TokenExpired, Possible),
        ],
        source: "ghcr.io answers wrong credentials like a package that is missing or private",
    },
    Pattern {
        text: REFUSED,
        when: &[When::From(&[DockerHub, GitHub, Open, EcrPublic])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
        ],
        source: "a public image needs no credentials, so sent ones are refused",
    },
    Pattern {
        text: r"Please login to the Red Hat Registry",
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Likely),
            (TokenExpired, Possible),
        ],
        source: "registry.redhat.io says so of no credentials too",
    },
    Pattern {
        text: r"incorrect username or password|invalid username/password|invalid username or password|HTTP Basic: Access denied|malformed token|bad (credentials|username)|(wrong|invalid) (username|password|credentials|login|api key|access token)|authentication failed|basic auth failed|login (failed|denied)|cannot be authenticated with the token|unable to retrieve auth token|Could not find robot|AUTHENTICATION_FAILED|UNAUTHENTICATED|Access Token validation failed|Please login to the Red Hat Registry",
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (TokenExpired, Likely),
            (StaleCredentialsBreakPublicPull, Possible),
        ],
        source: "containers/image docker/docker_client.go; GitLab's and Harbor's token services",
    },
    Pattern {
        text: r"no basic auth credentials|40[13] (Unauthorized|Forbidden)",
        when: &[When::From(&[Ecr]), When::Sandbox],
        causes: &[
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Likely),
            (PermissionDenied, Possible),
            (TokenExpired, Possible),
        ],
        source: "containerd pulls the sandbox image itself, without the pod's pull secrets and the kubelet's credential provider",
    },
    Pattern {
        text: r"no basic auth credentials",
        when: &[When::From(&[Ecr])],
        causes: &[
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Likely),
        ],
        source: "moby distribution/registry.go; ECR tokens live 12 hours, then nothing is sent",
    },
    Pattern {
        text: r"no basic auth credentials",
        when: &[When::Elsewhere],
        causes: &[(CredentialsNotUsed, Likely), (CredentialsMissing, Likely)],
        source: "containerd core/remotes/docker/resolver.go: the mirror was asked, and credentials are looked up by host",
    },
    Pattern {
        text: r"no basic auth credentials|no user/password was provided for basic auth",
        when: &[],
        causes: &[(CredentialsMissing, Likely), (CredentialsNotUsed, Likely)],
        source: "moby distribution/registry.go",
    },
    Pattern {
        text: r"no scope specified for token auth challenge",
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (RepoMissingOrPrivate, Possible),
            (CredentialsNotUsed, Possible),
        ],
        source: "containerd core/remotes/docker/auth/fetch.go: the registry asked for a token and did not say what for",
    },
    Pattern {
        text: r"Authentication is required|authentication required|no (valid )?credentials? (were |was )?(found|provided|supplied)|credentials? (are |is )?(required|missing)|(login|log in) (is )?required|not logged in|must (be authenticated|authenticate|login|log in)|no auth",
        when: &[When::From(&[ArtifactRegistry])],
        causes: &[
            (CredentialsMissing, Likely),
            (PermissionDenied, Likely),
            (CredentialsNotUsed, Possible),
        ],
        source: "distribution registry/api/errcode; nodes without the storage scope send nothing",
    },
    Pattern {
        text: r"authentication required",
        when: &[When::From(&[Ecr])],
        causes: &[
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Possible),
        ],
        source: "kubernetes issue 41154: the token is 12 hours old, and no new one could be had",
    },
    Pattern {
        text: r"Authentication is required|authentication required|no (valid )?credentials? (were |was )?(found|provided|supplied)|credentials? (are |is )?(required|missing)|(login|log in) (is )?required|not logged in|must (be authenticated|authenticate|login|log in)|no auth",
        when: &[When::NotFrom(&[Quay, DockerHub, GitHub, OpenShift])],
        causes: &[
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Possible),
            (TokenExpired, Possible),
        ],
        source: "distribution registry/api/errcode",
    },
    Pattern {
        text: r"Authentication is required|authentication required|\bunauthorized\b",
        when: &[When::From(&[OpenShift])],
        causes: &[
            (PermissionDenied, Likely),
            (CredentialsMissing, Likely),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "OpenShift's own registry: the service account may not read the image stream, or there is none",
    },
    Pattern {
        text: r"Authentication is required|authentication required|no (valid )?credentials? (were |was )?(found|provided|supplied)|(login|log in) (is )?required|not logged in|must (be authenticated|authenticate|login|log in)",
        when: &[When::From(&[Quay, DockerHub, GitHub])],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Possible),
            (StaleCredentialsBreakPublicPull, Possible),
        ],
        source: "registries of public images ask for a login where there is none to be had without",
    },
    Pattern {
        text: r"not found: does not exist or no pull access",
        when: &[When::From(&[Ecr])],
        causes: &[(TokenExpired, Likely), (RepoMissingOrPrivate, Likely)],
        source: "moby before 18.06: an expired ECR token reads like a missing repository",
    },
    Pattern {
        text: STATUS_401,
        when: &[When::Removed],
        causes: &[
            (ImageRemovedUpstream, Likely),
            (CredentialsMissing, Likely),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "the notices of the publishers: what is gone is refused like what is private",
    },
    Pattern {
        text: NO_ACCESS,
        when: &[When::LocalName],
        causes: &[
            (LocalImageNotPushed, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "a name of one part means an official image of Docker Hub, and there is none of that name",
    },
    Pattern {
        text: NO_ACCESS,
        when: &[When::Removed],
        causes: &[
            (ImageRemovedUpstream, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "the notices of the publishers",
    },
    Pattern {
        text: NO_ACCESS,
        when: &[When::From(&[ArtifactRegistry])],
        causes: &[
            (PermissionDenied, Likely),
            (CredentialsMissing, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "GKE, Troubleshoot image pulls: nodes ask as their service account, which lacks the role",
    },
    Pattern {
        text: NO_ACCESS,
        when: &[When::From(&[Acr, RedHat])],
        causes: &[
            (CredentialsMissing, Likely),
            (PermissionDenied, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "registries where hardly an image is public",
    },
    Pattern {
        text: NO_ACCESS,
        when: &[When::From(&[Ecr])],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
        ],
        source: "Amazon ECR gives one answer for a missing repository and for an expired token",
    },
    Pattern {
        text: NO_ACCESS,
        when: &[],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (CredentialsMissing, Possible),
            (LocalImageNotPushed, Possible),
        ],
        source: "moby distribution/errors.go; containerd core/remotes/docker/resolver.go",
    },
    Pattern {
        text: r"fetch oauth token.*[ :]403",
        when: &[When::From(&[GitHub])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (PermissionDenied, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "containerd core/remotes/docker/authorizer.go: oauth means that credentials were sent",
    },
    Pattern {
        text: r"fetch oauth token.*[ :]403",
        when: &[],
        causes: &[
            (PermissionDenied, Likely),
            (StaleCredentialsBreakPublicPull, Possible),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "containerd core/remotes/docker/authorizer.go: oauth means that credentials were sent",
    },
    Pattern {
        text: r"fetch oauth token.*[ :]40[01]",
        when: &[When::From(&[DockerHub, Open, EcrPublic])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
        ],
        source: "containerd core/remotes/docker/authorizer.go: oauth means that credentials were sent",
    },
    Pattern {
        text: r"fetch oauth token.*[ :]40[01]",
        when: &[When::From(&[ArtifactRegistry])],
        causes: &[
            (PermissionDenied, Likely),
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
        ],
        source: "GKE, Troubleshoot image pulls: a disabled service account, or a scope that is missing",
    },
    Pattern {
        text: r"fetch oauth token.*[ :]40[01]",
        when: &[],
        causes: &[
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
            (PermissionDenied, Possible),
        ],
        source: "containerd core/remotes/docker/authorizer.go: the credentials that were sent are refused",
    },
    Pattern {
        text: STATUS_403,
        when: &[When::From(&[GitHub])],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (PermissionDenied, Likely),
            (StaleCredentialsBreakPublicPull, Possible),
        ],
        source: "ghcr.io gives one answer for a missing and for a private package",
    },
    Pattern {
        text: STATUS_403,
        when: &[When::From(&[Ecr])],
        causes: &[
            (PermissionDenied, Likely),
            (TokenExpired, Likely),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "Amazon ECR answers 403 to an identity without the role and to an expired token",
    },
    Pattern {
        text: STATUS_403,
        when: &[],
        causes: &[
            (PermissionDenied, Likely),
            (RepoMissingOrPrivate, Possible),
            (CredentialsMissing, Possible),
        ],
        source: "RFC 9110, section 15.5.4",
    },
    Pattern {
        text: STATUS_401,
        when: &[When::From(&[Quay, DockerHub, GitHub])],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Possible),
            (LocalImageNotPushed, Possible),
        ],
        source: "quay.io and Docker Hub answer 401 for a missing and for a private repository",
    },
    Pattern {
        text: STATUS_401,
        when: &[When::From(&[Ecr])],
        causes: &[
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
            (PermissionDenied, Possible),
        ],
        source: "Amazon ECR: a token lives 12 hours",
    },
    Pattern {
        text: STATUS_401,
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Possible),
            (TokenExpired, Possible),
            (PermissionDenied, Possible),
        ],
        source: "RFC 9110, section 15.5.2",
    },
    Pattern {
        text: r"\bunauthorized\b",
        when: &[When::From(&[Quay, GitHub, DockerHub])],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (CredentialsMissing, Likely),
            (StaleCredentialsBreakPublicPull, Possible),
        ],
        source: "distribution registry/api/errcode, UNAUTHORIZED",
    },
    Pattern {
        text: r"\b(unauthorized|not authorized)\b",
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Possible),
            (RepoMissingOrPrivate, Possible),
            (TokenExpired, Possible),
        ],
        source: "distribution registry/api/errcode, UNAUTHORIZED",
    },
    Pattern {
        text: r"access forbidden",
        when: &[When::From(&[GitLab])],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (CredentialsMissing, Likely),
            (PermissionDenied, Likely),
        ],
        source: "registry.gitlab.com gives one answer for a missing and for a private project",
    },
    Pattern {
        text: r"access forbidden",
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (PermissionDenied, Likely),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "GitLab's token service, for no and for too weak credentials",
    },
    Pattern {
        text: r"\bdenied\b|\bforbidden\b",
        when: &[When::From(&[GitHub])],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (StaleCredentialsBreakPublicPull, Possible),
            (PermissionDenied, Possible),
        ],
        source: "distribution registry/api/errcode, DENIED",
    },
    Pattern {
        text: r"\b(DENIED|access denied|forbidden)\b",
        when: &[],
        causes: &[
            (PermissionDenied, Possible),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "distribution registry/api/errcode, DENIED",
    },
];
