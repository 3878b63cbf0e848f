//! What happens to an object between the build and the API server: read, normalise, sanitise, mask, compare.
//!
//! The rules are those of `fluxcd/pkg/ssa` as Flux 2.9 uses it. Objects are plain JSON values here, because half of the rules
//! are about what is wrong or missing in them.

mod ca_bundle;
mod diff;
mod group_kinds;
mod ignored;
mod jobs;
mod managers;
mod mask;
mod metadata;
mod normalise;
mod quantity;
mod read;
mod typed;

pub use ca_bundle::remove_invalid_ca_bundle;
pub use diff::{Operation, OperationKind, diff_metadata, diff_objects, labels_and_annotations};
pub use group_kinds::{GroupKind, parse_group_kinds};
pub use ignored::leave_ignored;
pub use jobs::{is_job, jobs_with_ttl};
pub use managers::{ManagerRule, is_applied_by_another, managers_taken_over, taken_over};
pub use mask::{NotAMap, mask_secret_patch, sanitise_data};
pub use metadata::set_common_metadata;
pub use normalise::{normalise, normalise_all, normalise_dry_run};
pub use quantity::{NoQuantity, canonical as quantity};
pub use read::read_objects;
pub use typed::Mismatch;

use serde_json::Value;

/// A text at the top of an object; empty when there is none.
fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Is it a CustomResourceDefinition, however its kind is capitalised?
fn is_crd(object: &Value) -> bool {
    text(object, "kind").eq_ignore_ascii_case("CustomResourceDefinition")
        && text(object, "apiVersion").starts_with("apiextensions.k8s.io/")
}
