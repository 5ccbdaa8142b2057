//! Who asks, and what they may read.

use super::Pattern;
use crate::event::class::Class::{
    CredentialsMissing, CredentialsNotUsed, LocalImageNotPushed, PermissionDenied,
    RepoMissingOrPrivate, StaleCredentialsBreakPublicPull, TokenExpired,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::family::Family::{
    Acr, ArtifactRegistry, DockerHub, Ecr, EcrPublic, GitHub, GitLab, Localhost, Open, Other, Quay,
    RedHat,
};
use crate::event::pattern::When;

/// HTTP 401 in the wordings of all runtimes.
const STATUS_401: &str =
    r"(status|status code|HTTP status|StatusCode|request to|\]|code).*[ :]401\b|401 Unauthorized";
/// HTTP 403 in the wordings of all runtimes.
const STATUS_403: &str =
    r"(status|status code|HTTP status|StatusCode|request to|\]|code).*[ :]403\b|403 Forbidden";

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"authorization token has expired|security token included in the request is (invalid|expired)|ExpiredToken|token (is|has) (been )?(expired|revoked)|(expired|revoked) token|token expired|jwt.{0,40}expired|credentials? (have|has|is|are) expired|ACCESS_TOKEN_EXPIRED",
        when: &[When::From(&[EcrPublic])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Sure),
            (TokenExpired, Sure),
        ],
        source: "docs.aws.amazon.com/AmazonECR/latest/public/public-troubleshooting.html",
    },
    Pattern {
        text: r"authorization token has expired|security token included in the request is (invalid|expired)|ExpiredToken|token (is|has) (been )?(expired|revoked)|(expired|revoked) token|token expired|jwt.{0,40}expired|credentials? (have|has|is|are) expired|ACCESS_TOKEN_EXPIRED|invalid_grant|password has expired|AADSTS7000222|client secret .*expired",
        when: &[],
        causes: &[(TokenExpired, Sure)],
        source: "Amazon ECR: a token lives 12 hours; Microsoft Entra error AADSTS7000222",
    },
    Pattern {
        text: r"is not authorized to perform:? ecr|not authorized to perform: \S+:|Permission .{0,8}artifactregistry\.\S+ denied|denied: Permission (.{0,3}\S+ )?denied|Permission denied for|does not have \S*(storage|artifactregistry)\.\S+|caller does not have permission|client does not have permission for|vpcServiceControls|organization's policy|SECURITY_POLICY_VIOLATED|is not allowed access|IP .{0,40}not allowed|not authorized to (pull|access)|no pull permission|access to the requested resource is forbidden",
        when: &[],
        causes: &[(PermissionDenied, Sure)],
        source: "the access messages of Artifact Registry, Amazon ECR, Azure Container Registry and VPC Service Controls",
    },
    Pattern {
        text: r"You don't have the needed permissions",
        when: &[],
        causes: &[
            (PermissionDenied, Likely),
            (CredentialsMissing, Likely),
            (TokenExpired, Possible),
        ],
        source: "what gcr.io answers to no, old and too weak credentials",
    },
    Pattern {
        text: r"or it may not exist|explicit deny|may not exist",
        when: &[],
        causes: &[(RepoMissingOrPrivate, Likely)],
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
        text: r"anonymous token.*(401|403)",
        when: &[When::From(&[GitHub, Quay, DockerHub, GitLab])],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (CredentialsMissing, Likely),
            (CredentialsNotUsed, Likely),
        ],
        source: "containerd core/remotes/docker/authorizer.go: anonymous means that no credentials were passed on",
    },
    Pattern {
        text: r"anonymous token.*(401|403)",
        when: &[When::From(&[ArtifactRegistry, Acr, Ecr, RedHat])],
        causes: &[
            (CredentialsMissing, Likely),
            (PermissionDenied, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "containerd core/remotes/docker/authorizer.go; GKE passes no credentials where the node lacks the storage scope",
    },
    Pattern {
        text: r"fetch anonymous token",
        when: &[],
        causes: &[
            (CredentialsNotUsed, Likely),
            (CredentialsMissing, Likely),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "containerd core/remotes/docker/authorizer.go",
    },
    Pattern {
        text: r"ghcr\.io.*denied: denied",
        when: &[],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "what ghcr.io's token service answers to a wrong or expired token",
    },
    Pattern {
        text: r"incorrect username or password|invalid username/password|HTTP Basic: Access denied|malformed token|bad credentials|(wrong|invalid) (username|password|credentials)|authentication failed|basic auth failed|login (failed|denied)",
        when: &[When::From(&[DockerHub, GitHub, Open, EcrPublic])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
        ],
        source: "a public image needs no credentials, so sent ones are refused",
    },
    Pattern {
        text: r"incorrect username or password|invalid username/password|HTTP Basic: Access denied|malformed token|bad credentials|(wrong|invalid) (username|password|credentials)|authentication failed|basic auth failed|login (failed|denied)|Please login to the Red Hat Registry",
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (TokenExpired, Likely),
            (StaleCredentialsBreakPublicPull, Possible),
        ],
        source: "containers/image docker/docker_client.go; GitLab's and Harbor's token services",
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
        text: r"no basic auth credentials|Authentication is required|authentication required|no scope specified for token auth challenge",
        when: &[],
        causes: &[(CredentialsMissing, Likely), (CredentialsNotUsed, Possible)],
        source: "moby distribution/registry.go; distribution registry/api/errcode",
    },
    Pattern {
        text: r"not found: does not exist or no pull access",
        when: &[When::From(&[Ecr])],
        causes: &[(TokenExpired, Likely), (RepoMissingOrPrivate, Likely)],
        source: "moby before 18.06: an expired ECR token reads like a missing repository",
    },
    Pattern {
        text: r"pull access denied|insufficient_scope|requested access to the resource is denied|no pull access|repository does not exist or may require",
        when: &[When::LocalName],
        causes: &[
            (LocalImageNotPushed, Likely),
            (RepoMissingOrPrivate, Likely),
        ],
        source: "a name of one part means an official image of Docker Hub, and there is none of that name",
    },
    Pattern {
        text: r"pull access denied|insufficient_scope|requested access to the resource is denied|no pull access|repository does not exist or may require|access to the requested resource is not authorized",
        when: &[],
        causes: &[
            (RepoMissingOrPrivate, Likely),
            (CredentialsMissing, Possible),
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
        text: r"fetch oauth token.*[ :]401",
        when: &[When::From(&[DockerHub, Open, EcrPublic])],
        causes: &[
            (StaleCredentialsBreakPublicPull, Likely),
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
        ],
        source: "containerd core/remotes/docker/authorizer.go: oauth means that credentials were sent",
    },
    Pattern {
        text: r"fetch oauth token.*[ :]401",
        when: &[],
        causes: &[
            (TokenExpired, Likely),
            (CredentialsMissing, Likely),
            (PermissionDenied, Possible),
        ],
        source: "containerd core/remotes/docker/authorizer.go; GKE, Troubleshoot image pulls: a disabled service account",
    },
    Pattern {
        text: STATUS_403,
        when: &[When::From(&[GitHub])],
        causes: &[(RepoMissingOrPrivate, Likely), (PermissionDenied, Likely)],
        source: "ghcr.io gives one answer for a missing and for a private package",
    },
    Pattern {
        text: STATUS_403,
        when: &[When::From(&[Ecr])],
        causes: &[
            (PermissionDenied, Likely),
            (TokenExpired, Likely),
            (CredentialsMissing, Possible),
        ],
        source: "Amazon ECR answers 403 to an identity without the role and to an expired token",
    },
    Pattern {
        text: STATUS_403,
        when: &[When::NotFrom(&[GitHub, Ecr, EcrPublic])],
        causes: &[(PermissionDenied, Likely)],
        source: "RFC 9110, section 15.5.4",
    },
    Pattern {
        text: STATUS_403,
        when: &[],
        causes: &[
            (PermissionDenied, Possible),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "RFC 9110, section 15.5.4",
    },
    Pattern {
        text: STATUS_401,
        when: &[When::From(&[Quay, DockerHub, GitHub])],
        causes: &[(RepoMissingOrPrivate, Likely), (CredentialsMissing, Likely)],
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
            (TokenExpired, Possible),
            (PermissionDenied, Possible),
        ],
        source: "RFC 9110, section 15.5.2",
    },
    Pattern {
        text: r"\bunauthorized\b",
        when: &[When::From(&[Quay, GitHub, DockerHub])],
        causes: &[(RepoMissingOrPrivate, Likely), (CredentialsMissing, Likely)],
        source: "distribution registry/api/errcode, UNAUTHORIZED",
    },
    Pattern {
        text: r"\bunauthorized\b",
        when: &[],
        causes: &[(CredentialsMissing, Likely), (TokenExpired, Possible)],
        source: "distribution registry/api/errcode, UNAUTHORIZED",
    },
    Pattern {
        text: r"denied: access forbidden|access forbidden",
        when: &[],
        causes: &[
            (CredentialsMissing, Likely),
            (PermissionDenied, Likely),
            (RepoMissingOrPrivate, Possible),
        ],
        source: "GitLab's token service, for no and for too weak credentials",
    },
    Pattern {
        text: r"\bdenied\b",
        when: &[When::From(&[GitHub])],
        causes: &[(RepoMissingOrPrivate, Likely), (PermissionDenied, Possible)],
        source: "distribution registry/api/errcode, DENIED",
    },
    Pattern {
        text: r"\b(DENIED|access denied|forbidden)\b",
        when: &[When::From(&[
            ArtifactRegistry,
            Acr,
            Ecr,
            GitLab,
            Localhost,
            Other,
            Open,
            RedHat,
            Quay,
            DockerHub,
        ])],
        causes: &[(PermissionDenied, Possible)],
        source: "distribution registry/api/errcode, DENIED",
    },
];
