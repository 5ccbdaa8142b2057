use thiserror::Error;

use super::Kind;

/// Why a folder was not rendered.
#[derive(Debug, Error)]
pub enum RenderError {
    /// No program that could is on the `PATH`.
    #[error("{}", not_installed(*.0))]
    NotInstalled(Kind),
    /// It asks for something that is elsewhere, and the run is offline.
    #[error(
        "not rendered: it needs {0} from the network, and the run is offline; what stands in its files was read as it is"
    )]
    NeedsNetwork(String),
    /// The program says no.
    #[error("`{program}` fails: {message}")]
    Failed {
        /// The program with its first argument.
        program: String,
        /// What it says, on one line.
        message: String,
    },
    /// The program did not end in time.
    #[error(
        "`{0}` did not end within 60 seconds and was stopped; render it yourself and pipe the result: `{0} … | oci-preflight lint -`"
    )]
    TimedOut(String),
    /// The program printed more than is read.
    #[error("`{0}` printed more than 256 MiB and was stopped")]
    TooLarge(String),
    /// The program printed no text.
    #[error("`{0}` printed what is not UTF-8")]
    NotUtf8(String),
}

fn not_installed(kind: Kind) -> &'static str {
    match kind {
        Kind::Chart => {
            "not rendered: install helm (https://helm.sh/docs/intro/install/), or run `helm template CHART | oci-preflight \
             lint -`; what stands in its files literally was read"
        }
        Kind::Kustomization => {
            "not rendered: install kustomize (https://kubectl.docs.kubernetes.io/installation/kustomize/) or kubectl, or run \
             `kubectl kustomize FOLDER | oci-preflight lint -`; what stands in its files was read as it is"
        }
    }
}
