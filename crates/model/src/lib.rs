//! The vocabulary: manifests, ids, selectors, conditions, reasons, revisions, secrets.
//!
//! Plain data and the rules that belong to it. No I/O, no clock: `now` is always an argument.

mod condition;
mod duration;
mod fault;
mod glob;
mod id;
mod label_selector;
mod manifest;
mod object_selector;
mod revision;
mod secret;
mod semver;

pub use condition::{Condition, ConditionStatus, Conditions};
pub use duration::{DurationError, FluxDuration};
pub use fault::{Advice, Chain, Fault, Hints, Retry};
pub use glob::glob;
pub use id::{GroupVersionKind, NamespacedName, ObjectId, ObjectIdError};
pub use label_selector::{LabelSelector, LabelSelectorError};
pub use manifest::{Manifest, ManifestError};
pub use object_selector::{ObjectSelector, Selector, SelectorError};
pub use revision::{Revision, RevisionError};
pub use secret::Secret;
pub use semver::{Version, VersionRange, VersionRangeError};
