//! Requests as values: built without being sent.

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, Url};

use super::challenge::Bearer;
use super::link_local::is_link_local;
use super::setback::{Setback, failure};
use crate::facts::{FailureReason, Missing};
use crate::oci::{Digest, MAX_MANIFEST_BYTES, media_type};

/// The most bytes that an answer of a token service may have. Tokens of several kilobytes are common.
const MAX_TOKEN_BYTES: usize = 1024 * 1024;

/// No limit: the answer to a `HEAD` has no body, however large it says that the blob is.
const ANY_BYTES: usize = usize::MAX / 2;

/// The most bytes of an answer to a question for a layer that is not left to be read as it comes: it is none.
const MAX_UNREAD_BYTES: usize = 64 * 1024;

/// The most bytes of a page of a list of tags: a thousand tags of full length, with room for what some registries say of each,
/// and for those that give out all at once.
const MAX_TAGS_BYTES: usize = 4 * 1024 * 1024;

/// Where the API of a registry begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// `host` or `host:port`.
    pub authority: String,
    /// Where the API begins there: `/v2`, but for odd mirrors.
    pub path: String,
    /// The registry that the host answers for, where it is not the registry itself.
    pub namespace: Option<String>,
}

impl Endpoint {
    pub fn url(&self, path: &str) -> Result<Url, Setback> {
        self.address(&format!("{}/{path}", self.path))
    }

    /// The address of a path that begins with a slash and may have a query, whether it is of the API or not.
    fn address(&self, path: &str) -> Result<Url, Setback> {
        let scheme = if self.tls { "https" } else { "http" };
        let whole = format!("{scheme}://{}{path}", self.authority);
        let mut url = Url::parse(&whole).map_err(|error| {
            let words = format!("{} is no usable host: {error}", self.authority);
            Setback::from(failure(FailureReason::Dns, &words))
        })?;
        let is_told = url.query_pairs().any(|(name, _)| name == "ns");
        if let Some(namespace) = self.namespace.as_ref().filter(|_| !is_told) {
            url.query_pairs_mut().append_pair("ns", namespace);
        }
        Ok(url)
    }
}

/// One HTTP request without its `Authorization`.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub method: Method,
    pub url: Url,
    /// What `Accept` says; nothing is said where it is empty.
    pub accept: &'static str,
    /// The form that is posted.
    pub form: Option<String>,
    /// The client with the host's own trust, where it has one.
    pub client: Option<Client>,
    /// What the host is sent besides. A redirect takes none of it to another host.
    pub headers: HeaderMap,
    /// What a good answer is, for messages.
    pub what: &'static str,
    /// The most bytes that a good answer may have.
    pub limit: usize,
    /// Whether nodes take no more either, so that an answer that says to have more is of no use to them.
    pub limits_nodes: bool,
    /// From which byte on the body of a good answer is wanted, where it is left to be read while it comes.
    pub stream_from: Option<u64>,
}

/// A question to a registry. The request follows from it and the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question<'a> {
    /// The manifest under a tag or digest.
    Manifest {
        repository: &'a str,
        tag_or_digest: &'a str,
    },
    /// Whether there is a manifest, and with which digest. A registry that counts pulls does not count this one.
    ManifestHead {
        repository: &'a str,
        tag_or_digest: &'a str,
    },
    /// A blob of at most `limit` bytes.
    Blob {
        repository: &'a str,
        digest: &'a Digest,
        limit: usize,
    },
    /// Whether there is a blob, and of which size.
    BlobHead {
        repository: &'a str,
        digest: &'a Digest,
    },
    /// A blob of any size from that byte on, to be read while it comes.
    Layer {
        repository: &'a str,
        digest: &'a Digest,
        from: u64,
    },
    /// A page of the list of tags: the first thousand, or what is at a path and query that the registry named.
    Tags {
        repository: &'a str,
        page: Option<&'a str>,
    },
}

impl<'a> Question<'a> {
    /// The same question about another repository.
    pub fn about(&self, repository: &'a str) -> Self {
        let mut question = self.clone();
        match &mut question {
            Self::Manifest {
                repository: own, ..
            }
            | Self::ManifestHead {
                repository: own, ..
            }
            | Self::Blob {
                repository: own, ..
            }
            | Self::BlobHead {
                repository: own, ..
            }
            | Self::Layer {
                repository: own, ..
            }
            | Self::Tags {
                repository: own, ..
            } => *own = repository,
        }
        question
    }

    /// The repository it is about.
    pub const fn repository(&self) -> &str {
        match self {
            Self::Manifest { repository, .. }
            | Self::ManifestHead { repository, .. }
            | Self::Blob { repository, .. }
            | Self::BlobHead { repository, .. }
            | Self::Layer { repository, .. }
            | Self::Tags { repository, .. } => repository,
        }
    }

    /// Whether it asks what a tag stands for, and so needs a host that may say that.
    pub fn resolves(&self) -> bool {
        match self {
            Self::Manifest { tag_or_digest, .. } | Self::ManifestHead { tag_or_digest, .. } => {
                !tag_or_digest.contains(':')
            }
            Self::Tags { .. } => true,
            Self::Blob { .. } | Self::BlobHead { .. } | Self::Layer { .. } => false,
        }
    }

    /// What is missing where the answer is a "not found" that does not say.
    pub const fn missing(&self) -> Missing {
        match self {
            Self::Manifest { .. } | Self::ManifestHead { .. } | Self::Tags { .. } => {
                Missing::Unsaid
            }
            Self::Blob { .. } | Self::BlobHead { .. } | Self::Layer { .. } => Missing::Blob,
        }
    }

    /// The request (OCI distribution-spec, "Pulling manifests", "Pulling blobs" and "Listing Tags").
    pub fn request(&self, endpoint: &Endpoint) -> Result<Request, Setback> {
        let (path, accept, what, limit) = match *self {
            Self::Manifest {
                repository,
                tag_or_digest,
            }
            | Self::ManifestHead {
                repository,
                tag_or_digest,
            } => (
                format!("{repository}/manifests/{tag_or_digest}"),
                media_type::ACCEPT,
                "manifest",
                MAX_MANIFEST_BYTES,
            ),
            Self::Blob {
                repository,
                digest,
                limit,
            } => (format!("{repository}/blobs/{digest}"), "", "blob", limit),
            Self::BlobHead { repository, digest } => (
                format!("{repository}/blobs/{digest}"),
                "",
                "blob",
                ANY_BYTES,
            ),
            Self::Layer {
                repository, digest, ..
            } => (
                format!("{repository}/blobs/{digest}"),
                "",
                "layer",
                MAX_UNREAD_BYTES,
            ),
            Self::Tags { repository, .. } => (
                format!("{repository}/tags/list?n=1000"),
                "",
                "list of tags",
                MAX_TAGS_BYTES,
            ),
        };
        Ok(Request {
            method: match self {
                Self::ManifestHead { .. } | Self::BlobHead { .. } => Method::HEAD,
                _ => Method::GET,
            },
            url: match *self {
                Self::Tags {
                    page: Some(page), ..
                } => endpoint.address(page)?,
                _ => endpoint.url(&path)?,
            },
            accept,
            form: None,
            client: None,
            headers: HeaderMap::new(),
            what,
            limit,
            limits_nodes: matches!(self, Self::Manifest { .. }),
            stream_from: match self {
                Self::Layer { from, .. } => Some(*from),
                _ => None,
            },
        })
    }
}

/// What is asked of a token service.
#[derive(Clone, Copy)]
pub(super) enum TokenRequest<'a> {
    /// With Basic credentials or none:
    /// <https://distribution.github.io/distribution/spec/auth/token/#requesting-a-token>.
    Get,
    /// With an identity token: <https://distribution.github.io/distribution/spec/auth/oauth/>.
    Refresh { identity_token: &'a str },
}

impl TokenRequest<'_> {
    /// The request for a token that meets `bearer`. `only_tls` is for a registry that was itself asked over TLS.
    pub fn request(self, bearer: &Bearer, only_tls: bool) -> Result<Request, Setback> {
        let mut url = Url::parse(&bearer.realm)
            .ok()
            .filter(|url| {
                url.has_host() && matches!(url.scheme(), "https" | "http") && !is_link_local(url)
            })
            .ok_or_else(|| {
                Setback::malformed(&format!(
                    "the registry names a token service that is no web address: {}",
                    bearer.realm
                ))
            })?;
        if only_tls && url.scheme() != "https" {
            return Err(Setback::malformed(&format!(
                "the registry names a token service without TLS: {}",
                bearer.realm
            )));
        }
        let mut fields: Vec<(&str, &str)> = Vec::new();
        fields.extend(
            bearer
                .service
                .as_deref()
                .map(|service| ("service", service)),
        );
        let scopes = bearer.scope.as_deref().unwrap_or_default();
        let (method, form) = match self {
            Self::Get => {
                fields.extend(scopes.split_whitespace().map(|scope| ("scope", scope)));
                if !fields.is_empty() {
                    url.query_pairs_mut().extend_pairs(fields);
                }
                (Method::GET, None)
            }
            Self::Refresh { identity_token } => {
                fields.extend([
                    ("grant_type", "refresh_token"),
                    ("client_id", "oci-preflight"),
                    ("scope", scopes),
                    ("refresh_token", identity_token),
                ]);
                let mut encoded = url.clone();
                encoded.query_pairs_mut().clear().extend_pairs(fields);
                (Method::POST, encoded.query().map(ToOwned::to_owned))
            }
        };
        Ok(Request {
            method,
            url,
            accept: "",
            form,
            client: None,
            headers: HeaderMap::new(),
            what: "token",
            limit: MAX_TOKEN_BYTES,
            limits_nodes: false,
            stream_from: None,
        })
    }
}

/// A header value that is never shown, or nothing where `text` is no header value.
pub(super) fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(tls: bool, authority: &str) -> Endpoint {
        Endpoint {
            tls,
            authority: authority.to_owned(),
            path: "/v2".to_owned(),
            namespace: None,
        }
    }

    #[test]
    fn a_manifest_is_asked_for_as_containerd_asks() {
        let question = Question::Manifest {
            repository: "library/nginx",
            tag_or_digest: "1.27",
        };
        let request = question
            .request(&endpoint(true, "registry-1.docker.io"))
            .expect("a request");
        assert_eq!(
            request.url.as_str(),
            "https://registry-1.docker.io/v2/library/nginx/manifests/1.27"
        );
        assert_eq!(
            request.accept,
            "application/vnd.docker.distribution.manifest.v2+json, \
             application/vnd.docker.distribution.manifest.list.v2+json, \
             application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*"
        );
    }

    #[test]
    fn ports_and_literal_addresses_are_kept() {
        let digest = Digest::sha256_of(b"");
        let question = Question::Blob {
            repository: "a",
            digest: &digest,
            limit: 1,
        };
        for authority in ["[2001:db8::1]:5000", "localhost:5000", "127.0.0.1:80"] {
            let request = question.request(&endpoint(false, authority));
            let url = request.expect(authority).url;
            assert_eq!(url.scheme(), "http");
            assert_eq!(url.path(), format!("/v2/a/blobs/{digest}"));
        }
        assert!(question.request(&endpoint(true, "host:99999")).is_err());
    }

    fn bearer(realm: &str) -> Bearer {
        Bearer {
            realm: realm.to_owned(),
            service: Some("registry.example.com".to_owned()),
            scope: Some("repository:a/b:pull repository:c:pull".to_owned()),
        }
    }

    #[test]
    fn a_token_is_asked_for_with_service_and_each_scope() {
        let request =
            TokenRequest::Get.request(&bearer("https://auth.example.com/token?x=1"), true);
        assert_eq!(
            request.expect("a request").url.as_str(),
            "https://auth.example.com/token?x=1&service=registry.example.com\
             &scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull"
        );
    }

    #[test]
    fn an_identity_token_is_posted_and_stands_in_no_address() {
        let request = TokenRequest::Refresh {
            identity_token: "s3cret",
        }
        .request(&bearer("https://auth.example.com/token"), true)
        .expect("a request");
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.url.query(), None);
        let form = request.form.expect("a form");
        assert!(form.contains("grant_type=refresh_token"), "{form}");
        assert!(form.contains("refresh_token=s3cret"), "{form}");
    }

    #[test]
    fn a_token_service_is_a_web_address_and_no_weaker_than_the_registry() {
        for realm in [
            "file:///etc/passwd",
            "nonsense",
            "https://",
            "http://169.254.169.254/token",
        ] {
            assert!(
                TokenRequest::Get.request(&bearer(realm), false).is_err(),
                "{realm}"
            );
        }
        let plain = bearer("http://auth.example.com/token");
        assert!(TokenRequest::Get.request(&plain, true).is_err());
        assert!(TokenRequest::Get.request(&plain, false).is_ok());
    }
}
