use miette::Diagnostic;
use thiserror::Error;

/// Why a revision gives no files.
#[derive(Debug, Error, Diagnostic)]
pub enum RevisionError {
    /// There is no program `git`.
    #[error("cannot compare with the revision {0}: there is no `git` on this machine")]
    #[diagnostic(help("install git, or give a folder: `--base FOLDER`"))]
    NoGit(String),
    /// The paths are in no repository.
    #[error(
        "cannot compare with the revision {revision}: {path} is in no git repository that can be used ({said})"
    )]
    #[diagnostic(help(
        "run it inside of a clone, or give a folder with what is deployed: `--base FOLDER`"
    ))]
    NoRepository {
        /// The revision.
        revision: String,
        /// The path.
        path: String,
        /// What git says.
        said: String,
    },
    /// A path is elsewhere than the repository.
    #[error(
        "cannot compare with the revision {revision}: {path} is not in the repository {repository}"
    )]
    #[diagnostic(help(
        "check the paths of one repository in one run, or give a folder: `--base FOLDER`"
    ))]
    Outside {
        /// The revision.
        revision: String,
        /// The path.
        path: String,
        /// The top folder of the repository.
        repository: String,
    },
    /// Only standard input is looked at.
    #[error("cannot compare standard input with the revision {0}: it stands in no repository")]
    #[diagnostic(help("render what is deployed into a folder, and give that: `--base FOLDER`"))]
    StandardInput(String),
    /// The repository has no such revision.
    #[error("there is no folder and no git revision {revision}")]
    #[diagnostic(help("{help}"))]
    Unknown {
        /// The revision.
        revision: String,
        /// What to do.
        help: String,
    },
    /// git fails.
    #[error("cannot read the revision {revision}: {said}")]
    #[diagnostic(help(
        "if the clone is partial or damaged, `git fetch --refetch` gets what is missing"
    ))]
    Failed {
        /// The revision.
        revision: String,
        /// What git says.
        said: String,
    },
    /// The revision holds more than is read.
    #[error("the revision {0} holds more than 1 GiB of sources")]
    #[diagnostic(help("name fewer paths"))]
    TooLarge(String),
}
