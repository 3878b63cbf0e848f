//! The vocabulary: manifests, ids, conditions, reasons, revisions, secrets.
//!
//! Plain data and the rules that belong to it. No I/O, no clock: `now` is always an argument.

mod condition;
mod duration;
mod fault;
mod id;
mod manifest;
mod revision;
mod secret;

pub use condition::{Condition, ConditionStatus, Conditions};
pub use duration::{DurationError, FluxDuration};
pub use fault::{Advice, Chain, Fault, Hints, Retry};
pub use id::{GroupVersionKind, NamespacedName, ObjectId, ObjectIdError};
pub use manifest::{Manifest, ManifestError};
pub use revision::{Revision, RevisionError};
pub use secret::Secret;
