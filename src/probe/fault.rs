//! What stands in the way, and what to ask whom.

use crate::registry::Blocked;

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
    /// This proxy itself is out of reach.
    ProxyOutOfReach(String),
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
    /// The host shows a certificate that it signed itself, and this machine does not know it.
    SelfSigned {
        /// The host.
        host: String,
        /// Whose the certificate says it is.
        subject: String,
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
    /// The registry sends us on to this host, for a token or for content, and no connection to it comes about.
    OtherHost(String),
    /// The host that the registry sends us on to for content refuses to give it out.
    Storage {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// What this host gives out is a page, or something else that no registry gives out.
    Page(String),
    /// What this host gives out is not what the digest or the type promises.
    Damaged {
        /// The host.
        host: String,
        /// The image.
        image: String,
    },
    /// The connection to this host breaks off before everything has arrived.
    Truncated(String),
    /// The image is there, and a part of it is not.
    Incomplete {
        /// The image.
        image: String,
        /// The part: a manifest, the config or a layer.
        part: &'static str,
    },
    /// The image is stored in the retired Docker schema 1 format.
    Schema1(String),
    /// What the reference names is no image that runs.
    NoImage(String),
    /// The image has nothing for the node's platform.
    Platform {
        /// The image.
        image: String,
        /// The platform of the node.
        platform: String,
    },
    /// A file of the nodes forbids to ask this registry.
    Blocked(Blocked),
    /// The files of the nodes name no host that may be asked.
    NoHost,
}

impl Fault {
    /// On whose side the fault is, and what to do.
    #[must_use]
    #[allow(
        clippy::too_many_lines,
        reason = "a table: each fault with its sentence"
    )]
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
            Self::ProxyOutOfReach(proxy) => format!(
                "The fault is on the side of the proxy: {proxy} is out of reach or does not speak as a proxy does. Check its address in \
                 HTTPS_PROXY and HTTP_PROXY; then ask its owner whether it is up."
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
            Self::SelfSigned { host, subject } => format!(
                "{host} shows a certificate that it signed itself (\"{subject}\"), which nobody here knows. If it is your own registry, save the \
                 certificate as a PEM file, put it on the nodes as a trusted authority, and try --ca-file FILE here; if {host} is a public \
                 registry, a proxy in between signs in its place."
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
            Self::OtherHost(host) => format!(
                "The registry answers, and sends us on to {host}, which is out of reach. Ask the network's owner to allow that host too, on the \
                 same port."
            ),
            Self::Storage { host, status } => format!(
                "The registry answers, and sends us on to {host}, which refuses to give the content out: status {status}. The fault is on the \
                 side of the storage behind the registry, or of a filter before it. Ask who runs the registry; then the network's owner."
            ),
            Self::Page(host) => format!(
                "Something answers in the registry's place: what {host} gives out is no manifest and no content of an image. That is mostly the \
                 page of a login portal or of a proxy in between. Ask the network's owner to let {host} through untouched; then check the \
                 host and port."
            ),
            Self::Damaged { host, image } => format!(
                "The way is clear, and the fault is on the registry's side: what {host} gives out for {image} is not what it promises, and no \
                 node takes it. Push the image again; if a mirror or cache stands in between, ask its owner to drop what it holds."
            ),
            Self::Truncated(host) => format!(
                "The connection to {host} breaks off before everything has arrived. Try again; then ask who runs the proxy, the firewall or the \
                 registry for a limit on time or size."
            ),
            Self::Incomplete { image, part } => format!(
                "The way is clear, and the fault is on the registry's side: {image} is there, and its {part} is not. Push the image again, and \
                 ask who runs the registry whether a clean-up removes what is in use."
            ),
            Self::Schema1(image) => format!(
                "The way is clear, and {image} is stored in the retired Docker schema 1 format, which nodes no longer pull. Pull it with an old \
                 client and push it again with a current one, or build it anew."
            ),
            Self::NoImage(image) => format!(
                "The way is clear, and {image} is no image that runs: a chart, a signature, a build cache or the like. Check its name and tag."
            ),
            Self::Platform { image, platform } => format!(
                "The way is clear, and {image} has nothing for {platform}. Build it for that platform too, or run it on other nodes; if the \
                 nodes are of another platform than this machine, say so: --platform OS/ARCH."
            ),
            Self::Blocked(blocked) => format!(
                "No node asks: {blocked}. Ask who sets up the nodes whether that is meant; if so, take the image from another registry."
            ),
            Self::NoHost => "No host is asked: by their capabilities, the hosts that the files name give out no tag or no content. Ask who sets \
                 up the nodes for `capabilities = [\"pull\", \"resolve\"]` of one."
                .to_owned(),
        }
    }
}
