use capstan_model::{Fault, Retry};

/// Why a bucket could not be read. No variant carries a credential.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The endpoint is no host.
    #[error("'{0}' is no endpoint: write it as <host>[:<port>]")]
    Endpoint(String),
    /// There is no such bucket.
    #[error("bucket '{0}' not found")]
    NoBucket(String),
    /// There is no such object.
    #[error("object '{0}' not found")]
    NoObject(String),
    /// The store refuses us.
    #[error("{what}: the store answers {status}{said}")]
    Refused {
        /// What was tried.
        what: String,
        /// Its status.
        status: u16,
        /// What it says, with `: ` before.
        said: String,
    },
    /// The store could not be reached, or answers something else.
    #[error("{what}: {why}")]
    Store {
        /// What was tried.
        what: String,
        /// What went wrong.
        why: String,
    },
    /// There is more in the bucket than an artifact may hold.
    #[error(
        "the bucket '{bucket}' holds {what}, and an artifact may hold {most}; use spec.prefix or spec.ignore"
    )]
    TooLarge {
        /// The bucket.
        bucket: String,
        /// Of what there is too much.
        what: &'static str,
        /// The bound.
        most: u64,
    },
}

impl Fault for BucketError {
    fn retry(&self) -> Retry {
        match self {
            Self::Endpoint(_) => Retry::Never,
            Self::Store { .. } => Retry::Transient,
            _ => Retry::AfterChange,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Endpoint(_) => "URLInvalid",
            _ => "BucketOperationFailed",
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Endpoint(_) => "Correct spec.endpoint",
            Self::NoBucket(_) => "Create it, or correct spec.bucketName and spec.endpoint",
            Self::Refused { .. } => {
                "Check the Secret of spec.secretRef, and what its user may read"
            }
            Self::Store { .. } => "Check spec.endpoint and the way to that store",
            Self::NoObject(_) | Self::TooLarge { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}
