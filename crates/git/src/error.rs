use capstan_model::{Fault, Retry};

/// Why a revision could not be fetched. No variant carries a credential.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server wants credentials and there are none.
    #[error(
        "failed to checkout and determine revision: `{url}` wants authentication and no credentials are given"
    )]
    CredentialsMissing {
        /// The repository.
        url: String,
    },
    /// The server refused the credentials.
    #[error("failed to checkout and determine revision: `{url}` refused the credentials")]
    CredentialsRefused {
        /// The repository.
        url: String,
    },
    /// The server could not be reached, or does not hold the repository.
    #[error("failed to checkout and determine revision: cannot fetch from `{url}`: {cause}")]
    Remote {
        /// The repository.
        url: String,
        /// What went wrong on the way.
        cause: String,
    },
    /// The branch, tag or commit is not there.
    #[error("failed to checkout and determine revision: `{url}` has no {wanted}")]
    NoSuchReference {
        /// The repository.
        url: String,
        /// `branch 'main'`, `tag 'v1'`, `commit '…'`.
        wanted: String,
    },
    /// The URL cannot be used.
    #[error("`{url}` is not a URL that can be fetched from: {cause}")]
    Url {
        /// The repository.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The cache on disk failed.
    #[error("the repository cache at `{path}` failed: {cause}")]
    Cache {
        /// Its folder.
        path: String,
        /// What went wrong.
        cause: String,
    },
    /// It took longer than `spec.timeout`.
    #[error(
        "failed to checkout and determine revision: fetching `{url}` took longer than the timeout"
    )]
    Timeout {
        /// The repository.
        url: String,
    },
}

impl Fault for FetchError {
    fn retry(&self) -> Retry {
        match self {
            Self::Remote { .. } | Self::Cache { .. } | Self::Timeout { .. } => Retry::Transient,
            Self::Url { .. } => Retry::Never,
            _ => Retry::AfterChange,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::CredentialsMissing { .. } | Self::CredentialsRefused { .. } => {
                "AuthenticationFailed"
            }
            Self::Url { .. } => "URLInvalid",
            _ => "GitOperationFailed",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::CredentialsMissing { .. } => vec![
                "Name a Secret with the keys username and password in spec.secretRef.".to_owned(),
            ],
            Self::CredentialsRefused { .. } => {
                vec!["Check username and password in the Secret of spec.secretRef.".to_owned()]
            }
            Self::NoSuchReference { .. } => {
                vec!["Push it, or correct spec.ref.".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
