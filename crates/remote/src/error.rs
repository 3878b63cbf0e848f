use std::fmt;

use capstan_build::{BuildError, Need, Place};
use capstan_git::FetchError;
use capstan_model::{Fault, Retry};

/// Why a build with remote bases failed.
#[derive(Debug)]
pub enum RemoteError {
    /// The build itself.
    Build(BuildError),
    /// Something could not be fetched.
    Fetch(Vec<Failed>),
    /// There is no end to what the build needs.
    TooMany {
        /// How often it may ask.
        rounds: usize,
        /// What it may ask for in all.
        most: usize,
    },
}

/// Something that could not be fetched. It holds no credentials.
#[derive(Debug)]
pub struct Failed {
    /// The line that names it.
    pub place: Place,
    /// What it is.
    pub remote: String,
    /// Why.
    pub why: String,
    /// What to do about it.
    pub hint: &'static str,
    /// Whether trying again may help.
    pub retry: Retry,
}

impl Failed {
    pub(crate) fn new(need: &Need, cause: Cause) -> Self {
        let Cause { why, hint, retry } = cause;
        Self { place: need.place.clone(), remote: need.remote.to_string(), why, hint, retry }
    }
}

/// Why something could not be fetched.
#[derive(Debug)]
pub(crate) struct Cause {
    why: String,
    hint: &'static str,
    retry: Retry,
}

impl Cause {
    /// What stays so until somebody changes something.
    pub(crate) fn new(why: impl Into<String>, hint: &'static str) -> Self {
        Self { why: why.into(), hint, retry: Retry::AfterChange }
    }

    /// What may be better next time.
    pub(crate) fn transient(why: impl Into<String>, hint: &'static str) -> Self {
        Self { why: why.into(), hint, retry: Retry::Transient }
    }

    pub(crate) fn ended() -> Self {
        Self::transient("the fetch ended unexpectedly", "report this")
    }
}

impl From<FetchError> for Cause {
    fn from(error: FetchError) -> Self {
        let hint = match error {
            FetchError::CredentialsMissing { .. } | FetchError::CredentialsRefused { .. } => {
                "a remote base must be readable without credentials, or with those in its URL; or \
                 make it a GitRepository of its own"
            }
            FetchError::NoSuchRepository { .. } => "check the URL",
            FetchError::NoSuchReference { .. } | FetchError::Reference { .. } => {
                "correct `?ref=` in the URL"
            }
            FetchError::TooLarge { .. } => "copy the base into the repository",
            FetchError::Refused { .. } => "a remote base lies on another machine",
            FetchError::Timeout { .. } => {
                "check the way to that server, or give it more time with `?timeout=`"
            }
            _ => "check the way to that server",
        };
        let text = error.to_string();
        // That is how Flux begins what it says of a GitRepository.
        let why = text.strip_prefix("failed to checkout and determine revision: ");
        Self { why: why.unwrap_or(&text).to_owned(), hint, retry: error.retry() }
    }
}

impl From<BuildError> for RemoteError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, remote, why, .. } = self;
        // A file that something else than `resources` names has no place of its own.
        if !place.file.is_empty() {
            write!(f, "{place}: ")?;
        }
        write!(f, "failed to fetch `{remote}`: {why}")
    }
}

/// One line a fault.
impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Fetch(failed) => {
                let lines: Vec<String> = failed.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::TooMany { rounds, most } => write!(
                f,
                "too many remote bases: at most {rounds} may name each other in a row, and {most} be in one build"
            ),
        }
    }
}

impl std::error::Error for RemoteError {}

impl Fault for RemoteError {
    fn retry(&self) -> Retry {
        match self {
            Self::Build(error) => error.retry(),
            Self::Fetch(failed) if failed.iter().any(|one| one.retry == Retry::Transient) => {
                Retry::Transient
            }
            Self::Fetch(_) | Self::TooMany { .. } => Retry::AfterChange,
        }
    }

    fn reason(&self) -> &'static str {
        "BuildFailed"
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Build(error) => error.hints(),
            Self::Fetch(failed) => {
                let mut hints: Vec<String> = failed.iter().map(|it| it.hint.to_owned()).collect();
                hints.dedup();
                hints
            }
            Self::TooMany { .. } => vec!["copy some of them into the repository".to_owned()],
        }
    }
}
