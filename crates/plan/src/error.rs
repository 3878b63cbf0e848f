use std::fmt;

use capstan_model::{Fault, ObjectId, Retry};

/// One reason why a set of objects cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A namespaced kind without a namespace; `default` is never invented.
    #[error(
        "{0} namespace not specified: set metadata.namespace, or spec.targetNamespace of the unit"
    )]
    NoNamespace(ObjectId),
    /// Only `generateName`: such an object would be created anew on each run.
    #[error("{kind} has no metadata.name (generateName is `{prefix}`): give it a name")]
    NoName {
        /// Kind of the object.
        kind: String,
        /// Its `metadata.generateName`.
        prefix: String,
    },
    /// Two different objects under one id.
    #[error("{0} is defined twice with different content: remove or rename one of the two")]
    Duplicate(ObjectId),
    /// A Secret that is still encrypted.
    #[error(
        "{0} is SOPS encrypted, configuring decryption is required for this secret to be reconciled"
    )]
    Encrypted(ObjectId),
    /// A Secret whose `stringData` cannot be turned into `data`.
    #[error("{id} stringData.{key} is not a string: quote its value")]
    StringData {
        /// The Secret.
        id: ObjectId,
        /// Key in `stringData`.
        key: String,
    },
    /// Objects that wait for each other.
    #[error("dependency cycle: {}", Path(.0))]
    Cycle(Vec<ObjectId>),
}

/// Every reason at once, so that one push can mend them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanErrors(pub Vec<PlanError>);

impl fmt::Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanErrors {}

impl Fault for PlanErrors {
    fn retry(&self) -> Retry {
        Retry::AfterChange
    }

    fn reason(&self) -> &'static str {
        "ReconciliationFailed"
    }
}

/// A path through a graph, `a -> b -> a`.
pub(crate) struct Path<'a, T>(pub(crate) &'a [T]);

impl<T: fmt::Display> fmt::Display for Path<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, node) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" -> ")?;
            }
            write!(f, "{node}")?;
        }
        Ok(())
    }
}
