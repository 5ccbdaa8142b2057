//! Ways in which registries misbehave, and what must be said of each: one table, in one file per family. Each row is a test of
//! its own through the real binary, and a line of the table in `docs/faults.md`.

pub mod answer;
mod authentication;
mod blobs;
mod compression;
mod connections;
mod digests;
mod documents;
mod endless;
mod heads;
mod http2;
mod kinds;
mod proxies;
mod redirects;
mod run;
pub mod server;
mod statuses;
mod table;
pub mod tls;
mod tokens;

use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use self::server::{FaultRegistry, Seen, Serve};

/// One way in which a registry misbehaves.
pub struct Fault {
    pub name: &'static str,
    /// What the registry does.
    pub about: &'static str,
    pub expected: Expected,
    /// Starts the registry.
    pub stage: fn() -> Stage,
}

/// What must be said of an image at a registry with a fault.
#[derive(Clone, Copy)]
pub struct Expected {
    pub status: &'static str,
    pub reason: Option<&'static str>,
    /// The one rule that reports something.
    pub rule: Option<&'static str>,
    /// Words that a finding must hold.
    pub words: &'static str,
}

impl Expected {
    const fn new(
        status: &'static str,
        reason: Option<&'static str>,
        rule: Option<&'static str>,
    ) -> Self {
        Self {
            status,
            reason,
            rule,
            words: "",
        }
    }

    /// Says what a finding must say, too.
    pub const fn saying(mut self, words: &'static str) -> Self {
        self.words = words;
        self
    }

    /// The exit status that follows.
    pub fn exit(self) -> i32 {
        match self.rule {
            None => 0,
            Some("undetermined-image") => 2,
            Some(_) => 1,
        }
    }
}

/// The image is there, and nothing is wrong with it.
pub const FOUND: Expected = Expected::new("found", None, None);
pub const NOT_FOUND: Expected =
    Expected::new("refused", Some("not-found"), Some("image-not-found"));
pub const UNAUTHORIZED: Expected =
    Expected::new("refused", Some("unauthorized"), Some("access-denied"));
pub const FORBIDDEN: Expected = Expected::new("refused", Some("forbidden"), Some("access-denied"));
/// Content that no node takes.
pub const DAMAGED: Expected =
    Expected::new("undetermined", Some("damaged"), Some("corrupt-manifest"));

/// The image is there, and this rule reports something about it.
pub const fn found_with(rule: &'static str) -> Expected {
    Expected::new("found", None, Some(rule))
}

/// It cannot be told whether the image is there.
pub const fn unknown(reason: &'static str) -> Expected {
    Expected::new("undetermined", Some(reason), Some("undetermined-image"))
}

/// A registry that is up, and how it is asked.
pub struct Stage {
    /// The host of the image's name.
    pub host: String,
    /// The tag or digest with its separator, such as `:1`.
    pub version: String,
    pub arguments: Vec<String>,
    pub variables: Vec<(String, String)>,
    /// The time-out of one question, in seconds. Where nothing should time out it is long, so that a busy machine does not decide.
    pub timeout: u32,
    /// Whether the binary runs a second time, with what the first run has cached.
    pub again: bool,
    /// Whether the other host is the token service, which gets the login by the protocol.
    pub logs_in_elsewhere: bool,
    pub seen: Arc<Mutex<Seen>>,
    /// Files that the run reads.
    pub folder: TempDir,
}

/// A registry over plain HTTP.
pub fn registry(serve: Serve) -> Stage {
    Stage::of(FaultRegistry::start(serve, None, "127.0.0.1"))
}

impl Stage {
    fn of(registry: FaultRegistry) -> Self {
        Self {
            host: registry.host,
            version: ":1".to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
            timeout: 30,
            again: false,
            logs_in_elsewhere: false,
            seen: registry.seen,
            folder: TempDir::new().expect("a folder"),
        }
    }

    /// For a registry that never comes to an end.
    fn impatient(mut self) -> Self {
        self.timeout = 2;
        self
    }

    /// Asks for the image at this host.
    fn at(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Trusts this authority, too.
    fn trusting(self, authority: &str) -> Self {
        let file = self.folder.path().join("ca.pem");
        std::fs::write(&file, authority).expect("the authority's file");
        self.argument(format!("--ca-file={}", file.display()))
    }

    /// Asks for this digest in place of a tag.
    fn by_digest(mut self, digest: &oci_preflight::oci::Digest) -> Self {
        self.version = format!("@{digest}");
        self
    }

    /// Asks whether config and layers are there.
    fn with_blobs(self) -> Self {
        self.variable("OCI_PREFLIGHT_VERIFY_BLOBS", "true")
    }

    fn twice(mut self) -> Self {
        self.again = true;
        self
    }

    fn logging_in_elsewhere(mut self) -> Self {
        self.logs_in_elsewhere = true;
        self
    }

    fn argument(mut self, word: impl Into<String>) -> Self {
        self.arguments.push(word.into());
        self
    }

    fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }
}

/// The faults of one family: the documentation, the name and what must be said, and the stage. Each is a test too.
macro_rules! faults {
    ($($(#[doc = $about:literal])+ $name:ident: $expected:expr, $stage:expr;)+) => {
        pub const FAULTS: &[crate::registry_faults::Fault] = &[$(crate::registry_faults::Fault {
            name: stringify!($name),
            about: concat!($($about),+),
            expected: $expected,
            stage: || $stage,
        }),+];
        $(#[test]
        fn $name() {
            let name = stringify!($name);
            let fault = FAULTS.iter().find(|fault| fault.name == name).expect(name);
            crate::registry_faults::run::observe(fault).hold(fault);
        })+
    };
}
use faults;

/// All families, in the order of the table.
const FAMILIES: &[(&str, &[Fault])] = &[
    ("Kinds of documents", kinds::FAULTS),
    ("Documents", documents::FAULTS),
    ("Digests", digests::FAULTS),
    ("Blobs", blobs::FAULTS),
    ("Compression", compression::FAULTS),
    ("HEAD", heads::FAULTS),
    ("Statuses", statuses::FAULTS),
    ("Authentication", authentication::FAULTS),
    ("Token services", tokens::FAULTS),
    ("Redirects", redirects::FAULTS),
    ("Connections", connections::FAULTS),
    ("HTTP/2", http2::FAULTS),
    ("Slow and endless answers", endless::FAULTS),
    ("TLS", tls::FAULTS),
    ("Proxies", proxies::FAULTS),
];
