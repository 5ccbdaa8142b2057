//! The way to the registry: names, connections, certificates, proxies, limits.

use super::Pattern;
use crate::event::class::Class::{
    BlobBackendError, DnsFailure, HttpRegistry, LocalImageNotPushed, PullTimeout, RateLimit,
    RedirectTargetUnreachable, Registry5xx, RegistryCorrupt, TlsInterceptingProxy, TlsUnknownCa,
    TruncatedDownload,
};
use crate::event::class::Confidence::{Likely, Possible, Sure};
use crate::event::family::Family;
use crate::event::pattern::When;

/// A name that could not be resolved.
const NO_NAME: &str = r"no such host|server misbehaving|dial tcp: lookup|Temporary failure in name resolution|could not resolve (host|'|proxy)|Name or service not known|nodename nor servname|lookup \S+ on \S+:53|lookup \S+: (i/o|no |Temp|Try again|getaddrinfow)|server can't find|NXDOMAIN|SERVFAIL|no DNS servers";
/// No connection came about.
const NO_CONNECTION: &str = r"dial (tcp|udp)[46]? (\[[0-9a-z:%#.]+\]|[0-9.#]+):[0-9#]+: |connect: (connection refused|no route to host|network is unreachable|host is unreachable|host is down|connection timed out|operation timed out|cannot assign|permission denied|invalid argument)|connectex: |actively refused|unable to connect to|couldn't connect to server|failed to connect to|RegistryUnavailable|registry is unavailable|Could not reach any registry endpoint|Network timed out while trying to connect|no healthy upstream|(connect|write|sendto): operation not permitted";
/// A connection that did not get as far as an answer.
const NO_ANSWER: &str = r"Client\.Timeout( or context cancellation)? exceeded|request canceled while waiting for connection|TLS handshake timeout|timeout awaiting response headers|net/http: timeout|net/http: request canceled \(|(do request|Get|Head|Post|read tcp|handshake|pinging).*(connection reset by peer|wsarecv|i/o timeout|forcibly closed|broken pipe)|Connection reset by peer|: read: (connection|operation) timed out|Request Timeout|\bETIMEDOUT\b|\bECONNRESET\b|\bECONNREFUSED\b";
/// A certificate of an authority that is not trusted.
const UNKNOWN_AUTHORITY: &str = r#"certificate signed by unknown authority|self[- ]signed certificate|SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|unable to get (local )?issuer|unable to verify the first certificate|certificate [^:]{0,60}is not trusted|tls: unknown (ca|certificate authority)\b|alert unknown ca|not standards compliant|certificate verify failed|failed to verify certificate: x509: "|SEC_ERROR_UNKNOWN_ISSUER|UnknownIssuer|issued by an authority"#;
/// A certificate that is not made for the name, or not for now.
const WRONG_CERTIFICATE: &str = r"x509: certificate is (not )?valid for|certificate is not valid for any names|doesn't contain any IP SANs|legacy Common Name|certificate has expired|is not yet valid|certificate (has )?expired|CERT_HAS_EXPIRED|ERR_CERT|not authorized to sign (for this name|other certificates)|certificate is not authorized|issuer name does not match|cannot validate certificate";

/// The rows.
pub(super) const ROWS: &[Pattern] = &[
    Pattern {
        text: r"toomanyrequests|too many requests|429 Too Many|(status|code|http|registry|request to \S+|https?://\S+)[:= ]{1,2}\(?429\b|status[^|]{0,400}: 429\b|pull rate limit|rate[ -]?limit|rate exceeded|quota exceeded for quota|exceeded quota|RESOURCE_EXHAUSTED|RATE_LIMIT",
        when: &[],
        causes: &[(RateLimit, Sure)],
        source: "HTTP 429; docs.docker.com/docker-hub/usage/pulls; cloud.google.com/artifact-registry/quotas",
    },
    Pattern {
        text: r"lookup (kind|ko|dev)\.local\b",
        when: &[],
        causes: &[(LocalImageNotPushed, Sure)],
        source: "kind.local, ko.local and dev.local mark what ko and Knative built for a local cluster",
    },
    Pattern {
        text: NO_NAME,
        when: &[When::Elsewhere],
        causes: &[
            (DnsFailure, Likely),
            (RedirectTargetUnreachable, Likely),
            (TlsInterceptingProxy, Possible),
        ],
        source: "Go net.DNSError; the name that could not be resolved is not the registry's",
    },
    Pattern {
        text: NO_NAME,
        when: &[When::SameHost],
        causes: &[(DnsFailure, Sure), (RedirectTargetUnreachable, Possible)],
        source: "Go net.DNSError; getaddrinfo(3)",
    },
    Pattern {
        text: r"proxyconnect|Proxy Authentication Required|(status|code|http)[:= ]{1,2}407\b|status[^|]{0,400}: 407\b|proxy (error|refused|server)|via proxy|through proxy|(Head|Get|Post) .?https?://[^ ]+: (Forbidden|Service Unavailable|Bad Gateway|Moved Permanently|Found|Access Denied|Bad Request|Gateway Time-?out|URLBlocked|Blocked|Tunnel|authenticationrequired|Proxy|Temporary Redirect|Internal Server Error|Unknown Host|Host Not Found|DNS)\b|(Head|Get|Post) .?https?:[^ ]+: (?-i:[A-Z][a-z]+[A-Za-z]*( [A-Z][a-z]+){0,3})\s*$|: AuthorizedOnly",
        when: &[],
        causes: &[
            (TlsInterceptingProxy, Likely),
            (RedirectTargetUnreachable, Likely),
        ],
        source: "Go net/http Transport: proxyconnect, and the bare words of a proxy that refuses to connect",
    },
    Pattern {
        text: r"gave HTTP response to HTTPS client|first record does not look like a TLS handshake|oversized record received|HTTP request to an HTTPS server|wrong version number|packet length too long|malformed HTTP response|malformed HTTP status code|plain HTTP request was sent to HTTPS",
        when: &[When::Public],
        causes: &[
            (TlsInterceptingProxy, Likely),
            (HttpRegistry, Likely),
            (RedirectTargetUnreachable, Possible),
        ],
        source: "Go net/http and crypto/tls; a public registry speaks TLS, so something in between has answered",
    },
    Pattern {
        text: r"gave HTTP response to HTTPS client|first record does not look like a TLS handshake|oversized record received|HTTP request to an HTTPS server|wrong version number|packet length too long|malformed HTTP response|malformed HTTP status code|plain HTTP request was sent to HTTPS",
        when: &[],
        causes: &[(HttpRegistry, Likely), (TlsInterceptingProxy, Possible)],
        source: "Go net/http and crypto/tls",
    },
    Pattern {
        text: UNKNOWN_AUTHORITY,
        when: &[When::Public],
        causes: &[(TlsInterceptingProxy, Likely), (TlsUnknownCa, Likely)],
        source: "Go crypto/x509, UnknownAuthorityError; a public registry's authority is known everywhere",
    },
    Pattern {
        text: UNKNOWN_AUTHORITY,
        when: &[],
        causes: &[(TlsUnknownCa, Likely), (TlsInterceptingProxy, Possible)],
        source: "Go crypto/x509, UnknownAuthorityError",
    },
    Pattern {
        text: r"x509: certificate is (not )?valid for|certificate is not valid for any names",
        when: &[When::Public],
        causes: &[(TlsInterceptingProxy, Likely), (TlsUnknownCa, Possible)],
        source: "Go crypto/x509, HostnameError: a public registry's certificate names it, so something else has answered",
    },
    Pattern {
        text: WRONG_CERTIFICATE,
        when: &[],
        causes: &[(TlsUnknownCa, Likely), (TlsInterceptingProxy, Possible)],
        source: "Go crypto/x509, HostnameError and CertificateInvalidError",
    },
    Pattern {
        text: r"x509: |remote error: tls|tls: (handshake failure|bad certificate|internal error|protocol version|unrecognized name|server selected|unsupported|bad record)|tls: failed to verify|SSL routines|SSL_ERROR|SSL certificate|error setting certificate",
        when: &[],
        causes: &[(TlsUnknownCa, Possible), (TlsInterceptingProxy, Possible)],
        source: "Go crypto/tls alerts",
    },
    Pattern {
        text: r"(<html|doctype|text/html|x509|certificate|blocked|denied|body|looking for beginning).*(zscaler|fortinet|fortigate|fortiguard|forcepoint|netskope|blue ?coat|symantec|mcafee|sophos|palo alto|cisco umbrella|squid|websense|web ?filter|captive portal|ironport)|access control configuration prevents|ERR_ACCESS_DENIED|ERR_CANNOT_FORWARD|sign in to the network|Blocked by (your|the|company|policy|admin|network)|blocked by (your|the|company|policy|admin|network)|URL (was |is |has been )?blocked|(page|site|website|url) (is |was |has been )?blocked",
        when: &[],
        causes: &[(TlsInterceptingProxy, Likely)],
        source: "the names of products that stand in between, and the pages they show",
    },
    Pattern {
        text: NO_CONNECTION,
        when: &[When::LocalName],
        causes: &[
            (LocalImageNotPushed, Likely),
            (RedirectTargetUnreachable, Likely),
        ],
        source: "Podman and Buildah name local images localhost/NAME",
    },
    Pattern {
        text: NO_CONNECTION,
        when: &[When::From(&[Family::Localhost])],
        causes: &[
            (LocalImageNotPushed, Likely),
            (RedirectTargetUnreachable, Likely),
            (HttpRegistry, Possible),
        ],
        source: "localhost is the node itself, not the machine that built the image",
    },
    Pattern {
        text: NO_CONNECTION,
        when: &[],
        causes: &[
            (RedirectTargetUnreachable, Likely),
            (PullTimeout, Possible),
            (TlsInterceptingProxy, Possible),
        ],
        source: "Go net.OpError; CRI-O server/image_pull.go",
    },
    Pattern {
        text: r"(Get|Head) .?https?://\S+/(manifests/\S+|v2/?\S?|token\S*): read tcp",
        when: &[],
        causes: &[
            (RedirectTargetUnreachable, Likely),
            (TruncatedDownload, Possible),
        ],
        source: "Go net/http: there was a connection, and no answer came of it",
    },
    Pattern {
        text: r"(failed to copy|httpReadSeeker|writing blob|reading blob|copying (config|blob)|layer-sha256).*(connection reset by peer|: EOF\b|i/o timeout|forcibly closed|connection timed out)|read tcp .*(i/o timeout|connection timed out|connection reset|operation timed out)",
        when: &[When::SameHost],
        causes: &[
            (TruncatedDownload, Likely),
            (RedirectTargetUnreachable, Possible),
        ],
        source: "containerd core/remotes/docker/httpreadseeker.go: the connection broke while content was read",
    },
    Pattern {
        text: r"(failed to copy|httpReadSeeker).*read: connection reset by peer",
        when: &[When::Elsewhere],
        causes: &[
            (RedirectTargetUnreachable, Likely),
            (TruncatedDownload, Possible),
        ],
        source: "containerd core/remotes/docker/httpreadseeker.go: the host of the content was reached, and hung up",
    },
    Pattern {
        text: NO_ANSWER,
        when: &[],
        causes: &[
            (RedirectTargetUnreachable, Likely),
            (PullTimeout, Possible),
            (TlsInterceptingProxy, Possible),
        ],
        source: "Go net/http: connected or not, no answer came",
    },
    Pattern {
        text: r"(failed to do request|do request): (Head|Get|Post) .?https?://\S*$|dialing \S+ container via",
        when: &[],
        causes: &[
            (RedirectTargetUnreachable, Likely),
            (TlsInterceptingProxy, Possible),
            (DnsFailure, Possible),
        ],
        source: "a message cut off behind the address: the request got no answer",
    },
    Pattern {
        text: r"(Get|Head|Post|do request|pinging).*: (unexpected )?EOF\b",
        when: &[],
        causes: &[
            (RedirectTargetUnreachable, Likely),
            (Registry5xx, Likely),
            (TruncatedDownload, Possible),
        ],
        source: "Go net/http: the server, or something in between, closed the connection",
    },
    Pattern {
        text: r"Failed to start Download and install k8s binaries",
        when: &[],
        causes: &[(RedirectTargetUnreachable, Likely), (DnsFailure, Possible)],
        source: "GKE, Troubleshoot image pulls: the node's firewall blocks the host of its own programs",
    },
    Pattern {
        text: r"(status|code|http|error|response|responded with|request to \S+|https?://\S+|\])[:=]{0,2} ?\(?50[234]\b|status[^|]{0,400}: 50[234]\b|registry 50[234]\b|50[234] (Bad Gateway|Service (Temporarily )?Unavailable|Gateway Time-?out)",
        when: &[],
        causes: &[(Registry5xx, Likely), (TlsInterceptingProxy, Possible)],
        source: "RFC 9110, section 15.6",
    },
    Pattern {
        text: r"(status|code|http|response|responded with|request to \S+|https?://\S+|\])[:=]{0,2} ?\(?(50[01]|52[0-6]|530)\b|status[^|]{0,400}: (50[01]|52[0-6]|530)\b|registry 50[01]\b|500 Internal Server Error",
        when: &[],
        causes: &[
            (Registry5xx, Likely),
            (BlobBackendError, Possible),
            (RegistryCorrupt, Possible),
        ],
        source: "RFC 9110, section 15.6; Cloudflare, 5xx errors",
    },
    Pattern {
        text: r"internal server error|bad gateway|service (is )?(temporarily |currently )?unavailable|gateway time-?out|unknown: unknown error|unknown error|temporarily overloaded|server error|INTERNAL_ERROR\b|(?-i:\bUNAVAILABLE\b)|backend fetch failed|upstream connect error|under maintenance|read-only mode|registry is down",
        when: &[],
        causes: &[(Registry5xx, Likely)],
        source: "RFC 9110, section 15.6; distribution registry/api/errcode; Envoy's and Varnish's own words",
    },
    Pattern {
        text: r"\btime-?d? ?out\b",
        when: &[],
        causes: &[
            (RedirectTargetUnreachable, Possible),
            (PullTimeout, Possible),
        ],
        source: "whoever waited, and for whatever",
    },
];
