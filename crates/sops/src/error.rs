use capstan_model::{Fault, ObjectId, Retry};

use crate::format::Format;

/// Why a file could not be decrypted. The texts are those of Flux and SOPS where users know them; none holds a value or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SopsError {
    /// The file or its metadata cannot be read.
    #[error("failed to load encrypted {} data: {why}", .format.name())]
    Load {
        /// How it was read.
        format: Format,
        /// What is wrong, with its place where there is one.
        why: String,
    },
    /// No key gave the data key.
    #[error("cannot get sops data key: {why}")]
    DataKey {
        /// What each key group and each of its keys failed with.
        why: String,
        /// Would trying again help? Yes where a service could not be reached.
        retry: Retry,
        /// What to do next.
        hints: Vec<String>,
    },
    /// A value does not decrypt.
    #[error("error decrypting sops tree: `{path}`: {why}")]
    Value {
        /// The keys that lead to it, divided by dots.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The decrypted data has no text in the format that is asked for.
    #[error(
        "failed to emit encrypted {} file as decrypted {}: {why}",
        .input.name(), .output.name()
    )]
    Emit {
        /// How it was read.
        input: Format,
        /// How it was to be written.
        output: Format,
        /// What is in the way.
        why: String,
    },
}

/// Why something could not be decrypted, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// A file of the source.
    #[error("error decrypting sources: `{file}`: {source}")]
    Source {
        /// Its path in the tree.
        file: String,
        /// The fault.
        source: SopsError,
    },
    /// A file that is not even tried.
    #[error("error decrypting sources: `{file}`: {why}")]
    File {
        /// Its path in the tree.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// An object that is encrypted as a whole.
    #[error("failed to decrypt and format '{}/{}' {} data: {source}", .object.namespace, .object.name, .object.kind)]
    Object {
        /// The object.
        object: Box<ObjectId>,
        /// The fault.
        source: SopsError,
    },
    /// An object that is none after it was decrypted.
    #[error("failed to unmarshal decrypted '{}/{}' {} to JSON: {why}", .object.namespace, .object.name, .object.kind)]
    NotAnObject {
        /// The object.
        object: Box<ObjectId>,
        /// What is missing.
        why: String,
    },
    /// A value of a Secret.
    #[error("failed to decrypt and format '{}/{}' Secret field '{field}': {source}", .object.namespace, .object.name)]
    Field {
        /// The Secret.
        object: Box<ObjectId>,
        /// The key in `data`.
        field: String,
        /// The fault.
        source: SopsError,
    },
}

/// Why the keys of a Secret could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to import '{entry}' data from sops {of} '{secret}': {why}")]
pub struct KeysError {
    /// The key of the Secret's data.
    pub entry: String,
    /// What kind of Secret it is.
    pub of: &'static str,
    /// Namespace and name of the Secret.
    pub secret: String,
    /// What is wrong with the value.
    pub why: String,
}

impl Fault for SopsError {
    fn retry(&self) -> Retry {
        match self {
            Self::DataKey { retry, .. } => *retry,
            _ => Retry::AfterChange,
        }
    }

    fn reason(&self) -> &'static str {
        "BuildFailed"
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::DataKey { hints, .. } => return hints.clone(),
            Self::Load { .. } => {
                "run `sops decrypt` on the file: if it fails too, encrypt the file anew"
            }
            Self::Value { .. } => {
                "change encrypted values with `sops edit` only; for a Secret, encrypt no more than its data: \
                 `sops encrypt --encrypted-regex '^(data|stringData)$'`"
            }
            Self::Emit { .. } => {
                "the ending of a file or of a Secret's key says its format: name it as it was encrypted"
            }
        };
        vec![hint.to_owned()]
    }
}

impl DecryptError {
    const fn cause(&self) -> Option<&SopsError> {
        match self {
            Self::Source { source, .. }
            | Self::Object { source, .. }
            | Self::Field { source, .. } => Some(source),
            Self::File { .. } | Self::NotAnObject { .. } => None,
        }
    }
}

impl Fault for DecryptError {
    fn retry(&self) -> Retry {
        self.cause().map_or(Retry::AfterChange, Fault::retry)
    }

    fn reason(&self) -> &'static str {
        "BuildFailed"
    }

    fn hints(&self) -> Vec<String> {
        self.cause().map(Fault::hints).unwrap_or_default()
    }
}

impl Fault for KeysError {
    fn retry(&self) -> Retry {
        Retry::AfterChange
    }

    fn reason(&self) -> &'static str {
        "BuildFailed"
    }

    fn hints(&self) -> Vec<String> {
        vec![format!("mend the entry `{}` of the Secret, or take it out", self.entry)]
    }
}
