use capstan_http::HttpError;
use capstan_model::{Fault, Retry};

/// Why an artifact could not be got. No variant carries a credential.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The URL names no repository.
    #[error("URL validation failed for '{url}': {why}")]
    Url {
        /// As it was written.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The Secrets cannot be used.
    #[error("failed to get credential: {0}")]
    Credentials(String),
    /// The registry refuses us.
    #[error("{what}: the registry answers {status}{said}")]
    Refused {
        /// What was tried, with the reference.
        what: String,
        /// 401 or 403.
        status: u16,
        /// What the registry says of it, with `: ` before.
        said: String,
    },
    /// The tag or digest is not there.
    #[error("{what}: the registry answers 404{said}")]
    NotFound {
        /// What was tried, with the reference.
        what: String,
        /// What the registry says of it, with `: ` before.
        said: String,
    },
    /// No tag is in the range.
    #[error("failed to determine the artifact tag for '{url}': {why}")]
    NoTag {
        /// The repository.
        url: String,
        /// Why not.
        why: String,
    },
    /// The registry could not be reached, or answers something else.
    #[error("{what}: {why}")]
    Registry {
        /// What was tried, with the reference.
        what: String,
        /// What went wrong.
        why: String,
    },
    /// The manifest or a layer is not what it should be.
    #[error("{0}")]
    Layer(String),
    /// There is no good signature.
    #[error("failed to verify the signature using provider '{provider}': {why}")]
    Signature {
        /// `cosign`, `cosign keyless`, `notation`.
        provider: String,
        /// Why not.
        why: String,
    },
}

impl OciError {
    pub(crate) fn http(what: &str, error: &HttpError) -> Self {
        Self::Registry { what: what.to_owned(), why: error.to_string() }
    }
}

impl Fault for OciError {
    fn retry(&self) -> Retry {
        match self {
            Self::Url { .. } => Retry::Never,
            Self::Registry { .. } => Retry::Transient,
            _ => Retry::AfterChange,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Url { .. } => "URLInvalid",
            Self::Credentials(_) => "AuthenticationFailed",
            Self::NoTag { .. } => "ReadOperationFailed",
            Self::Refused { .. } | Self::NotFound { .. } | Self::Registry { .. } => {
                "OCIArtifactPullFailed"
            }
            Self::Layer(_) => "OCIArtifactLayerOperationFailed",
            Self::Signature { .. } => "VerificationError",
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Url { .. } => "Correct spec.url",
            Self::Credentials(_) | Self::Refused { .. } => {
                "Check the Secret of spec.secretRef, and what its user may pull"
            }
            Self::NotFound { .. } => "Push it, or correct spec.url and spec.ref",
            Self::NoTag { .. } => "Push a tag, or correct spec.ref",
            Self::Registry { .. } => "Check spec.url and the way to that registry",
            Self::Layer(_) => "Push the artifact again, or correct spec.layerSelector",
            Self::Signature { .. } => "Sign the artifact, or correct spec.verify",
        };
        vec![hint.to_owned()]
    }
}
