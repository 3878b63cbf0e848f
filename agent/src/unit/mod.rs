//! Units: Kustomizations, from source to health.
//!
//! One run reads everything, builds and applies; waiting for health holds no worker: the unit is woken when one of the
//! objects that it waits for changes, and a new revision simply starts a new run.

mod build;
mod causes;
mod check;
mod dependents;
mod depends;
mod drift;
mod eks_target;
mod expressions;
mod finalize;
mod guard;
mod health;
mod keys;
mod kms;
mod memory;
mod notes;
mod pace;
mod proofs;
mod ready;
mod reconcile;
mod redact;
mod reuse;
mod run;
mod status;
mod target;
mod token_target;
mod variables;

pub(crate) use dependents::Dependents;
pub(crate) use depends::{dependencies, source_of};
pub(crate) use memory::Memories;
pub(crate) use reconcile::reconcile;
pub(crate) use reuse::is_touched;
pub(crate) use target::Clusters;

use capstan_report::Failure;

/// A failure that trying again may mend.
fn failure(reason: &str, message: impl Into<String>) -> Failure {
    Failure { reason: reason.to_owned(), message: message.into(), stalled: false }
}
