use capstan_model::{Fault, FluxDuration, Retry, VersionRangeError};

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
    /// The server refused our key.
    #[error("failed to checkout and determine revision: `{url}` refused the key of the Secret")]
    KeyRefused {
        /// The repository.
        url: String,
    },
    /// The server is not whom we know.
    #[error("failed to checkout and determine revision: knownhosts: `{host}`: {cause}")]
    HostKey {
        /// Host and port, as `known_hosts` has them.
        host: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The server does not hold the repository, or hides it.
    #[error("failed to checkout and determine revision: repository `{url}` not found")]
    NoSuchRepository {
        /// The repository.
        url: String,
    },
    /// The server could not be reached, or answered something else than Git.
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
    /// The branch, tag or commit can be nowhere: Git allows no such name.
    #[error("failed to checkout and determine revision: {wanted} cannot exist: {cause}")]
    Reference {
        /// `branch 'two words'`.
        wanted: String,
        /// What is wrong with it.
        cause: String,
    },
    /// No tag is in the range of versions.
    #[error("failed to checkout and determine revision: no match found for semver: {range}")]
    NoMatch {
        /// The range.
        range: String,
    },
    /// The range of versions is none.
    #[error("failed to checkout and determine revision: semver parse error: {0}")]
    Range(#[from] VersionRangeError),
    /// There is no commit at all.
    #[error("git repository is empty: `{url}`")]
    Empty {
        /// The repository.
        url: String,
    },
    /// A submodule could not be fetched.
    #[error("submodule '{path}': {cause}")]
    Submodule {
        /// Where it is in the commit.
        path: String,
        /// Why.
        cause: Box<FetchError>,
    },
    /// The list of submodules is no such list.
    #[error("failed to checkout and determine revision: '.gitmodules' cannot be used: {cause}")]
    Modules {
        /// What is wrong with it.
        cause: String,
    },
    /// Certificates or keys cannot be used.
    #[error("failed to configure authentication options: {0}")]
    Options(String),
    /// The proxy cannot be used.
    #[error("failed to configure proxy options: {0}")]
    Proxy(String),
    /// The server sends more than it may.
    #[error("failed to checkout and determine revision: `{url}` sends more than {most} bytes")]
    TooLarge {
        /// The repository.
        url: String,
        /// The bound.
        most: usize,
    },
    /// The host is one that must not be asked.
    #[error("`{url}` is an address of this machine or of its link, which is not fetched from")]
    Refused {
        /// The repository.
        url: String,
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
        "failed to checkout and determine revision: fetching `{url}` took longer than {timeout}"
    )]
    Timeout {
        /// The repository.
        url: String,
        /// How long it may take.
        timeout: FluxDuration,
    },
}

impl Fault for FetchError {
    fn retry(&self) -> Retry {
        match self {
            Self::Remote { .. } | Self::Cache { .. } | Self::Timeout { .. } => Retry::Transient,
            Self::Url { .. } | Self::Refused { .. } | Self::Reference { .. } | Self::Range(_) => {
                Retry::Never
            }
            Self::Submodule { cause, .. } if cause.retry() == Retry::Transient => Retry::Transient,
            _ => Retry::AfterChange,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::CredentialsMissing { .. }
            | Self::CredentialsRefused { .. }
            | Self::KeyRefused { .. }
            | Self::Options(_)
            | Self::Proxy(_) => "AuthenticationFailed",
            Self::Empty { .. } => "EmptyGitRepository",
            Self::Submodule { cause, .. } => cause.reason(),
            Self::Url { .. } | Self::Refused { .. } => "URLInvalid",
            _ => "GitOperationFailed",
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::CredentialsMissing { .. } => {
                "Name a Secret with the keys username and password, or bearerToken, in spec.secretRef"
            }
            Self::CredentialsRefused { .. } => "Check the Secret of spec.secretRef",
            Self::KeyRefused { .. } => {
                "Let the public part of the key 'identity' in, or correct it in the Secret of spec.secretRef"
            }
            Self::HostKey { .. } => {
                "Correct the key 'known_hosts' in the Secret of spec.secretRef: `ssh-keyscan` prints what a host shows, which \
                 is to be compared with what its owner publishes"
            }
            Self::NoSuchRepository { .. } => {
                "Create it, or correct spec.url; some servers also hide what the credentials of \
                 spec.secretRef may not see"
            }
            Self::Remote { .. } => "Check spec.url and the way to that server",
            Self::NoSuchReference { .. } => "Push it, or correct spec.ref",
            Self::Reference { .. } | Self::Range(_) => "Correct spec.ref",
            Self::NoMatch { .. } => "Push a tag such as v1.2.3, or correct spec.ref.semver",
            Self::Empty { .. } => "Push a commit",
            Self::Submodule { cause, .. } => return cause.hints(),
            Self::Modules { .. } => "Correct the file, or leave spec.recurseSubmodules out",
            Self::Options(_) => "Correct the Secret of spec.secretRef",
            Self::Proxy(_) => "Correct the Secret of spec.proxySecretRef",
            Self::Url { .. } | Self::Refused { .. } => "Correct spec.url",
            Self::TooLarge { .. } => "Move what is large out of the repository",
            Self::Timeout { .. } => "Check the way to that server, or raise spec.timeout",
            Self::Cache { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}
