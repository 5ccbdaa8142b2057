//! The way to the registry: names, connections, certificates, proxies, limits.

use super::Pattern;
use crate::event::class::Class::{
    DnsFailure, HttpRegistry, LocalImageNotPushed, PullTimeout, RateLimit,
    RedirectTargetUnreachable, Registry5xx, RegistryUnreachable, TlsCertificateInvalid,
    TlsInterceptingProxy, TlsUnknownCa, TruncatedDownload,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::family::Family;
use crate::event::pattern::When;

/// No connection came about.
const NO_CONNECTION: &str = r"dial tcp (\[[0-9a-f:]+\]|[0-9.]+):\d+: |connect: (connection refused|no route to host|network is unreachable|connection timed out|cannot assign|permission denied)|actively refused|RegistryUnavailable|registry is unavailable|Could not reach any registry endpoint";
/// A connection that did not get as far as an answer.
const NO_ANSWER: &str = r"Client\.Timeout( or context cancellation)? exceeded|request canceled while waiting for connection|TLS handshake timeout|timeout awaiting response headers|net/http: request canceled|(do request|Get|Head|read tcp|handshake).*(connection reset by peer|: EOF\b|wsarecv|i/o timeout)|Connection reset by peer";

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"toomanyrequests|too many requests|429 Too Many|(status|code|http)[:= ]{1,2}429\b|: 429\b|pull rate limit|rate limit|rate exceeded|quota exceeded for quota|RESOURCE_EXHAUSTED",
        when: &[],
        causes: &[(RateLimit, Sure)],
        source: "HTTP 429; docs.docker.com/docker-hub/usage/pulls",
    },
    Pattern {
        text: r"no such host|server misbehaving|dial tcp: lookup",
        when: &[When::LocalName],
        causes: &[(LocalImageNotPushed, Sure)],
        source: "kind.local, ko.local and dev.local mark what ko and Knative built for a local cluster",
    },
    Pattern {
        text: r"no such host|server misbehaving|dial tcp: lookup|Temporary failure in name resolution|could not resolve host|Name or service not known|lookup \S+ on \S+:53|lookup \S+: (i/o|no|Temp)|server can't find",
        when: &[],
        causes: &[(DnsFailure, Sure)],
        source: "Go net.DNSError; getaddrinfo(3)",
    },
    Pattern {
        text: r"no such host|server misbehaving|dial tcp: lookup|lookup \S+ on ",
        when: &[When::Elsewhere],
        causes: &[(RedirectTargetUnreachable, Likely)],
        source: "the name that could not be resolved is not the registry's",
    },
    Pattern {
        text: r"gave HTTP response to HTTPS client|first record does not look like a TLS handshake|oversized record received|HTTP request to an HTTPS server|wrong version number|malformed HTTP response",
        when: &[],
        causes: &[(HttpRegistry, Sure)],
        source: "Go net/http and crypto/tls",
    },
    Pattern {
        text: r"x509: certificate signed by unknown authority|self[- ]signed certificate|unable to get local issuer|unable to verify the first certificate|certificate is not trusted|unknown ca\b|not standards compliant",
        when: &[When::Public],
        causes: &[(TlsInterceptingProxy, Likely), (TlsUnknownCa, Likely)],
        source: "Go crypto/x509, UnknownAuthorityError; a public registry's authority is known everywhere",
    },
    Pattern {
        text: r"x509: certificate signed by unknown authority|self[- ]signed certificate|unable to get local issuer|unable to verify the first certificate|certificate is not trusted|unknown ca\b|not standards compliant",
        when: &[],
        causes: &[(TlsUnknownCa, Likely), (TlsInterceptingProxy, Possible)],
        source: "Go crypto/x509, UnknownAuthorityError",
    },
    Pattern {
        text: r"x509: certificate is valid for|certificate is not valid for any names",
        when: &[When::Public],
        causes: &[(TlsInterceptingProxy, Sure)],
        source: "Go crypto/x509, HostnameError: a public registry's certificate names it, so something else has answered",
    },
    Pattern {
        text: r"x509: certificate is (not )?valid for|certificate is not valid for any names|doesn't contain any IP SANs|legacy Common Name|certificate has expired|is not yet valid|certificate (verify failed|expired)|ERR_CERT",
        when: &[],
        causes: &[(TlsCertificateInvalid, Sure)],
        source: "Go crypto/x509, HostnameError and CertificateInvalidError",
    },
    Pattern {
        text: r"x509: certificate is (not )?valid for|certificate is not valid for any names|certificate has expired|is not yet valid",
        when: &[When::Public],
        causes: &[(TlsInterceptingProxy, Likely)],
        source: "a public registry's certificate names it; another one means something in between",
    },
    Pattern {
        text: r"x509: |remote error: tls|tls: (handshake failure|bad certificate|internal error|protocol version|unrecognized name)|tls: failed to verify",
        when: &[],
        causes: &[
            (TlsCertificateInvalid, Possible),
            (TlsInterceptingProxy, Possible),
            (TlsUnknownCa, Possible),
        ],
        source: "Go crypto/tls alerts",
    },
    Pattern {
        text: r"proxyconnect|Proxy Authentication Required|\b407 |proxy (error|refused)",
        when: &[],
        causes: &[
            (RegistryUnreachable, Likely),
            (TlsInterceptingProxy, Possible),
        ],
        source: "Go net/http Transport, proxyconnect",
    },
    Pattern {
        text: r#"(Head|Get|Post) "?https?://[^ "]+"?: (Forbidden|Service Unavailable|Bad Gateway|Moved Permanently|Found|Access Denied)\b"#,
        when: &[],
        causes: &[
            (TlsInterceptingProxy, Likely),
            (RegistryUnreachable, Likely),
        ],
        source: "Go net/http Transport: the bare words of a proxy that refuses to connect",
    },
    Pattern {
        text: r"Blocked by|blocked by (your|the|company|policy)|URL (was )?blocked|web ?filter|captive portal|zscaler|fortinet|fortigate|forcepoint|netskope|bluecoat",
        when: &[],
        causes: &[(TlsInterceptingProxy, Likely)],
        source: "the names of products that stand in between",
    },
    Pattern {
        text: NO_CONNECTION,
        when: &[When::Elsewhere],
        causes: &[
            (RedirectTargetUnreachable, Likely),
            (RegistryUnreachable, Possible),
        ],
        source: "Go net.OpError; the host is not the one that the image names",
    },
    Pattern {
        text: NO_ANSWER,
        when: &[When::Elsewhere],
        causes: &[(RedirectTargetUnreachable, Likely)],
        source: "Go net/http; the host is not the one that the image names",
    },
    Pattern {
        text: NO_CONNECTION,
        when: &[When::LocalName],
        causes: &[(LocalImageNotPushed, Likely), (RegistryUnreachable, Likely)],
        source: "Podman and Buildah name local images localhost/NAME",
    },
    Pattern {
        text: NO_CONNECTION,
        when: &[When::From(&[Family::Localhost])],
        causes: &[(RegistryUnreachable, Likely), (LocalImageNotPushed, Likely)],
        source: "localhost is the node itself, not the machine that built the image",
    },
    Pattern {
        text: NO_CONNECTION,
        when: &[],
        causes: &[(RegistryUnreachable, Likely), (PullTimeout, Possible)],
        source: "Go net.OpError; CRI-O server/image_pull.go",
    },
    Pattern {
        text: NO_ANSWER,
        when: &[],
        causes: &[(RegistryUnreachable, Likely), (PullTimeout, Likely)],
        source: "Go net/http",
    },
    Pattern {
        text: r"(Get|Head|do request).*: EOF\b",
        when: &[],
        causes: &[(TruncatedDownload, Possible), (Registry5xx, Possible)],
        source: "Go net/http: the server, or something in between, closed the connection",
    },
    Pattern {
        text: r"(unexpected status|status code|HTTP status|StatusCode|responded with|received).*[ :\]](500|501|502|503|504|520|521|522|523|524|525|526|530)\b|(500 Internal Server Error|502 Bad Gateway|503 Service (Temporarily )?Unavailable|504 Gateway Time-?out)",
        when: &[],
        causes: &[(Registry5xx, Sure)],
        source: "RFC 9110, section 15.6",
    },
    Pattern {
        text: r"internal server error|bad gateway|service (temporarily )?unavailable|gateway time-?out|unknown: unknown error|temporarily overloaded|server error",
        when: &[],
        causes: &[(Registry5xx, Likely)],
        source: "RFC 9110, section 15.6; distribution registry/api/errcode",
    },
];
