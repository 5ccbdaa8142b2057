//! What stands in the way, whose side it is on, and what to ask whom.

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The name of this host does not resolve.
    Name(String),
    /// No address of this host takes a connection; the flag says whether they stayed silent, as behind a firewall.
    Connection {
        /// The host.
        host: String,
        /// Whether there was no answer at all.
        silent: bool,
    },
    /// The proxy does not let us through to this host.
    Proxy(String),
    /// The host speaks plain HTTP.
    PlainHttp(String),
    /// The handshake with this host failed.
    Handshake(String),
    /// The certificate of this host is out of date.
    CertificateDates(String),
    /// The certificate of this host is for other names.
    CertificateName(String),
    /// This machine does not know who signed the certificate of the host.
    CertificateIssuer {
        /// The host.
        host: String,
        /// Who signed it.
        issuer: String,
    },
    /// The host does not answer HTTP in time, or breaks off.
    Answer(String),
    /// What answers is no registry, or one that fails.
    Registry {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// The registry does not take the credentials for this image, or wants some and there are none.
    Credentials {
        /// The image.
        image: String,
        /// Where the credentials come from; none where nobody asked.
        origin: Option<String>,
    },
    /// The image may not be read.
    Forbidden {
        /// The image.
        image: String,
        /// Where the credentials come from; none where nobody asked.
        origin: Option<String>,
    },
    /// There is no such image.
    NotFound(String),
    /// The registry limits how much may be pulled.
    RateLimit(String),
    /// The registry redirects to this second host, which is out of reach.
    Redirect(String),
}

impl Fault {
    /// On whose side the fault is, and what to do.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Name(host) => format!(
                "The fault is on the side of name resolution: {host} does not resolve here. Ask who runs the resolver (in a cluster: \
                 CoreDNS or kube-dns, Cloud DNS, the node's /etc/resolv.conf) whether it knows the name and may forward it."
            ),
            Self::Connection { host, silent: true } => format!(
                "The fault is on the way: {host} resolves, and nothing answers. A firewall or a missing route drops the packets. Ask the \
                 network's owner to allow outgoing TCP to it: through NAT, a private endpoint, or Private Google Access."
            ),
            Self::Connection {
                host,
                silent: false,
            } => format!(
                "The fault is at the far end: {host} resolves, and refuses the connection or can't be routed to. Check the port; then ask who \
                 runs the registry whether it is up."
            ),
            Self::Proxy(host) => format!(
                "The fault is on the side of the proxy: it does not let us through to {host}. Ask its owner to allow the host, or name it in \
                 NO_PROXY on the nodes."
            ),
            Self::PlainHttp(host) => format!(
                "{host} speaks plain HTTP. Give it a certificate; or allow it: --plain-http {host} here, and hosts.toml on the nodes."
            ),
            Self::Handshake(host) => format!(
                "The TLS handshake with {host} fails. Something in between may cut it, or it wants a newer version or a client certificate. Ask \
                 who runs the registry or the firewall."
            ),
            Self::CertificateDates(host) => format!(
                "The certificate of {host} is out of date, or this machine's clock is wrong. Ask who runs the registry for a new certificate."
            ),
            Self::CertificateName(host) => format!(
                "The certificate is not for {host}. Check the host's name; then ask who runs the registry, or the proxy in front of it."
            ),
            Self::CertificateIssuer { host, issuer } => format!(
                "Nobody here knows \"{issuer}\", which signed the certificate of {host}. If it is your own authority, put it on the nodes (and try \
                 --ca-file FILE here); if {host} is a public registry, a proxy in between signs in its place."
            ),
            Self::Answer(host) => format!(
                "{host} takes connections but does not answer in time, or breaks off. Try again; then ask who runs the registry or the proxy."
            ),
            Self::Registry { host, status } if *status >= 500 => {
                format!(
                    "The fault is on the registry's side: {host} fails with {status}. Look at its status page, or ask who runs it."
                )
            }
            Self::Registry { host, status } => format!(
                "What answers at {host} is no registry, or does not let us in: status {status} at /v2/. Check the host and port."
            ),
            Self::Credentials {
                image,
                origin: None,
            } => format!(
                "The way is clear, and {image} is not public: it needs credentials, and none were found. Log in, or give --pull-secret FILE; \
                 whether a pull secret fits: oci-preflight lint --image {image} --pull-secret FILE."
            ),
            Self::Credentials {
                image,
                origin: Some(origin),
            } => format!(
                "The way is clear, and the registry does not take the credentials from {origin} for {image}. They are wrong or have expired: \
                 log in again, or ask the image's owner."
            ),
            Self::Forbidden { image, origin } => format!(
                "The way is clear, and the registry does not let {} read {image}. Ask its owner for the role of a reader, or whether it \
                 allows this network.",
                origin.as_ref().map_or_else(
                    || "anybody without credentials".to_owned(),
                    |origin| format!("the credentials from {origin}")
                )
            ),
            Self::NotFound(image) => {
                format!(
                    "The way is clear, and there is no {image}. Check its name and tag: oci-preflight lint --image {image}."
                )
            }
            Self::RateLimit(host) => format!(
                "The way is clear, and {host} limits how much may be pulled. Log in, wait, or put a mirror in front of it."
            ),
            Self::Redirect(host) => format!(
                "The registry answers, and redirects layers to {host}, which is out of reach. Ask the network's owner to allow that host too, on \
                 the same port."
            ),
        }
    }
}
